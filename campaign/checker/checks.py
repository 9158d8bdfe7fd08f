"""The checks of a run, each a function that returns what is wrong; `everything` runs them at one moment."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import archive, closes, folding, kept_sums, telling, topics
from campaign.checker.archive import SCHEMAS, Place
from campaign.checker.content import content_digest, shard_of
from campaign.checker.derived import derived
from campaign.checker.found import Found
from campaign.checker.incidents import incidents
from campaign.checker.journal import Journal, Key
from campaign.checker.manual import manual
from campaign.checker.rises import clocks, rises
from campaign.checker.surveys import surveys
from campaign.checker.suspense import suspended
from campaign.checker.totals import totals
from campaign.checker.years import years

ACCEPTED = "ingest.accepted"
SHOWN = 20
Check: TypeAlias = Callable[[], Awaitable[list[str]]]
PERIODS = (
    *(f"2025-{month:02d}" for month in range(1, 13)),
    *(f"2025-Q{quarter}" for quarter in range(1, 5)),
    "2025-H1",
    "2025-H2",
    "2025",
)
YEAR = range(2025 * 12, 2026 * 12)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a fault itself does to Kafka, so that it is no finding.

    As many as `missing` were left out, up to `lost` went with a topic that was deleted, of `stubs` only the
    number went out; into `foreign` shards something else was written, in `disordered` ones order was altered.
    """

    missing: int = 0
    lost: Mapping[Place, int] = field(default_factory=dict)
    stubs: frozenset[tuple[str, int, int]] = frozenset()
    foreign: frozenset[Place] = frozenset()
    disordered: frozenset[Place] = frozenset()


NOTHING = Allowed()


@dataclass(slots=True)
class Kept:
    """Ingest's archive read once: where each event lies, and what it says."""

    places: dict[Key, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    digests: dict[Key, str] = field(default_factory=dict)
    events: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)


async def everything(
    database: asyncpg.Connection,
    kafka: str,
    journal: Journal,
    allowed: Allowed = NOTHING,
    *,
    scored: bool = True,
    only: Collection[str] | None = None,
    compared: Counter[str] | None = None,
) -> dict[str, list[str]]:
    """Run every check, or `only` some, at one moment; what is returned is empty where all is well.

    `scored` says that only the campaign's own events were fed, so that cells and standings can be foreseen.
    Into `compared` it is counted how much of each kind was.
    """
    async with database.transaction(isolation="repeatable_read"):
        kept = await keep(database)
        every = {
            **{f"C2 {schema}": lambda schema=schema: unbroken(database, schema) for schema in SCHEMAS},
            "C1": lambda: all_kept(database, kept, journal),
            "C3": lambda: _at_once(in_time_order(journal)),
            "C4": lambda: published(database, kafka, allowed),
            "C5 ledger": lambda: ledger(database),
            "C5 handed on": lambda: handed_on(database),
            "C5 derived": lambda: derived(database),
            "C5 incidents": lambda: incidents(database),
            "C5 rises": lambda: rises(database),
            "C5 clocks": lambda: clocks(database),
            "C5 manual": lambda: manual(database),
            "C5 suspense": lambda: suspended(database),
            "C5 surveys": lambda: surveys(database),
            "C2 items": lambda: telling.items_told(database),
            "C6 totals": lambda: totals(database),
            "C6 years": lambda: years(database),
            "C6 of T": lambda: closes.as_told(database),
            "C8": lambda: closes.unchanged(database),
            "C9": lambda: telling.noticed(database),
            **(await _of_scores(database, kept) if scored else {}),
            "C11": lambda: _at_once(at_most_once(kept)),
            "positions": lambda: archive.behind(database),
        }
        found = {name: await check() for name, check in every.items() if only is None or name in only}
    if compared is not None:
        for wrong in found.values():
            compared.update(wrong.compared if isinstance(wrong, Found) else {})
    return {name: wrong[:SHOWN] for name, wrong in found.items() if wrong}


async def _of_scores(database: asyncpg.Connection, kept: Kept) -> dict[str, Check]:
    """Return the checks of what the campaign's own events must come to."""
    folded = folding.fold(await _reached(database, kept))
    return {
        "C5 sums": lambda: sums(database, folded),
        "C5 cells": lambda: cells(database, folded),
        "C6": lambda: standings(database, folded),
        "C6 at the cut": lambda: closes.at_the_cut(database, (event for _, _, event in kept.events)),
    }


async def keep(database: asyncpg.Connection) -> Kept:
    """Read what ingest accepted from outside."""
    kept = Kept()
    async for shard, number, event in archive.events(database):
        key = event["source"], event["id"]
        kept.places[key].append((shard, number))
        kept.digests[key] = content_digest(event)
        kept.events.append((shard, number, event))
    return kept


async def unbroken(database: asyncpg.Connection, schema: str) -> list[str]:
    """C2: numbers are 1..n in each shard, each record names its own, and the digests run on to the head."""
    wrong: list[str] = []
    ends: dict[Place, tuple[int, bytes]] = {}
    async for place, number, body, digest in archive.records(database, schema):
        last, running = ends.get(place, (0, bytes(32)))
        if number != last + 1:
            wrong.append(f"{place}: {number} follows {last}")
        if digest != hashlib.sha256(running + hashlib.sha256(body).digest()).digest():
            wrong.append(f"{place}: the digest of {number} does not continue")
        told = json.loads(body)
        if (told["partitionkey"], told["sequence"]) != (str(place[1]), str(number)):
            wrong.append(f"{place}: {number} calls itself {told['partitionkey']}/{told['sequence']}")
        ends[place] = number, digest
    heads = await archive.heads(database, schema)
    return wrong + [
        f"{place}: the head is not the end of the archive"
        for place in heads.keys() | ends.keys()
        if heads.get(place) != ends.get(place)
    ]


def kept_once(kept: Kept, journal: Journal) -> list[str]:
    """C1: every acknowledged event lies once, where its receipt says, with the content that was acknowledged.

    One that was promised or that nobody answered for is one of those that were sent under its key.
    """
    wrong = list(journal.contradictions)
    wrong += [f"{key} was never sent" for key in kept.places.keys() - journal.digests.keys()]
    wrong += [
        f"{key} is not at {at.shard}/{at.number}"
        for key, at in journal.acknowledged.items()
        if kept.places.get(key) != [(at.shard, at.number)]
    ]
    wrong += [
        f"{key} is not what was acknowledged"
        for key, at in journal.acknowledged.items()
        if kept.digests.get(key, at.digest) != at.digest
    ]
    wrong += [f"{key} was promised and is not there" for key in journal.promised - kept.places.keys()]
    wrong += [
        f"{key} is not what was sent"
        for key, digest in kept.digests.items()
        if key not in journal.acknowledged and digest not in journal.digests.get(key, {digest})
    ]
    return wrong + [
        f"{event['source']}/{event['id']} lies in shard {shard}"
        for shard, _, event in kept.events
        if shard != shard_of(event)
    ]


async def all_kept(database: asyncpg.Connection, kept: Kept, journal: Journal) -> list[str]:
    """C1: by the client's log, and by the keys."""
    return kept_once(kept, journal) + await keys_lead_home(database, kept)


def at_most_once(kept: Kept) -> list[str]:
    """C11: no event lies twice, acknowledged or not."""
    return [f"{key} lies at {places}" for key, places in kept.places.items() if len(places) > 1]


async def keys_lead_home(database: asyncpg.Connection, kept: Kept) -> list[str]:
    """C1: every key leads to a number that is there, and every event has its key."""
    stray = await database.fetchval(
        "SELECT count(*) FROM ingest.keys k WHERE NOT EXISTS "
        "(SELECT 1 FROM ingest.outbox o WHERE o.stream = $1 AND o.shard = k.shard "
        "AND k.number BETWEEN o.first AND o.last)",
        ACCEPTED,
    )
    keys = {
        (row["shard"], row["number"]) for row in await database.fetch("SELECT shard, number FROM ingest.keys")
    }
    bare = [(shard, number) for shard, number, _ in kept.events if (shard, number) not in keys]
    return [*([f"{stray} keys lead nowhere"] if stray else []), *(f"{place} has no key" for place in bare)]


def in_time_order(journal: Journal) -> list[str]:
    """C3: what was sent after another was answered has the higher number, if it was new then."""
    wrong: list[str] = []
    by_shard: dict[int, list[Any]] = defaultdict(list)
    for key, at in journal.acknowledged.items():
        by_shard[at.shard].append((key, at))
    for shard, found in by_shard.items():
        answered = sorted(found, key=lambda one: one[1].answered_at)
        highest, place = 0, 0
        for key, at in sorted(found, key=lambda one: one[1].sent_at):
            while answered[place][1].answered_at < at.sent_at:
                highest = max(highest, answered[place][1].number)
                place += 1
            if at.number < highest and key not in journal.promised and key not in journal.again:
                wrong.append(
                    f"{key} in shard {shard} has {at.number}, {highest} was answered before it was sent"
                )
    return wrong


async def published(database: asyncpg.Connection, kafka: str, allowed: Allowed) -> list[str]:
    """C4: a topic's first occurrences ascend within each shard and are the archive, byte for byte.

    What was archived after this began may be in Kafka or not yet.
    """
    wrong: list[str] = []
    missing: list[str] = []
    for schema in SCHEMAS:
        heads = await archive.heads(database, schema)
        sent = await archive.reached(database, schema, "relay")
        held = await topics.held(kafka, sorted({stream for stream, _ in heads}))
        async for place, number, body, digest in archive.records(database, schema):
            found = held[place].records.pop(number, None) if place in held else None
            if found is not None:
                wrong += _another(place, number, found, (body, digest), allowed)
            elif allowed.lost.get(place, 0) < number <= sent.get(place, 0):
                missing.append(f"{place}: {number} is missing from Kafka")
        for place, of_shard in held.items():
            wrong += _beyond(place, of_shard, heads.get(place, (0, b""))[0], allowed)
    return wrong + missing[allowed.missing :]


def _another(
    place: Place, number: int, found: topics.Content, kept: topics.Content, allowed: Allowed
) -> list[str]:
    stub = (*place, number) in allowed.stubs and not found[0]
    if found == kept or stub or place in allowed.foreign:
        return []
    return [f"{place}: {number} is another in Kafka"]


def _beyond(place: Place, held: topics.Held, head: int, allowed: Allowed) -> list[str]:
    """Tell of what only Kafka has, and of first occurrences that do not ascend."""
    only = [number for number in held.records if number <= head]
    wrong = [f"{place}: only Kafka has {only[:5]}"] if only else []
    if place not in allowed.disordered | allowed.foreign:
        wrong += [f"{place}: {one}" for one in held.disordered[:5]]
    return wrong


async def ledger(database: asyncpg.Connection) -> Found:
    """C5: entries telescope, change something, name what caused them, and end at their cells."""
    ends: dict[tuple[object, ...], Decimal | None] = {}
    wrong: list[str] = []
    causes = {
        row["digest"]: json.loads(row["ranges"])
        for row in await database.fetch("SELECT digest, ranges::text FROM scoring.causes")
    }
    entries = await database.fetch("SELECT * FROM scoring.entries ORDER BY id")
    for row in entries:
        key = row["scheme"], row["version"], row["grp"], row["month"], row["unit"], row["indicator"]
        if row["old"] != ends.get(key):
            wrong.append(f"{key}: an entry begins at {row['old']}, the one before ended at {ends.get(key)}")
        if not causes.get(row["cause"]):
            wrong.append(f"{key}: entry {row['id']} names nothing that caused it")
        if row["old"] == row["new"]:
            wrong.append(f"{key}: entry {row['id']} changes nothing")
        ends[key] = row["new"]
    cells: dict[tuple[object, ...], Decimal] = {
        (row["scheme"], row["version"], row["grp"], row["month"], row["unit"], row["indicator"]): row["value"]
        for row in await database.fetch("SELECT * FROM scoring.cells")
    }
    standing = {key: value for key, value in ends.items() if value is not None}
    wrong += [
        f"{key}: entries end at {standing.get(key)}, the cell is {cells.get(key)}"
        for key in standing.keys() | cells.keys()
        if standing.get(key) != cells.get(key)
    ]
    return Found(wrong, entries=len(entries))


async def handed_on(database: asyncpg.Connection) -> Found:
    """C5: stage B holds exactly the partials of stage A, and ranking the cells of stage B; of trials too."""
    inputs = {
        (*row[:5], *json.loads(row[5]))
        for row in await database.fetch(
            "SELECT source_shard, scheme, over, unit, month, numbers FROM scoring.inputs"
        )
    }
    partials = {
        (*row[:5], *json.loads(row[5]))
        for row in await database.fetch(
            "SELECT shard, scheme, over, unit, month, numbers FROM scoring.partials"
        )
    }
    figures = await database.fetch(
        "SELECT scheme, grp, unit, indicator, period, f.value, c.value AS cell FROM "
        "(SELECT scheme, grp, version, period, unit, key AS indicator, value::numeric / 1e12 AS value "
        "FROM ranking.figures, json_each_text(worth::json) WHERE period ~ '^[0-9]{4}-[0-9]{2}$') f "
        "FULL JOIN (SELECT *, lpad((month / 12)::text, 4, '0') || '-' "
        "|| lpad((month % 12 + 1)::text, 2, '0') AS period "
        "FROM (SELECT * FROM scoring.cells UNION ALL SELECT * FROM scoring.trial_cells) every) c "
        "USING (scheme, version, grp, unit, indicator, period) WHERE f.value IS DISTINCT FROM c.value"
    )
    wrong = [
        *(f"stage B has not: {row}" for row in partials - inputs),
        *(f"stage A has not: {row}" for row in inputs - partials),
        *(f"ranking differs: {tuple(row)}" for row in figures),
    ]
    return Found(wrong, partials=len(partials))


async def sums(database: asyncpg.Connection, folded: folding.Folded) -> Found:
    """C5: the sums of stage A are those of the archive, to the millionth."""
    found: dict[tuple[str, str, int], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for (_, measure, unit, month), (numerator, denominator, _) in (
        await kept_sums.partials_of(database)
    ).items():
        before = found[kept_sums.name_of(measure), unit, month]
        found[kept_sums.name_of(measure), unit, month] = before[0] + numerator, before[1] + denominator
    wanted = {key: (numerator, denominator) for key, (numerator, denominator, _) in folded.sums.items()}
    keys = sorted(key for key in found.keys() | wanted.keys() if key[2] in YEAR)
    wrong = [
        f"{key}: the archive gives {wanted.get(key)}, stage A has {found.get(key)}"
        for key in keys
        if found.get(key, (0, 0)) != wanted.get(key, (0, 0))
    ]
    return Found(wrong, measures=len(keys))


async def cells(database: asyncpg.Connection, folded: folding.Folded) -> Found:
    """C5: every cell is what its sums are worth, at 12 places; none is missing."""
    found = {
        (row["unit"], row["indicator"], row["month"]): row["value"]
        for row in await database.fetch("SELECT unit, indicator, month, value FROM scoring.cells")
    }
    counted = {(unit, measure, month) for measure, unit, month in folded.sums}
    keys = sorted(found.keys() | {key for key in counted if key[2] in YEAR})
    wrong = [
        f"{key}: the archive gives {wanted}, the cell is {found.get(key)}"
        for key in keys
        if (wanted := folded.worth(key[1], key[0], [key[2]])) != found.get(key)
    ]
    return Found(wrong, cells=len(keys))


async def standings(database: asyncpg.Connection, folded: folding.Folded) -> Found:
    """C6: what was last told of every unit is what the archive gives: total, rank and tier, rounded once."""
    rows = await database.fetch("SELECT * FROM ranking.places")
    told = {(row["period"], row["unit"]): (row["points"], row["rank"], row["tier"]) for row in rows}
    units = sorted({unit for _, unit, _ in folded.sums})
    wrong: list[str] = []
    compared = 0
    for period in PERIODS:
        for unit, line in folded.standing(units, folding.months_of(period)).items():
            compared += 1
            wanted = line.points, line.rank, line.tier
            if told.get((period, unit), (None, None, None)) != wanted:
                wrong.append(
                    f"{period} {unit}: the archive gives {wanted}, told was {told.get((period, unit))}"
                )
    return Found(wrong, places=compared)


async def _at_once(wrong: list[str]) -> list[str]:
    return wrong


async def _reached(database: asyncpg.Connection, kept: Kept) -> list[dict[str, Any]]:
    """Return the events up to the positions that stage A has recorded."""
    reached = await archive.reached(database, "scoring", "scoring-a")
    return [event for shard, number, event in kept.events if number <= reached.get((ACCEPTED, shard), 0)]

"""Tables of incidents: the reports of each object, what persons ruled, what was decided and told of it."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from services.scoring.contract import (
    INCIDENTS_SHARD,
    RISES_JUDGED,
    RULINGS,
    SOURCE,
    IncidentRuled,
    RegionTested,
    RisesJudged,
)
from services.scoring.domain.incidents.facts import ROSE
from services.scoring.store import columns
from services.scoring.traces import PlainText
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

REPORTS_PER_PAGE = 5_000
RULINGS_PER_PAGE = 1_000
MOST_REGIONS = 10_000

_ADD_REPORTS = """
    INSERT INTO dossier_reports
    SELECT * FROM unnest($1::text[], $2::smallint[], $3::bigint[], $4::bytea[]) ON CONFLICT DO NOTHING"""
_REPORTS = """
    SELECT * FROM dossier_reports WHERE object = ANY($1::text[]) AND (object, shard, number) > ($2, $3, $4)
    ORDER BY object, shard, number LIMIT $5"""
_OBJECTS = """
    SELECT DISTINCT object FROM dossier_reports WHERE object > $1 ORDER BY object LIMIT $2"""
_RULINGS = "SELECT number, body FROM dossier_rulings WHERE objects && $1::text[] ORDER BY number"
_SAVE_DECISIONS = """
    INSERT INTO decisions SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[])
    ON CONFLICT (key) DO UPDATE SET version = excluded.version, told = excluded.told"""
_SAVE_INCIDENTS = """
    INSERT INTO incidents
    SELECT id, object, content, year, stage, waiting, ARRAY(SELECT jsonb_array_elements_text(units::jsonb)),
        ARRAY(SELECT jsonb_array_elements_text(paths::jsonb)), told
    FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::bool[], $7::text[], $8::text[],
        $9::text[]) n(id, object, content, year, stage, waiting, units, paths, told)
    ON CONFLICT (id) DO UPDATE SET stage = excluded.stage, waiting = excluded.waiting, units = excluded.units,
        paths = excluded.paths, told = excluded.told"""
_SAVE_UNREAD = """
    INSERT INTO unread_reports SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])"""
_LIST = """
    SELECT * FROM incidents WHERE id > $1
        AND (stage = $3 OR $3::text IS NULL) AND (object = $4 OR $4::text IS NULL)
        AND (content = $5 OR $5::text IS NULL) AND (year = $6 OR $6::int IS NULL)
        AND ($7::text IS NULL OR $7 = ANY(units)) AND (waiting = $8 OR $8::bool IS NULL)
        AND ($9 = '/' OR EXISTS (SELECT FROM unnest(paths) p WHERE starts_with(p || '/', $9 || '/')))
    ORDER BY id LIMIT $2"""
_UNREAD = """
    SELECT object, source, id, why FROM unread_reports WHERE (object, source, id, why) > ($1, $2, $3, $4)
    ORDER BY object, source, id, why LIMIT $5"""
_ENCODER = msgspec.json.Encoder()
_JUDGED = RISES_JUDGED.encode()

Begin = tuple[PlainText]
Lines = Mapping[str, Mapping[str, Any]]
Unread = tuple[PlainText, PlainText, PlainText, PlainText]


@dataclass(frozen=True, slots=True)
class Ruled:
    """A ruling and its number; `received` is its time."""

    number: int
    received: str
    act: IncidentRuled

    @property
    def objects(self) -> frozenset[str]:
        """The objects that it concerns."""
        named = [self.act.incident.object, *([self.act.other.object] if self.act.other else [])]
        return frozenset(named)


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision as it was told last."""

    key: str
    object: str
    version: int
    told: str


@dataclass(frozen=True, slots=True)
class Line:
    """An incident as it is listed; `paths` are those of its units, `told` is JSON."""

    id: str
    object: str
    content: str
    year: int
    stage: str
    waiting: bool
    units: tuple[str, ...]
    paths: tuple[str, ...]
    told: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents; `below` is the unit path that must lie above one of an incident's."""

    below: str
    stage: str | None = None
    object: str | None = None
    content: str | None = None
    year: int | None = None
    unit: str | None = None
    waiting: bool | None = None


def ruled(number: int, body: bytes) -> Ruled:
    """Read a ruling as it stands in its stream."""
    event = envelope.decode(body)
    return Ruled(number, event.received, envelope.decode_data(event, IncidentRuled))


def reported(number: int, event: AcceptedEvent) -> list[tuple[str, AcceptedEvent, bytes]]:
    """Return what a judged month says of each region whose risk rose, as a report of it.

    Their places lie past the shards of ingest, and each has its own.
    """
    told = envelope.decode_data(event, RisesJudged)
    found: list[tuple[str, AcceptedEvent, bytes]] = []
    for place, one in enumerate(told.regions):
        if one.significant:
            body = _ENCODER.encode(
                {
                    "id": f"{event.id}/{one.unit}",
                    "source": SOURCE,
                    "type": ROSE,
                    "time": told.at,
                    "subject": one.unit,
                    "sequence": str(number * MOST_REGIONS + place + 1),
                    "partitionkey": str(SHARDS + INCIDENTS_SHARD),
                    "received": event.received,
                    "data": {
                        "scheme": told.scheme,
                        "code": told.code,
                        "figures": _figures(told, one),
                        "person": told.person,
                    },
                }
            )
            found.append((one.unit, envelope.decode(body), body))
    return found


def _figures(told: RisesJudged, one: RegionTested) -> str:
    """Write the figures of a test without words, so that they are read in any language."""
    baseline = f"{told.baseline[0]}–{told.baseline[-1]}"
    return (
        f"{told.measure} {told.month}: {one.count}/{one.exposure}; "
        f"{baseline}: {one.before}/{one.exposure_before}; "
        f"p={one.p}; Holm {one.adjusted} ≤ {told.alpha}; {one.count} ≥ {told.minimum}"
    )


async def judged(tx: PostgresTransaction, scheme: str, code: str, month: str) -> RisesJudged | None:
    """Return what was judged of the regions in a month, None where nothing was: the stream says so."""
    async for event in judgements(tx):
        if event.subject == f"{scheme}/{code}/{month}":
            return envelope.decode_data(event, RisesJudged)
    return None


async def judgements(tx: PostgresTransaction) -> AsyncIterator[AcceptedEvent]:
    """Yield what was judged of regions, in order."""
    after = 0
    while records := await tx.read(RULINGS, INCIDENTS_SHARD, after, RULINGS_PER_PAGE):
        for record in records:
            if _JUDGED in record.body and (event := envelope.decode(record.body)).type == RISES_JUDGED:
                yield event
        after = records[-1].number


async def add_reports(tx: PostgresTransaction, reports: Iterable[tuple[str, AcceptedEvent, bytes]]) -> None:
    """Keep reports of objects, each with its body."""
    rows = [(name, event.shard, event.number, body) for name, event, body in reports]
    if rows:
        await tx.many(_ADD_REPORTS, *columns(rows, 4))


async def add_rulings(tx: PostgresTransaction, rulings: Mapping[int, bytes]) -> None:
    """Keep rulings by their numbers."""
    for number, body in rulings.items():
        objects = sorted(ruled(number, body).objects)
        await tx.many("INSERT INTO dossier_rulings VALUES ($1, $2::text[], $3)", number, objects, body)


async def reports(tx: PostgresTransaction, objects: Collection[str]) -> dict[str, list[AcceptedEvent]]:
    """Return every report that was ever made of each object; a page at a time, so that others run between."""
    found: dict[str, list[AcceptedEvent]] = {}
    after: tuple[str, int, int] | None = ("", 0, 0)
    while after is not None:
        rows = await tx.many(_REPORTS, sorted(objects), *after, REPORTS_PER_PAGE)
        for row in rows:
            found.setdefault(row["object"], []).append(envelope.decode(row["body"]))
        full = len(rows) == REPORTS_PER_PAGE
        after = (rows[-1]["object"], rows[-1]["shard"], rows[-1]["number"]) if full else None
    return found


async def rulings(tx: PostgresTransaction, objects: Collection[str]) -> list[Ruled]:
    """Return the rulings that concern any of the objects, in order."""
    return [ruled(row["number"], row["body"]) for row in await tx.many(_RULINGS, sorted(objects))]


async def objects_after(tx: PostgresTransaction, after: str, limit: int) -> list[str]:
    """Return a page of the objects that were reported of."""
    return [row["object"] for row in await tx.many(_OBJECTS, after, limit)]


async def decisions(tx: PostgresTransaction, objects: Collection[str]) -> dict[str, Kept]:
    """Return what was told of objects, by key."""
    rows = await tx.many("SELECT * FROM decisions WHERE object = ANY($1::text[])", sorted(objects))
    return {row["key"]: Kept(**dict(row)) for row in rows}


async def save_decisions(tx: PostgresTransaction, fresh: Sequence[Kept]) -> None:
    """Keep what is told now in the place of what was told before."""
    if fresh:
        rows = [(one.key, one.object, one.version, one.told) for one in fresh]
        await tx.many(_SAVE_DECISIONS, *columns(rows, 4))


async def save_incidents(
    tx: PostgresTransaction, objects: Collection[str], lines: Sequence[Line], unread: Sequence[Unread]
) -> None:
    """Let the incidents of objects be these and no others."""
    named = sorted(objects)
    gone = "DELETE FROM incidents WHERE object = ANY($1::text[]) AND NOT id = ANY($2::text[])"
    await tx.many(gone, named, [line.id for line in lines])
    if lines:
        await tx.many(_SAVE_INCIDENTS, *columns(map(_row, lines), 9))
    await tx.many("DELETE FROM unread_reports WHERE object = ANY($1::text[])", named)
    if unread:
        await tx.many(_SAVE_UNREAD, *columns(unread, 4))


async def listed(tx: PostgresTransaction, wanted: Wanted, after: str, limit: int) -> list[Line]:
    """Return a page of incidents in the order of their ids."""
    rows = await tx.many(
        _LIST,
        after,
        limit,
        wanted.stage,
        wanted.object,
        wanted.content,
        wanted.year,
        wanted.unit,
        wanted.waiting,
        wanted.below.rstrip("/") or "/",
    )
    return [_line(row) for row in rows]


async def line(tx: PostgresTransaction, incident: str) -> Line | None:
    """Return an incident as it is listed."""
    rows = await tx.many("SELECT * FROM incidents WHERE id = $1", incident)
    return _line(rows[0]) if rows else None


async def lines(tx: PostgresTransaction, incidents: Collection[str]) -> Lines:
    """Return what is listed of incidents, by id."""
    rows = await tx.many("SELECT id, told FROM incidents WHERE id = ANY($1::text[])", sorted(incidents))
    return {row["id"]: msgspec.json.decode(row["told"]) for row in rows}


async def unread(tx: PostgresTransaction, after: Unread | None, limit: int) -> list[Unread]:
    """Return a page of the reports that could not be read as findings or inspections."""
    rows = await tx.many(_UNREAD, *(after or ("", "", "", "")), limit)
    return [(row["object"], row["source"], row["id"], row["why"]) for row in rows]


def _line(row: Mapping[str, object]) -> Line:
    return msgspec.convert(dict(row), Line)


def _row(one: Line) -> tuple[object, ...]:
    lists = (_ENCODER.encode(one.units).decode(), _ENCODER.encode(one.paths).decode())
    return (one.id, one.object, one.content, one.year, one.stage, one.waiting, *lists, one.told)

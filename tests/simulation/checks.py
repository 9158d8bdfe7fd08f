"""What must hold after a run, whatever happened in it; each finding is a sentence."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from services.ingest.contract import ACCEPTED, NOTICES
from services.ingest.domain.envelope import Candidate
from shared.kernel.digests import EMPTY_CHAIN, chain
from shared.kernel.numbering import received_of
from shared.kernel.records import Head, Record
from tests.simulation.actors import Platform
from tests.simulation.answers import archived, content, fact, untold, wrong
from tests.simulation.stages import CUT, PARTIALS, SHARDS, UNITS, accepted, fold, target_of
from tests.simulation.storage import Database


def findings(platform: Platform, lanes: list[list[list[Candidate]]], waiting: list[str]) -> list[str]:
    """Return what is wrong, the cause before what follows from it; `waiting` is who did not come to an end."""
    answers = [(one.body, answer) for one, answer in platform.answers]
    return [
        *platform.world.surprises,
        *_archive(platform.ingest, ACCEPTED),
        *_once(platform),
        *wrong(platform.ingest, answers),
        *_unanswered(lanes, platform),
        *_archive(platform.ingest, NOTICES),
        *untold(platform.ingest, platform.answers),
        *_archive(platform.scoring, PARTIALS),
        *waiting,
        *_cursors(platform),
        *_first_hop(platform),
        *_second_hop(platform),
    ]


def lagging(platform: Platform) -> list[str]:
    """Return which shards no tick took past the cut, and which consumers have not applied all that there is."""
    heads = platform.ingest.state.heads
    followers = ((platform.ingest, ACCEPTED, ("a",)), (platform.scoring, PARTIALS, ("b", "replica")))
    return [
        f"{shard} has nothing after the cut"
        for shard in SHARDS
        if (at := heads.get((ACCEPTED, shard), Head()).received) is None or at < CUT
    ] + [
        f"{name} stands at {at} of {stream}/{shard}, which ends at {head.number}"
        for producer, stream, names in followers
        for (of, shard), head in sorted(producer.state.heads.items())
        for name in names
        if of == stream and (at := _position(platform.scoring, name, stream, shard)) != head.number
    ]


def _position(database: Database, name: str, stream: str, shard: int) -> int:
    position = database.state.positions.get((name, stream, shard))
    return 0 if position is None else position.number


def _archive(database: Database, stream: str) -> Iterator[str]:
    for shard in SHARDS:
        records = database.state.records.get((stream, shard), [])
        place = f"{stream}/{shard}"
        if [r.number for r in records] != list(range(1, len(records) + 1)):
            yield f"numbers of {place} are not dense"
        if not _continues(records):
            yield f"the running digest of {place} breaks"
        if any(received_of(a) > received_of(b) for a, b in pairwise(records)):
            yield f"received falls in {place}"
        head = database.state.heads.get((stream, shard), Head())
        if records and (head.number, head.chain) != (records[-1].number, records[-1].chain):
            yield f"the head of {place} is not its last record"


def _continues(records: list[Record]) -> bool:
    before = [EMPTY_CHAIN, *(record.chain for record in records)]
    return all(chain(at, record.body) == record.chain for at, record in zip(before, records, strict=False))


def _once(platform: Platform) -> Iterator[str]:
    events = archived(platform.ingest.state.records).events.values()
    ids = Counter(event["id"] for event in events)
    yield from (f"{name} is in the archive {n} times" for name, n in sorted(ids.items()) if n > 1)
    facts = Counter(of for of, _ in {(fact(event), content(event)) for event in events})
    named = {"/".join(map(str, of)): n for of, n in facts.items()}
    yield from (f"{name} was accepted with {n} contents" for name, n in sorted(named.items()) if n > 1)


def _unanswered(lanes: list[list[list[Candidate]]], platform: Platform) -> Iterator[str]:
    sent = Counter(one.body for lane in lanes for batch in lane for one in batch)
    missing = sent - Counter(one.body for one, _ in platform.answers)
    yield from sorted(f"{json.loads(body)['id']} was not answered" for body in missing)


def _cursors(platform: Platform) -> Iterator[str]:
    for database, stream in ((platform.ingest, ACCEPTED), (platform.scoring, PARTIALS)):
        for shard in SHARDS:
            upto = _position(database, "relay", stream, shard)
            if any((stream, shard, n) not in platform.broker.acknowledged for n in range(1, upto + 1)):
                yield f"the cursor of {stream}/{shard} passed what the broker acknowledged"


def _first_hop(platform: Platform) -> Iterator[str]:
    for shard in SHARDS:
        records = accepted(platform.ingest.state.records, shard)
        kept = platform.scoring.state.rows.get(("a", shard))
        if records and kept != fold(records):
            yield f"the state of a/{shard} is not the fold of its archive"


def _second_hop(platform: Platform) -> Iterator[str]:
    facts = [fold(accepted(platform.ingest.state.records, shard)) for shard in SHARDS]
    for name in ("b", "replica"):
        for unit in UNITS:
            rows, place = platform.scoring.state.rows, target_of(unit)
            due = [one.sums(unit) for one in facts]
            kept = rows.get((name, place), {}).values()
            if sum(one.all for one in kept) != sum(one.all for one in due):
                yield f"{name} holds another sum of {unit} than its events come to"
            if rows.get((name, "closed", place)) != sum(one.early for one in due):
                yield f"{name} closed {unit} with another sum than the archive gives at the cut"

"""Commits a group of checked events: one transaction over every shard it touches.

1. lock the shards ascending; the database's clock is read
2. read the keys of the group and the originals of its corrections
3. judge each event in order; what is from the future is refused
4. number and archive what is new; remember its keys; keep conflicts and refusals
5. move the inbound offsets and, under the replay clock, the clock
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from services.ingest import store
from services.ingest.domain.admission import Outcome, Ruling, admit, keys_of, original_key, place_of
from services.ingest.domain.envelope import Candidate
from shared.contracts import envelope
from shared.contracts.ingest import ACCEPTED, SOURCE, TICK, TYPES_ADOPTED, Tick, TypesAdopted
from shared.kernel import instants
from shared.kernel.errors import Problem, Unavailable
from shared.kernel.records import Draft, Known
from shared.kernel.shards import SHARDS
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

FUTURE_LIMIT = timedelta(minutes=5)
RACES = 5
EVERY_SHARD = range(SHARDS)
ARCHIVED = frozenset({Outcome.CREATED, Outcome.REPORT})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused at a door; only its digest is kept."""

    problem: Problem
    door: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of an event with its receipt, or the problem for which it was refused."""

    outcome: Outcome | None
    shard: int = 0
    number: int = 0
    problem: Problem | None = None


Item = Candidate | Refusal


class Commits:
    """The function of the group commit."""

    def __init__(self, exchange: Exchange, *, replay: bool = False) -> None:
        self._exchange = exchange
        self._replay = replay

    async def __call__(
        self, items: Sequence[Item], inbound: Mapping[store.Place, tuple[int, int]] | None = None
    ) -> list[Answer]:
        """Commit; a race for a key is rolled back and redone, never skipped.

        `inbound` holds (first, next) offset of each partition that the items come from.
        """
        for _ in range(RACES):
            try:
                async with self._exchange.begin(
                    actor="ingest", action="accepted", detail=f"{len(items)} events"
                ) as tx:
                    return await self._apply(tx, items, inbound or {})
            except asyncpg.UniqueViolationError:
                continue
        raise Unavailable("another process took the same keys")

    async def _apply(
        self, tx: PostgresTransaction, items: Sequence[Item], inbound: Mapping[store.Place, tuple[int, int]]
    ) -> list[Answer]:
        candidates = [item for item in items if isinstance(item, Candidate)]
        shards = EVERY_SHARD if self._replay else [candidate.shard for candidate in candidates] or [0]
        heads = await tx.lock(ACCEPTED, shards)
        await _check_offsets(tx, inbound)
        timely = [one for one in candidates if self._replay or one.time <= tx.now + FUTURE_LIMIT]
        known = await tx.known([key for one in timely for key in _looked_up(one)])
        places = await _originals(tx, timely, known)
        last = {shard: head.number for shard, head in heads.items()}
        rulings, added = admit(timely, known, last, places)
        answers = await self._keep(tx, rulings, added)
        await store.move_offsets(tx, {place: after for place, (_, after) in inbound.items()})
        return await _all_answers(
            tx, items, {id(r.candidate): a for r, a in zip(rulings, answers, strict=True)}
        )

    async def _keep(
        self, tx: PostgresTransaction, rulings: Sequence[Ruling], added: Mapping[bytes, Known]
    ) -> list[Answer]:
        archived = [ruling for ruling in rulings if ruling.outcome in ARCHIVED]
        drafts = [
            Draft(r.candidate.shard, r.candidate.body, own=False, received=self._received(r.candidate))
            for r in archived
        ]
        receipts = await tx.append(ACCEPTED, drafts)
        await tx.remember(added)
        conflicts = [_conflict_row(ruling) for ruling in rulings if ruling.outcome is Outcome.CONFLICT]
        await store.save_conflicts(tx, conflicts)
        if self._replay and archived:
            await _tick(tx, max(self._received(r.candidate) or tx.now for r in archived))
        placed = {id(r): receipt for r, receipt in zip(archived, receipts, strict=True)}
        return [_answer(ruling, placed.get(id(ruling))) for ruling in rulings]

    def _received(self, candidate: Candidate) -> datetime | None:
        return (candidate.recorded or candidate.time) if self._replay else None


async def tick(exchange: Exchange) -> None:
    """Publish the current minute in every shard, once."""
    async with exchange.begin(actor="ingest", action="tick") as tx:
        await tx.lock(ACCEPTED, EVERY_SHARD)
        await _tick(tx, None)


async def adopt(exchange: Exchange, draft: store.Draft, person: str, *, replay: bool = False) -> bool:
    """Put a catalogue in force in every shard; false if it already is."""
    async with exchange.begin(actor=person, action="adopt types", detail=draft.digest) as tx:
        heads = await tx.lock(ACCEPTED, EVERY_SHARD)
        if not await store.adopt(tx, draft.version, person):
            return False
        data = TypesAdopted(version=draft.version, document=draft.document)
        body = envelope.encode(TYPES_ADOPTED, SOURCE, "types", data)
        past = {shard: head.received or instants.EPOCH for shard, head in heads.items()}
        await tx.append(ACCEPTED, [Draft(s, body, received=past[s] if replay else None) for s in EVERY_SHARD])
    return True


async def _tick(tx: PostgresTransaction, received: datetime | None) -> None:
    minute = (received or tx.now).replace(second=0, microsecond=0)
    if await store.move_clock(tx, minute):
        body = envelope.encode(TICK, SOURCE, "clock", Tick(minute=instants.text(minute)))
        await tx.append(ACCEPTED, [Draft(shard, body, received=received) for shard in EVERY_SHARD])


async def _check_offsets(tx: PostgresTransaction, inbound: Mapping[store.Place, tuple[int, int]]) -> None:
    """Refuse to apply a batch that does not begin where the last one ended."""
    if inbound:
        at = await store.offsets(tx, lock=True)
        if any(first < at.get(place, 0) for place, (first, _) in inbound.items()):
            raise Unavailable("another worker took these inbound records")


async def _originals(
    tx: PostgresTransaction, candidates: Sequence[Candidate], known: Mapping[bytes, Known]
) -> dict[bytes, tuple[str, str | None]]:
    """Return unit and case of the known events that are corrected."""
    wanted = {key for one in candidates if (key := original_key(one)) in known and key is not None}
    places: dict[bytes, tuple[str, str | None]] = {}
    for key in wanted:
        record = (await tx.read(ACCEPTED, known[key].shard, known[key].number - 1, 1))[0]
        event = envelope.decode(record.body)
        places[key] = (event.subject, event.case)
    return places | {one.key: place_of(one) for one in candidates if one.key not in known}


async def _all_answers(
    tx: PostgresTransaction, items: Sequence[Item], ruled: Mapping[int, Answer]
) -> list[Answer]:
    late = Problem(422, "time_in_future", "The time lies ahead of ours.", "/time")
    refused = [
        item if isinstance(item, Refusal) else Refusal(late, "commit", item.content)
        for item in items
        if id(item) not in ruled
    ]
    rows = [(one.door, one.problem.code, one.problem.pointer, one.digest) for one in refused]
    await store.save_refusals(tx, rows)
    left = iter(refused)
    return [ruled.get(id(item)) or Answer(None, problem=next(left).problem) for item in items]


def _looked_up(candidate: Candidate) -> list[bytes]:
    original = original_key(candidate)
    return keys_of(candidate) + ([original] if original else [])


def _conflict_row(ruling: Ruling) -> tuple[object, ...]:
    one, first = ruling.candidate, ruling.known or Known(0, 0, b"")
    return (ruling.why, one.source, one.id, first.shard, first.number, one.body)


def _answer(ruling: Ruling, receipt: tuple[int, int] | None) -> Answer:
    if ruling.outcome is Outcome.CONFLICT:
        detail = "Another content is known for this; the first counts."
        return Answer(ruling.outcome, problem=Problem(409, ruling.why, detail))
    if ruling.known is not None:
        return Answer(ruling.outcome, ruling.known.shard, ruling.known.number)
    assert receipt is not None
    return Answer(ruling.outcome, *receipt)

"""Mistakes that the protocol rules out, planted one at a time; the simulation must find each of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from services.ingest.committing import Admission
from services.ingest.domain.envelope import Candidate, place_of
from services.ingest.outcomes import Answer
from shared.kernel.records import Draft, Known, Position, Record
from shared.messaging.consumer import Consumer
from shared.messaging.halts import Place
from shared.messaging.protocol import Progress, advance
from shared.messaging.relay import Relay
from tests.simulation.actors import Parts
from tests.simulation.stages import CUT, PARTIALS, Facts, StageA, StageB, Sums, tell
from tests.simulation.storage import CONFLICT, SimTransaction


class NumbersFromASequence(SimTransaction):
    async def append(self, stream: str, drafts: Sequence[Draft]) -> list[tuple[int, int]]:
        heads = await self.lock(stream, [draft.shard for draft in drafts])
        taken = self.database.sequence
        for shard, head in heads.items():
            self._state.heads[stream, shard] = head._replace(
                number=max(head.number, taken.get((stream, shard), 0))
            )
        receipts = await super().append(stream, drafts)
        for shard, number in receipts:
            taken[stream, shard] = number
        return receipts


class NumbersOutsideTheLock(SimTransaction):
    async def hold(self, rows: Sequence[tuple]) -> None:
        await super().hold([row for row in rows if row[0] != "shard"])


class ReceivedBeforeTheLock(SimTransaction):
    """The time of BEGIN, so that commits are out of its order; and nothing that holds it up."""

    async def step(self, what: str) -> None:
        await super().step(what)
        self._now = self._now or self.world.clock()

    async def append(self, stream: str, drafts: Sequence[Draft]) -> list[tuple[int, int]]:
        for shard, head in (await self.lock(stream, [draft.shard for draft in drafts])).items():
            self._state.heads[stream, shard] = head._replace(received=None)
        return await super().append(stream, drafts)


class KeysWithoutAUniqueIndex(SimTransaction):
    async def remember(self, rows: Mapping[bytes, Known]) -> None:
        await self.step("write keys")
        self._state.keys.update(rows)


class NoContentCheck(Admission):
    async def commit(self, candidates: Sequence[Candidate]) -> list[Answer]:
        return await super().commit([
            structs.replace(one, content=place_of(one.content) + bytes(24)) for one in candidates
        ])  # fmt: skip


class MistakeAtEveryCommit(Admission):
    async def commit(self, candidates: Sequence[Candidate]) -> list[Answer]:
        raise LookupError("a mistake of ours")


class ConflictsNotKept(SimTransaction):
    async def _note_conflicts(self, rows: Iterable[tuple]) -> list[dict[str, Any]]:
        return []


class OneContentKept(SimTransaction):
    async def _note_conflicts(self, rows: Iterable[tuple]) -> list[dict[str, Any]]:
        kept = {key[1:4]: key[4] for key in self._state.rows if key[0] == CONFLICT}
        firsts = {row[:3]: row for row in sorted(rows, reverse=True)}
        return await super()._note_conflicts(
            row for name, row in firsts.items() if kept.get(name, row[3]) == row[3]
        )


class ConflictsToldEachTime(SimTransaction):
    async def _note_conflicts(self, rows: Iterable[tuple]) -> list[dict[str, Any]]:
        return [row | {"is_new": True} for row in await super()._note_conflicts(rows)]


class FailedCommitTakenAsDone(Admission):
    async def admit(self, tx: Any, judged: Sequence[Any], *, careful: bool = True) -> list[Answer]:
        self.answers = await super().admit(tx, judged, careful=careful)
        return self.answers

    async def commit(self, candidates: Sequence[Candidate]) -> list[Answer]:
        self.answers: list[Answer] = []
        try:
            return await super().commit(candidates)
        except ConnectionError:
            if not self.answers:
                raise
            return self.answers


class CursorBeforeTheAcknowledgement(Relay):
    async def send_once(self) -> int:
        epochs = dict(self.leases.held)
        batches = await self._behind(epochs)
        if batches:
            await self._move(epochs, batches)
            await self._producer.send([record for batch in batches for record in batch])
        return len(batches)


class NoFence(SimTransaction):
    async def fence(self, consumer: str, epochs: Mapping[int, int]) -> dict[tuple[str, int], Position]:
        return await super().fence(consumer, {p: self._state.epochs[consumer, p] for p in epochs})


class PositionInItsOwnTransaction(SimTransaction):
    async def advance(self, consumer: str, positions: Sequence[Position]) -> None:
        await self.step("commit effects")
        self.commit()
        await super().advance(consumer, positions)


class AppliedCachedInMemory(Consumer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._applied: dict[Place, Position] = {}

    def _progress(self, positions: Mapping[Place, Position], run: Sequence[Record]) -> Progress:
        progress = super()._progress(dict(positions) | self._applied, run)
        self._applied[run[0].stream, run[0].shard] = progress.position
        return progress


class GapIgnored(Consumer):
    def _progress(self, positions: Mapping[Place, Position], run: Sequence[Record]) -> Progress:
        position, taken = positions[run[0].stream, run[0].shard], []
        for record in run:
            if record.number > position.number:
                taken.append(record)
                position = _at(position, record)
        return Progress(tuple(taken), position)


class DigestUnchecked(Consumer):
    def _progress(self, positions: Mapping[Place, Position], run: Sequence[Record]) -> Progress:
        progress = super()._progress(positions, run)
        while (altered := progress.rewritten) is not None:
            self.halts._halts.pop((altered.stream, altered.shard))
            rest = advance(_at(progress.position, altered), run)
            progress = replace(rest, apply=(*progress.apply, altered, *rest.apply))
        return progress


class OffsetsOverPositions(Consumer):
    def _progress(self, positions: Mapping[Place, Position], run: Sequence[Record]) -> Progress:
        position = positions[run[0].stream, run[0].shard]
        fresh = [r for r in run if r.offset > position.offset or r.number > position.number]
        known = [r for r in fresh if r.number <= position.number]
        progress = super()._progress(positions, fresh or run)
        return replace(progress, apply=(*known, *progress.apply))


class GapsKept(Consumer):
    async def _beat(self) -> None:
        gaps = self._gaps
        await super()._beat()
        self._gaps = gaps


class CacheKept(StageA):
    def forget(self, partitions: Sequence[int]) -> None: ...


class DeltasOutsideTheTransaction(Consumer):
    """What the next hop adds up is sent before the commit; absolute sums would heal by themselves."""

    async def _fold(self, tx: Any, batch: Sequence[Record]) -> None:
        answers = await self._handler(tx, batch)
        async with self._exchange.begin(actor=self.name, action="sent") as other:
            await other.append(PARTIALS, [draft for _, draft in answers])


class DeltasFromStageA(StageA):
    def before(self, facts: Facts) -> dict[str, Sums]:
        return {unit: facts.sums(unit) for unit, _ in facts.kept}

    def partial(self, shard: int, unit: str, facts: Facts, before: dict[str, Sums]) -> tuple[str, Draft]:
        now, then = facts.sums(unit), before.get(unit, Sums())
        moved = Sums(*(new - old for new, old in zip(now, then, strict=True)))
        return tell(unit, {"source": shard, "unit": unit} | moved._asdict())


class DeltasAddedByStageB(StageB):
    def merged(self, known: dict[int, Sums], told: dict[str, Any]) -> dict[int, Sums]:
        early, total = known.get(told["source"], Sums())
        return {told["source"]: Sums(early + told["early"], total + told["all"])}


class SourcesNotKeptApart(StageB):
    def merged(self, known: dict[int, Sums], told: dict[str, Any]) -> dict[int, Sums]:
        return {0: Sums(told["early"], told["all"])}


class CutByTheWallClock(StageA):
    def is_late(self, tx: Any, record: Record) -> bool:
        return tx.world.clock() >= CUT


class ClosedAtTheFirstShard(StageB):
    def may_close(self, passed: frozenset[int]) -> bool:
        return bool(passed)


def _at(position: Position, record: Record) -> Position:
    return Position(position.stream, position.shard, record.number, record.chain, record.offset)


PLANTED: dict[str, Parts] = {
    "numbers taken from a sequence, so that a rollback leaves a hole": Parts(
        transaction=NumbersFromASequence
    ),
    "numbers taken outside the lock": Parts(transaction=NumbersOutsideTheLock),
    "`received` taken before the lock: commits out of its order": Parts(transaction=ReceivedBeforeTheLock),
    "keys without a unique index across shards": Parts(transaction=KeysWithoutAUniqueIndex),
    "duplicates known by their id alone, without their content": Parts(admission=NoContentCheck),
    "a mistake of ours at every commit": Parts(admission=MistakeAtEveryCommit),
    "a conflict answered, and not kept for a person": Parts(transaction=ConflictsNotKept),
    "of the conflicts of an id only the first kept": Parts(transaction=OneContentKept),
    "a conflict told each time that it is met": Parts(transaction=ConflictsToldEachTime),
    "a commit whose answer failed taken as done": Parts(admission=FailedCommitTakenAsDone),
    "the relay's cursor moved before the acknowledgement": Parts(relay=CursorBeforeTheAcknowledgement),
    "the epoch not checked": Parts(transaction=NoFence),
    "the position written in a transaction of its own": Parts(transaction=PositionInItsOwnTransaction),
    "`applied` cached in memory": Parts(consumer=AppliedCachedInMemory),
    "a handler's cache kept when a lease changes or a transaction fails": Parts(stage_a=CacheKept),
    "a gap ignored": Parts(consumer=GapIgnored),
    "gaps kept of partitions that were not got back": Parts(consumer=GapsKept),
    "the digest of a rewritten record not checked": Parts(consumer=DigestUnchecked),
    "offsets trusted over positions": Parts(consumer=OffsetsOverPositions),
    "deltas to the second hop, sent outside the transaction": Parts(
        consumer=DeltasOutsideTheTransaction, stage_a=DeltasFromStageA, stage_b=DeltasAddedByStageB
    ),
    "partial sums not kept apart by source shard": Parts(stage_b=SourcesNotKeptApart),
    "the cut by the wall clock": Parts(stage_a=CutByTheWallClock),
    "closed when the first source shard has passed the cut": Parts(stage_b=ClosedAtTheFirstShard),
}

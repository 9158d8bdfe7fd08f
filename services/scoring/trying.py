"""Folds for trials what stage A folds for the schemes in force; what those read it leaves as it is.

A trial has sums of its own and nothing else: no facts, no places, no suspense.
"""

from collections.abc import Collection, Sequence

from services.scoring import deriving, trials
from services.scoring.arriving import Arriving, Force
from services.scoring.contract import (
    SOURCE,
    TRIAL_ENDED,
    TRIAL_FOLDED,
    TRIAL_PARTIALS,
    TRIAL_STARTED,
    TrialEnded,
    TrialFolded,
    TrialStarted,
)
from services.scoring.domain.ordinary import Ordinary
from services.scoring.moves import KeptPartials, Moves
from services.scoring.plans import InForce, Plans
from services.scoring.refolding import refold
from services.scoring.reports import Catalogue
from services.scoring.reviewed_sums import Brought, ReviewedSums, Touched
from services.scoring.store import PartialCell
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.codes import trial_code
from shared.kernel.records import Draft, Record
from shared.kernel.shards import shards_of
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

STAGE = "trial-a"

Read = Sequence[tuple[Record, AcceptedEvent]]
Sums = dict[PartialCell, list[int]]


class Trying:
    """The trials that run in each shard of stage A."""

    def __init__(self) -> None:
        self._plans = Plans(STAGE)
        self._arriving = Arriving(writes=False)
        self._partials = KeptPartials()
        self._ordinary: dict[tuple[str, ...], tuple[Catalogue, Ordinary]] = {}

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        shards = [shard for partition in partitions for shard in shards_of(partition)]
        self._plans.forget(set(partitions))
        self._arriving.forget(shards)
        self._partials.forget(shards)

    async def running(self, tx: PostgresTransaction, shards: Collection[int]) -> dict[int, Sequence[InForce]]:
        """Return the trials of shards; none of a shard without."""
        found = {shard: await self._plans.of(tx, shard) for shard in shards}
        return {shard: trying for shard, trying in found.items() if trying}

    async def fold(
        self,
        tx: PostgresTransaction,
        shards: Collection[int],
        events: Read,
        derived: Read,
        catalogue: Catalogue,
    ) -> tuple[Sums, Touched]:
        """Fold what arrived and what others concluded, before stage A does.

        Returns the sums that moved, and by shard the months of units of which anything did.
        """
        trying = await self.running(tx, shards)
        if not trying:
            return {}, {}
        found = Moves()
        force = {shard: self._force(schemes, catalogue) for shard, schemes in trying.items()}
        await self._arriving.fold(tx, _of(events, trying), force, found)
        points = {shard: [one.points for one in schemes] for shard, schemes in trying.items()}
        await deriving.fold(tx, _of(derived, trying), points, found, writes=False)
        touched = {shard: found.touched(shard) for shard in trying}
        return await self._partials.add(tx, found.cells()), touched

    async def review(
        self,
        tx: PostgresTransaction,
        reviewed: ReviewedSums,
        events: Read,
        moved: Sequence[Touched],
        catalogue: Catalogue,
    ) -> Sums:
        """Count what reviews change of months that moved, after stage A has folded; return what moved."""
        trying = await self.running(tx, {shard for one in moved for shard in one})
        touched = {shard: {month for one in moved for month in one.get(shard, ())} for shard in trying}
        points = {shard: [one.points for one in schemes] for shard, schemes in trying.items()}
        rows = await reviewed.rows(tx, Brought(events, touched), points, catalogue)
        return await self._partials.put(tx, rows)

    async def turn(self, tx: PostgresTransaction, schemes: Read, catalogue: Catalogue) -> Sums:
        """Begin and end trials, after stage A has folded; return the sums of those that began."""
        moved: Sums = {}
        for record, event in schemes:
            if event.type == TRIAL_STARTED:
                started = envelope.decode_data(event, TrialStarted)
                moved |= await self._begin(tx, record.shard, started, catalogue)
            elif event.type == TRIAL_ENDED:
                ended = envelope.decode_data(event, TrialEnded)
                name = trial_code(ended.code, ended.trial)
                self._arriving.forget([record.shard])
                for version in await self._plans.leave(tx, record.shard, name):
                    await trials.drop_sums(tx, record.shard, f"{name}@{version}")
                self._partials.forget([record.shard])
        return moved

    async def folded(self, tx: PostgresTransaction, schemes: Read) -> list[Answer]:
        """Tell every shard that keeps cells of a trial that it is folded here; said after its sums."""
        answers: list[Answer] = []
        for record, event in schemes:
            if event.type == TRIAL_STARTED:
                one = envelope.decode_data(event, TrialStarted)
                told = TrialFolded(code=one.code, trial=one.trial, version=one.version, shard=record.shard)
                body = envelope.encode(TRIAL_FOLDED, SOURCE, f"{one.code}/{one.trial}", told)
                targets = await self._targets(tx, record.shard, trial_code(one.code, one.trial))
                answers += [(TRIAL_PARTIALS, Draft(target, body)) for target in targets]
        return answers

    async def _targets(self, tx: PostgresTransaction, shard: int, name: str) -> list[int]:
        """Return the shards that keep cells of a trial, none where it is over again."""
        running = [one for one in await self._plans.of(tx, shard) if one.document.scheme.code == name]
        return sorted({at for one in running for shards in one.shards_of_unit.values() for at in shards})

    async def _begin(
        self, tx: PostgresTransaction, shard: int, told: TrialStarted, catalogue: Catalogue
    ) -> Sums:
        """Fold every fact of a shard under a trial that begins, and the versions of its year before it."""
        self._arriving.forget([shard])
        name = trial_code(told.code, told.trial)
        for version in trials.scored(told):
            await self._plans.adopt(tx, shard, name, version)
        running = await self._plans.of(tx, shard)
        schemes = [one for one in running if one.document.scheme.code == name]
        made = await refold(tx, shard, schemes, catalogue, [], _unwatched)
        return await self._partials.add(tx, {(shard, *cell): numbers for cell, numbers in made.sums.items()})

    def _force(self, schemes: Sequence[InForce], catalogue: Catalogue) -> Force:
        name = tuple(scheme.plan.id for scheme in schemes)
        known = self._ordinary.get(name)
        if known is None or known[0] is not catalogue:
            adders = [adder for scheme in schemes for adder in scheme.adders.values()]
            known = catalogue, Ordinary(adders, catalogue.types)
            self._ordinary[name] = known
        return Force([scheme.plan for scheme in schemes], known[1], catalogue)


def _of(read: Read, shards: Collection[int]) -> Read:
    return [one for one in read if one[0].shard in shards]


def _unwatched(_: int) -> None:
    """Nobody is told how far a trial's beginning is."""

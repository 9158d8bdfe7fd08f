"""Commits groups of candidates in one transaction over every shard they touch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from services.ingest import store
from services.ingest.contract import ACCEPTED
from services.ingest.domain.admission import Outcome, Ruling, admit, keys_of
from services.ingest.domain.envelope import Candidate
from shared.kernel.errors import Problem
from shared.kernel.records import Draft
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

FUTURE_ALLOWANCE = timedelta(minutes=5)
RACES = 5
IN_FUTURE = Problem(422, "time_in_future", "The time lies more than 5 minutes ahead.", "/time")


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one event: a receipt (shard, number) or a problem."""

    outcome: Outcome | None
    shard: int = 0
    number: int = 0
    problem: Problem | None = None


class Admission:
    """The commit function of the group committer."""

    def __init__(self, exchange: Exchange, *, replay: bool) -> None:
        self._exchange = exchange
        self._replay = replay

    async def commit(self, candidates: Sequence[Candidate]) -> list[Answer]:
        """Commit a group; a lost race over a key is redone from the start."""
        for attempt in range(RACES):
            try:
                return await self._commit(candidates)
            except asyncpg.UniqueViolationError:
                if attempt == RACES - 1:
                    raise
        raise AssertionError("unreachable")

    async def _commit(self, candidates: Sequence[Candidate]) -> list[Answer]:
        detail = f"{len(candidates)} events"
        async with self._exchange.begin(actor="ingest", action="admitted", detail=detail) as tx:
            heads = await tx.lock(ACCEPTED, [candidate.shard for candidate in candidates])
            early = [c for c in candidates if self._replay or c.time <= tx.now + FUTURE_ALLOWANCE]
            known = await tx.known([key for candidate in early for key in keys_of(candidate)])
            rulings, keys = admit(early, known, {shard: head.number for shard, head in heads.items()})
            receipts = await self._append(tx, rulings)
            await tx.remember(keys)
            await store.note_conflicts(tx, [r for r in rulings if r.outcome is Outcome.CONFLICT])
        answers = {id(r.candidate): _answer(r, receipts) for r in rulings}
        return [answers.get(id(candidate), Answer(None, problem=IN_FUTURE)) for candidate in candidates]

    async def _append(self, tx: PostgresTransaction, rulings: Sequence[Ruling]) -> dict[int, tuple[int, int]]:
        accepted = [r.candidate for r in rulings if r.outcome in {Outcome.CREATED, Outcome.REPORT}]
        receipts = await tx.append(ACCEPTED, [self._draft(candidate) for candidate in accepted])
        return {id(candidate): receipt for candidate, receipt in zip(accepted, receipts, strict=True)}

    def _draft(self, candidate: Candidate) -> Draft:
        received = (candidate.recorded or candidate.time) if self._replay else None
        return Draft(candidate.shard, candidate.body, own=False, received=received)


def _answer(ruling: Ruling, receipts: Mapping[int, tuple[int, int]]) -> Answer:
    if ruling.outcome is Outcome.CREATED:
        return Answer(Outcome.CREATED, *receipts[id(ruling.candidate)])
    assert ruling.known is not None
    if ruling.outcome is Outcome.CONFLICT:
        problem = Problem(409, ruling.why, "The same key was accepted with other content; a person decides.")
        return Answer(Outcome.CONFLICT, ruling.known.shard, ruling.known.number, problem)
    return Answer(Outcome.DUPLICATE, ruling.known.shard, ruling.known.number)

"""Folds the stored facts of a shard of stage A anew, by the plain functions and not those of the hot path."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from services.scoring import cases, deriving, facts, under_review
from services.scoring.domain.folding import Cell, Tally, fold_under
from services.scoring.domain.plan import Plan
from services.scoring.moves import Moves
from services.scoring.plans import InForce
from services.scoring.reports import Catalogue, report_of, stored_events
from shared.storage.transaction import PostgresTransaction

CASES_PER_PAGE = 200
FACTS_PER_PAGE = 250

_STORED = """
    SELECT COALESCE(sum(octet_length(sizes) / 4), 0) + (SELECT count(*) FROM cases) AS stored FROM facts"""

Sums = dict[Cell, list[int]]


@dataclass(slots=True)
class Refolded:
    """The sums of a shard by all its facts, and by a bound what those after that number add."""

    sums: Sums
    later: dict[int, Sums] = field(default_factory=dict[int, Sums])


async def stored(tx: PostgresTransaction) -> int:
    """Return how many facts and cases there are to fold."""
    return int((await tx.many(_STORED))[0]["stored"])


async def refold(
    tx: PostgresTransaction,
    shard: int,
    schemes: Sequence[InForce],
    catalogue: Catalogue,
    bounds: Sequence[int],
    done: Callable[[int], None],
) -> Refolded:
    """Fold a shard; pages of facts are folded in a thread, so that the door goes on answering."""
    found, plans = Moves(), [one.plan for one in schemes]
    later = {bound: Tally() for bound in bounds}
    async for page in pages(tx, shard):
        await asyncio.to_thread(_fold, page, plans, catalogue, found.tallies[shard], later)
        done(len(page))
    await deriving.fold_all(tx, shard, ([], [one.points for one in schemes]), found, "proof")
    sums = {cell[1:]: numbers for cell, numbers in found.cells().items()}
    points = [one.points for one in schemes]
    for cell in await under_review.decided(tx, [shard]):
        reviewed = await under_review.rows(tx, cell, points, catalogue)
        sums |= {cell[1:]: numbers for cell, numbers in reviewed.items() if any(numbers)}
    return Refolded(sums, {bound: tally.spread() for bound, tally in later.items()})


def _fold(
    page: Sequence[bytes],
    plans: Sequence[Plan],
    catalogue: Catalogue,
    tally: Tally,
    later: dict[int, Tally],
) -> None:
    for events in page:
        reports = [report_of(event, catalogue) for event in stored_events(events)]
        fold_under(tally, plans, reports)
        newest = max(report.number for report in reports)
        for bound, of_later in later.items():
            if newest > bound:
                fold_under(of_later, plans, reports)
                fold_under(of_later, plans, [one for one in reports if one.number <= bound], -1)


async def pages(tx: PostgresTransaction, shard: int) -> AsyncIterator[list[bytes]]:
    """Yield facts that are reports of their own, then cases, as they were received."""
    async for row, moved in facts.of_shard(tx, shard):
        bodies = [body for number, body in zip(row.numbers, row.bodies, strict=True) if number not in moved]
        for at in range(0, len(bodies), FACTS_PER_PAGE):
            yield bodies[at : at + FACTS_PER_PAGE]
    async for page in cases.of_shard(tx, shard, CASES_PER_PAGE):
        yield [case.events for case in page]

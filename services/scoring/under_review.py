"""What the facts under reviews say now, and what the reviews of a cell change by that."""

import json
import operator
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.scoring import cases, conclusions, derived, facts
from services.scoring.contract import ACCEPTED, POINTS
from services.scoring.derived import Found, Key
from services.scoring.domain.derived import PointsPlan, Taking
from services.scoring.domain.explanation import leaves_of
from services.scoring.domain.facts import Report
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.reviewed import (
    REVIEWS,
    Change,
    FactName,
    Numbers,
    Reviewed,
    Stands,
    changed,
    gives,
)
from services.scoring.domain.sums import REVIEWED
from services.scoring.reports import Catalogue, report_of, stored_events
from services.scoring.store import PartialCell
from shared.contracts import envelope
from shared.kernel.codes import OF_TRIAL
from shared.storage.transaction import PostgresTransaction

FACTS_PER_QUERY = 200
CASES_PER_PAGE = 500
LAST = (1 << 62) - 1

_DECIDED = """
    SELECT p.shard, p.unit, p.month, d.body FROM derived_places p
    JOIN derived d ON d.shard = p.shard AND d.stream = $1 AND d.key = p.key
    WHERE p.over = $2 AND p.shard = ANY($3::smallint[]) ORDER BY p.shard, p.unit, p.month, p.key"""
_KEPT = """
    SELECT shard, scheme, over, unit, month, numbers FROM partials
    WHERE shard = ANY($1::smallint[]) AND strpos(scheme, $2) = 0 AND over LIKE $3"""

UnitMonth = tuple[str, int]


@dataclass(frozen=True, slots=True)
class UnderReview:
    """A month of a unit in a shard of stage A."""

    shard: int
    unit: str
    month: int


class Under(NamedTuple):
    """An indicator of a scheme of which entries were reviewed, and the decisions that change anything."""

    plan: PointsPlan
    place: Taking
    reviews: Sequence[Reviewed]

    @property
    def is_of_events(self) -> bool:
        """Whether the facts under the entries are events and cases."""
        return derived.stream_of(self.place.over) == ACCEPTED

    def rests(self, numbers: Iterable[int]) -> bool:
        """Tell whether any review is of an entry that stands on a fact with reports of these numbers."""
        told = list(numbers)
        return any(
            first <= number <= last
            for review in self.reviews
            for first, last in ranges_of(review)
            for number in told
        )

    def said(self, cell: UnderReview, grp: bytes, reports: Sequence[Report]) -> Stands | None:
        """Return what a fact or case says in a cell, None where it says nothing that a review can change."""
        if not self.rests(report.number for report in reports):
            return None
        found = _said(self, cell, name_of(grp), reports)
        return found if found is not None and gives(self.reviews, found, self.place) else None

    def row(self, change: Change) -> list[int]:
        """Write what reviews change as a row of sums."""
        row = [0] * self.plan.widths[f"{REVIEWED}{self.place.over}"]
        row[self.place.slots.numerator] += change.numerator
        if self.place.slots.denominator is not None:
            row[self.place.slots.denominator] += change.denominator
        return row


def ranges_of(review: Reviewed) -> Sequence[Numbers]:
    """Return the numbers of the events that the entry under a review stands on; all where it does not say."""
    return [(0, LAST)] if review.facts is None and review.events is None else review.events or ()


def indicators_of(
    cell: UnderReview, reviews: Sequence[Reviewed], plans: Sequence[PointsPlan]
) -> Iterator[Under]:
    """Yield what reviews of a month concern under the schemes that rule it."""
    for plan in plans:
        if not plan.plan.first <= cell.month <= plan.plan.last or cell.unit not in plan.plan.scored:
            continue
        for code in sorted({one.indicator for one in reviews if one.scheme == plan.scheme}):
            mine = [one for one in reviews if (one.scheme, one.indicator) == (plan.scheme, code)]
            place = mine[0].place(plan)
            if place is not None and place.slots.keys is None:
                yield Under(plan, place, mine)


async def rows(
    tx: PostgresTransaction, cell: UnderReview, plans: Sequence[PointsPlan], catalogue: Catalogue
) -> dict[PartialCell, list[int]]:
    """Return the rows by which reviews change the sums of a month, by all facts of it."""
    found: dict[PartialCell, list[int]] = {}
    for under in indicators_of(cell, await of_cell(tx, cell), plans):
        facts_of = await stands(tx, cell, under, catalogue)
        add(found, cell, under, changed(under.reviews, facts_of, under.place))
    return found


def add(found: dict[PartialCell, list[int]], cell: UnderReview, under: Under, change: Change) -> None:
    """Add what reviews of an indicator change to the row of what it takes."""
    at = cell.shard, under.plan.plan.id, f"{REVIEWED}{under.place.over}", cell.unit, cell.month
    row = under.row(change)
    found[at] = list(map(operator.add, found[at], row)) if at in found else row


async def kept(tx: PostgresTransaction, shards: Collection[int]) -> dict[PartialCell, int]:
    """Return the rows that reviews have in shards under schemes, not trials, with their widths."""
    found = await tx.many(_KEPT, sorted(shards), OF_TRIAL, f"{REVIEWED}%") if shards else []
    return {
        (row["shard"], row["scheme"], row["over"], row["unit"], row["month"]): len(json.loads(row["numbers"]))
        for row in found
    }


async def decided(tx: PostgresTransaction, shards: Collection[int]) -> dict[UnderReview, list[Reviewed]]:
    """Return the decisions of shards that change anything, by the month of a unit that they are of."""
    found: dict[UnderReview, list[Reviewed]] = {}
    for row in await tx.many(_DECIDED, POINTS, REVIEWS, sorted(shards)) if shards else ():
        one = conclusions.reviewed_of(envelope.decode(row["body"]))
        if one.is_change:
            found.setdefault(UnderReview(row["shard"], row["unit"], row["month"]), []).append(one)
    return found


async def of_cell(tx: PostgresTransaction, cell: UnderReview) -> list[Reviewed]:
    """Return the decisions that change anything and of which facts stand in a shard."""
    months, at = (cell.month, cell.month), Found(cell.unit, cell.month, cell.shard, "")
    found: dict[str, Reviewed] = {}
    while True:
        page = await derived.find(tx, POINTS, REVIEWS, [cell.unit], months, at, FACTS_PER_QUERY)
        here = [told.fact for place, told in page if place.shard == cell.shard]
        found |= {one.key: one for one in here if isinstance(one, Reviewed) and one.is_change}
        if len(page) < FACTS_PER_QUERY or len(here) < len(page):
            return list(found.values())
        at = page[-1][0]


async def stands(
    tx: PostgresTransaction, cell: UnderReview, under: Under, catalogue: Catalogue
) -> list[Stands]:
    """Return what each fact under reviews says in a cell, of those that a shard keeps.

    Of events those are left out that no review can change.
    """
    if not under.is_of_events:
        found = _of_derived(under, cell, await _told(tx, cell, under))
        return [one for one in found if any(review.rests_on(one) for review in under.reviews)]
    return [one async for page in pages(tx, cell, under, catalogue) for one in page]


async def pages(
    tx: PostgresTransaction, cell: UnderReview, under: Under, catalogue: Catalogue
) -> AsyncIterator[list[Stands]]:
    """Yield a page at a time what events and cases of a shard say in a cell that a review can change."""
    units, months = reach(cell, under)
    ranges = [one for review in under.reviews for one in ranges_of(review)]
    if not ranges:
        return
    span = min(first for first, _ in ranges), max(last for _, last in ranges)
    async for alone in facts.among(tx, cell.shard, units, months, span):
        yield _said_by(under, cell, alone, catalogue)
    async for page in cases.among(tx, cell.shard, units, months, CASES_PER_PAGE):
        yield _said_by(under, cell, page, catalogue)


def reach(cell: UnderReview, under: Under) -> tuple[list[str], tuple[int, int]]:
    """Return whose facts, from which month to which, say anything in a cell; of a stock those before too."""
    plan = under.plan.plan
    return leaves_of(plan, cell.unit), (plan.first if under.place.stock else cell.month, cell.month)


def _said_by(
    under: Under, cell: UnderReview, found: Iterable[cases.Case], catalogue: Catalogue
) -> list[Stands]:
    told = (
        under.said(cell, one.grp, [report_of(event, catalogue) for event in stored_events(one.events)])
        for one in found
    )
    return [one for one in told if one is not None]


def name_of(grp: bytes) -> FactName:
    """Name a fact or case as reviews do."""
    return ACCEPTED, grp.hex()


def _said(under: Under, cell: UnderReview, name: FactName, reports: Sequence[Report]) -> Stands | None:
    plan, place = under.plan.plan, under.place
    tally = Tally()
    fold_under(tally, [plan], reports)
    sums = tally.spread()
    months = range(plan.first if place.stock else cell.month, cell.month + 1)
    cells = [sums.get((plan.id, place.over, cell.unit, month)) for month in months]
    amounts = [place.slots.of(row) for row in cells if row is not None]
    numerator, denominator = (sum(one[at] for one in amounts) for at in (0, 1))
    numbers = tuple(report.number for report in reports)
    return Stands(name, numbers, numerator, denominator) if amounts else None


async def _told(tx: PostgresTransaction, cell: UnderReview, under: Under) -> list[derived.Told]:
    """Return the derived facts that reviews rest on; all of the cell where one rests on all."""
    over = under.place.over
    stream = derived.stream_of(over)
    if any(one.facts is None for one in under.reviews):
        months, units = (cell.month, cell.month), leaves_of(under.plan.plan, cell.unit)
        found = await derived.find(tx, stream, over, units, months, None, FACTS_PER_QUERY)
        return [told for at, told in found if at.shard == cell.shard]
    named = {name for one in under.reviews for name in one.facts or ()}
    kept = await derived.load(tx, [Key(cell.shard, *name) for name in sorted(named)])
    return list(kept.values())


def _of_derived(under: Under, cell: UnderReview, found: Iterable[derived.Told]) -> Iterator[Stands]:
    place = under.place
    for told in found:
        mine = [
            one
            for one in told.fact.losses(under.plan)
            if (one.over, one.slots, one.unit, one.month) == (place.over, place.slots, cell.unit, cell.month)
        ]
        numerator, denominator = sum(one.parts for one in mine), sum(one.base for one in mine)
        if mine:
            yield Stands((told.key.stream, told.key.key), (), numerator, denominator)

"""What the facts of one case add to every measure, unit and month."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.scoring.domain.expressions import Row
from services.scoring.domain.facts import Report, Standing, standing
from services.scoring.domain.plan import Plan
from shared.kernel.periods import Month

UNKNOWN_UNIT = "unknown_unit"
NO_SCHEME = "no_scheme"

Cell = tuple[str, str, int]
Amounts = tuple[int, int, int]
Place = tuple[str, int]
Doubt = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Folded:
    """Partial sums (numerator, denominator, rows) by (measure, unit, month).

    `places` are the (leaf unit, month) pairs under which the case is found: where it counts, and where a
    report that was left out would have. `doubts` say why (and what of it) a row could not be scored.
    """

    amounts: dict[Cell, Amounts] = field(default_factory=dict[Cell, Amounts])
    places: frozenset[Place] = frozenset()
    doubts: frozenset[Doubt] = frozenset()
    rows: int = 0


NOTHING = Folded()


@dataclass(slots=True)
class _Sums:
    amounts: dict[Cell, Amounts] = field(default_factory=dict[Cell, Amounts])
    places: set[Place] = field(default_factory=set[Place])
    doubts: set[Doubt] = field(default_factory=set[Doubt])
    rows: int = 0


def fold_under(plans: Sequence[Plan], reports: Sequence[Report]) -> Folded:
    """Fold the reports of one case under several schemes, whose cells are apart.

    A doubt is what no scheme that reads the case could score; a scheme that reads nothing of it has no say.
    """
    if not reports or not plans:
        return NOTHING
    stands = standing(reports)
    if len(plans) == 1:
        return fold_standing(plans[0], stands)
    folded = [fold_standing(plan, stands) for plan in plans]
    heard = [one.doubts for one in folded if one.rows]
    return Folded(
        amounts={cell: found for one in folded for cell, found in one.amounts.items()},
        places=frozenset[Place]().union(*(one.places for one in folded)),
        doubts=heard[0].intersection(*heard) if heard else frozenset(),
        rows=sum(one.rows for one in folded),
    )


def fold_standing(plan: Plan, stands: Standing) -> Folded:
    """Fold what stands; what was left out is found under the places that it would have had alone."""
    folded = fold(plan, stands.facts)
    alone = [fold(plan, [report]).places for report, _ in stands.left_out if report.data is not None]
    return replace(folded, places=folded.places.union(*alone)) if alone else folded


def fold(plan: Plan, facts: Sequence[Report]) -> Folded:
    """Fold the standing facts of one case or of one event without a case."""
    sums = _Sums()
    for over, events in plan.events_of.items():
        relevant = [fact for fact in facts if fact.type in events]
        if not relevant:
            continue
        for row in plan.rows_of[over](relevant):
            _add_row(plan, over, row, sums)
    return Folded(sums.amounts, frozenset(sums.places), frozenset(sums.doubts), sums.rows)


def _add_row(plan: Plan, over: str, row: Row, sums: _Sums) -> None:
    units, strangers = plan.units_of(row)
    sums.rows += 1
    sums.doubts.update((UNKNOWN_UNIT, leaf) for leaf in strangers)
    leaves = [leaf for column in plan.trees.values() if (leaf := row.get(column)) in units]
    months: set[int] = set()
    for measure in plan.measures[over]:
        for share in measure.shares(row):
            months.add(share.month)
            amounts = (share.numerator, share.denominator, share.rows)
            for unit in units:
                cell = (measure.id, unit, share.month)
                known = sums.amounts.get(cell)
                sums.amounts[cell] = amounts if known is None else plus(known, amounts)
    sums.places.update((leaf, month) for leaf in leaves for month in months)
    if units and not months:
        sums.doubts.update((NO_SCHEME, str(month)) for month in _outside(plan, over, row))


def _outside(plan: Plan, over: str, row: Row) -> set[Month]:
    """Return the months of a row that the scheme does not cover."""
    months = {measure.placed(row) for measure in plan.measures[over]} - {None}
    return {Month.of_ordinal(at) for at in months if at is not None and not plan.first <= at <= plan.last}


def plus(one: Amounts, other: Amounts) -> Amounts:
    """Add two sums."""
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def difference(before: Folded, after: Folded) -> dict[Cell, Amounts]:
    """Return what must be added to the partial sums when a case changes; unchanged cells are left out."""
    if not before.amounts:
        return after.amounts
    changes: dict[Cell, Amounts] = {}
    for cell in before.amounts.keys() | after.amounts.keys():
        old, new = before.amounts.get(cell, (0, 0, 0)), after.amounts.get(cell, (0, 0, 0))
        if old != new:
            changes[cell] = (new[0] - old[0], new[1] - old[1], new[2] - old[2])
    return changes

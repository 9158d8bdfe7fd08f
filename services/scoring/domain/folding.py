"""What the facts of one case add to every measure, unit and month."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.scoring.domain.expressions import Row
from services.scoring.domain.facts import Report
from services.scoring.domain.plan import Plan

Cell = tuple[str, str, int]
Amounts = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Folded:
    """Partial sums (numerator, denominator, rows) by (measure, unit, month), and what could not be placed.

    `places` are the (leaf unit, month) pairs in which the case counts for something.
    """

    amounts: dict[Cell, Amounts]
    places: frozenset[tuple[str, int]]
    unknown: tuple[str, ...]


NOTHING = Folded({}, frozenset(), ())


def fold(plan: Plan, facts: Sequence[Report]) -> Folded:
    """Fold the standing facts of one case or of one event without a case."""
    amounts: dict[Cell, Amounts] = {}
    places: set[tuple[str, int]] = set()
    unknown: list[str] = []
    for over, events in plan.events_of.items():
        relevant = [fact for fact in facts if fact.type in events]
        if not relevant:
            continue
        for row in plan.rows_of[over](relevant):
            _add_row(plan, over, row, amounts, places, unknown)
    return Folded(amounts, frozenset(places), tuple(unknown))


def _add_row(
    plan: Plan,
    over: str,
    row: Row,
    amounts: dict[Cell, Amounts],
    places: set[tuple[str, int]],
    unknown: list[str],
) -> None:
    units, strangers = plan.units_of(row)
    unknown += strangers
    leaves = [leaf for column in plan.trees.values() if (leaf := row.get(column)) in units]
    for measure in plan.measures[over]:
        for share in measure.shares(row):
            rows = -1 if measure.stock and share.numerator < 0 else 1
            places.update((leaf, share.month) for leaf in leaves)
            for unit in units:
                cell = (measure.id, unit, share.month)
                numerator, denominator, count = amounts.get(cell, (0, 0, 0))
                amounts[cell] = (
                    numerator + share.numerator,
                    denominator + share.denominator,
                    count + rows,
                )


def difference(before: Folded, after: Folded) -> dict[Cell, Amounts]:
    """Return what must be added to the partial sums when a case changes; unchanged cells are left out."""
    changes: dict[Cell, Amounts] = {}
    for cell in before.amounts.keys() | after.amounts.keys():
        old, new = before.amounts.get(cell, (0, 0, 0)), after.amounts.get(cell, (0, 0, 0))
        if old != new:
            changes[cell] = (new[0] - old[0], new[1] - old[1], new[2] - old[2])
    return changes

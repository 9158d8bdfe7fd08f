"""Measured values by (measure, unit, month), as live folding and second opinions give them."""

from collections.abc import Iterable, Mapping, Sequence
from operator import add

from services.scoring.domain.facts import Report
from services.scoring.domain.folding import Tally
from services.scoring.domain.layout import Numbers
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import Plan

Place = tuple[str, str, int]
Measured = Mapping[Place, Partials]
NOTHING = Partials()


def folded(plan: Plan, groups: Iterable[Sequence[Report]]) -> Measured:
    """Fold the standing facts of cases as the live path does; a stock is what stands at a month's end.

    Months in which nothing of a measure came are left out.
    """
    tally = Tally()
    for facts in groups:
        tally.add(plan, facts)
    cells = {(over, unit, month): numbers for (_, over, unit, month), numbers in tally.spread().items()}
    return measured(plan, cells)


def measured(plan: Plan, cells: Mapping[tuple[str, str, int], Numbers]) -> Measured:
    """Read rows of numbers by (over, unit, month) as values of measures."""
    found: dict[Place, Partials] = {}
    months = range(plan.first, plan.last + 1)
    for over, unit in sorted({(over, unit) for over, unit, _ in cells}):
        moved = {month: cells[over, unit, month] for month in months if (over, unit, month) in cells}
        for measure in plan.measures[over]:
            numbers = _standing(moved, months) if measure.stock else moved
            slots = plan.layouts[over].slots[measure.name]
            for month, row in numbers.items():
                partials = slots.partials(row)
                if partials != NOTHING:
                    found[measure.name, unit, month] = partials
    return found


def _standing(moved: Mapping[int, Numbers], months: range) -> dict[int, Numbers]:
    """Add up what came and went from the first month to each."""
    found: dict[int, Numbers] = {}
    so_far: Numbers | None = None
    for month in months:
        if month in moved:
            so_far = moved[month] if so_far is None else list(map(add, so_far, moved[month]))
        if so_far is not None:
            found[month] = so_far
    return found

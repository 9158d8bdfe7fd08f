"""What of a unit depends on rows that moved, computed anew; what became another is noted."""

from collections.abc import Collection, Mapping

from services.scoring.domain.changes import UNTOLD, Cell, Changes, Standing
from services.scoring.domain.groups import GroupPlan, once
from services.scoring.domain.scored import Scored
from services.scoring.domain.sums import STALE, UnitSums, Window
from shared.kernel.periods import PeriodCalendar

Moved = Mapping[tuple[str, int], Collection[int]]


def posted(plan: GroupPlan, unit: str, sums: UnitSums, cells: Mapping[Cell, int]) -> Standing:
    """Return how a unit stands by its sums and cells: every due figure of every period, but compared ones."""
    figures = {(period, one.code): one.value(sums, at) for one in plan.of(unit) for period, at in one.due}
    return Standing(dict(cells), figures)


def post(plan: GroupPlan, unit: str, sums: UnitSums, standing: Standing, moved: Moved) -> Changes:
    """Compute what of a unit depends on places that moved, by (view, month), and note what became another."""
    changes = Changes()
    scored = plan.of_unit[unit]
    for (over, month), places in moved.items():
        for one in scored.get(over, ()):
            if not one.places[over].isdisjoint(places):
                _post(one, sums, standing, month, changes)
        if plan.gate is not None and plan.gate.over == over and plan.gate.slots.numerator in places:
            for period, at in plan.around.get(month, ()):
                changes.volumes[period] = plan.volume(sums, at)
                changes.figures.setdefault(period, {})
    weigh(plan, sums, changes)
    return changes


def end(plan: GroupPlan, standing: Standing, changes: Changes) -> None:
    """End the cells of months that the version no longer rules."""
    first, last = plan.months[0], plan.months[-1]
    for month, code in [cell for cell in standing.cells if not first <= cell[0] <= last]:
        changes.cell(standing, month, code, None)


def silent(plan: GroupPlan, unit: str, sums: UnitSums) -> dict[str, list[int]]:
    """Return by indicator of a unit the months in which a feed of its events is silent."""
    if not any(over.startswith(STALE) for over in sums.merged):
        return {}
    mine = (*plan.of(unit), *(one for one in plan.compared if unit in one.units))
    found = {one.code: [at for at in plan.months if one.is_stale(sums, (at, at))] for one in mine}
    return {code: months for code, months in found.items() if months}


def is_heard(moved: Moved) -> bool:
    """Tell whether among what moved is that a feed is silent, or no longer."""
    return any(over.startswith(STALE) for over, _ in moved)


def weigh(plan: GroupPlan, sums: UnitSums, changes: Changes) -> None:
    """Add the volume of every period of which a figure became another."""
    for period in changes.figures.keys() - changes.volumes.keys():
        changes.volumes[period] = (
            0 if plan.gate is None else plan.volume(sums, _window(plan.calendar, period))
        )


def everything(plan: GroupPlan) -> Moved:
    """Return every place of every month as moved."""
    wanted: dict[str, set[int]] = {}
    for one in (*once(plan.scored), *plan.compared):
        for over, places in one.places.items():
            wanted.setdefault(over, set()).update(places)
    return {(over, month): places for over, places in wanted.items() for month in plan.months}


def _post(one: Scored, sums: UnitSums, standing: Standing, month: int, changes: Changes) -> None:
    """Note what became another; written out, as a call for each figure makes a batch a tenth dearer."""
    values: dict[Window, int | None] = {}
    for at, months in one.cells.get(month, ()):
        old = standing.cells.get((at, one.code))
        new = values[months] = one.value(sums, months)
        if old != new:
            changes.cells.setdefault(at, {})[one.code] = old, new
            if new is None:
                del standing.cells[at, one.code]
            else:
                standing.cells[at, one.code] = new
    for period, months in one.periods.get(month, ()):
        key = period, one.code
        new = values[months] if months in values else one.value(sums, months)
        if standing.figures.get(key, UNTOLD) != new:
            standing.figures[key] = changes.figures.setdefault(period, {})[one.code] = new


def _window(calendar: PeriodCalendar, period: str) -> Window:
    found = calendar.parse(period)
    return found.first.ordinal, found.last.ordinal

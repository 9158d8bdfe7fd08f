"""What methods that compare make of a group: one value that moves can move every unit."""

from collections.abc import Mapping

from services.scoring.domain.changes import Changes, PeriodFigure, Standing
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.posting import Moved, weigh
from services.scoring.domain.scored import Compared
from services.scoring.domain.sums import UnitSums, Window

Movers = Mapping[int, set[str]]


def compare(
    plan: GroupPlan,
    sums: Mapping[str, UnitSums],
    standings: Mapping[str, Standing],
    moved: Mapping[str, Moved],
    changed: dict[str, Changes],
) -> dict[str, Movers]:
    """Score the group anew where values moved; what became another is noted and added to `changed`.

    Sums and standings are those of all units. Returns by indicator and month the units that moved it.
    """
    movers: dict[str, Movers] = {}
    for one in plan.compared:
        months = _movers(one, moved)
        if months:
            movers[one.code] = months
            _compare(one, sums, standings, months, changed)
    for unit, changes in changed.items():
        weigh(plan, sums[unit], changes)
    return movers


def compared_figures(
    plan: GroupPlan, sums: Mapping[str, UnitSums]
) -> dict[str, dict[PeriodFigure, int | None]]:
    """Return by unit every due figure of every period that compares the group."""
    found: dict[str, dict[PeriodFigure, int | None]] = {unit: {} for unit in plan.units}
    for one in plan.compared:
        for period, at in one.due:
            scores = one.scored(sums, at)
            for unit in (unit for unit in one.units if one.applies(unit, at)):
                found[unit][period, one.code] = scores.get(unit)
    return found


def _movers(one: Compared, moved: Mapping[str, Moved]) -> dict[int, set[str]]:
    """Return by month the units of which places moved that the indicator reads."""
    months: dict[int, set[str]] = {}
    for unit in one.units & moved.keys():
        for (over, month), places in moved[unit].items():
            if over in one.places and not one.places[over].isdisjoint(places):
                months.setdefault(month, set()).add(unit)
    return months


def _compare(
    one: Compared,
    sums: Mapping[str, UnitSums],
    standings: Mapping[str, Standing],
    months: Movers,
    changed: dict[str, Changes],
) -> None:
    known: dict[Window, Mapping[str, int]] = {}

    def scores(at: Window) -> Mapping[str, int]:
        if at not in known:
            known[at] = one.scored(sums, at)
        return known[at]

    cells = {found: None for month in sorted(months) for found in one.cells.get(month, ())}
    periods = {found: None for month in sorted(months) for found in one.periods.get(month, ())}
    for unit in sorted(one.units):
        standing = standings[unit]
        for at, window in cells:
            new = scores(window).get(unit)
            if standing.cells.get((at, one.code)) != new:
                changed.setdefault(unit, Changes()).cell(standing, at, one.code, new)
        for period, window in periods:
            new = scores(window).get(unit)
            if one.applies(unit, window) and not standing.has(period, one.code, new):
                changed.setdefault(unit, Changes()).figure(standing, period, one.code, new)

"""Every figure that is made of parts, and which of them became others."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from services.scoring.domain.cells import compare, formula, without_data
from services.scoring.domain.changes import Changes
from services.scoring.domain.combining import Share, combined
from services.scoring.domain.methods.amounts import actual_of
from services.scoring.domain.parts import Key, Part, Parted, left_of, parted_of
from services.scoring.domain.successions import Succession, Sums


class Figure(NamedTuple):
    """What a figure is worth, and its points where they are not those of the version, in parts of 10^-12."""

    value: int | None
    points: int | None


NO_MORE = Figure(None, None)
Compared = dict[tuple[Part, frozenset[str]], Mapping[str, int]]


def parted_figures(
    succession: Succession, units: Collection[str], sums: Sums, clock: int
) -> dict[str, dict[Key, Figure]]:
    """Return by unit every figure that is made of parts, as of a month; sums are by version and unit.

    Where units are compared the sums are those of all of them, and of rivals. What a unit took with it to
    another group is nothing here.
    """
    scored: Compared = {}
    found: dict[str, dict[Key, Figure]] = {}
    for unit in units:
        mine = found.setdefault(unit, {})
        for one in parted_of(succession, unit, clock):
            shares = [_share(one, part, unit, sums, scored) for part in one.parts]
            mine[one.key] = Figure(combined(one, shares), one.points)
        for key in left_of(succession, unit, clock):
            mine[key] = NO_MORE
    return found


def parted_changes(
    succession: Succession,
    before: Mapping[str, Mapping[Key, Figure]],
    now: Mapping[str, Mapping[Key, Figure]],
    sums: Sums,
) -> dict[int, dict[str, Changes]]:
    """Return by version and unit the figures made of parts that became others, with their volumes."""
    found: dict[int, dict[str, Changes]] = {}
    for unit, told in now.items():
        for key, figure in told.items():
            if before.get(unit, {}).get(key) != figure:
                version, period, code = key
                changed = found.setdefault(version, {}).setdefault(unit, Changes())
                changed.figures.setdefault(period, {})[code] = figure.value
                if figure.points is not None:
                    changed.points.setdefault(period, {})[code] = figure.points
                if period not in changed.volumes:
                    changed.volumes[period] = succession.volume(unit, succession.calendar.parse(period), sums)
    return found


def shares_of(parted: Parted, unit: str, sums: Sums) -> list[Share]:
    """Return the parts of a figure of a unit with what they come to."""
    found: list[Share] = []
    for part in parted.parts:
        share = _share(parted, part, unit, sums, {})
        comparing = part.indicator.method.comparing
        among = tuple(_values(part, _peers(parted, part, unit), sums).values()) if comparing else ()
        found.append(share._replace(among=among))
    return found


def _share(parted: Parted, part: Part, unit: str, sums: Sums, scored: Compared) -> Share:
    measured, stale = part.sums(unit, sums), part.is_stale(unit, sums)
    if part.indicator.method.comparing is None:
        worth = formula(part.indicator, is_ratio=part.is_ratio)
        value = worth(measured.numerator, measured.denominator, measured.rows, *measured.more)
    else:
        peers = _peers(parted, part, unit)
        if (part, peers) not in scored:
            scored[part, peers] = compare(part.indicator, _values(part, peers, sums))
        value = scored[part, peers].get(unit, without_data(part.indicator))
    nobody_knows = stale and not part.indicator.method.is_always_due and not measured.rows
    return Share(part, measured, None if nobody_knows else value, stale=stale)


def _peers(parted: Parted, part: Part, unit: str) -> frozenset[str]:
    """Return with whom a unit is compared in a part.

    They are the units of the group by the version that tells the figure, wherever they were in these months;
    of what the group does not have there, those of the group by which the unit has it.
    """
    newest = part.newest
    is_own = newest.plan.name in part.indicator.groups
    return parted.chapter.plan.units if is_own else newest.beside(unit)


def _values(part: Part, peers: frozenset[str], sums: Sums) -> dict[str, Fraction]:
    """Return what was measured in the months of a part, of those whom its newest version scores by it."""
    values = {
        unit: actual_of(part.sums(unit, sums), is_ratio=part.is_ratio)
        for unit in sorted(peers)
        if part.applies(unit)
    }
    return {unit: value for unit, value in values.items() if value is not None}

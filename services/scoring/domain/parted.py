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


def parted_figures(
    succession: Succession, units: Collection[str], sums: Sums, clock: int
) -> dict[str, dict[Key, Figure]]:
    """Return by unit every figure that is made of parts, as of a month; sums are by version and unit.

    Where units are compared the sums are those of all of them. What a unit took with it to another group
    is nothing here.
    """
    scored: dict[Part, Mapping[str, int]] = {}
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
        among = tuple(_values(parted, part, sums).values()) if part.indicator.method.comparing else ()
        found.append(share._replace(among=among))
    return found


def _share(parted: Parted, part: Part, unit: str, sums: Sums, scored: dict[Part, Mapping[str, int]]) -> Share:
    measured, stale = part.sums(unit, sums), part.is_stale(unit, sums)
    if part.indicator.method.comparing is None:
        worth = formula(part.indicator, is_ratio=part.is_ratio)
        value = worth(measured.numerator, measured.denominator, measured.rows, *measured.more)
    else:
        if part not in scored:
            scored[part] = compare(part.indicator, _values(parted, part, sums))
        value = scored[part].get(unit, without_data(part.indicator))
    nobody_knows = stale and not part.indicator.method.is_always_due and not measured.rows
    return Share(part, measured, None if nobody_knows else value, stale=stale)


def _values(parted: Parted, part: Part, sums: Sums) -> dict[str, Fraction]:
    """Return what was measured in the months of a part of those who are compared there.

    They are the units of the group by the version that tells the figure, wherever they were in these months,
    as far as the newest version of the part scores them by the indicator.
    """
    values = {
        unit: actual_of(part.sums(unit, sums), is_ratio=part.is_ratio)
        for unit in sorted(parted.chapter.plan.units)
        if part.applies(unit)
    }
    return {unit: value for unit, value in values.items() if value is not None}

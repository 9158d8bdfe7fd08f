"""How many points of the boards machines give: planned by the scheme, achieved by cells that were scored.

In a period points are weighted by the months in which versions rule them; what does not apply to a unit in a
month has no cell there by right and stands outside both.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.document import GroupSpec, SchemeDocument
from services.scoring.domain.figures import MonthPartials, merged
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.amounts import actual_of, exact
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, parts, short_text

BY_MACHINES = frozenset({"machine", "system"})
CLASSES = ("machine", "system", "manual")
NOTHING = Decimal(0)


class Scored(NamedTuple):
    """An indicator of a unit in a group, as a version scores it."""

    version: int
    group: str
    unit: str
    indicator: str


@dataclass(frozen=True, slots=True)
class Planned:
    """Points of a unit by how they are collected."""

    machine: Decimal = NOTHING
    system: Decimal = NOTHING
    manual: Decimal = NOTHING

    @property
    def by_machines(self) -> Decimal:
        """Machine and system together, of which alone the target decides."""
        return self.machine + self.system

    @property
    def total(self) -> Decimal:
        """All points of the unit."""
        return self.by_machines + self.manual

    def share(self) -> Fraction:
        """Return the share of what machines give; a unit without an indicator has none."""
        return Fraction(self.by_machines) / Fraction(self.total) if self.total else Fraction(0)


@dataclass(frozen=True, slots=True)
class Achieved:
    """Points of a unit that came from machines in a period, and the indicators that did not wholly."""

    points: Decimal
    total: Decimal
    missing: tuple[str, ...]

    def share(self) -> Fraction:
        """Return the share of what came from machines."""
        return Fraction(self.points) / Fraction(self.total) if self.total else Fraction(0)


@dataclass(frozen=True, eq=False)
class Ruling:
    """A version, and the months of a period that it rules."""

    document: SchemeDocument
    months: tuple[int, ...]

    @cached_property
    def absent(self) -> Mapping[str, Mapping[str, Absence]]:
        """By indicator and unit the months in which it does not apply."""
        return {one.code: absences(self.document, one) for one in self.document.indicators}

    def applying(self, indicator: IndicatorSpec, unit: str) -> list[int]:
        """Return in which of the months an indicator applies to a unit; one of an overlay in its own."""
        absence, within = self.absent[indicator.code].get(unit), self.document.months_of(indicator)
        return [
            month
            for month in self.months
            if (within is None or within[0] <= month <= within[1])
            and (absence is None or month not in absence.months)
        ]

    def having_cells(self, indicator: IndicatorSpec, unit: str) -> list[int]:
        """Return in which of these months there is a cell to be: of one that names days in theirs alone."""
        named = indicator.named_months
        return [month for month in self.applying(indicator, unit) if named is None or month in named]


class Share(NamedTuple):
    """An indicator of a unit in the months of one version: its points times months, in millionths.

    `months` are how many cells there are to be: of one that names days those of its days.
    """

    indicator: IndicatorSpec
    weight: int
    months: int
    place: Scored


def target_of(document: SchemeDocument) -> Decimal | None:
    """Return the share that machine and system reach together by the scheme, if it has a target."""
    spec = document.coverage
    return None if spec is None else Decimal(spec.machine) + Decimal(spec.system)


def planned(document: SchemeDocument) -> dict[str, dict[str, Planned]]:
    """Return by group and unit the points by how they are collected, of every unit that is assessed."""
    return {
        name: {unit: _planned(within, unit) for unit in units}
        for name, units, within in _groups(document)
        if within
    }


def planned_in(rulings: Sequence[Ruling]) -> dict[str, dict[str, Planned]]:
    """Return the same in a period: points weighted by months, without what does not apply in them."""
    return {
        group: {
            unit: Planned(**{kind: _weighted(rulings, _of_class(shares, kind)) for kind in CLASSES})
            for unit, shares in units.items()
        }
        for group, units in _shares(rulings).items()
    }


def least(units: Mapping[str, Planned]) -> tuple[str, Planned]:
    """Return the unit of a group that machines cover least, of equals the first."""
    return min(units.items(), key=lambda pair: pair[1].share())


def achieved(rulings: Sequence[Ruling], cells: Mapping[Scored, int]) -> dict[str, dict[str, Achieved]]:
    """Return by group and unit what came from machines in a period; `cells` counts months that have a value.

    An indicator of class machine or system did if it was scored in every month in which it applies.
    """
    return {
        group: {unit: _achieved(rulings, shares, cells) for unit, shares in units.items()}
        for group, units in _shares(rulings).items()
    }


def months_with_data(ruling: Ruling, one: IndicatorSpec, unit: str, partials: MonthPartials) -> int:
    """Count the months that have a cell with data behind it, not only what the scheme gives without any."""
    spec = ruling.document.measures[one.measure]
    months = map(Month.of_ordinal, ruling.having_cells(one, unit))
    found = (actual_of(merged((month,), partials, spec), is_ratio=spec.is_ratio) for month in months)
    return sum(value is not None for value in found)


def _shares(rulings: Sequence[Ruling]) -> dict[str, dict[str, list[Share]]]:
    """Return by group and unit what is in the total, each in the months of each version.

    What a unit had in a group that it left stands in those that the last version has it in; one that the
    last does not have is in no standing, and counted nowhere.
    """
    found: dict[str, dict[str, list[Share]]] = {}
    homes = _homes(max(rulings, key=lambda one: one.months).document) if rulings else {}
    for ruling in rulings:
        version, there = ruling.document.scheme.version, _homes(ruling.document)
        for name, units, within in _groups(ruling.document):
            for unit in (one for one in units if one in homes) if within else ():
                shares = [_share(ruling, one, Scored(version, name, unit, one.code)) for one in within]
                for group in (name,) if name in homes[unit] else sorted(homes[unit] - there[unit]):
                    mine = found.setdefault(group, {}).setdefault(unit, [])
                    known = {(one.place.version, one.place.indicator) for one in mine}
                    mine += [
                        one
                        for one in shares
                        if one.indicator.is_for(unit) and (version, one.indicator.code) not in known
                    ]
    return {
        group: {unit: _with_cells(mine) for unit, mine in units.items()} for group, units in found.items()
    }


def _share(ruling: Ruling, one: IndicatorSpec, place: Scored) -> Share:
    months, cells = ruling.applying(one, place.unit), ruling.having_cells(one, place.unit)
    return Share(one, exact(one.points) * len(months), len(cells), place)


def _homes(document: SchemeDocument) -> dict[str, frozenset[str]]:
    """Return by unit the groups that a version has it in."""
    by_level: dict[str, set[str]] = {}
    for name, group in document.groups.items():
        by_level.setdefault(group.level, set()).add(name)
    return {unit.code: frozenset(by_level[unit.level]) for unit in document.units if unit.level in by_level}


def _with_cells(shares: Sequence[Share]) -> list[Share]:
    """Leave out what has no cell in the period: what names days, where none of them lies in it."""
    having = {one.indicator.code for one in shares if one.months}
    return [one for one in shares if one.indicator.named_months is None or one.indicator.code in having]


def _achieved(rulings: Sequence[Ruling], shares: Sequence[Share], cells: Mapping[Scored, int]) -> Achieved:
    wanted = [one for one in shares if one.indicator.collection in BY_MACHINES]
    missing = tuple({one.indicator.code: None for one in wanted if cells.get(one.place, 0) < one.months})
    done = [one for one in wanted if one.indicator.code not in missing]
    return Achieved(_weighted(rulings, done), _weighted(rulings, shares), missing)


def _of_class(shares: Sequence[Share], kind: str) -> list[Share]:
    return [one for one in shares if one.indicator.collection == kind]


def _weighted(rulings: Sequence[Ruling], shares: Sequence[Share]) -> Decimal:
    """Return points over all months, without zeros that say nothing."""
    months = sum(len(ruling.months) for ruling in rulings)
    return Decimal(short_text(parts(sum(one.weight for one in shares), months * MILLIONTHS)))


def _groups(document: SchemeDocument) -> Iterator[tuple[str, list[str], list[IndicatorSpec]]]:
    for name, group in document.groups.items():
        within = [one for one in document.indicators if name in one.groups and document.is_counted(one)]
        yield name, _units(document, group), within


def _units(document: SchemeDocument, group: GroupSpec) -> list[str]:
    return [unit.code for unit in document.units if unit.level == group.level]


def _planned(indicators: Sequence[IndicatorSpec], unit: str) -> Planned:
    points = dict.fromkeys(CLASSES, NOTHING)
    for one in indicators:
        if one.is_for(unit):
            points[one.collection] += Decimal(one.points)
    return Planned(**points)

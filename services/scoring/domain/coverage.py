"""How many points of the boards machines give: planned by the scheme, achieved by cells that were scored."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from services.scoring.domain.document import GroupSpec, IndicatorSpec, SchemeDocument

BY_MACHINES = frozenset({"machine", "system"})
NOTHING = Decimal(0)


class Scored(NamedTuple):
    """An indicator of a unit in a group of which every month cell of a period has a value."""

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

    def share(self) -> Fraction:
        """Return the share of what machines give; a unit without an indicator has none."""
        total = self.by_machines + self.manual
        return Fraction(self.by_machines) / Fraction(total) if total else Fraction(0)


@dataclass(frozen=True, slots=True)
class Achieved:
    """Points of a unit that came from machines in a period, and the indicators that did not wholly."""

    points: Decimal
    total: Decimal
    missing: tuple[str, ...]

    def share(self) -> Fraction:
        """Return the share of what came from machines."""
        return Fraction(self.points) / Fraction(self.total) if self.total else Fraction(0)


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


def least(units: Mapping[str, Planned]) -> tuple[str, Planned]:
    """Return the unit of a group that machines cover least, of equals the first."""
    return min(units.items(), key=lambda pair: pair[1].share())


def achieved(document: SchemeDocument, scored: Collection[Scored]) -> dict[str, dict[str, Achieved]]:
    """Return by group and unit what came from machines in a period.

    An indicator of class machine or system did if all its cells were scored.
    """
    known = frozenset(scored)
    return {
        name: {unit: _achieved(name, within, unit, known) for unit in units}
        for name, units, within in _groups(document)
        if within
    }


def _groups(document: SchemeDocument) -> Iterator[tuple[str, list[str], list[IndicatorSpec]]]:
    for name, group in document.groups.items():
        within = [one for one in document.indicators if name in one.groups and one.board is not None]
        yield name, _units(document, group), within


def _units(document: SchemeDocument, group: GroupSpec) -> list[str]:
    return [unit.code for unit in document.units if unit.level == group.level]


def _planned(indicators: Sequence[IndicatorSpec], unit: str) -> Planned:
    points = dict.fromkeys(("machine", "system", "manual"), NOTHING)
    for one in indicators:
        if one.is_for(unit):
            points[one.collection] += Decimal(one.points)
    return Planned(**points)


def _achieved(
    group: str, indicators: Sequence[IndicatorSpec], unit: str, scored: frozenset[Scored]
) -> Achieved:
    own = [one for one in indicators if one.is_for(unit)]
    wanted = [one for one in own if one.collection in BY_MACHINES]
    missing = tuple(one.code for one in wanted if Scored(group, unit, one.code) not in scored)
    points = sum((Decimal(one.points) for one in wanted if one.code not in missing), NOTHING)
    return Achieved(points, sum((Decimal(one.points) for one in own), NOTHING), missing)

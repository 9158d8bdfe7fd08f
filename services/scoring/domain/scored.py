"""Indicators made ready to be scored: by a unit's own sums, or by comparing the units of a group."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from functools import partial
from typing import Any

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.cells import compare, formula, without_data
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.amounts import Formula, Partials, actual_of
from services.scoring.domain.placing import Placed, Reign, placed
from services.scoring.domain.sums import NOTHING, UnitSums, Window


@dataclass(frozen=True, slots=True)
class Scored(Placed):
    """An indicator that scores each unit by its own sums."""

    formula: Formula

    def value(self, sums: UnitSums, at: Window) -> int | None:
        """Return what the indicator is worth over months, in parts of 10^-12."""
        if self.at_once and not sums.merged.keys().isdisjoint(self.stale) and self.waits(sums, at):
            return None
        if self.by_month or self.further:
            more = [self.read(sums, over, slots, at)[0] for over, slots in self.further]
            return self.formula(*self.read(sums, self.over, self.slots, at), *more)
        row = sums.merged.get(self.over, {}).get(at)
        if row is None:
            return self.formula(*NOTHING)
        numerator, denominator, rows, keys = self.slots
        if keys is not None:
            return self.formula(*self.slots.of(row))
        return self.formula(row[numerator], 0 if denominator is None else row[denominator], row[rows])


@dataclass(frozen=True, slots=True)
class Applying(Scored):
    """An indicator of a unit to which it does not apply in some months: what came in them counts nowhere."""

    absence: Absence

    def value(self, sums: UnitSums, at: Window) -> int | None:
        """Return what the indicator is worth over the months in which it applies."""
        return Scored.value(self, self.absence.seen(sums, self.overs, at), at)


@dataclass(frozen=True, slots=True)
class Compared(Placed):
    """An indicator that compares units: those of the group that have it, where it applies to them."""

    units: frozenset[str]
    absent: Mapping[str, Absence]
    is_ratio: bool
    otherwise: int | None
    scores: Callable[[Mapping[str, Fraction]], Mapping[str, int]]

    def scored(self, sums: Mapping[str, UnitSums], at: Window) -> Mapping[str, int]:
        """Return what the indicator is worth over months for the units that have a value there.

        Of the others, which are compared with none, it is what the scheme says that no data is worth.
        """
        found = self.scores(
            {
                unit: value
                for unit in self.units
                if self.applies(unit, at) and (value := self._actual(unit, sums[unit], at)) is not None
            }
        )
        if self.otherwise is None:
            return found
        sure = [unit for unit in self.units if self.applies(unit, at) and not self._waits(unit, sums, at)]
        return dict.fromkeys(sure, self.otherwise) | {**found}

    def applies(self, unit: str, at: Window) -> bool:
        """Tell whether the indicator applies to a unit in any of the months that are taken."""
        return unit not in self.absent or not self.absent[unit].covers(at)

    def _actual(self, unit: str, sums: UnitSums, at: Window) -> Fraction | None:
        sums = self._seen(unit, sums, at)
        return actual_of(Partials(*self.read(sums, self.over, self.slots, at)), is_ratio=self.is_ratio)

    def _waits(self, unit: str, sums: Mapping[str, UnitSums], at: Window) -> bool:
        return self.waits(self._seen(unit, sums[unit], at), at)

    def _seen(self, unit: str, sums: UnitSums, at: Window) -> UnitSums:
        return self.absent[unit].seen(sums, self.overs, at) if unit in self.absent else sums


def scored(document: SchemeDocument, indicator: IndicatorSpec, reign: Reign) -> Scored:
    """Make ready an indicator that scores each unit by its own sums."""
    is_ratio = document.measures[indicator.measure].is_ratio
    members = _members(placed(document, indicator, reign))
    return Scored(**members, formula=formula(indicator, is_ratio=is_ratio))


def without(one: Scored, absence: Absence | None) -> Scored:
    """Return an indicator without the cells and figures, and what came, where it does not apply."""
    if absence is None:
        return one

    return replace(
        Applying(**_members(one), absence=absence),
        due=tuple((period, at) for period, at in one.due if not absence.covers(at)),
        cells={
            month: tuple((of, at) for of, at in found if not absence.covers(at))
            for month, found in one.cells.items()
        },
        periods={
            month: tuple((period, at) for period, at in found if not absence.covers(at))
            for month, found in one.periods.items()
        },
    )


def compared(
    document: SchemeDocument, indicator: IndicatorSpec, reign: Reign, units: Collection[str]
) -> Compared:
    """Make ready an indicator that compares these units of a group."""
    return Compared(
        **_members(placed(document, indicator, reign)),
        units=frozenset(units),
        absent=absences(document, indicator),
        is_ratio=document.measures[indicator.measure].is_ratio,
        otherwise=without_data(indicator),
        scores=partial(compare, indicator),
    )


def _members(place: Placed) -> dict[str, Any]:
    return {one.name: getattr(place, one.name) for one in fields(place)}

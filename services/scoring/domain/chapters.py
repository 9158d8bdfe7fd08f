"""A version of a scheme in the months that it rules, with what of it was measured there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import add

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.differences import scoring_of
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.layout import Numbers, Slots, layout_of
from services.scoring.domain.measures import AnyMeasure, MeasureSpec
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.placing import stale_rows
from services.scoring.domain.sums import UnitSums
from shared.kernel.periods import Month, Period

NOTHING = Partials()


@dataclass(frozen=True, eq=False)
class Chapter:
    """A version in the months that it rules, as a group reads it.

    A unit that is in another group of the version, and comes into this one by a newer or had left it by an
    older, has in its months the indicators of that other group.
    """

    document: SchemeDocument
    plan: GroupPlan

    @cached_property
    def months(self) -> frozenset[int]:
        """The months that it rules."""
        return frozenset(self.plan.months)

    def within(self, months: Sequence[Month]) -> tuple[int, ...]:
        """Return which of these months it rules."""
        return tuple(month.ordinal for month in months if month.ordinal in self.months)

    def rules_any(self, first: int, last: int) -> bool:
        """Tell whether it rules any month of a window."""
        return not self.months.isdisjoint(range(first, last + 1))

    @cached_property
    def indicators(self) -> Mapping[str, IndicatorSpec]:
        """Its indicators by their code."""
        return {one.code: one for one in self.document.indicators}

    def asks(self, code: str, period: Period) -> bool:
        """Tell whether it has an indicator in any month of a period: one of an overlay in its own alone."""
        overlay = self.document.overlay_of(self.indicators[code])
        return overlay is None or overlay.lies_in(period.first.ordinal, period.last.ordinal)

    def began(self, code: str, *, before: "Chapter") -> bool:
        """Tell whether an indicator begins before the months of a newer version: of an overlay with it."""
        overlay = self.document.overlay_of(self.indicators[code])
        return overlay is None or overlay.months[0] < before.plan.months[0]

    @cached_property
    def scoring(self) -> Mapping[str, object]:
        """All that the values of each indicator depend on."""
        return {code: scoring_of(self.document, one) for code, one in self.indicators.items()}

    @cached_property
    def _levels(self) -> Mapping[str, str]:
        return {unit.code: unit.level for unit in self.document.units}

    @cached_property
    def _by_level(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for unit, level in self._levels.items():
            found.setdefault(level, set()).add(unit)
        return {level: frozenset(units) for level, units in found.items()}

    def beside(self, unit: str) -> frozenset[str]:
        """Return the units of the group that the version has a unit in, itself among them."""
        return self._by_level[self._levels[unit]]

    @cached_property
    def _groups(self) -> Mapping[str, frozenset[str]]:
        """The groups of each level."""
        found: dict[str, set[str]] = {}
        for name, group in self.document.groups.items():
            found.setdefault(group.level, set()).add(name)
        return {level: frozenset(names) for level, names in found.items()}

    def groups_of(self, unit: str) -> frozenset[str]:
        """Return the groups by whose indicators the version scores a unit: this one, if it is in it."""
        if unit in self.plan.units:
            return frozenset((self.plan.name,))
        return self._groups.get(self._levels.get(unit, ""), frozenset())

    @cached_property
    def occurred(self) -> tuple[str, ...]:
        """What measures run over whose rows all stand in the month in which they occurred; else all of it."""
        found: dict[str, bool] = {}
        for spec in self.document.measures.values():
            found[spec.over] = found.get(spec.over, True) and _by_time(self.document, spec)
        return tuple(over for over, by_time in found.items() if by_time) or tuple(found)

    def newest(self, sums: UnitSums) -> int:
        """Return the newest month of the version in which a unit has sums, 0 where there is none."""
        for month in reversed(self.plan.months):
            for over in self.occurred:
                if any(sums.merged.get(over, {}).get((month, month), ())):
                    return month
        return 0

    @cached_property
    def absent(self) -> Mapping[str, Mapping[str, Absence]]:
        """By indicator and unit the months in which it does not apply."""
        return {code: absences(self.document, one) for code, one in self.indicators.items()}

    @cached_property
    def stale(self) -> Mapping[str, tuple[str, ...]]:
        """By indicator the rows that say that a feed of its events is silent."""
        return {code: stale_rows(self.document, one) for code, one in self.indicators.items()}

    def is_stale(self, code: str, sums: UnitSums | None, months: Collection[int]) -> bool:
        """Tell whether a feed of an indicator's events is silent in any of these months."""
        if sums is None or sums.merged.keys().isdisjoint(self.stale[code]):
            return False
        rows = [sums.merged.get(over, {}) for over in self.stale[code]]
        return any(any(of_over.get((month, month), ())) for of_over in rows for month in months)

    def has(self, code: str, unit: str) -> bool:
        """Tell whether a unit has an indicator."""
        one = self.indicators.get(code)
        return one is not None and one.is_for(unit) and not self.groups_of(unit).isdisjoint(one.groups)

    def missing(self, code: str, unit: str) -> frozenset[int] | None:
        """Return in which months an indicator does not apply to a unit, None where it is not for it."""
        if not self.has(code, unit):
            return None
        absence = self.absent[code].get(unit)
        return frozenset() if absence is None else absence.months

    def gathered(self, code: str, sums: UnitSums | None, months: Collection[int]) -> Partials:
        """Return the sums of an indicator over months; of a stock all that came until then."""
        if sums is None:
            return NOTHING
        spec = self.indicators[code]
        if self.document.measures[spec.measure].kind == "stock":
            months = range(self.plan.months[0], max(months) + 1)
        found = _added(sums, months, *self._place(spec.measure))
        more = tuple(_added(sums, months, *self._place(name)).numerator for name in spec.further)
        return Partials(found.numerator, found.denominator, found.rows, more, found.held)

    def _place(self, sums: str) -> tuple[str, Slots]:
        over = self.document.measures[sums.partition("/")[0]].over
        return over, layout_of(self.document, over).slots[sums]


def _by_time(document: SchemeDocument, spec: AnyMeasure) -> bool:
    """Tell whether a row stands in the month in which it occurred, neither ahead of it nor carried on."""
    if not isinstance(spec, MeasureSpec):
        return True
    if not isinstance(spec.period_by, str):
        return False
    view = document.views.get(spec.over)
    if view is None:
        return spec.period_by == "time"
    column = view.columns.get(spec.period_by)
    return column is not None and set(column.aggregates().values()) == {"time"}


def _added(sums: UnitSums, months: Collection[int], over: str, slots: Slots) -> Partials:
    """Return what stands in a measure's places over months."""
    windows = sums.merged.get(over, {})
    total: Numbers | None = None
    for month in months:
        row = windows.get((month, month))
        if row is not None:
            total = row if total is None else list(map(add, total, row))
    return NOTHING if total is None else slots.partials(total)

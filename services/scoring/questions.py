"""A cell that was asked for: what of the versions that rule it concerns its figure and its cases."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.derived import PointsPlan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.explanation import Asked
from services.scoring.domain.figures import window
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import AnyMeasure
from services.scoring.domain.overlay_section import OverlaySpec
from services.scoring.domain.parts import Parted
from services.scoring.domain.plan import CompiledMeasure, Plan, measure_id
from services.scoring.domain.successions import Succession
from services.scoring.reports import Catalogue
from shared.kernel.periods import Month, Period


@dataclass(frozen=True, slots=True)
class Loaded:
    """An adopted version of a scheme, ready to explain its cells; it was checked against `types`."""

    document: SchemeDocument
    plan: Plan
    points: PointsPlan
    catalogue: Catalogue
    types: Mapping[str, Any]

    @property
    def id(self) -> tuple[str, int]:
        """Code and version."""
        return self.document.scheme.code, self.document.scheme.version


@dataclass(frozen=True, slots=True)
class Question:
    """A cell that was asked for, and what of the scheme concerns it.

    Of a figure that is made of parts `parted` says how, and `pieces` are the questions to the versions that
    rule its months; `months` are those of such a piece. `ended` says that another version rules them now.
    """

    scheme: Loaded
    period: Period
    unit: str
    indicator: IndicatorSpec
    groups: tuple[str, ...]
    line: Succession | None = None
    parted: Parted | None = None
    months: tuple[int, ...] = ()
    pieces: tuple["Question", ...] = ()
    ended: bool = False

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions of the scheme that the figure comes from."""
        if self.line is None:
            return (self.scheme.id[1],)
        return tuple(plan.version for plan in self.line.plans)

    @property
    def group(self) -> str:
        """The group by which the figure is told: of a unit that changed it, that of the period's last day."""
        return self.groups[0] if self.line is None else self.line.name

    @property
    def each(self) -> tuple["Question", ...]:
        """The questions to the versions that rule its months, one of them or several."""
        return self.pieces or (self,)

    @property
    def name(self) -> str:
        """The cell in one text."""
        return f"{self.scheme.plan.id} {self.period} {self.unit} {self.indicator.code}"

    @property
    def unit_path(self) -> str:
        """The unit below those above it, as tokens write it."""
        return "/" + "/".join(reversed(self.scheme.plan.above[self.unit]))

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of the unit, and that of the indicator's assessor, if it is a unit of the scheme."""
        above = self.scheme.plan.above.get(self.indicator.assessor)
        return self.unit_path, *(() if above is None else ("/" + "/".join(reversed(above)),))

    @property
    def spec(self) -> AnyMeasure:
        """The measure as the scheme writes it."""
        return self.scheme.document.measures[self.indicator.measure]

    @property
    def measures(self) -> tuple[CompiledMeasure, ...]:
        """The compiled measures of events that the figure takes, that of the indicator first."""
        names = dict.fromkeys((self.indicator.measure, *self.indicator.method.further_measures.values()))
        known = {one.id: one for found in self.scheme.plan.measures.values() for one in found}
        return tuple(known[measure_id(self.scheme.document, name)] for name in names)

    @property
    def has_denominator(self) -> bool:
        """Whether the measure is one sum over another."""
        return self.spec.denominator is not None

    @property
    def window(self) -> tuple[Month, ...]:
        """The months whose entries and cases concern the figure."""
        if self.months:
            return tuple(map(Month.of_ordinal, self.months))
        return window(self.scheme.document, self.indicator, self.period) or self.period.months()

    @property
    def is_within(self) -> bool:
        """Whether the period has any month that is taken: of an overlay its own, of days theirs."""
        return bool(window(self.scheme.document, self.indicator, self.period))

    @property
    def outside(self) -> OverlaySpec | None:
        """The overlay of the indicator where it has no month of the period."""
        overlay, period = self.scheme.document.overlay_of(self.indicator), self.period
        there = overlay is None or overlay.lies_in(period.first.ordinal, period.last.ordinal)
        return None if there else overlay

    @property
    def span(self) -> tuple[int, int]:
        """The first and last month of which something is taken; a stock is made since the scheme began."""
        first = self.scheme.plan.first if self.spec.kind == "stock" else self.window[0].ordinal
        return first, self.last

    @property
    def absences(self) -> dict[str, Absence]:
        """By unit the months in which the indicator does not apply to it."""
        return absences(self.scheme.document, self.indicator)

    @property
    def absent(self) -> frozenset[str]:
        """The units to which the indicator does not apply in any of the months that are taken."""
        return frozenset(unit for unit, absence in self.absences.items() if absence.covers(self.span))

    def gone(self, unit: str) -> frozenset[int]:
        """Return the months of which nothing counts for a unit, since the indicator does not apply to it."""
        absence = self.absences.get(unit)
        return frozenset() if absence is None else absence.gone(self.span)

    @property
    def last(self) -> int:
        """The last month that concerns the figure."""
        return self.window[-1].ordinal

    @property
    def among(self) -> tuple[str, ...]:
        """The units whose values the figure depends on: the whole group where the method compares them."""
        if self.indicator.method.comparing is None:
            return (self.unit,)
        document = self.scheme.document
        level = document.groups[self.groups[0]].level
        units = [one.code for one in document.units if one.level == level]
        return tuple(unit for unit in units if self.indicator.is_for(unit))

    @property
    def takers(self) -> tuple[IndicatorSpec, ...]:
        """The indicators of the unit that take the measure, for themselves or as a further one."""
        document, name = self.scheme.document, self.indicator.measure
        return tuple(
            one
            for one in document.indicators
            if name in {one.measure, *one.method.further_measures.values()}
            and self.unit in document.units_of(one)
        )

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What is asked of each case, by measure."""
        document, gone = self.scheme.document, self.gone(self.unit)
        only, overlay = document.months_taken(self.indicator), document.months_of(self.indicator)
        if self.spec.kind == "stock":
            only = None if self.months or self.is_within else frozenset()
        return tuple(
            Asked(self.unit, one, one.over in document.views, *self.span, gone, only, overlay)
            for one in self.measures
        )

"""Compares what another system published with what the raw facts give: two measures of a unit in a period."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import MonthPartials, merged
from services.scoring.domain.methods.amounts import Measured
from services.scoring.domain.result_section import ResultSpec
from shared.kernel.periods import Month, Period


class State(StrEnum):
    """How the two sides stand to each other; a zero denominator is no value."""

    EQUAL = "equal"
    DIFFERS = "differs"
    ONLY_OFFICIAL = "only_official"
    ONLY_OURS = "only_ours"
    NEITHER = "neither"

    @property
    def is_difference(self) -> bool:
        """Whether somebody should look at it."""
        return self not in {State.EQUAL, State.NEITHER}


@dataclass(frozen=True, slots=True)
class Reconciled:
    """A ready result of a unit beside what the raw facts give; `apart` is official less ours."""

    official: Measured
    ours: Measured
    state: State
    apart: Fraction | None


def reaches(document: SchemeDocument, period: Period) -> bool:
    """Tell whether a scheme covers every month of a period, so that its sums are those of the whole."""
    head = document.scheme
    return Month.parse(head.effective) <= period.first and period.last <= Month.parse(head.until)


def due(document: SchemeDocument, period: Period) -> Mapping[str, ResultSpec]:
    """Return the results that are published for periods of this length."""
    return {name: spec for name, spec in document.results.items() if spec.cycle == period.cycle}


def reconcile(
    document: SchemeDocument, spec: ResultSpec, period: Period, partials: Mapping[str, MonthPartials]
) -> Reconciled:
    """Compare the two measures of a result over a period, from their month partials by name."""
    official, ours = (
        _measured(document, name, period, partials[name]) for name in (spec.official, spec.ours)
    )
    published, found = official.value, ours.value
    apart = None if published is None or found is None else published - found
    return Reconciled(official, ours, _state(published, found, Fraction(spec.tolerance)), apart)


def _measured(document: SchemeDocument, measure: str, period: Period, partials: MonthPartials) -> Measured:
    spec = document.measures[measure]
    return Measured(merged(period.months(), partials, spec), is_ratio=spec.is_ratio)


def _state(official: Fraction | None, ours: Fraction | None, tolerance: Fraction) -> State:
    if official is None:
        return State.NEITHER if ours is None else State.ONLY_OURS
    if ours is None:
        return State.ONLY_OFFICIAL
    return State.EQUAL if abs(official - ours) <= tolerance else State.DIFFERS

"""Figures of every period from month partials: the months an indicator covers there, and what it is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from services.scoring.domain.cells import compare, compute, without_data
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import AnyMeasure
from services.scoring.domain.methods.amounts import Partials, actual_of, mean_of_months
from shared.kernel.figures import FigureState
from shared.kernel.periods import LENGTH_MONTHS, Cycle, Month, Period, PeriodCalendar
from shared.kernel.points import of_parts

MonthPartials = Mapping[int, Partials]
Only = frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Worth:
    """The figure of one indicator of one unit in one period; `among` are the values that were compared.

    It is `stale` while a feed of its events is silent in the period.
    """

    value: Decimal | None
    state: FigureState
    among: tuple[Fraction, ...] = ()
    stale: bool = False


NOT_APPLICABLE = Worth(None, FigureState.NOT_APPLICABLE)


def is_due(document: SchemeDocument, indicator: IndicatorSpec, period: Period) -> bool:
    """Tell whether a cycle of the indicator ends in the period; a deduction or bonus is always due.

    What belongs to an overlay is due in its months alone, and its last cycle ends with it; what names days
    is due in a period that contains one of them.
    """
    only, at_once = document.months_taken(indicator), indicator.method.is_always_due
    return _is_due(document.calendar, indicator.calendar_cycle, period, only, at_once=at_once)


@lru_cache(maxsize=4096)
def _is_due(calendar: PeriodCalendar, cycle: Cycle, period: Period, only: Only, *, at_once: bool) -> bool:
    mine = _within(period.months(), only)
    return bool(mine) and (
        at_once or _within(calendar.containing(mine[-1], cycle).months(), only)[-1] == mine[-1]
    )


def window(document: SchemeDocument, indicator: IndicatorSpec, period: Period) -> tuple[Month, ...]:
    """Return the months that an indicator covers: the period, or its cycle where that is longer.

    Of an overlay only its own months, of days only theirs; none where it has none in the period.
    """
    only, at_once = document.months_taken(indicator), indicator.method.is_always_due
    return _window(document.calendar, indicator.calendar_cycle, period, only, at_once=at_once)


def _window(
    calendar: PeriodCalendar, cycle: Cycle, period: Period, only: Only, *, at_once: bool
) -> tuple[Month, ...]:
    mine = _within(period.months(), only)
    if mine and not at_once and LENGTH_MONTHS[cycle] > LENGTH_MONTHS[period.cycle]:
        return _within(calendar.containing(mine[-1], cycle).months(), only)
    return mine


def _within(months: tuple[Month, ...], only: Only) -> tuple[Month, ...]:
    if only is None:
        return months
    return tuple(month for month in months if month.ordinal in only)


def merged(months: Sequence[Month], partials: MonthPartials, spec: AnyMeasure) -> Partials:
    """Merge month partials: a flow is summed, a stock is what stands at the end of the last month.

    A flow that the scheme says so of is the mean of its months.
    """
    if spec.kind == "stock":
        return sum((found for month, found in partials.items() if month <= months[-1].ordinal), Partials())
    wanted = [partials[month.ordinal] for month in months if month.ordinal in partials]
    if spec.is_mean:
        return mean_of_months(wanted, of_ratios=spec.denominator is not None)
    return sum(wanted, Partials())


def worth(
    document: SchemeDocument, indicator: IndicatorSpec, period: Period, partials: MonthPartials
) -> Worth:
    """Return what an indicator is worth in a period, by a method that does not compare."""
    if not is_due(document, indicator, period):
        return Worth(None, FigureState.NOT_DUE)
    spec = document.measures[indicator.measure]
    total = merged(window(document, indicator, period), partials, spec)
    value = compute(indicator, total, is_ratio=spec.is_ratio)
    return Worth(value, FigureState.NOT_ASSESSED if value is None else FigureState.SCORED)


def compared_worth(
    document: SchemeDocument, indicator: IndicatorSpec, period: Period, by_unit: Mapping[str, MonthPartials]
) -> dict[str, Worth]:
    """Return by unit of a group what an indicator is worth in a period that compares them."""
    if not is_due(document, indicator, period):
        return dict.fromkeys(by_unit, Worth(None, FigureState.NOT_DUE))
    spec, months = document.measures[indicator.measure], window(document, indicator, period)
    values: dict[str, Fraction] = {}
    for unit, found in by_unit.items():
        actual = actual_of(merged(months, found, spec), is_ratio=spec.is_ratio)
        if actual is not None:
            values[unit] = actual
    among = tuple(values.values())
    worths = {
        unit: Worth(of_parts(points), FigureState.SCORED, among)
        for unit, points in compare(indicator, values).items()
    }
    otherwise = without_data(indicator)
    nothing = Worth(None, FigureState.NOT_ASSESSED, among)
    if otherwise is not None:
        nothing = Worth(of_parts(otherwise), FigureState.SCORED, among)
    return dict.fromkeys(by_unit, nothing) | worths


def touched_periods(
    document: SchemeDocument, indicator: IndicatorSpec, month: Month, last: Month | None = None
) -> tuple[Period, ...]:
    """Return every period whose figure depends on a month: for a stock all later ones until the last too."""
    stock = document.measures[indicator.measure].kind == "stock"
    last, at_once = last or Month.parse(document.scheme.until), indicator.method.is_always_due
    calendar, only = document.calendar, document.months_taken(indicator)
    return _touched(calendar, month, last, indicator.calendar_cycle, only, stock=stock, at_once=at_once)


@lru_cache(maxsize=4096)
def _touched(
    calendar: PeriodCalendar,
    month: Month,
    last: Month,
    cycle: Cycle,
    only: Only,
    *,
    stock: bool,
    at_once: bool,
) -> tuple[Period, ...]:
    months = _run(month, last if stock else min(last, calendar.containing(month, cycle).last))
    found = {period: None for at in months for period in calendar.around(at)}
    return tuple(p for p in found if stock or month in _window(calendar, cycle, p, only, at_once=at_once))


def scheme_months(document: SchemeDocument) -> tuple[Month, ...]:
    """Return the months that a scheme covers."""
    return _run(Month.parse(document.scheme.effective), Month.parse(document.scheme.until))


def _run(first: Month, last: Month) -> tuple[Month, ...]:
    return tuple(Month.of_ordinal(at) for at in range(first.ordinal, last.ordinal + 1))

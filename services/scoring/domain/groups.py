"""What a scheme scores of a group, made ready: only what depends on rows that moved is computed anew."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cached_property, partial
from typing import Any

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.cells import compare, formula
from services.scoring.domain.document import IndicatorSpec, SchemeDocument
from services.scoring.domain.figures import is_due, scheme_months, touched_periods, window
from services.scoring.domain.layout import Slots, layout_of
from services.scoring.domain.measures import MeasureSpec
from services.scoring.domain.methods.amounts import Formula, Partials, actual_of
from services.scoring.domain.sums import NOTHING, STALE, UnitSums, Window
from shared.kernel.periods import Month, Period, periods_containing
from shared.kernel.points import MILLIONTHS

Moved = Mapping[tuple[str, int], Collection[int]]
Cell = tuple[int, str]
PeriodFigure = tuple[str, str]

UNTOLD = object()


@dataclass(frozen=True, slots=True)
class Placed:
    """An indicator: where its sums stand, its due periods, and by month what depends on it.

    `further` are the measures whose sums its formula takes too, `places` all that it reads, by their view.
    `stale` are the rows that say that a feed of its events is silent; what is `at_once` is worth something
    without any event, but not then.
    """

    code: str
    over: str
    slots: Slots
    further: tuple[tuple[str, Slots], ...]
    places: Mapping[str, frozenset[int]]
    stock: bool
    at_once: bool
    stale: tuple[str, ...]
    due: tuple[tuple[str, Window], ...]
    cells: Mapping[int, tuple[tuple[int, Window], ...]]
    periods: Mapping[int, tuple[tuple[str, Window], ...]]

    def is_stale(self, sums: UnitSums, at: Window) -> bool:
        """Tell whether a feed of its events is silent in these months; of a stock in the last."""
        window = (at[1], at[1]) if self.stock else at
        return any(any(sums.merged.get(over, {}).get(window, ())) for over in self.stale)

    def waits(self, sums: UnitSums, at: Window) -> bool:
        """Tell whether no event came and a feed is silent, so that nobody knows whether there was one."""
        if not self.is_stale(sums, at):
            return False
        own = (sums.stock if self.stock else sums.flow)(self.over, self.slots, at)
        return not own[2] and not any(sums.flow(over, slots, at)[2] for over, slots in self.further)


@dataclass(frozen=True, slots=True)
class Scored(Placed):
    """An indicator that scores each unit by its own sums."""

    formula: Formula

    def value(self, sums: UnitSums, at: Window) -> int | None:
        """Return what the indicator is worth over months, in parts of 10^-12."""
        if self.at_once and not sums.merged.keys().isdisjoint(self.stale) and self.waits(sums, at):
            return None
        if self.stock:
            return self.formula(*sums.stock(self.over, self.slots, at))
        if self.further:
            more = [sums.flow(over, slots, at)[0] for over, slots in self.further]
            return self.formula(*sums.flow(self.over, self.slots, at), *more)
        row = sums.merged.get(self.over, {}).get(at)
        if row is None:
            return self.formula(*NOTHING)
        numerator, denominator, rows, keys = self.slots
        if keys is not None:
            return self.formula(*self.slots.of(row))
        return self.formula(row[numerator], 0 if denominator is None else row[denominator], row[rows])


@dataclass(frozen=True, slots=True)
class Compared(Placed):
    """An indicator that compares units: those of the group that have it, where it applies to them."""

    units: frozenset[str]
    absent: Mapping[str, Absence]
    is_ratio: bool
    scores: Callable[[Mapping[str, Fraction]], Mapping[str, int]]

    def scored(self, sums: Mapping[str, UnitSums], at: Window) -> Mapping[str, int]:
        """Return what the indicator is worth over months for the units that have a value there."""
        return self.scores(
            {
                unit: value
                for unit in self.units
                if self.applies(unit, at) and (value := self._actual(sums[unit], at)) is not None
            }
        )

    def applies(self, unit: str, at: Window) -> bool:
        """Tell whether the indicator applies to a unit in any of the months that are taken."""
        return unit not in self.absent or not self.absent[unit].covers(at)

    def _actual(self, sums: UnitSums, at: Window) -> Fraction | None:
        amounts = (sums.stock if self.stock else sums.flow)(self.over, self.slots, at)
        return actual_of(Partials(*amounts), is_ratio=self.is_ratio)


ByOver = Mapping[str, tuple[Scored, ...]]


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the volume of a unit stands, below which it is not ranked."""

    over: str
    slots: Slots


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """A group of a version of a scheme, ready to be scored; `months` are those that the version rules.

    `scored` are its indicators by what they run over, `of_unit` the common and the own ones of a unit,
    `compared` those that compare its units. `around` are by month the periods that lie in what it rules
    alone: figures whose months other versions rule too `parts` makes.
    """

    scheme: str
    version: int
    name: str
    units: frozenset[str]
    months: tuple[int, ...]
    scored: ByOver
    of_unit: Mapping[str, ByOver]
    compared: tuple[Compared, ...]
    gate: Gate | None
    around: Mapping[int, tuple[tuple[str, Window], ...]]

    @cached_property
    def id(self) -> str:
        """The scheme as messages and tables name it."""
        return f"{self.scheme}@{self.version}"

    @cached_property
    def year(self) -> int:
        """The year whose months it rules."""
        return self.months[0] // 12

    @cached_property
    def stocks(self) -> frozenset[str]:
        """The indicators that are moved by every month before."""
        return frozenset(one.code for one in (*_once(self.scored), *self.compared) if one.stock)

    def of(self, unit: str) -> Iterator[Scored]:
        """Yield the indicators of a unit that do not compare it."""
        yield from _once(self.of_unit[unit])

    def volume(self, sums: UnitSums, at: Window) -> int:
        """Return the volume of a unit over months."""
        return self.volume_millionths(sums, at) // MILLIONTHS

    def volume_millionths(self, sums: UnitSums, at: Window) -> int:
        """Return the same before it is cut to whole numbers, so that parts add up."""
        return 0 if self.gate is None else sums.flow(self.gate.over, self.gate.slots, at)[0]


@dataclass(slots=True)
class Standing:
    """Month cells and figures of a unit in a group as they were last posted; a cell has a value."""

    cells: dict[Cell, int] = field(default_factory=dict[Cell, int])
    figures: dict[PeriodFigure, int | None] = field(default_factory=dict[PeriodFigure, int | None])

    def has(self, period: str, indicator: str, value: int | None) -> bool:
        """Tell whether a figure was posted as it is."""
        return self.figures.get((period, indicator), UNTOLD) == value


@dataclass(slots=True)
class Changes:
    """What became another in a unit: (old, new) by month and indicator, figures by period and indicator.

    `points` are those of figures that are not those of the version.
    """

    cells: dict[int, dict[str, tuple[int | None, int | None]]] = field(
        default_factory=dict[int, dict[str, tuple[int | None, int | None]]]
    )
    figures: dict[str, dict[str, int | None]] = field(default_factory=dict[str, dict[str, int | None]])
    volumes: dict[str, int] = field(default_factory=dict[str, int])
    points: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])

    def cell(self, standing: Standing, month: int, indicator: str, new: int | None) -> None:
        """Note a month cell that became another."""
        key = month, indicator
        self.cells.setdefault(month, {})[indicator] = standing.cells.get(key), new
        if new is None:
            del standing.cells[key]
        else:
            standing.cells[key] = new

    def figure(self, standing: Standing, period: str, indicator: str, new: int | None) -> None:
        """Note a figure that became another."""
        standing.figures[period, indicator] = self.figures.setdefault(period, {})[indicator] = new


@dataclass(frozen=True, slots=True)
class Reign:
    """The months that a version rules, ascending, and those that other versions of the scheme rule."""

    months: tuple[int, ...]
    others: frozenset[int] = frozenset()

    def is_alone(self, at: Window) -> bool:
        """Tell whether no other version rules a month of a window."""
        return self.others.isdisjoint(range(at[0], at[1] + 1))


def group_plan(document: SchemeDocument, name: str, reign: Reign | None = None) -> GroupPlan:
    """Make a group of a scheme ready for the months that it rules, without for all that it covers."""
    head = document.scheme
    reign = reign or Reign(tuple(month.ordinal for month in scheme_months(document)))
    specs = [one for one in document.indicators if name in one.groups]
    scored = {one.code: _scored(document, one, reign) for one in specs if one.method.own is not None}
    volume = document.ranking.minimum_volume
    gate = None
    if volume is not None:
        over = document.measures[volume.measure].over
        gate = Gate(over, layout_of(document, over).slots[volume.measure])
    level = document.groups[name].level
    units = [unit.code for unit in document.units if unit.level == level]
    whole = _by_over(scored.values())
    individual = any(one.units or one.not_applicable for one in specs)
    absent = {one.code: absences(document, one) for one in specs if one.not_applicable}
    return GroupPlan(
        scheme=head.code,
        version=head.version,
        name=name,
        units=frozenset(units),
        months=reign.months,
        scored=whole,
        of_unit={
            unit: _by_over(
                [
                    _without(scored[one.code], absent.get(one.code, {}).get(unit))
                    for one in specs
                    if one.code in scored and one.is_for(unit)
                ]
            )
            if individual
            else whole
            for unit in units
        },
        compared=tuple(
            _compared(document, one, reign, [unit for unit in units if one.is_for(unit)])
            for one in specs
            if one.method.comparing is not None
        ),
        gate=gate,
        around={
            month: tuple(one for one in _around(month) if reign.is_alone(one[1])) for month in reign.months
        },
    )


def posted(plan: GroupPlan, unit: str, sums: UnitSums, cells: Mapping[Cell, int]) -> Standing:
    """Return how a unit stands by its sums and cells: every due figure of every period, but compared ones."""
    figures = {(period, one.code): one.value(sums, at) for one in plan.of(unit) for period, at in one.due}
    return Standing(dict(cells), figures)


def post(plan: GroupPlan, unit: str, sums: UnitSums, standing: Standing, moved: Moved) -> Changes:
    """Compute what of a unit depends on places that moved, by (view, month), and note what became another."""
    changes = Changes()
    scored = plan.of_unit[unit]
    for (over, month), places in moved.items():
        for one in scored.get(over, ()):
            if not one.places[over].isdisjoint(places):
                _post(one, sums, standing, month, changes)
        if plan.gate is not None and plan.gate.over == over and plan.gate.slots.numerator in places:
            for period, at in plan.around.get(month, ()):
                changes.volumes[period] = plan.volume(sums, at)
                changes.figures.setdefault(period, {})
    weigh(plan, sums, changes)
    return changes


def end(plan: GroupPlan, standing: Standing, changes: Changes) -> None:
    """End the cells of months that the version no longer rules."""
    first, last = plan.months[0], plan.months[-1]
    for month, code in [cell for cell in standing.cells if not first <= cell[0] <= last]:
        changes.cell(standing, month, code, None)


def weigh(plan: GroupPlan, sums: UnitSums, changes: Changes) -> None:
    """Add the volume of every period of which a figure became another."""
    for period in changes.figures.keys() - changes.volumes.keys():
        changes.volumes[period] = 0 if plan.gate is None else plan.volume(sums, _window(Period.parse(period)))


def everything(plan: GroupPlan) -> Moved:
    """Return every place of every month as moved."""
    wanted: dict[str, set[int]] = {}
    for one in (*_once(plan.scored), *plan.compared):
        for over, places in one.places.items():
            wanted.setdefault(over, set()).update(places)
    return {(over, month): places for over, places in wanted.items() for month in plan.months}


def _by_over(indicators: Collection[Scored]) -> ByOver:
    overs = sorted({over for one in indicators for over in one.places})
    return {over: tuple(one for one in indicators if over in one.places) for over in overs}


def _once(indicators: ByOver) -> Iterator[Scored]:
    """Yield each indicator under what its own measure runs over."""
    for over, found in indicators.items():
        yield from (one for one in found if one.over == over)


def _post(one: Scored, sums: UnitSums, standing: Standing, month: int, changes: Changes) -> None:
    """Note what became another; written out, as a call for each figure makes a batch a tenth dearer."""
    values: dict[Window, int | None] = {}
    for at, months in one.cells.get(month, ()):
        old = standing.cells.get((at, one.code))
        new = values[months] = one.value(sums, months)
        if old != new:
            changes.cells.setdefault(at, {})[one.code] = old, new
            if new is None:
                del standing.cells[at, one.code]
            else:
                standing.cells[at, one.code] = new
    for period, months in one.periods.get(month, ()):
        key = period, one.code
        new = values[months] if months in values else one.value(sums, months)
        if standing.figures.get(key, UNTOLD) != new:
            standing.figures[key] = changes.figures.setdefault(period, {})[one.code] = new


def _scored(document: SchemeDocument, indicator: IndicatorSpec, reign: Reign) -> Scored:
    is_ratio = document.measures[indicator.measure].denominator is not None
    placed = _members(_placed(document, indicator, reign))
    return Scored(**placed, formula=formula(indicator, is_ratio=is_ratio))


def _without(one: Scored, absence: Absence | None) -> Scored:
    """Return an indicator without the cells and figures that are taken from where it does not apply."""
    if absence is None:
        return one

    return replace(
        one,
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


def _compared(
    document: SchemeDocument, indicator: IndicatorSpec, reign: Reign, units: Collection[str]
) -> Compared:
    return Compared(
        **_members(_placed(document, indicator, reign)),
        units=frozenset(units),
        absent=absences(document, indicator),
        is_ratio=document.measures[indicator.measure].denominator is not None,
        scores=partial(compare, indicator),
    )


def _members(placed: Placed) -> dict[str, Any]:
    return {one.name: getattr(placed, one.name) for one in fields(placed)}


def _placed(document: SchemeDocument, indicator: IndicatorSpec, reign: Reign) -> Placed:
    spec = document.measures[indicator.measure]
    slots = _slots(document, indicator.measure)[1]
    further = tuple(_slots(document, name) for name in indicator.further)
    months = reign.months
    stock, first, last = spec.kind == "stock", months[0], months[-1]

    def covered(period: Period) -> Window:
        begins, ends = _span(indicator, period)
        return (first if stock else begins), ends

    periods = {
        month: tuple(
            (str(period), covered(period))
            for period in touched_periods(
                document, indicator, Month.of_ordinal(month), Month.of_ordinal(last)
            )
            if is_due(indicator, period) and reign.is_alone(_span(indicator, period))
        )
        for month in months
    }
    at_once = indicator.method.is_always_due
    stale = stale_rows(document, indicator)
    return Placed(
        code=indicator.code,
        over=spec.over,
        slots=slots,
        further=further,
        places=_places([(spec.over, slots), *further])
        | {over: frozenset({0}) for over in (stale if at_once else ())},
        stock=stock,
        at_once=at_once,
        stale=stale,
        due=tuple({found: None for of_month in periods.values() for found in of_month}),
        cells={
            month: tuple(
                (at, (first if stock else at, at)) for at in range(month, (last if stock else month) + 1)
            )
            for month in months
        },
        periods=periods,
    )


def _span(indicator: IndicatorSpec, period: Period) -> Window:
    months = window(indicator, period)
    return months[0].ordinal, months[-1].ordinal


def placed(document: SchemeDocument, indicator: IndicatorSpec) -> Placed:
    """Return where the sums of an indicator stand."""
    months = tuple(month.ordinal for month in scheme_months(document))
    return _placed(document, indicator, Reign(months))


def stale_rows(document: SchemeDocument, indicator: IndicatorSpec) -> tuple[str, ...]:
    """Return the rows by which feeds of the indicator's events are silent; what is given has no feed."""
    measures = (document.measures[name.partition("/")[0]] for name in (indicator.measure, *indicator.further))
    return tuple(sorted({f"{STALE}{spec.over}" for spec in measures if isinstance(spec, MeasureSpec)}))


def _slots(document: SchemeDocument, sums: str) -> tuple[str, Slots]:
    """Return where the sums of a measure stand, or of a part of one, and what it runs over."""
    over = document.measures[sums.partition("/")[0]].over
    return over, layout_of(document, over).slots[sums]


def _places(read: Collection[tuple[str, Slots]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for over, slots in read:
        found.setdefault(over, set()).update(slots.places)
    return {over: frozenset(places) for over, places in found.items()}


def _around(month: int) -> Iterator[tuple[str, Window]]:
    for period in periods_containing(Month.of_ordinal(month)):
        yield str(period), _window(period)


def _window(period: Period) -> Window:
    return period.first.ordinal, period.last.ordinal

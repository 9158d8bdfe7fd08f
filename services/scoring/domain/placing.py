"""Where the sums of an indicator stand, and by month which cells and figures depend on them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import is_due, scheme_months, touched_periods, window
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.layout import Slots, layout_of
from services.scoring.domain.measures import MeasureSpec
from services.scoring.domain.methods.amounts import Amounts
from services.scoring.domain.sums import STALE, UnitSums, Window
from shared.kernel.periods import Month, Period


@dataclass(frozen=True, slots=True)
class Placed:
    """An indicator: where its sums stand, its due periods, and by month what depends on it.

    `further` are the measures whose sums its formula takes too, `places` all that it reads, by their view.
    `by_month` says that its windows are not periods, as those of a stock and of an overlay, or that each
    month counts by itself; `only` are the months that it takes, None all, and `mean` says that several come
    to their mean. `stale` are the rows that say that a feed of its events is silent; what is `at_once` is
    worth something without any event, but not then.
    """

    code: str
    over: str
    slots: Slots
    further: tuple[tuple[str, Slots], ...]
    places: Mapping[str, frozenset[int]]
    stock: bool
    by_month: bool
    only: frozenset[int] | None
    mean: bool
    at_once: bool
    stale: tuple[str, ...]
    due: tuple[tuple[str, Window], ...]
    cells: Mapping[int, tuple[tuple[int, Window], ...]]
    periods: Mapping[int, tuple[tuple[str, Window], ...]]

    @property
    def overs(self) -> tuple[str, ...]:
        """The views of all that it reads."""
        return tuple(dict.fromkeys((*self.places, *self.stale)))

    def is_stale(self, sums: UnitSums, at: Window) -> bool:
        """Tell whether a feed of its events is silent in these months; of a stock in the last."""
        if self.stock:
            at = at[1], at[1]
        windows = [(month, month) for month in self.months(at)] if self.by_month else [at]
        rows = [sums.merged.get(over, {}) for over in self.stale]
        return any(any(of_over.get(window, ())) for of_over in rows for window in windows)

    def read(self, sums: UnitSums, over: str, slots: Slots, at: Window) -> Amounts:
        """Return what was measured in a window; a mean is a quotient."""
        if not self.by_month:
            return sums.flow(over, slots, at)
        return (sums.mean if self.mean else sums.by_month)(over, slots, self.months(at))

    def months(self, at: Window) -> Iterable[int]:
        """Return the months of a window that it takes; a stock is made of all before its end."""
        window = range(at[0], at[1] + 1)
        if self.stock or self.only is None:
            return window
        return [month for month in window if month in self.only]

    def waits(self, sums: UnitSums, at: Window) -> bool:
        """Tell whether no event came and a feed is silent, so that nobody knows whether there was one."""
        if not self.is_stale(sums, at):
            return False
        read = ((self.over, self.slots), *self.further)
        return not any(self.read(sums, over, slots, at)[2] for over, slots in read)


@dataclass(frozen=True, slots=True)
class Reign:
    """The months that a version rules, ascending, and those that other versions of the scheme rule."""

    months: tuple[int, ...]
    others: frozenset[int] = frozenset()

    def is_alone(self, at: Window) -> bool:
        """Tell whether no other version rules a month of a window."""
        return self.others.isdisjoint(range(at[0], at[1] + 1))


def placed(document: SchemeDocument, indicator: IndicatorSpec, reign: Reign | None = None) -> Placed:
    """Return where the sums of an indicator stand in the months of a version, without in all it covers."""
    reign = reign or Reign(tuple(month.ordinal for month in scheme_months(document)))
    spec = document.measures[indicator.measure]
    slots = _slots(document, indicator.measure)[1]
    further = tuple(_slots(document, name) for name in indicator.further)
    months = reign.months
    stock, first, last = spec.kind == "stock", months[0], months[-1]
    only = document.months_taken(indicator)
    scored = months if only is None else [at for at in months if at in only]
    periods = {month: tuple(_periods(document, indicator, reign, month)) for month in months}
    at_once = indicator.is_sure
    stale = stale_rows(document, indicator)
    return Placed(
        code=indicator.code,
        over=spec.over,
        slots=slots,
        further=further,
        places=_places([(spec.over, slots), *further])
        | {over: frozenset({0}) for over in (stale if at_once else ())},
        stock=stock,
        by_month=stock or only is not None or spec.is_mean,
        only=only,
        mean=spec.is_mean,
        at_once=at_once,
        stale=stale,
        due=tuple({found: None for of_month in periods.values() for found in of_month}),
        cells={
            month: tuple(
                (at, (first if stock else at, at))
                for at in scored
                if month <= at <= (last if stock else month)
            )
            for month in months
        },
        periods=periods,
    )


def _periods(
    document: SchemeDocument, indicator: IndicatorSpec, reign: Reign, month: int
) -> Iterator[tuple[str, Window]]:
    """Yield the periods that a month of a version moves, each with the window it is taken from."""
    is_stock = document.measures[indicator.measure].kind == "stock"
    last = Month.of_ordinal(reign.months[-1])
    for period in touched_periods(document, indicator, Month.of_ordinal(month), last):
        if is_due(document, indicator, period) and reign.is_alone(told_by(document, indicator, period)):
            taken = window(document, indicator, period)
            yield str(period), (reign.months[0] if is_stock else taken[0].ordinal, taken[-1].ordinal)


def stale_rows(document: SchemeDocument, indicator: IndicatorSpec) -> tuple[str, ...]:
    """Return the rows by which feeds of the indicator's events are silent; what is given has no feed."""
    measures = (document.measures[name.partition("/")[0]] for name in (indicator.measure, *indicator.further))
    return tuple(sorted({f"{STALE}{spec.over}" for spec in measures if isinstance(spec, MeasureSpec)}))


def told_by(document: SchemeDocument, indicator: IndicatorSpec, period: Period) -> Window:
    """Return the months whose versions tell a figure: those of its period and what it is taken from."""
    months = sorted({*period.months(), *window(document, indicator, period)})
    return months[0].ordinal, months[-1].ordinal


def _slots(document: SchemeDocument, sums: str) -> tuple[str, Slots]:
    """Return where the sums of a measure stand, or of a part of one, and what it runs over."""
    over = document.measures[sums.partition("/")[0]].over
    return over, layout_of(document, over).slots[sums]


def _places(read: Collection[tuple[str, Slots]]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for over, slots in read:
        found.setdefault(over, set()).update(slots.places)
    return {over: frozenset(places) for over, places in found.items()}

"""Rows of numbers of one unit, merged over the shards of stage A, and added up for every period at once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from services.scoring.domain.layout import Numbers, Slots
from services.scoring.domain.methods.amounts import Amounts, mean
from shared.kernel.periods import Month, PeriodCalendar

Window = tuple[int, int]
Source = tuple[str, int, int]
NOTHING: Amounts = 0, 0, 0
REVIEWED = "reviewed:"
STALE = "stale:"


@dataclass(slots=True)
class UnitSums:
    """The newest row of each (view, month, A shard), and the sums of views by first and last month.

    `first_month` is that of the calendar whose periods are summed.
    """

    first_month: int = 1
    known: dict[Source, Numbers] = field(default_factory=dict[Source, Numbers])
    merged: dict[str, dict[Window, list[int]]] = field(default_factory=dict[str, dict[Window, list[int]]])

    def take(self, source: Source, numbers: Numbers) -> list[int]:
        """Put a row in the place of the one before it and return the places that moved."""
        over, month, _ = source
        was = self.known.get(source) or (0,) * len(numbers)
        self.known[source] = numbers
        moved = [
            (at, new - old) for at, (new, old) in enumerate(zip(numbers, was, strict=True)) if new != old
        ]
        windows = self.merged.setdefault(home_of(over), {})
        for window in _windows(self.first_month, month) if moved else ():
            row = windows.get(window)
            if row is None:
                row = windows[window] = [0] * len(numbers)
            for at, change in moved:
                row[at] += change
        return [at for at, _ in moved]

    def without(self, overs: Iterable[str], window: Window, gone: Collection[int]) -> "UnitSums":
        """Return of views the sums of a window and its months, as if nothing had come in some of them."""
        found = UnitSums(self.first_month)
        for over in overs:
            months = self.merged.get(over, {})
            there = [at for at in range(window[0], window[1] + 1) if at not in gone and (at, at) in months]
            if there:
                columns = zip(*(months[at, at] for at in there), strict=True)
                of_months = {(at, at): months[at, at] for at in there}
                found.merged[over] = of_months | {window: [sum(column) for column in columns]}
        return found

    def flow(self, over: str, slots: Slots, window: Window) -> Amounts:
        """Return what came in the months of a period."""
        row = self.merged.get(over, {}).get(window)
        return NOTHING if row is None else slots.of(row)

    def by_month(self, over: str, slots: Slots, months: Iterable[int]) -> Amounts:
        """Return what came in months, whichever: of a stock all from its first month on."""
        rows = self._rows(over, months)
        if slots.keys is not None:
            return slots.of([sum(column) for column in zip(*rows, strict=True)]) if rows else NOTHING
        return _added(map(slots.of, rows))

    def mean(self, over: str, slots: Slots, months: Iterable[int]) -> Amounts:
        """Return the mean of the values of months, as a quotient."""
        return mean(map(slots.of, self._rows(over, months)), of_ratios=slots.denominator is not None)

    def _rows(self, over: str, months: Iterable[int]) -> list[list[int]]:
        windows = self.merged.get(over, {})
        return [windows[at, at] for at in months if (at, at) in windows]


def home_of(over: str) -> str:
    """Return what rows count for: what a review changed counts with what it changed."""
    return over.removeprefix(REVIEWED)


def _added(amounts: Iterable[Amounts]) -> Amounts:
    numerator = denominator = rows = 0
    for one in amounts:
        numerator, denominator, rows = numerator + one[0], denominator + one[1], rows + one[2]
    return numerator, denominator, rows


@lru_cache(maxsize=4096)
def _windows(first_month: int, month: int) -> tuple[Window, ...]:
    """Return the month, quarter, half-year and year of a month, by their first and last month."""
    periods = PeriodCalendar(first_month).around(Month.of_ordinal(month))
    return tuple((period.first.ordinal, period.last.ordinal) for period in periods)

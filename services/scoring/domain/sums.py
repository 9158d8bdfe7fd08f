"""Rows of numbers of one unit, merged over the shards of stage A, and added up for every period at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from services.scoring.domain.layout import Amounts, Numbers, Slots
from shared.kernel.periods import Month, periods_containing

Window = tuple[int, int]
Source = tuple[str, int, int]
NOTHING: Amounts = 0, 0, 0
REVIEWED = "reviewed:"


@dataclass(slots=True)
class UnitSums:
    """The newest row of each (view, month, A shard), and the sums of views by first and last month."""

    known: dict[Source, Numbers] = field(default_factory=dict[Source, Numbers])
    merged: dict[str, dict[Window, list[int]]] = field(default_factory=dict[str, dict[Window, list[int]]])

    def take(self, source: Source, numbers: Numbers) -> list[int]:
        """Put a row in the place of the one before it and return the places that moved."""
        over, month, _ = source
        old = self.known.get(source)
        self.known[source] = numbers
        moved = [
            (at, new - was)
            for at, (new, was) in enumerate(zip(numbers, old or (0,) * len(numbers), strict=True))
            if new != was
        ]
        windows = self.merged.setdefault(home_of(over), {})
        for window in _windows(month) if moved else ():
            row = windows.get(window)
            if row is None:
                row = windows[window] = [0] * len(numbers)
            for at, change in moved:
                row[at] += change
        return [at for at, _ in moved]

    def flow(self, over: str, slots: Slots, window: Window) -> Amounts:
        """Return what came in the months of a period."""
        row = self.merged.get(over, {}).get(window)
        return NOTHING if row is None else slots.of(row)

    def stock(self, over: str, slots: Slots, window: Window) -> Amounts:
        """Return what stands at the end of a window: all that came from its first month on."""
        months = self.merged.get(over, {})
        rows = [months[at, at] for at in range(window[0], window[1] + 1) if (at, at) in months]
        if slots.keys is not None:
            return slots.of([sum(column) for column in zip(*rows, strict=True)]) if rows else NOTHING
        return _added(map(slots.of, rows))


def home_of(over: str) -> str:
    """Return what rows count for: what a review changed counts with what it changed."""
    return over.removeprefix(REVIEWED)


def _added(amounts: Iterable[Amounts]) -> Amounts:
    numerator = denominator = rows = 0
    for one in amounts:
        numerator, denominator, rows = numerator + one[0], denominator + one[1], rows + one[2]
    return numerator, denominator, rows


@lru_cache(maxsize=4096)
def _windows(month: int) -> tuple[Window, ...]:
    """Return the month, quarter, half-year and year of a month, by their first and last month."""
    periods = periods_containing(Month.of_ordinal(month))
    return tuple((period.first.ordinal, period.last.ordinal) for period in periods)

"""Which numbers rows get that were lost: between their neighbours, first the ones that others name them by.

Numbers are given out ascending, each to the row that must come soonest of those that it can be for: so rows
that once had numbers all get some, and what followed each other within a cell does so again.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

ENDLESS = 1 << 63


class Missing(NamedTuple):
    """A row that is missing, by its number where it was made anew: it comes after `low` and before `high`."""

    made: int
    cell: str
    low: int
    high: int = ENDLESS


Gap = tuple[int, int]


def numbered(
    missing: Sequence[Missing], gaps: Iterable[Gap], owners: Mapping[int, str], beyond: int
) -> dict[int, int]:
    """Return by `made` the numbers of missing rows; from `beyond` on all are free.

    `owners` are the cells of free numbers of which it is known; no other cell gets one of these, unless a row
    would find no place at all.
    """
    line = _Line(missing, owners)
    for number in _ascending(gaps):
        if line.is_empty:
            break
        line.give(number, owners.get(number))
    line.end(beyond)
    return line.given


class _Line:
    """The rows that wait, by cell in their order: the first of cells by when they may come, or must."""

    def __init__(self, missing: Sequence[Missing], owners: Mapping[int, str]) -> None:
        self.given: dict[int, int] = {}
        self._cells: dict[str, deque[Missing]] = {}
        for one in sorted(missing):
            self._cells.setdefault(one.cell, deque()).append(one)
        self._runs = Counter((one.cell, one.high) for one in missing)
        self._own: dict[str, list[int]] = {}
        for number, cell in sorted(owners.items()):
            self._own.setdefault(cell, []).append(number)
        self._last: dict[tuple[str, int], int] = {}
        self._spare: list[int] = []
        self._homeless: list[Missing] = []
        self._coming = [(one[0].low, one[0]) for one in self._cells.values()]
        self._soonest: list[tuple[int, Missing]] = []
        heapq.heapify(self._coming)

    @property
    def is_empty(self) -> bool:
        """Whether all have a number."""
        return not self._cells

    def give(self, number: int, cell: str | None) -> None:
        """Give a number away, if it can be for anyone."""
        found = self._next(number) if cell is None else self._of_cell(number, cell)
        if found is not None:
            self._place(found, number)
        elif cell is not None:
            self._spare.append(number)

    def end(self, beyond: int) -> None:
        """Give what is left to who found no place, then numbers from `beyond` on."""
        for cell in list(self._cells):
            while rows := self._cells.get(cell):
                if rows[0].high == ENDLESS:
                    self._place(rows[0], beyond)
                    beyond += 1
                else:
                    self._leave(rows[0])
        for one in self._homeless:
            least = max(one.low, self._last.get((one.cell, one.high), 0))
            fits = [number for number in self._spare if least < number < one.high]
            assert fits, "a row that was removed leaves its number"
            self._spare.remove(fits[0])
            self._take(one, fits[0])

    def _of_cell(self, number: int, cell: str) -> Missing | None:
        self._expire(number, cell)
        rows = self._cells.get(cell)
        return rows[0] if rows and rows[0].low < number else None

    def _next(self, number: int) -> Missing | None:
        """Return the row that must come soonest and has no number of its own to wait for."""
        while self._coming and self._coming[0][0] < number:
            one = heapq.heappop(self._coming)[1]
            heapq.heappush(self._soonest, (one.high, one))
        while self._soonest:
            one = heapq.heappop(self._soonest)[1]
            rows = self._cells.get(one.cell)
            if not rows or rows[0] is not one:
                continue
            if one.high <= number:
                self._expire(number, one.cell)
            elif self._own_ahead(one, number) < self._runs[one.cell, one.high]:
                return one
        return None

    def _own_ahead(self, one: Missing, number: int) -> int:
        own = self._own.get(one.cell, [])
        return bisect_left(own, one.high) - bisect_right(own, number)

    def _place(self, one: Missing, number: int) -> None:
        self._take(one, number)
        self._leave(one, homeless=False)

    def _take(self, one: Missing, number: int) -> None:
        self.given[one.made] = self._last[one.cell, one.high] = number

    def _expire(self, number: int, cell: str) -> None:
        while (rows := self._cells.get(cell)) and rows[0].high <= number:
            self._leave(rows[0])

    def _leave(self, one: Missing, *, homeless: bool = True) -> None:
        """Take the first row of a cell out of the line."""
        rows = self._cells[one.cell]
        rows.popleft()
        self._runs[one.cell, one.high] -= 1
        if homeless:
            self._homeless.append(one)
        if rows:
            heapq.heappush(self._coming, (rows[0].low, rows[0]))
        else:
            del self._cells[one.cell]


def _ascending(gaps: Iterable[Gap]) -> Iterator[int]:
    for first, last in gaps:
        yield from range(first, last + 1)

"""Days, months and the periods made of them: `2021-03-31`, `2021-03`, `2021-Q1`, `2021-H1`, `2021`.

A month has its calendar name. Quarters, half-years and years are those of a calendar, which says in which
month years begin: only it makes periods of names and of months.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.kernel.errors import refuse
from shared.kernel.instants import FIRST_YEAR, LAST_YEAR

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])\Z")
_PERIOD = re.compile(r"([0-9]{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])|H([12])))?\Z")


def day(text: str, pointer: str | None = None) -> date:
    """Read `2021-03-31`, or refuse it with `day`; the library alone takes `20210331` and `2021-W13-3` too."""
    try:
        found = date.fromisoformat(text) if _DAY.match(text) else None
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise refuse(422, "day", "A day is written 2021-03-31.", pointer=pointer)
    return found


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(text: str, pointer: str | None = None) -> "Month":
        """Read `2021-03`, or refuse it with `month`."""
        match = _MONTH.match(text)
        if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            raise refuse(422, "month", "A month is written as 2021-03.", pointer=pointer)
        return Month(int(match[1]), int(match[2]))

    @staticmethod
    def of_ordinal(ordinal: int) -> "Month":
        """Return the month that many months after January of year 0."""
        return Month(ordinal // 12, ordinal % 12 + 1)

    @property
    def ordinal(self) -> int:
        """The number of months since January of year 0."""
        return self.year * 12 + self.month - 1

    def plus(self, months: int) -> "Month":
        """Return the month that many months later."""
        return Month.of_ordinal(self.ordinal + months)

    def starts(self, zone: ZoneInfo) -> datetime:
        """Return the first instant of the month in a zone."""
        return datetime(self.year, self.month, 1, tzinfo=zone).astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"


class Cycle(StrEnum):
    """The kinds of period, named as schemes name them."""

    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    YEAR = "year"


LENGTH_MONTHS = {Cycle.MONTH: 1, Cycle.QUARTER: 3, Cycle.HALF_YEAR: 6, Cycle.YEAR: 12}
_LETTER = {Cycle.QUARTER: "Q", Cycle.HALF_YEAR: "H"}


@dataclass(frozen=True, slots=True)
class Period:
    """A month, quarter, half-year or year of a calendar, which made it.

    `index` counts from 1 inside the year after which it is named; `first` is its first month.
    """

    cycle: Cycle
    year: int
    index: int
    first: Month

    @property
    def last(self) -> Month:
        """The last month."""
        return self.first.plus(LENGTH_MONTHS[self.cycle] - 1)

    def months(self) -> tuple[Month, ...]:
        """Return the months of the period, ascending."""
        return _months(self)

    def __contains__(self, month: Month) -> bool:
        return self.first <= month <= self.last

    def __str__(self) -> str:
        match self.cycle:
            case Cycle.YEAR:
                return f"{self.year:04d}"
            case Cycle.MONTH:
                return str(self.first)
            case Cycle.QUARTER | Cycle.HALF_YEAR:
                return f"{self.year:04d}-{_LETTER[self.cycle]}{self.index}"


@dataclass(frozen=True, slots=True)
class PeriodCalendar:
    """In which calendar month years begin, 1 to 12; a year is named after that in which it begins.

    From 4 the year 2021 is April 2021 to March 2022, its first quarter April to June 2021.
    """

    first_month: int

    def parse(self, text: str, pointer: str | None = None) -> Period:
        """Read a period, or refuse it with `period`."""
        match = _PERIOD.match(text)
        if match is None or not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
            raise refuse(
                422, "period", "A period is written as 2021-03, 2021-Q1, 2021-H1 or 2021.", pointer=pointer
            )
        year = int(match[1])
        if match[2] is not None:
            return self.containing(Month(year, int(match[2])), Cycle.MONTH)
        cycle, index = Cycle.YEAR, 1
        for group, named in ((3, Cycle.QUARTER), (4, Cycle.HALF_YEAR)):
            if match[group] is not None:
                cycle, index = named, int(match[group])
        return Period(cycle, year, index, self._begins(year).plus((index - 1) * LENGTH_MONTHS[cycle]))

    def containing(self, month: Month, cycle: Cycle) -> Period:
        """Return the period of that cycle that the month lies in."""
        if cycle is Cycle.MONTH:
            return Period(cycle, month.year, month.month, month)
        year, length = self.year_of(month.ordinal), LENGTH_MONTHS[cycle]
        begins = self._begins(year)
        steps = (month.ordinal - begins.ordinal) // length
        return Period(cycle, year, steps + 1, begins.plus(steps * length))

    def around(self, month: Month) -> tuple[Period, ...]:
        """Return the month, quarter, half-year and year that the month lies in."""
        return tuple(self.containing(month, cycle) for cycle in Cycle)

    def year_of(self, ordinal: int) -> int:
        """Return after which year the year is named that a month lies in, by the month's ordinal."""
        return (ordinal - self.first_month + 1) // 12

    def _begins(self, year: int) -> Month:
        return Month(year, self.first_month)


JANUARY = PeriodCalendar(1)


def month_of(instant: datetime, zone: ZoneInfo) -> Month:
    """Return the month of an instant on the calendar of a zone."""
    local = instant.astimezone(zone)
    return Month(local.year, local.month)


@lru_cache(maxsize=4096)
def _months(period: Period) -> tuple[Month, ...]:
    return tuple(period.first.plus(step) for step in range(LENGTH_MONTHS[period.cycle]))

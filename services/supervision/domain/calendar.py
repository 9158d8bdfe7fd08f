"""The working calendar: which days are worked, how far that is known, the office hours of each weekday."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

WEEK_DAYS, WORKED_IN_WEEK = 7, 5
MONDAY = 0
A_DAY = timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)


class DayKind(StrEnum):
    """What an official notice says about a day; a make-up workday (调休) has Monday's hours."""

    WORK = "work"
    REST = "rest"
    MAKE_UP = "make-up"


@dataclass(frozen=True, slots=True)
class Span:
    """Office hours from `opens` to `closes` on one day, wall time of the calendar's zone."""

    opens: time
    closes: time


OfficeHours = tuple[tuple[Span, ...], ...]
NO_SPANS: tuple[Span, ...] = ()
MORNING, AFTERNOON = Span(time(8, 30), time(12)), Span(time(13, 30), time(17, 30))
SAMPLE_HOURS: OfficeHours = ((MORNING, AFTERNOON),) * WORKED_IN_WEEK + (NO_SPANS,) * 2


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days from `first` to `last` are known; outside them Monday to Friday are taken for worked.

    `worked` holds the ordinals of the worked days between the two, ascending; `make_up` those that are
    make-up workdays; `version` is that of its document, if it has one. Made by `calendar_of`.
    """

    zone: ZoneInfo
    first: date
    last: date
    worked: tuple[int, ...]
    make_up: frozenset[int]
    hours: OfficeHours
    version: int | None = None

    def knows(self, day: date) -> bool:
        """Tell whether the day lies in what is known."""
        return self.first <= day <= self.last

    def is_worked(self, day: date) -> bool:
        """Tell whether the day is a working day, by the weekday alone where it is not known."""
        return self.count(day - A_DAY, day) == 1

    def count(self, after: date, until: date) -> int:
        """Return how many working days follow `after` up to and including `until`."""
        return self._rank(until.toordinal()) - self._rank(after.toordinal())

    def after(self, day: date, number: int) -> date:
        """Return the working day that follows the day as the number-th; 1 is the next."""
        return date.fromordinal(self._at_rank(self._rank(day.toordinal()) + number))

    def before(self, day: date, number: int) -> date:
        """Return the working day that precedes the day as the number-th; 1 is the last before it."""
        return date.fromordinal(self._at_rank(self._rank((day - A_DAY).toordinal()) - number + 1))

    def on_or_after(self, day: date) -> date:
        """Return the day if it is worked, else the next working day."""
        return self.after(day - A_DAY, 1)

    def between(self, first: date, last: date) -> tuple[date, ...]:
        """Return the working days from `first` to `last`, both included, ascending."""
        start, end = (self._rank(day.toordinal()) for day in (first - A_DAY, last))
        return tuple(date.fromordinal(self._at_rank(rank)) for rank in range(start + 1, end + 1))

    def spans(self, day: date) -> tuple[Span, ...]:
        """Return the office hours of a day, none when it is not worked."""
        if not self.is_worked(day):
            return NO_SPANS
        return self.hours[MONDAY if day.toordinal() in self.make_up else day.weekday()]

    def day_of(self, instant: datetime) -> date:
        """Return the day that an instant lies in; 24:00 lies in the next."""
        return instant.astimezone(self.zone).date()

    def day_ending(self, instant: datetime) -> date:
        """Return the day that an instant ends or lies in: 24:00 still belongs to the day."""
        return self.day_of(instant - A_MOMENT)

    def starts(self, day: date, at: time = time.min) -> datetime:
        """Return the instant of a wall time of the day."""
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def ends(self, day: date) -> datetime:
        """Return 24:00 of the day."""
        return self.starts(day + A_DAY)

    def _rank(self, ordinal: int) -> int:
        """Return the number of working days up to and including the ordinal, counted from the year 1."""
        first, last = self.first.toordinal(), self.last.toordinal()
        if ordinal < first:
            return _weekdays(ordinal)
        if ordinal <= last:
            return _weekdays(first - 1) + bisect_right(self.worked, ordinal)
        return _weekdays(first - 1) + len(self.worked) + _weekdays(ordinal) - _weekdays(last)

    def _at_rank(self, rank: int) -> int:
        """Return the ordinal of the working day of that rank."""
        before = _weekdays(self.first.toordinal() - 1)
        if rank <= before:
            return _weekday_at(rank)
        if rank <= before + len(self.worked):
            return self.worked[rank - before - 1]
        return _weekday_at(rank - before - len(self.worked) + _weekdays(self.last.toordinal()))


def calendar_of(
    zone: ZoneInfo,
    first: date,
    last: date,
    kinds: Mapping[date, DayKind],
    hours: OfficeHours = SAMPLE_HOURS,
    *,
    version: int | None = None,
) -> Calendar:
    """Return the calendar known from `first` to `last`; a day without a kind goes by its weekday."""
    assert first <= last
    assert len(hours) == WEEK_DAYS
    ordinals = range(first.toordinal(), last.toordinal() + 1)
    days = ((ordinal, kinds.get(date.fromordinal(ordinal))) for ordinal in ordinals)
    worked = tuple(ordinal for ordinal, kind in days if _is_worked(ordinal, kind))
    make_up = frozenset(day.toordinal() for day, kind in kinds.items() if kind is DayKind.MAKE_UP)
    return Calendar(zone, first, last, worked, make_up, hours, version)


def _is_worked(ordinal: int, kind: DayKind | None) -> bool:
    if kind is None:
        return 1 <= ordinal % WEEK_DAYS <= WORKED_IN_WEEK
    return kind is not DayKind.REST


def _weekdays(ordinal: int) -> int:
    """Return how many days from Monday to Friday there are up to the ordinal; day 1 is a Monday."""
    weeks, days = divmod(ordinal, WEEK_DAYS)
    return weeks * WORKED_IN_WEEK + min(days, WORKED_IN_WEEK)


def _weekday_at(rank: int) -> int:
    """Return the ordinal of the rank-th day from Monday to Friday."""
    weeks, days = divmod(rank - 1, WORKED_IN_WEEK)
    return weeks * WEEK_DAYS + days + 1

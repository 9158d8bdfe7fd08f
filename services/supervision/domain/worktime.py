"""Time as a budget of working time, pauses and extensions: when a task is due and which days are late.

Everything is a function of the calendar and of what was put on record so far; nothing here asks the time.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from services.supervision.domain.calendar import A_DAY, Calendar

LONGEST_DAYS = 2_000
LONGEST_MINUTES = LONGEST_DAYS * 24 * 60
APPROVALS = 2


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """A number of working days; the day of assignment never counts."""

    days: int

    def __post_init__(self) -> None:
        assert 1 <= self.days <= LONGEST_DAYS


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """Minutes of office hours, counted from the instant of assignment."""

    minutes: int

    def __post_init__(self) -> None:
        assert 1 <= self.minutes <= LONGEST_MINUTES


@dataclass(frozen=True, slots=True)
class NamedDate:
    """A date; if it is not worked, the next working day."""

    day: date


@dataclass(frozen=True, slots=True)
class NamedInstant:
    """An instant, whatever day it falls on."""

    instant: datetime


Budget = WorkingDays | OfficeHours | NamedDate | NamedInstant


@dataclass(frozen=True, slots=True)
class Pause:
    """The clock stood still in [begins, ends); `ends` is None while it still does.

    The time between a submission and its sending back is such a pause, too.
    """

    begins: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """A new date that was asked for in time, its approvals so far, and before when two of them must come."""

    asked: datetime
    day: date
    lapses: datetime
    approvals: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """What is on record about the time of a task: when it was given, for how long, what came between.

    Nobody has it yet where `given` is None: no clock runs.
    """

    given: datetime | None
    budget: Budget
    pauses: tuple[Pause, ...] = ()
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """When a task is due; `instant` is None while a pause holds the clock or nobody has the task.

    Provisional is what reaches out of the known calendar: it is computed from weekdays and takes no points.
    """

    instant: datetime | None
    provisional: bool = False

    def passed(self, at: datetime) -> bool:
        """Tell whether the task is overdue at an instant; the due time itself is too late."""
        return self.instant is not None and at >= self.instant


STOPPED = Due(None)


def due(calendar: Calendar, course: Course) -> Due:
    """Return when the task is due by all that is on record."""
    if course.given is None:
        return STOPPED
    now = _first_due(calendar, course, course.given)
    for extension in sorted(course.extensions, key=lambda extension: extension.asked):
        approved = approved_at(extension)
        if approved is not None:
            now = _extended(calendar, course, course.given, extension.day, approved)
    return now


def late_days(calendar: Calendar, course: Course, until: datetime) -> tuple[date, ...]:
    """Return the late working days up to and including the day of an instant, ascending.

    The instant is that of the accepted submission, or of what is known by now. The day that the due time
    falls into counts, unless it ends there; a day past the known calendar is not counted until it is known.
    """
    end = due(calendar, course)
    if end.instant is None or end.provisional or until < end.instant:
        return ()
    return calendar.between(calendar.day_of(end.instant), min(calendar.day_of(until), calendar.last))


def approved_at(extension: Extension) -> datetime | None:
    """Return when the extension had its approvals; None while it has not, or after its limit."""
    counted = sorted(at for at in extension.approvals if extension.asked <= at < extension.lapses)
    return counted[APPROVALS - 1] if len(counted) >= APPROVALS else None


def lapses(calendar: Calendar, asked: datetime, days: int) -> datetime:
    """Return when an extension lapses that is not approved in so many working days."""
    limit = due(calendar, Course(asked, WorkingDays(days))).instant
    assert limit is not None, "nothing pauses it"
    return limit


def in_time(calendar: Calendar, course: Course, asked: datetime) -> bool:
    """Tell whether an extension may still be asked for: the asking must precede the due time."""
    return not due(calendar, course).passed(asked)


def _first_due(calendar: Calendar, course: Course, begins: datetime) -> Due:
    given = calendar.day_of(begins)
    match course.budget:
        case WorkingDays(days):
            found = _day_due(calendar, given, calendar.after(given, days), course.pauses)
            return _since(calendar, given + A_DAY, found)
        case NamedDate(day):
            return _day_due(calendar, given, calendar.on_or_after(day), course.pauses)
        case NamedInstant(instant):
            return _instant_due(calendar, given, instant, course.pauses)
        case OfficeHours(minutes):
            return _hours_due(calendar, begins, timedelta(minutes=minutes), course.pauses)


def _since(calendar: Calendar, first: date, found: Due) -> Due:
    """Return a due time that was counted from a day on; provisional if that day is not known."""
    return found if found.instant is None or calendar.knows(first) else replace(found, provisional=True)


def _extended(calendar: Calendar, course: Course, begins: datetime, day: date, approved: datetime) -> Due:
    """Return the due time of a new date: it stands against pauses that began before the approval."""
    later = tuple(pause for pause in course.pauses if pause.begins >= approved)
    moved = _day_due(calendar, date.min, calendar.on_or_after(day), later)
    return replace(moved, provisional=moved.provisional or _first_due(calendar, course, begins).provisional)


def _day_due(calendar: Calendar, given: date, day: date, pauses: Iterable[Pause]) -> Due:
    """Return 24:00 of a day, moved by the working days after `given` that pauses cover."""
    moved = _moved(calendar, given, day, pauses, calendar.ends)
    return STOPPED if moved is None else Due(calendar.ends(moved), not calendar.knows(moved))


def _instant_due(calendar: Calendar, given: date, instant: datetime, pauses: Iterable[Pause]) -> Due:
    """Return an instant; paused working days move its day and leave its wall time."""
    named = calendar.day_of(instant)
    wall = instant.astimezone(calendar.zone).time()
    moved = _moved(calendar, given, named, pauses, lambda at: calendar.starts(at, wall))
    if moved is None:
        return STOPPED
    return Due(instant) if moved == named else Due(calendar.starts(moved, wall), not calendar.knows(moved))


def _moved(
    calendar: Calendar,
    given: date,
    day: date,
    pauses: Iterable[Pause],
    until: Callable[[date], datetime],
) -> date | None:
    """Return the due day after all pauses that begin before it is over; `None` while one stops the clock.

    A pause moves it by the working days after `given` that it covers; a day until `given` is never moved.
    """
    covered = given
    for pause in sorted(pauses, key=lambda one: one.begins):
        if pause.begins >= until(day):
            break
        if pause.ends is None:
            return None
        first = max(calendar.day_of(pause.begins) - A_DAY, covered)
        last = calendar.day_of(pause.ends) - A_DAY
        if day > given and last > first:
            paused = calendar.count(first, last)
            day = calendar.after(day, paused) if paused else day
            covered = last
    return day


def _hours_due(calendar: Calendar, given: datetime, length: timedelta, pauses: Iterable[Pause]) -> Due:
    """Return when office hours outside the pauses sum to the length."""
    stops = sorted(pauses, key=lambda one: one.begins)
    left, day = length, calendar.day_of(given)
    while True:
        for span in calendar.spans(day):
            opens, closes = calendar.starts(day, span.opens), calendar.starts(day, span.closes)
            for begins, ends in _running(max(opens, given), closes, stops):
                if ends - begins >= left:
                    found = Due(begins + left, not calendar.knows(day))
                    return _since(calendar, calendar.day_of(given), found)
                left -= ends - begins
        if any(stop.ends is None and calendar.day_of(stop.begins) <= day for stop in stops):
            return STOPPED
        day += A_DAY


def _running(begins: datetime, ends: datetime, stops: Iterable[Pause]) -> Iterator[tuple[datetime, datetime]]:
    """Yield what is left of a span of hours outside the pauses, which are in order."""
    for stop in stops:
        if begins >= ends or stop.begins >= ends:
            break
        if stop.begins > begins:
            yield begins, stop.begins
        begins = ends if stop.ends is None else max(begins, stop.ends)
    if begins < ends:
        yield begins, ends

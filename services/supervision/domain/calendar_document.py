"""The document of a working calendar: what official notices say of days, office hours, what is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.supervision.domain.calendar import (
    NO_SPANS,
    WORKED_IN_WEEK,
    Calendar,
    DayKind,
    Span,
    calendar_of,
)

LONGEST_YEARS = 100
LEAST_MINUTES_A_DAY = 60
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
HOURS_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
DATE_PATTERN = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

Text = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
DateText = Annotated[str, Field(pattern=DATE_PATTERN)]
Hours = Annotated[tuple[Annotated[str, Field(pattern=HOURS_PATTERN)], ...], Field(strict=False, max_length=8)]


class Closed(BaseModel):
    """A frozen value that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Head(Closed):
    """Whose calendar it is, its version, and the first and the last day that it knows."""

    zone: str = Field(min_length=1, max_length=64, description="The time zone whose days these are.")
    version: int = Field(ge=1, lt=1 << 31)
    title: Text
    first: DateText
    last: DateText


class Week(Closed):
    """Office hours by weekday as `08:30-12:00`, wall time of the zone; a make-up workday has Monday's."""

    source: Text
    verified: bool
    monday: Hours
    tuesday: Hours
    wednesday: Hours
    thursday: Hours
    friday: Hours
    saturday: Hours = ()
    sunday: Hours = ()


class Day(Closed):
    """What a notice says about a day; a day that no notice names goes by its weekday."""

    day: DateText
    kind: Literal["work", "rest", "make-up"]
    name: str = Field("", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")


class Notice(Closed):
    """An official notice, where it can be read, and whether a person compared the days with it."""

    title: Text
    source: Text
    verified: bool
    days: tuple[Day, ...] = Field(strict=False, min_length=1, max_length=1000)


class CalendarDocument(Closed):
    """A working calendar as an operator writes it."""

    calendar: Head
    hours: Week
    notices: tuple[Notice, ...] = Field(strict=False, max_length=500)

    def written(self) -> dict[str, Any]:
        """Return it as it is kept and published."""
        return self.model_dump(mode="json")


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a calendar is refused, and where."""

    path: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """A day that a notice names, and the notice."""

    day: Day
    notice: Notice


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a calendar document."""
    return {"$schema": DIALECT} | CalendarDocument.model_json_schema()


def read(document: object) -> CalendarDocument | list[Finding]:
    """Read a calendar document, or return everything that is wrong with it, in the order of the document."""
    try:
        parsed = CalendarDocument.model_validate(document)
    except ValidationError as error:
        return [
            Finding(_pointer(one["loc"]), "shape", one["msg"].removeprefix("Value error, "))
            for one in error.errors(include_url=False, include_input=False)
        ]
    found = [finding for rule in (_head, _hours, _days) for finding in rule(parsed)]
    return found or parsed


def compiled(document: CalendarDocument) -> Calendar:
    """Return the calendar that a document without findings describes."""
    head = document.calendar
    return calendar_of(
        ZoneInfo(head.zone),
        date.fromisoformat(head.first),
        date.fromisoformat(head.last),
        {day: DayKind(one.day.kind) for day, one in noticed(document).items()},
        tuple(_spans(getattr(document.hours, name)) for name in WEEKDAYS),
        version=head.version,
    )


def noticed(document: CalendarDocument) -> dict[date, Noticed]:
    """Return the days that notices name."""
    return {
        date.fromisoformat(day.day): Noticed(day, notice)
        for notice in document.notices
        for day in notice.days
    }


def zone_named(name: str) -> ZoneInfo | None:
    """Return the time zone of a name, if there is one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def knows_less(new: CalendarDocument, old: CalendarDocument) -> list[Finding]:
    """Return where a version would make provisional what another knows."""
    found: list[Finding] = []
    if new.calendar.first > old.calendar.first:
        reason = f"Version {old.calendar.version} knows the days from {old.calendar.first} on."
        found.append(Finding("/calendar/first", "knows_less", reason))
    if new.calendar.last < old.calendar.last:
        reason = f"Version {old.calendar.version} knows the days until {old.calendar.last}."
        found.append(Finding("/calendar/last", "knows_less", reason))
    return found


def _head(document: CalendarDocument) -> Iterator[Finding]:
    head = document.calendar
    if zone_named(head.zone) is None:
        yield Finding("/calendar/zone", "zone", f"{head.zone} is no time zone, as Asia/Shanghai is.")
    first, last = _date(head.first), _date(head.last)
    for name, day in (("first", first), ("last", last)):
        if day is None:
            yield Finding(f"/calendar/{name}", "no_such_day", "There is no such day.")
    if first is not None and last is not None and not first <= last:
        yield Finding("/calendar/last", "range", "The last known day is before the first.")
    elif first is not None and last is not None and last.year - first.year >= LONGEST_YEARS:
        yield Finding("/calendar/last", "range", f"A calendar knows at most {LONGEST_YEARS} years.")


def _hours(document: CalendarDocument) -> Iterator[Finding]:
    for weekday, name in enumerate(WEEKDAYS):
        spans = _spans(getattr(document.hours, name))
        ends = [edge for span in spans for edge in (span.opens, span.closes)]
        if any(earlier >= later for earlier, later in pairwise(ends)):
            yield Finding(f"/hours/{name}", "hours", "Hours follow one another, each closing after it opens.")
        elif weekday < WORKED_IN_WEEK and sum(map(_minutes, spans)) < LEAST_MINUTES_A_DAY:
            reason = f"Monday to Friday have at least {LEAST_MINUTES_A_DAY} minutes of office hours each."
            yield Finding(f"/hours/{name}", "hours", reason)


def _days(document: CalendarDocument) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for n, notice in enumerate(document.notices):
        for d, one in enumerate(notice.days):
            place = f"/notices/{n}/days/{d}/day"
            if one.day in seen:
                yield Finding(place, "twice", f"{one.day} was named before, by {seen[one.day]}.")
            seen.setdefault(one.day, notice.title)
            yield from _day(document.calendar, one, place)


def _day(head: Head, one: Day, place: str) -> Iterator[Finding]:
    day = _date(one.day)
    if day is None:
        yield Finding(place, "no_such_day", "There is no such day.")
        return
    if not head.first <= one.day <= head.last:
        yield Finding(place, "outside", f"The calendar knows {head.first} to {head.last}.")
    if one.kind == DayKind.MAKE_UP and day.weekday() < WORKED_IN_WEEK:
        yield Finding(place, "make_up", "A make-up workday (调休) is a Saturday or a Sunday.")


def _spans(hours: tuple[str, ...]) -> tuple[Span, ...]:
    pairs = (text.split("-") for text in hours)
    return (
        tuple(Span(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in pairs)
        or NO_SPANS
    )


def _minutes(span: Span) -> int:
    return 60 * (span.closes.hour - span.opens.hour) + span.closes.minute - span.opens.minute


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _pointer(location: tuple[str | int, ...]) -> str:
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in location)

"""What is derived of an item at an instant: due time, light, late days, and when that changes next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from services.supervision.domain.calendar import Calendar
from services.supervision.domain.items import Item, Request, asked_now, is_done
from services.supervision.domain.machine import Act, State, rule_of
from services.supervision.domain.worktime import Course, Due, WorkingDays, due, late_days

LATE_DAYS_TOLD = 1000
_MOMENT = timedelta(microseconds=1)


class Light(StrEnum):
    """How an item looks; `done_late` is 办结(逾期)."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    DONE = "done"
    DONE_LATE = "done_late"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Borne:
    """Late days from `first` on, until those of the next, are borne by these shares."""

    first: date
    shares: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Seen:
    """An item at an instant; `changes` is the next instant at which this is another without any fact.

    `late` are the late working days in order, `borne` says by whom, ascending and from the first of them on.
    `asked` is the extension that waits to be approved. `sign_due` is until when an assigned item is to be
    signed for, `None` while a pause holds the clock.
    """

    due: Due
    light: Light
    late: tuple[date, ...]
    borne: tuple[Borne, ...]
    completed: date | None
    asked: Request | None
    sign_due: datetime | None
    sign_late: bool
    changes: datetime | None


def see(calendar: Calendar, item: Item, now: datetime) -> Seen:
    """Derive what is shown of an item; `now` is the newest tick or fact."""
    if item.state is State.WITHDRAWN:
        return Seen(Due(None), Light.OFF, (), (), None, None, None, sign_late=False, changes=None)
    course = item.course
    end = due(calendar, course)
    late, borne = _borne(
        calendar, item, end, late_days(calendar, course, _counted_until(calendar, item, now))
    )
    asked = asked_now(item, now) if item.state in rule_of(Act.APPROVE_EXTENSION).begins else None
    lapses = None if asked is None else asked.extension.lapses
    completed = calendar.day_of(item.done) if is_done(item) and item.done is not None else None
    if item.done is not None:
        light = _light_when_done(item, end, item.done)
        return Seen(end, light, late, borne, completed, asked, None, sign_late=False, changes=lapses)
    yellow = _yellow_from(calendar, end, item.opening.terms.yellow_days)
    light = _light(end, yellow, now)
    sign_due = _sign_due(calendar, item)
    sign_late = sign_due is not None and sign_due <= now
    turns = (_turns(calendar, end, yellow, now), None if sign_late else sign_due, lapses)
    changes = min((at for at in turns if at is not None), default=None)
    return Seen(end, light, late, borne, completed, asked, sign_due, sign_late, changes)


def _borne(
    calendar: Calendar, item: Item, end: Due, late: Sequence[date]
) -> tuple[tuple[date, ...], tuple[Borne, ...]]:
    """Return the late days that are told and who bears them.

    That is who had the item when the day began, or when it was due on that day; a day on which nobody had it
    is nobody's.
    """
    days: list[date] = []
    borne: list[Borne] = []
    for day in late:
        assert end.instant is not None
        shares = item.shares_before(max(calendar.starts(day), end.instant))
        if shares is None or len(days) == LATE_DAYS_TOLD:
            continue
        days.append(day)
        if not borne or borne[-1].shares != shares:
            borne.append(Borne(day, shares))
    return tuple(days), tuple(borne)


def _counted_until(calendar: Calendar, item: Item, now: datetime) -> datetime:
    """The day of the submission counts; the day of a cancelling does not."""
    if item.done is None:
        return now
    if item.cancelled is None:
        return item.done
    before = calendar.starts(calendar.day_of(item.cancelled)) - _MOMENT
    return min(before, item.done)


def _light_when_done(item: Item, end: Due, done: datetime) -> Light:
    late = end.passed(done)
    match item.state:
        case State.CANCELLED:
            return Light.OFF
        case State.SUBMITTED:
            return Light.RED if late else Light.GREEN
        case _:
            return Light.DONE_LATE if late else Light.DONE


def _light(end: Due, yellow: datetime | None, now: datetime) -> Light:
    if end.passed(now):
        return Light.RED
    return Light.YELLOW if yellow is not None and yellow <= now else Light.GREEN


def _yellow_from(calendar: Calendar, end: Due, days: int) -> datetime | None:
    """Return when the last working days before the due time begin, that of the due time included."""
    if end.instant is None or days == 0:
        return None
    last = calendar.day_ending(end.instant)
    return calendar.starts(last if days == 1 else calendar.before(last, days - 1))


def _sign_due(calendar: Calendar, item: Item) -> datetime | None:
    """Return until when an assigned item is to be signed for."""
    days = item.opening.terms.sign_days
    if days is None or item.state is not State.ASSIGNED or item.assigned is None:
        return None
    return due(calendar, Course(item.assigned, WorkingDays(days), item.course.pauses)).instant


def _turns(calendar: Calendar, end: Due, yellow: datetime | None, now: datetime) -> datetime | None:
    """Return when the light or the late days are others next."""
    if end.instant is None:
        return None
    if not end.passed(now):
        return min(at for at in (yellow, end.instant) if at is not None and at > now)
    if end.provisional:
        return None
    following = calendar.after(calendar.day_of(now), 1)
    return calendar.starts(following) if following <= calendar.last else None

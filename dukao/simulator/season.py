"""The calendar of the simulation: seconds since 1970, Beijing's days and months, busy and quiet days."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import chinese_calendar

DAY_S = 86_400
HOUR_S = 3_600
OFFSET_S = 8 * 3_600
EPOCH = date(1970, 1, 1)
ONE_DAY = timedelta(days=1)
BUSY_UNTIL_DAY = 15
LAST_DAYS = 3
SPRING_FESTIVAL = "Spring Festival"
_MONTHS = (90, 70, 115, 120, 125, 110, 95, 90, 100, 95, 95, 110)


def weights(start: date, days: int) -> Sequence[int]:
    """Return how much work each day brings, relative to the others."""
    return [_weight(start + timedelta(days=at)) for at in range(days)]


def midnight(day: date) -> int:
    """Return the first second of a day."""
    return (day - EPOCH).days * DAY_S - OFFSET_S


def day_of(second: int) -> date:
    """Return the day that a second lies in."""
    return EPOCH + timedelta(days=(second + OFFSET_S) // DAY_S)


def month_of(second: int) -> str:
    """Return the month that a second lies in, as `2021-03`."""
    return _month((second + OFFSET_S) // DAY_S)


def end_of_day(second: int, days: int = 0) -> int:
    """Return the last second of the day that many days later."""
    return (second + OFFSET_S) // DAY_S * DAY_S - OFFSET_S + (days + 1) * DAY_S - 1


def end_of_working_days(second: int, budget: int) -> int:
    """Return the last second of a budget of working days, which begins on the next one."""
    day = day_of(second)
    while budget:
        day += ONE_DAY
        budget -= _worked(day)
    return midnight(day) + DAY_S - 1


def late_days(deadline: int, done: int | None) -> Iterator[int]:
    """Yield the first second of each late working day, that of the completion too; for ever while not done.

    A deadline on a day that is not worked is that of the next working day.
    """
    due = day_of(deadline)
    while not _worked(due):
        due += ONE_DAY
    day, last = due + ONE_DAY, None if done is None else day_of(done)
    while last is None or day <= last:
        if _worked(day):
            yield midnight(day)
        day += ONE_DAY


def next_fifteenth(second: int) -> int:
    """Return the end of the filing period: the 15th of this month, after it that of the next."""
    day = day_of(second)
    if day.day > BUSY_UNTIL_DAY:
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return midnight(day.replace(day=BUSY_UNTIL_DAY)) + DAY_S - 1


def written(second: int) -> str:
    """Write an instant as most sources do, in Beijing time."""
    day, rest = divmod(second + OFFSET_S, DAY_S)
    return f"{_date(day)}T{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}+08:00"


def written_in_utc(second: int) -> str:
    """Write an instant as the hotline does, in UTC."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _weight(day: date) -> int:
    """Weigh a day: filing periods, most in a quarter's first month, last days of months, holidays."""
    filing = day.day <= BUSY_UNTIL_DAY
    weight = _MONTHS[day.month - 1] * ((170 if day.month % 3 == 1 else 140) if filing else 80)
    if (day + timedelta(days=LAST_DAYS)).month != day.month:
        weight += weight // 2
    if not _worked(day):
        holiday = chinese_calendar.get_holiday_detail(day)[1]
        weight //= 20 if holiday == SPRING_FESTIVAL else 6
    return weight


@lru_cache(maxsize=4096)
def _worked(day: date) -> bool:
    return chinese_calendar.is_workday(day)


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()


@lru_cache(maxsize=4096)
def _month(day: int) -> str:
    return _date(day)[:7]

"""T: when what is received for a month is late, by working days of grace on the statutory calendar."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

A_DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class KnownDays:
    """The days that a working calendar knows; one that it does not name goes by its weekday.

    `received` is when we were told of it.
    """

    first: date
    last: date
    named: Mapping[date, bool]
    received: datetime

    def is_worked(self, day: date) -> bool | None:
        """Tell whether a day is worked, None where the calendar does not reach."""
        if not self.first <= day <= self.last:
            return None
        return self.named.get(day, day.weekday() < SATURDAY)


def cut(begins: date, days: int, calendars: Iterable[KnownDays], zone: tzinfo) -> datetime | None:
    """Return T: 24:00 of the `days`-th working day from `begins` on, None where no calendar knows all days.

    Without a day of grace it is the beginning of `begins`.
    Of calendars, in the order in which they were received, a newer one moves T only while neither the T that
    stood nor its own has passed: what came in time is never late afterwards, nor the other way round.
    """
    found = None if days else datetime.combine(begins, time.min, zone)
    for known in calendars:
        last = last_of_grace(begins, days, known)
        if last is None:
            continue
        ends = datetime.combine(last + A_DAY, time.min, zone)
        if found is None or known.received < min(found, ends):
            found = ends
    return found


def last_of_grace(begins: date, days: int, known: KnownDays) -> date | None:
    """Return the working day that is the `days`-th from `begins` on, of none the day before `begins`.

    None where the calendar does not know every day up to it.
    """
    day = begins - A_DAY
    while days:
        day += A_DAY
        worked = known.is_worked(day)
        if worked is None:
            return None
        days -= worked
    return day

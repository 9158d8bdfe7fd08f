"""T: when what is received for a month is late, by working days of grace on the statutory calendar."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

A_DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True, slots=True)
class KnownDays:
    """The days that a working calendar knows; one that it does not name goes by its weekday."""

    first: date
    last: date
    named: Mapping[date, bool]

    def is_worked(self, day: date) -> bool | None:
        """Tell whether a day is worked, None where the calendar does not reach."""
        if not self.first <= day <= self.last:
            return None
        return self.named.get(day, day.weekday() < SATURDAY)


def last_of_grace(begins: date, days: int, known: KnownDays | None) -> date | None:
    """Return the working day that is the `days`-th from `begins` on, of none the day before `begins`.

    None where the calendar does not know every day up to it.
    """
    day = begins - A_DAY
    while days:
        day += A_DAY
        worked = None if known is None else known.is_worked(day)
        if worked is None:
            return None
        days -= worked
    return day

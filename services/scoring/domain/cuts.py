"""Which periods of a scheme have a cut, and when it passes: T, from which on what is received is late."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.scoring.domain.document import Head
from services.scoring.domain.grace import A_DAY, KnownDays, cut
from services.scoring.domain.versions import ruled
from shared.kernel.periods import Month, Period


@dataclass(frozen=True, slots=True)
class PeriodCut:
    """The cut of a period, by the version that rules its last month.

    `at` is T, the end of a day of the scheme's zone, and `day` that day.
    """

    version: int
    period: Period
    at: datetime
    day: date


def period_cuts(heads: Iterable[Head], calendars: Mapping[str, Sequence[KnownDays]]) -> Iterator[PeriodCut]:
    """Yield the cuts of months, quarters, half-years and years, by the working calendars known of each zone.

    `heads` are the adopted versions of one scheme. A period has none where the version in force at its end
    names no grace, and none yet where no calendar knows all days of it.
    """
    versions = {head.version: head for head in heads}
    for version, (first, last) in ruled(versions.values()).items():
        head = versions[version]
        if head.grace_days is None:
            continue
        zone, known = ZoneInfo(head.zone), calendars.get(head.zone, ())
        for month in map(Month.of_ordinal, range(first, last + 1)):
            following = month.plus(1)
            at = cut(date(following.year, following.month, 1), head.grace_days, known, zone)
            if at is not None:
                for period in head.calendar.around(month):
                    if period.last == month:
                        yield PeriodCut(version, period, at, at.date() - A_DAY)

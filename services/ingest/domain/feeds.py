"""Whether a feed is fresh: when its next event is due, and what a tick makes of that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from services.ingest.domain.envelope import Candidate
from services.ingest.domain.sources import WEEK, FeedSpec, WorkingHours, minutes_of

LONGEST_WAIT_DAYS = 10_000

FeedKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class FeedState:
    """How a feed stands: `since` is the first tick that knew of it, `last` the newest `received` of it."""

    since: datetime | None = None
    last: datetime | None = None
    due: datetime | None = None
    stale: bool = False


def latest_by_feed(
    feeds: Mapping[tuple[str, str], Sequence[str]],
    accepted: Sequence[Candidate],
    stamps: Sequence[datetime],
) -> dict[FeedKey, datetime]:
    """Return the newest `received` of what a batch brings to each feed."""
    latest: dict[tuple[str, str], datetime] = {}
    for one, received in zip(accepted, stamps, strict=True) if feeds else ():
        of = one.source, one.type
        if of in feeds and (of not in latest or received > latest[of]):
            latest[of] = received
    found: dict[FeedKey, datetime] = {}
    for (source, kind), received in latest.items():
        for feed in feeds[source, kind]:
            found[source, feed] = max(received, found.get((source, feed), received))
    return found


def at_tick(spec: FeedSpec, known: FeedState, minute: datetime) -> FeedState:
    """Judge a feed at a tick: it is stale once its next event is overdue; it waits from its first tick on."""
    since = known.since or minute
    due = due_after(spec, known.last or since)
    return replace(known, since=since, due=due, stale=minute >= due)


def due_after(spec: FeedSpec, base: datetime) -> datetime:
    """Return when the next event after `base` is overdue; of hours, only working minutes count."""
    left = timedelta(minutes=spec.within_minutes)
    hours = spec.hours
    if hours is None:
        return base + left
    zone = ZoneInfo(hours.zone)
    day = base.astimezone(zone).date()
    closes = base
    for _ in range(LONGEST_WAIT_DAYS):
        begins = max(_at(day, hours.opens, zone), base)
        closes = max(_at(day, hours.closes, zone), begins)
        if works(hours, day):
            if closes - begins >= left:
                return begins + left
            left -= closes - begins
        day += timedelta(days=1)
    return closes


def works(hours: WorkingHours, day: date) -> bool:
    """Tell whether a feed works on a day."""
    if day in hours.worked:
        return True
    return WEEK[day.weekday()] in hours.days and day not in hours.closed


def _at(day: date, clock: str, zone: ZoneInfo) -> datetime:
    """Return the instant of a wall clock, 24:00 being the next midnight."""
    midnight = datetime.combine(day, time(), zone)
    return (midnight + timedelta(minutes=minutes_of(clock))).astimezone(UTC)

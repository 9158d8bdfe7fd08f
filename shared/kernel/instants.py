"""Instants as RFC 3339 texts, aware datetimes and integer microseconds since 1970."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from shared.kernel.errors import refuse

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_YEAR, LAST_YEAR = 1900, 2199

One = TypeVar("One")

_RFC_3339 = re.compile(
    r"(?:19|2[01])[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])\Z"
)


def parse(text: str, pointer: str | None = None) -> datetime:
    """Read an instant; `time_format` refuses no zone, second 60, impossible dates, far years.

    Digits after the sixth of the fraction are dropped.
    """
    if _RFC_3339.match(text) is not None:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise refuse(422, "time_format", "An instant is written as RFC 3339 with its zone.", pointer=pointer)


def parse_micros(text: str, pointer: str | None = None) -> int:
    """Read an instant as microseconds since 1970."""
    return micros(parse(text, pointer))


def micros(instant: datetime) -> int:
    """Return the microseconds since 1970; the instant must have a zone."""
    return (instant - EPOCH) // MICROSECOND


def of_micros(value: int) -> datetime:
    """Return the instant in UTC."""
    return EPOCH + value * MICROSECOND


def text(instant: datetime) -> str:
    """Write an instant in UTC with six places and Z."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def day_in(zone: ZoneInfo, instant: str) -> str:
    """Return the day of a zone that contains an instant, as 2021-03-31."""
    return parse(instant).astimezone(zone).date().isoformat()


def by_days(
    found: Sequence[One], at: Callable[[One], str], zones: Collection[ZoneInfo]
) -> list[Sequence[One]]:
    """Part what stands on instants of different days in any of the zones, the earliest days first.

    Without zones, or if all is of one day, it stays in one piece; in each piece the order stays.
    """
    if not zones or not found:
        return [found]
    written = [at(one) for one in found]
    first, last = min(written), max(written)
    if all(day_in(zone, first) == day_in(zone, last) for zone in zones):
        return [found]
    parts: dict[tuple[str, ...], list[One]] = {}
    for one, instant in zip(found, written, strict=True):
        parts.setdefault(tuple(day_in(zone, instant) for zone in zones), []).append(one)
    return [parts[days] for days in sorted(parts)]

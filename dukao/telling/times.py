"""Instants as a person reads them: in the scheme's time zone, midnight of a due time as 24:00 of the day."""

import re
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from shared.kernel import instants

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)\Z")
ENDS = frozenset({"due", "deadline", "sign_due"})


def is_instant(text: str) -> bool:
    """Tell whether a text is an instant of an answer."""
    return _INSTANT.match(text) is not None


def local(text: str, zone: str, name: str = "") -> str:
    """Write an instant to the minute; `name` is that of its column: what ends at midnight ends at 24:00."""
    at = instants.parse(text).astimezone(ZoneInfo(zone))
    if name in ENDS and at.time() == time.min:
        return f"{at.date() - timedelta(days=1)} 24:00"
    return f"{at:%Y-%m-%d %H:%M}"

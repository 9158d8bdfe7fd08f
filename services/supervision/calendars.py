"""The working calendar by which a zone counts."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.supervision.domain.calendar import Calendar, calendar_of
from shared.storage.transaction import PostgresTransaction

NOTHING_KNOWN = date(1900, 1, 1)


class Calendars:
    """The calendars in force, by the key of their zone."""

    def __init__(self, known: Mapping[str, Calendar] | None = None) -> None:
        self._known = known or {}

    async def of(self, _tx: PostgresTransaction, zone: ZoneInfo) -> Calendar:
        """Return the calendar of a zone; where none was imported every due date is provisional."""
        return self._known.get(zone.key) or _unknown(zone)


@lru_cache(maxsize=64)
def _unknown(zone: ZoneInfo) -> Calendar:
    return calendar_of(zone, NOTHING_KNOWN, NOTHING_KNOWN, {})

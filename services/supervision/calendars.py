"""The working calendar by which a shard counts in a zone, kept in memory while the shard is owned."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.supervision import store
from services.supervision.contract import CalendarAdopted
from services.supervision.domain.calendar import Calendar, calendar_of
from services.supervision.domain.calendar_document import CalendarDocument, compiled
from shared.storage.transaction import PostgresTransaction

NOTHING_KNOWN = date(1900, 1, 1)
Compiled = dict[tuple[str, int], Calendar]


class Calendars:
    """The calendars in force in each shard; `known` are compiled versions, which never change."""

    def __init__(self, known: Compiled | None = None) -> None:
        self._known: Compiled = {} if known is None else known
        self._by_shard: dict[int, dict[str, int]] = {}

    async def of(self, tx: PostgresTransaction, shard: int, zone: ZoneInfo) -> Calendar:
        """Return the calendar of a zone in a shard; where none was adopted every due date is provisional."""
        if shard not in self._by_shard:
            self._by_shard[shard] = await store.calendars_in_force(tx, shard)
        version = self._by_shard[shard].get(zone.key)
        return nothing_known(zone) if version is None else await self._compiled(tx, zone.key, version)

    async def adopt(self, tx: PostgresTransaction, shard: int, told: CalendarAdopted) -> None:
        """Count by a version from here on, if none that is higher was heard of."""
        await store.put_calendar_in_force(tx, shard, told.zone, told.version)
        self._by_shard.pop(shard, None)

    def forget(self, shards: Iterable[int]) -> None:
        """Drop what is kept of shards."""
        for shard in shards:
            self._by_shard.pop(shard, None)

    async def _compiled(self, tx: PostgresTransaction, zone: str, version: int) -> Calendar:
        if (zone, version) not in self._known:
            row = await store.calendar(tx, zone, version)
            assert row is not None, "a calendar is adopted from the table that it is read from"
            self._known[zone, version] = compiled(CalendarDocument.model_validate(row.document))
        return self._known[zone, version]


@lru_cache(maxsize=64)
def nothing_known(zone: ZoneInfo) -> Calendar:
    """Return the calendar of a zone of which nobody has said anything."""
    return calendar_of(zone, NOTHING_KNOWN, NOTHING_KNOWN, {})

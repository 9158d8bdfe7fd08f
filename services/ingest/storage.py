"""Watches whether what is taken could be stored: PostgreSQL is there and has room to write.

Room is measured where this machine sees the folder, else as what the operator says PostgreSQL may use less
what the database has and its log may grow to; with neither it is not known. A look takes two seconds at most
to notice, in which the busiest door writes less than half of the smallest sensible floor.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from shared.kernel.errors import Unavailable
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

LOOK_S = 2.0
LOOK_LIMIT_S = 5.0
RETRY_AFTER_S = 2
AWAY = "PostgreSQL does not answer"
FULL = "PostgreSQL has too little room"
_USED = """
    SELECT pg_database_size(current_database()) + (setting::bigint << 20) AS used
    FROM pg_settings WHERE name = 'max_wal_size'"""
_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Room:
    """Where room is measured, and how little is too little."""

    folder: Path | None = None
    capacity_bytes: int | None = None
    floor_bytes: int = 0

    async def free_bytes(self, tx: PostgresTransaction) -> int | None:
        """Return what is free by the tightest measure; None when there is none."""
        measured: list[int] = []
        if self.folder is not None:
            found = await asyncio.to_thread(os.statvfs, self.folder)
            measured.append(found.f_bavail * found.f_frsize)
        if self.capacity_bytes is not None:
            measured.append(self.capacity_bytes - (await tx.many(_USED))[0]["used"])
        return min(measured, default=None)


class Storage:
    """What the last look found; until the first it is hoped for the best."""

    def __init__(self, exchange: Exchange, room: Room) -> None:
        self._exchange = exchange
        self._room = room
        self._lacking = ""
        self._suspected = asyncio.Event()

    def check(self) -> None:
        """Raise Unavailable while nothing can be stored."""
        if self._lacking:
            raise Unavailable(self._lacking, retry_after_s=RETRY_AFTER_S, code="storage")

    def suspect(self) -> None:
        """Look at once: something was not stored."""
        self._suspected.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._suspected.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Ask PostgreSQL, and measure."""
        self._suspected.clear()
        try:
            async with asyncio.timeout(LOOK_LIMIT_S), self._exchange.reading() as tx:
                free = await self._room.free_bytes(tx)
        except STORAGE_ERRORS as error:
            self._found(AWAY, error=f"{type(error).__name__} {error}")
            return
        if free is not None:
            METRICS.set("dukao_storage_free_bytes", free)
        short = free is not None and free < self._room.floor_bytes
        self._found(FULL if short else "", free_bytes=free, floor_bytes=self._room.floor_bytes)

    def _found(self, lacking: str, **seen: object) -> None:
        if lacking and lacking != self._lacking:
            _LOG.error("no event is taken", why=lacking, **seen)
        if self._lacking and not lacking:
            _LOG.info("events are taken again", **seen)
        self._lacking = lacking
        METRICS.set("dukao_storage_lacking", bool(lacking))

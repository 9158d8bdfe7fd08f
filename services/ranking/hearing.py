"""What ranking does about manifests: keeps which days of sources differ, so none is closed over unseen."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from services.ranking import papers
from services.ranking.contract import (
    AGREED,
    CONSUMER_DAYS,
    DAY_TURNED,
    DIFFERENCE_MOVED,
    NOTICES,
    DayTurned,
    DifferenceMoved,
)
from services.ranking.domain.closing import Mismatch
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.kernel.errors import Unavailable
from shared.kernel.records import Record
from shared.messaging.port import Answer, Archive
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

_HEARD = "SELECT shard, number FROM positions WHERE consumer = $1 AND stream = $2"
_TELLS: Mapping[str, type[DayTurned | DifferenceMoved]] = {
    DAY_TURNED: DayTurned,
    DIFFERENCE_MOVED: DifferenceMoved,
}
LOOKS = 20
REST_S = 0.1

Told: TypeAlias = Mapping[int, int] | None
"""How far ingest has told in each shard; None while it does not answer."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """What ingest has told of days and ranking has yet to hear: `records` in `shards`; None: not known."""

    shards: tuple[int, ...] = ()
    records: int | None = None


class Days:
    """The handler of days that differ or agree again; a source's lie in one shard, in order."""

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is held of partitions: nothing is."""

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the newest word on each day."""
        events = [known_event(record.stream, record.body) for record in batch]
        told = [envelope.decode_data(one, _TELLS[one.type]) for one in events if one.type in _TELLS]
        newest = {(one.source, one.day): one for one in told}
        differ = [Mismatch(*place, one.state, one.difference or "") for place, one in newest.items()]
        await papers.save(tx, [one for one in differ if one.state != AGREED])
        await papers.settle(tx, [(one.source, one.day) for one in differ if one.state == AGREED])
        return []


class Notices:
    """How far ingest has told of days that differ."""

    def __init__(self, exchange: Exchange, archive: Archive, looks: int = LOOKS) -> None:
        self._exchange = exchange
        self._archive = archive
        self._looks = looks

    async def told(self) -> Told:
        """Return how far ingest has told now."""
        try:
            reached = await self._archive.reached(NOTICES)
        except Unavailable:
            return None
        return {shard: one.number for shard, one in reached.items()}

    async def awaited(self) -> Told:
        """Return how far ingest has told now, once ranking has heard it, or after some LOOKS.

        What comes meanwhile is not waited for, so that a flood of notices keeps nobody waiting.
        """
        told = await self.told()
        for _ in range(self._looks if told is not None else 0):
            async with self._exchange.reading() as tx:
                if await unheard(tx, told) is None:
                    break
            await asyncio.sleep(REST_S)
        return told


async def unheard(tx: PostgresTransaction, told: Told) -> Unheard | None:
    """Return what ranking has yet to hear of what was told, None once it has heard all."""
    if told is None:
        return Unheard()
    rows = await tx.many(_HEARD, CONSUMER_DAYS, NOTICES)
    heard: dict[int, int] = {row["shard"]: row["number"] for row in rows}
    left = {shard: number - heard.get(shard, 0) for shard, number in sorted(told.items())}
    behind = {shard: records for shard, records in left.items() if records > 0}
    return Unheard(tuple(behind), sum(behind.values())) if behind else None

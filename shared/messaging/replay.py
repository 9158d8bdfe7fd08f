"""Applies a consumer's batches again, exactly as they were, in a schema of its own.

What a handler answers depends on where a batch ended and on its time. Both are kept with each batch, so
that the same records make the same state and the same outbox, byte for byte.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from shared.kernel.errors import DukaoError, Unavailable
from shared.kernel.records import Position, Record
from shared.messaging.halts import Place
from shared.messaging.orders import Exact, exact
from shared.messaging.port import Answer, Archive, Handler
from shared.messaging.protocol import advance
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

PAGE_RECORDS = 1_000
PAGE_BATCHES = 200
TRIES = 60

_BATCHES = """
    SELECT id, at, streams, shards, numbers FROM batches
    WHERE consumer = $1 AND id > $2 ORDER BY id LIMIT $3"""
_SKIPPED = """
    SELECT stream, shard, number FROM orders WHERE kind = 'skip' AND outcome = 'skipped' AND consumer = $1"""


class UnlikeError(DukaoError):
    """An archive does not hold what was applied; the message says where."""


class Replay:
    """The batches of one consumer, applied to a shadow; `live` is one moment of the live schema."""

    def __init__(
        self,
        consumer: str,
        *,
        handler: Handler,
        archives: Mapping[str, Archive],
        live: PostgresTransaction,
        shadow: Exchange,
    ) -> None:
        self.consumer = consumer
        self._handler = handler
        self._archives = archives
        self._live = live
        self._shadow = shadow
        self._at: dict[Place, Position] = {}
        self._waiting: dict[Place, deque[Record]] = {}

    async def run(self) -> AsyncIterator[int]:
        """Apply every batch that the snapshot of the live schema knows; yield how many records each had."""
        skipped = await self._skipped()
        last = 0
        while batches := await self._live.many(_BATCHES, self.consumer, last, PAGE_BATCHES):
            for batch in batches:
                yield await self._apply(batch, skipped)
                await asyncio.sleep(0)
            last = batches[-1]["id"]

    async def _skipped(self) -> set[Exact]:
        rows = await self._live.many(_SKIPPED, self.consumer)
        return {(row["stream"], row["shard"], row["number"]) for row in rows}

    async def _apply(self, batch: Mapping[str, Any], skipped: set[Exact]) -> int:
        ends = sorted(zip(batch["streams"], batch["shards"], batch["numbers"], strict=True))
        records = [
            record for stream, shard, number in ends for record in await self._run(stream, shard, number)
        ]
        await self._fold([record for record in records if exact(record) not in skipped], batch["at"])
        return len(records)

    async def _fold(self, records: Sequence[Record], at: datetime | None) -> None:
        detail = f"{self.consumer} {len(records)} records"
        async with self._shadow.begin(actor="rebuild", action="replayed", detail=detail) as tx:
            tx.replay_at(at)
            if records:
                await _append(tx, await self._handler(tx, records))

    async def _run(self, stream: str, shard: int, number: int) -> list[Record]:
        """Return the records of a shard up to a number; they must continue what came before."""
        place = stream, shard
        at = self._at.get(place, Position(stream, shard))
        run = [await self._next(place, n) for n in range(at.number + 1, number + 1)]
        progress = advance(at, run)
        if progress.position.number != number:
            raise UnlikeError(f"the archive of {stream}/{shard} parts at {progress.position.number + 1}")
        self._at[place] = progress.position
        return run

    async def _next(self, place: Place, number: int) -> Record:
        waiting = self._waiting.setdefault(place, deque())
        if not waiting:
            waiting.extend(await self._page(place, number - 1))
        if not waiting or waiting[0].number != number:
            raise UnlikeError(f"the archive of {place[0]}/{place[1]} lacks {number}")
        return waiting.popleft()

    async def _page(self, place: Place, after: int) -> list[Record]:
        """Read a page; a producer that is away or busy is asked again, for a while."""
        for _ in range(TRIES):
            try:
                return await self._archives[place[0]].read(*place, after, PAGE_RECORDS)
            except Unavailable as error:
                await asyncio.sleep(error.retry_after_s)
        return await self._archives[place[0]].read(*place, after, PAGE_RECORDS)


async def _append(tx: PostgresTransaction, answers: Sequence[Answer]) -> None:
    ordered = sorted(answers, key=lambda answer: answer[0])
    for stream, found in groupby(ordered, key=lambda answer: answer[0]):
        await tx.append(stream, [draft for _, draft in found])

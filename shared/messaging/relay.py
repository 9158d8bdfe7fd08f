"""Publishes what a service's outbox holds: per shard in order, the cursor moved after the acknowledgement."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from shared.kernel.errors import Fenced, Unavailable
from shared.kernel.records import Position, Record
from shared.kernel.shards import PARTITIONS
from shared.messaging.broker import Producer
from shared.messaging.leases import HEARTBEAT_S, Leases
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.storage.transaction import RELAY
from shared.telemetry.fail_points import FAIL_POINTS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

IDLE_S = 0.5
BACKOFF_S = 0.5

_BEHIND = """
    SELECT s.stream, s.shard, p.number, s.number - p.number AS behind FROM stream_shards s JOIN positions p
      ON p.consumer = $1 AND p.stream = s.stream AND p.shard = s.shard
    WHERE s.number > p.number AND s.shard % $3 = ANY($2::int[]) AND s.stream = ANY($4::text[])
    ORDER BY s.stream, s.shard"""
_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """How much is sent at once: so many records, of each shard at least so many, and about so many bytes."""

    records: int = 8_000
    shard_records: int = 50
    size_bytes: int = 8 << 20


BATCH = Batch()


class Relay:
    """Sends the streams of one service; its cursors are positions of the consumer `relay`."""

    NAME = RELAY

    def __init__(
        self,
        exchange: Exchange,
        producer: Producer,
        streams: Sequence[str],
        worker: str,
        batch: Batch = BATCH,
    ) -> None:
        self._exchange = exchange
        self._producer = producer
        self._streams = streams
        self._batch = batch
        self.leases = Leases(exchange, self.NAME, streams, worker)
        self._last = "", -1

    async def run(self) -> None:
        """Send until cancelled; what fails is tried again from the cursor."""
        try:
            while True:
                try:
                    await self.leases.beat()
                    await self._send_until_next_beat()
                except (Unavailable, Fenced, *STORAGE_ERRORS) as error:
                    _LOG.warning("relay waits", error=f"{type(error).__name__} {error}")
                    await asyncio.sleep(BACKOFF_S)
        finally:
            await self.leases.leave()
            await self._producer.close()

    async def send_once(self) -> int:
        """Send a batch of every shard that is behind; return how many records were sent."""
        self._exchange.appended.clear()
        epochs = dict(self.leases.held)
        batches = await self._behind(epochs)
        records = [record for batch in batches for record in batch]
        if records:
            if FAIL_POINTS.passing("relay.skip_record"):
                del records[len(records) // 2]
            await self._producer.send(records)
            FAIL_POINTS.passing("relay.after_send")
            await self._move(epochs, batches)
        return len(records)

    async def _send_until_next_beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + HEARTBEAT_S
        while loop.time() < due:
            if await self.send_once() == 0:
                await _wait(self._exchange.appended, min(IDLE_S, max(0.0, due - loop.time())))

    async def _behind(self, epochs: Mapping[int, int]) -> list[list[Record]]:
        async with self._exchange.reading() as tx:
            rows = await tx.many(_BEHIND, self.NAME, list(epochs), PARTITIONS, list(self._streams))
            self._show(rows)
            limit = max(self._batch.records // max(1, len(rows)), self._batch.shard_records)
            batches: list[list[Record]] = []
            room = self._batch.size_bytes
            for stream, group in groupby(sorted(rows, key=self._turn), key=itemgetter("stream")):
                if room > 0:
                    after = [(row["shard"], row["number"]) for row in group]
                    found = await tx.read_each(stream, after, limit, room)
                    batches += found
                    room -= sum(len(record.body) for batch in found for record in batch)
                    self._last = stream, found[-1][-1].shard
            return batches

    def _turn(self, row: Mapping[str, Any]) -> tuple[bool, str, int]:
        """Order shards so that those behind the last one served come first."""
        place = row["stream"], row["shard"]
        return (place <= self._last, *place)

    def _show(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for stream in self._streams:
            behind = sum(row["behind"] for row in rows if row["stream"] == stream)
            METRICS.set("dukao_relay_lag_records", behind, stream=stream)

    async def _move(self, epochs: Mapping[int, int], batches: Sequence[Sequence[Record]]) -> None:
        lasts = [batch[-1] for batch in batches]
        moved = [Position(last.stream, last.shard, last.number, last.chain) for last in lasts]
        async with self._exchange.begin(actor=self.NAME, action="published", detail=_counts(batches)) as tx:
            await tx.fence(self.NAME, epochs)
            await tx.advance(self.NAME, moved)


def _counts(batches: Sequence[Sequence[Record]]) -> str:
    counts: Counter[str] = Counter()
    for batch in batches:
        counts[batch[0].stream] += len(batch)
    return ", ".join(f"{stream} {count}" for stream, count in sorted(counts.items()))


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return

"""Leases on partitions: rows with a rising epoch, spread evenly over the workers that are alive."""

import asyncio
from collections.abc import Mapping, Sequence

from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.shards import PARTITIONS, SHARDS
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.logs import logger

LEASE_S = 5
HEARTBEAT_S = 1
LEAVE_LIMIT_S = 1.0

_BEAT = """
    WITH me AS (
        INSERT INTO workers (consumer, worker, seen) VALUES (:consumer, :worker, clock_timestamp())
        ON CONFLICT (consumer, worker) DO UPDATE SET seen = excluded.seen),
    renewed AS (
        UPDATE leases SET expires = clock_timestamp() + make_interval(secs => :lease)
        WHERE consumer = :consumer AND owner = :worker RETURNING partition, epoch)
    SELECT partition, epoch,
        (SELECT count(*) FROM workers WHERE consumer = :consumer AND worker <> :worker
         AND seen > clock_timestamp() - make_interval(secs => :lease)) AS others,
        (SELECT count(*) FROM leases WHERE consumer = :consumer AND expires < clock_timestamp()) AS free
    FROM renewed"""
_ALIVE = """
    SELECT count(*) FROM workers
    WHERE consumer = :consumer AND seen > clock_timestamp() - make_interval(secs => :lease)"""
_OPEN_LEASES = """
    INSERT INTO leases (consumer, partition, expires)
    SELECT :consumer, p, '-infinity' FROM generate_series(0, :partitions - 1) p ON CONFLICT DO NOTHING"""
_OPEN_POSITIONS = """
    INSERT INTO positions (consumer, stream, shard, chain)
    SELECT $1, stream, shard, $3 FROM unnest($2::text[]) stream, generate_series(0, $4 - 1) shard
    ON CONFLICT DO NOTHING"""
_OWNED = "SELECT partition, epoch FROM leases WHERE consumer = :consumer AND owner = :worker FOR UPDATE"
_GIVE_BACK = """
    UPDATE leases SET owner = NULL, expires = '-infinity'
    WHERE consumer = :consumer AND owner = :worker AND partition = ANY(:partitions)"""
_LEAVE = """
    WITH gone AS (DELETE FROM workers WHERE consumer = :consumer AND worker = :worker)
    UPDATE leases SET owner = NULL, expires = '-infinity'
    WHERE consumer = :consumer AND owner = :worker AND partition = ANY(:mine)"""
_TAKE = """
    UPDATE leases SET owner = :worker, epoch = epoch + 1,
        expires = clock_timestamp() + make_interval(secs => :lease)
    WHERE consumer = :consumer AND partition IN (
        SELECT partition FROM leases
        WHERE consumer = :consumer
          AND (expires < clock_timestamp() OR (owner = :worker AND NOT partition = ANY(:mine)))
        ORDER BY partition LIMIT :room FOR UPDATE SKIP LOCKED)
    RETURNING partition, epoch"""
_STAMP = """
    UPDATE positions t SET epoch = l.epoch FROM leases l
    WHERE l.consumer = t.consumer AND l.partition = t.shard % :partitions
      AND t.consumer = :consumer AND l.partition = ANY(:taken)"""


_LOG = logger(__name__)


class Leases:
    """The partitions that one worker of a consumer holds.

    A worker's name survives its restart, so a restarted worker takes its own back at once.
    """

    def __init__(self, exchange: Exchange, consumer: str, streams: Sequence[str], worker: str) -> None:
        self.held: dict[int, int] = {}
        self._exchange = exchange
        self._consumer = consumer
        self._streams = list(streams)
        self._worker = worker
        self._opened = False

    async def beat(self) -> set[int]:
        """Renew, give back what is too many, take what is free; return the partitions that changed hands."""
        before = dict(self.held)
        if not await self._renewed(before):
            self.held = await self._shared_out(before)
        return {p for p in before.keys() | self.held.keys() if before.get(p) != self.held.get(p)}

    async def leave(self) -> None:
        """Give everything back, so that others need not wait until it expires."""
        mine, self.held = list(self.held), {}
        if not mine:
            return
        known = {"consumer": self._consumer, "worker": self._worker}
        detail = f"{self._consumer} {self._worker} leaves"
        try:
            async with (
                asyncio.timeout(LEAVE_LIMIT_S),
                self._exchange.begin(actor=self._worker, action="lease", detail=detail) as tx,
            ):
                await tx.execute(_LEAVE, mine=mine, **known)
        except STORAGE_ERRORS as error:
            _LOG.warning("leases are left to expire", consumer=self._consumer, error=type(error).__name__)

    async def _renewed(self, before: Mapping[int, int]) -> bool:
        """Renew in one statement; tell whether nothing is to be given or taken."""
        async with self._exchange.beating() as tx:
            rows = await tx.execute(_BEAT, lease=LEASE_S, consumer=self._consumer, worker=self._worker)
        if not before or {row.partition: row.epoch for row in rows} != before:
            return False
        share = _share(1 + rows[0].others)
        return len(before) == share or (len(before) < share and not rows[0].free)

    async def _shared_out(self, before: Mapping[int, int]) -> dict[int, int]:
        known = {"consumer": self._consumer, "worker": self._worker}
        detail = f"{self._consumer} {self._worker}"
        async with self._exchange.begin(actor=self._worker, action="lease", detail=detail) as tx:
            await self._open(tx)
            owned = {row.partition: row.epoch for row in await tx.execute(_OWNED, **known)}
            mine = {p: e for p, e in sorted(owned.items()) if before.get(p) == e}
            ((alive,),) = await tx.execute(_ALIVE, consumer=self._consumer, lease=LEASE_S)
            share = _share(alive)
            kept = dict(list(mine.items())[:share])
            await tx.execute(_GIVE_BACK, partitions=[p for p in mine if p not in kept], **known)
            rows = await tx.execute(_TAKE, lease=LEASE_S, mine=list(mine), room=share - len(kept), **known)
            taken = {row.partition: row.epoch for row in rows}
            await tx.execute(_STAMP, consumer=self._consumer, partitions=PARTITIONS, taken=list(taken))
        self._opened = True
        return kept | taken

    async def _open(self, tx: PostgresTransaction) -> None:
        if self._opened:
            return
        await tx.execute(_OPEN_LEASES, consumer=self._consumer, partitions=PARTITIONS)
        await tx.many(_OPEN_POSITIONS, self._consumer, self._streams, EMPTY_CHAIN, SHARDS)


def _share(workers: int) -> int:
    return -(-PARTITIONS // max(1, workers))

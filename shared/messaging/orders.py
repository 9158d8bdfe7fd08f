"""What operators have ordered, as the workers of a consumer read it, and what is halted, as they tell it.

An order is a row of the service's schema: it survives every restart and is obeyed at a worker's next beat.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Protocol

from shared.kernel.digests import sha256
from shared.kernel.records import Record
from shared.kernel.shards import shards_of
from shared.messaging.halts import Halt, Place
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction

Exact = tuple[str, int, int]

_STANDING = """
    SELECT id, kind, partition, stream, shard, number, digest FROM orders
    WHERE consumer = $1 AND closed IS NULL AND (kind <> 'skip' OR approver IS NOT NULL)"""
_CLOSE = """
    UPDATE orders SET outcome = $2, closer = $3, closed = clock_timestamp()
    WHERE id = ANY($1::bigint[]) AND closed IS NULL"""
_FORGET_HALTS = "DELETE FROM halts WHERE consumer = $1 AND shard = ANY($2::smallint[])"
_TELL_HALTS = """
    INSERT INTO halts (consumer, stream, shard, number, reason, digest, worker)
    SELECT $1, stream, shard, number, reason, digest, $2
    FROM unnest($3::text[], $4::smallint[], $5::bigint[], $6::text[], $7::bytea[])
        n(stream, shard, number, reason, digest)"""


@dataclass(frozen=True, slots=True)
class Skip:
    """An approved order to pass over one record; its body has this digest."""

    id: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """The orders that stand: partitions that rest, shards to try again, records to pass over."""

    paused: frozenset[int] = frozenset()
    retries: Mapping[int, Place] = field(default_factory=dict[int, Place])
    skips: Mapping[Exact, Skip] = field(default_factory=dict[Exact, Skip])

    def skipped(self, records: Iterable[Record]) -> dict[Exact, int]:
        """Return the orders by the records that are passed over; another content than was approved is not."""
        if not self.skips:
            return {}
        return {
            at: skip.id
            for record in records
            if (skip := self.skips.get(at := exact(record))) and skip.digest == sha256(record.body)
        }

    def lifts(self, halt: Halt) -> bool:
        """Tell whether a halted shard is to go on."""
        place = halt.stream, halt.shard
        return place in self.retries.values() or (*place, halt.number) in self.skips


class Orders(Protocol):
    """Where a worker reads its orders and tells what is halted."""

    async def standing(self) -> Standing: ...
    async def tried(self, ids: Sequence[int]) -> None: ...
    async def skipped(self, tx: Any, ids: Sequence[int]) -> None: ...
    async def tell(
        self, halts: Iterable[Halt], held: Mapping[int, int], changed: AbstractSet[int]
    ) -> None: ...


class StoredOrders:
    """The orders in the service's schema, for one worker of a consumer."""

    def __init__(self, exchange: Exchange, consumer: str, worker: str) -> None:
        self._exchange = exchange
        self._consumer = consumer
        self._worker = worker
        self._told: tuple[Halt, ...] = ()

    async def standing(self) -> Standing:
        """Return the orders that stand now."""
        async with self._exchange.reading() as tx:
            rows = await tx.many(_STANDING, self._consumer)
        return Standing(
            paused=frozenset(row["partition"] for row in rows if row["kind"] == "pause"),
            retries={row["id"]: (row["stream"], row["shard"]) for row in rows if row["kind"] == "retry"},
            skips={
                (row["stream"], row["shard"], row["number"]): Skip(row["id"], row["digest"])
                for row in rows
                if row["kind"] == "skip"
            },
        )

    async def tried(self, ids: Sequence[int]) -> None:
        """Close orders to try again; what fails again is halted again."""
        if ids:
            async with self._exchange.begin(
                actor=self._worker, action="retried", detail=f"{self._consumer} orders {list(ids)}"
            ) as tx:
                await tx.many(_CLOSE, list(ids), "tried", self._worker)

    async def skipped(self, tx: PostgresTransaction, ids: Sequence[int]) -> None:
        """Close orders whose records are passed over by this very transaction."""
        if ids:
            await tx.many(_CLOSE, list(ids), "skipped", self._worker)

    async def tell(self, halts: Iterable[Halt], held: Mapping[int, int], changed: AbstractSet[int]) -> None:
        """Write which shards of my partitions are halted, when that or who holds them has changed."""
        now = tuple(halts)
        if now == self._told and not changed:
            return
        if held:
            detail = f"{self._consumer} {len(now)} shards"
            async with self._exchange.begin(actor=self._worker, action="halts", detail=detail) as tx:
                await tx.fence(self._consumer, held)
                mine = [shard for partition in held for shard in shards_of(partition)]
                await tx.many(_FORGET_HALTS, self._consumer, mine)
                columns = zip(*((h.stream, h.shard, h.number, h.reason, h.digest) for h in now), strict=True)
                if now:
                    await tx.many(_TELL_HALTS, self._consumer, self._worker, *map(list, columns))
        self._told = now


def exact(record: Record) -> Exact:
    """Return what names one record."""
    return record.stream, record.shard, record.number

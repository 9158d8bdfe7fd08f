"""What operators see and order of a service's consumers; an order is a row with reason and person."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from shared.kernel.errors import Unavailable, refuse
from shared.kernel.records import Reached
from shared.kernel.shards import PARTITIONS
from shared.messaging.port import Archive
from shared.storage.exchange import Exchange

Inputs = Mapping[str, Mapping[str, Archive]]

_SHARDS = """
    SELECT p.consumer, p.stream, p.shard, p.number AS applied, COALESCE(l.epoch, 0) AS epoch,
        CASE WHEN l.expires > clock_timestamp() THEN l.owner END AS owner,
        h.number AS halted_at, h.reason AS halted, encode(h.digest, 'hex') AS digest, o.reason AS paused
    FROM positions p LEFT JOIN leases l ON l.consumer = p.consumer AND l.partition = p.shard % $2
    LEFT JOIN halts h ON h.consumer = p.consumer AND h.stream = p.stream AND h.shard = p.shard
    LEFT JOIN orders o ON o.kind = 'pause' AND o.closed IS NULL
        AND o.consumer = p.consumer AND o.partition = p.shard % $2
    WHERE p.consumer = ANY($1::text[]) ORDER BY p.consumer, p.stream, p.shard"""
_PAUSE = """
    INSERT INTO orders (kind, consumer, partition, reason, person)
    SELECT 'pause', $1, p, $3, $4 FROM unnest($2::smallint[]) p ON CONFLICT DO NOTHING RETURNING *"""
_RESUME = """
    UPDATE orders SET outcome = 'resumed', closer = $3, closed = clock_timestamp()
    WHERE kind = 'pause' AND closed IS NULL AND consumer = $1 AND partition = ANY($2::smallint[])
    RETURNING *"""
_RETRY = """
    INSERT INTO orders (kind, consumer, partition, stream, shard, number, digest, reason, person)
    SELECT 'retry', consumer, shard % $2, stream, shard, number, digest, $3, $4 FROM halts
    WHERE consumer = $1 AND (stream, shard) = (COALESCE($5, stream), COALESCE($6::smallint, shard))
    ON CONFLICT DO NOTHING RETURNING *"""
_LIST = "SELECT * FROM orders WHERE id > $1 ORDER BY id LIMIT $2"


@dataclass(frozen=True, slots=True)
class ShardState:
    """How far one shard of a consumer is; `newest` and `lag` are unknown while its producer is away."""

    consumer: str
    stream: str
    shard: int
    applied: int
    newest: int | None
    published: int | None
    lag: int | None
    state: str
    reason: str | None
    halted_at: int | None
    digest: str | None
    owner: str | None
    epoch: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is kept for good."""

    id: int
    kind: str
    consumer: str
    partition: int
    stream: str | None
    shard: int | None
    number: int | None
    digest: str | None
    reason: str
    person: str
    at: datetime
    approver: str | None
    approved: datetime | None
    outcome: str | None
    closer: str | None
    closed: datetime | None


@dataclass(frozen=True, slots=True)
class StreamState:
    """How many records of a stream are archived, over all shards, and how many the relay has published."""

    stream: str
    archived: int
    published: int

    @property
    def lag(self) -> int:
        """How many records wait to be published."""
        return self.archived - self.published


class Outgoing:
    """How far the relay of one service is."""

    def __init__(self, exchange: Exchange, streams: Sequence[str]) -> None:
        self._exchange = exchange
        self._streams = streams

    async def streams(self) -> list[StreamState]:
        """Return how far each stream is, by its name."""
        found: list[StreamState] = []
        async with self._exchange.reading() as tx:
            for stream in sorted(self._streams):
                shards = (await tx.reached(stream)).values()
                sums = sum(one.number for one in shards), sum(one.published for one in shards)
                found.append(StreamState(stream, *sums))
        return found


async def _reached(archives: Mapping[str, Archive]) -> dict[str, Mapping[int, Reached]]:
    """Ask all at the same time how far streams have come; one whose producer does not answer is left out."""
    reached: dict[str, Mapping[int, Reached]] = {}

    async def ask(stream: str) -> None:
        with suppress(Unavailable):
            reached[stream] = await archives[stream].reached(stream)

    try:
        async with asyncio.TaskGroup() as group:
            for stream in archives:
                group.create_task(ask(stream))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return reached


class Desk:
    """The operators' desk of one service; `inputs` are the archives of each consumer's streams."""

    def __init__(self, exchange: Exchange, inputs: Inputs) -> None:
        self._exchange = exchange
        self._inputs = inputs

    async def shards(self) -> tuple[list[ShardState], list[str]]:
        """Return every shard of every consumer, and the streams whose producers do not answer."""
        async with self._exchange.reading() as tx:
            rows = await tx.many(_SHARDS, list(self._inputs), PARTITIONS)
        archives = {stream: archive for of in self._inputs.values() for stream, archive in of.items()}
        reached = await _reached(archives)
        shards = [_shard_state(row, reached.get(row["stream"])) for row in rows]
        return shards, sorted(archives.keys() - reached.keys())

    async def pause(
        self, consumer: str, partitions: Collection[int], reason: str, person: str
    ) -> list[Order]:
        """Let partitions of a consumer rest."""
        known_consumer(self._inputs, consumer)
        detail = f"{consumer} {sorted(partitions)}: {reason}"
        async with self._exchange.begin(actor=person, action="pause", detail=detail) as tx:
            rows = await tx.many(_PAUSE, consumer, sorted(partitions), reason, person)
            return _some(rows, "already_paused", "These partitions are paused.")

    async def resume(
        self, consumer: str, partitions: Collection[int], reason: str, person: str
    ) -> list[Order]:
        """Let partitions of a consumer go on."""
        known_consumer(self._inputs, consumer)
        detail = f"{consumer} {sorted(partitions)}: {reason}"
        async with self._exchange.begin(actor=person, action="resume", detail=detail) as tx:
            rows = await tx.many(_RESUME, consumer, sorted(partitions), person)
            return _some(rows, "not_paused", "None of these partitions is paused.")

    async def retry(
        self, consumer: str, place: tuple[str | None, int | None], reason: str, person: str
    ) -> list[Order]:
        """Let halted shards be tried again from their producers' archives: all, or those of a place."""
        known_consumer(self._inputs, consumer)
        detail = f"{consumer} {place[0] or 'all'}/{'all' if place[1] is None else place[1]}: {reason}"
        async with self._exchange.begin(actor=person, action="retry", detail=detail) as tx:
            rows = await tx.many(_RETRY, consumer, PARTITIONS, reason, person, *place)
            return _some(rows, "not_halted", "No shard is halted there that is not about to be tried again.")

    async def orders(self, after: int, limit: int) -> list[Order]:
        """Return a page of all orders ever given, by their id."""
        async with self._exchange.reading() as tx:
            return [order_of(row) for row in await tx.many(_LIST, after, limit)]


def order_of(row: Mapping[str, Any]) -> Order:
    """Return the order that a row holds."""
    kept: dict[str, Any] = {one.name: row[one.name] for one in fields(Order)}
    kept["digest"] = None if row["digest"] is None else row["digest"].hex()
    return Order(**kept)


def known_consumer(inputs: Inputs, consumer: str) -> Mapping[str, Archive]:
    """Return the archives of a consumer, or refuse."""
    if consumer not in inputs:
        raise refuse(404, "not_found", "This service has no such consumer.")
    return inputs[consumer]


def _some(rows: Sequence[Mapping[str, Any]], code: str, detail: str) -> list[Order]:
    if not rows:
        raise refuse(409, code, detail)
    return [order_of(row) for row in rows]


def _shard_state(row: Mapping[str, Any], reached: Mapping[int, Reached] | None) -> ShardState:
    at = None if reached is None else reached.get(row["shard"], Reached(0, 0))
    told = dict(row)
    halted, paused = told.pop("halted"), told.pop("paused")
    state = "halted" if halted else "paused" if paused else "running" if row["owner"] else "unowned"
    return ShardState(
        **told,
        newest=None if at is None else at.number,
        published=None if at is None else at.published,
        lag=None if at is None else max(0, at.number - row["applied"]),
        state=state,
        reason=halted or paused,
    )

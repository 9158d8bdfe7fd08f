"""The messaging port on one PostgreSQL transaction; asyncpg directly where rows are many."""

import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.errors import Fenced
from shared.kernel.numbering import head_after, number
from shared.kernel.records import Draft, Head, Known, Position, Reached, Record
from shared.kernel.shards import shards_of

CHAIN_BYTES = 32
RELAY = "relay"

_OPEN_SHARDS = """
    INSERT INTO stream_shards (stream, shard, number, chain)
    SELECT $1, s, 0, $3 FROM unnest($2::smallint[]) s ON CONFLICT DO NOTHING"""
_LOCK_SHARDS = """
    SELECT shard, number, chain, received FROM stream_shards
    WHERE stream = $1 AND shard = ANY($2::smallint[]) ORDER BY shard FOR UPDATE"""
_ADVANCE_SHARDS = """
    UPDATE stream_shards t SET number = n.number, chain = n.chain, received = n.received
    FROM unnest($2::smallint[], $3::bigint[], $4::bytea[], $5::timestamptz[])
        n(shard, number, chain, received)
    WHERE t.stream = $1 AND t.shard = n.shard"""
_KNOWN = "SELECT key, shard, number, content FROM keys WHERE key = ANY($1::bytea[])"
_READ = """
    SELECT first, last, sizes, chains, bodies FROM outbox
    WHERE stream = $1 AND shard = $2 AND first >= COALESCE((SELECT max(first) FROM outbox
        WHERE stream = $1 AND shard = $2 AND first <= $3), 0) AND last >= $3 AND first < $3 + $4
    ORDER BY first"""
_REACHED = """
    SELECT s.shard, s.number, COALESCE(p.number, 0) AS published FROM stream_shards s
    LEFT JOIN positions p ON p.consumer = $2 AND p.stream = s.stream AND p.shard = s.shard
    WHERE s.stream = $1"""
_FENCE = """
    SELECT stream, shard, number, chain, "offset", epoch FROM positions
    WHERE consumer = $1 AND shard = ANY($2::smallint[]) ORDER BY stream, shard FOR UPDATE"""
_ADVANCE = """
    WITH batch AS (
        INSERT INTO batches (consumer, at, streams, shards, numbers)
        SELECT $1, $7, $2, $3, $4 WHERE $1 <> $8)
    UPDATE positions t SET number = n.number, chain = n.chain, "offset" = GREATEST(t."offset", n."offset")
    FROM unnest($2::text[], $3::smallint[], $4::bigint[], $5::bytea[], $6::bigint[])
        n(stream, shard, number, chain, "offset")
    WHERE t.consumer = $1 AND t.stream = n.stream AND t.shard = n.shard"""


class Driver(Protocol):
    """What is used of asyncpg's connection, which has no types of its own."""

    async def fetch(self, query: str, *args: object) -> Sequence[Mapping[str, Any]]: ...
    async def fetchval(self, query: str, *args: object) -> Any: ...
    async def execute(self, query: str, *args: object) -> str: ...
    async def copy_records_to_table(
        self, table_name: str, *, records: Sequence[tuple[object, ...]], columns: list[str]
    ) -> str: ...


class PostgresTransaction:
    """One open transaction; nothing here commits."""

    def __init__(self, connection: AsyncConnection, driver: Driver) -> None:
        self.connection = connection
        self.appended: Counter[str] = Counter()
        self.remarks: list[str] = []
        self._driver = driver
        self._heads: dict[tuple[str, int], Head] = {}
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        """The database's clock, read once after the first lock."""
        assert self._now is not None, "lock before asking for the time"
        return self._now

    def replay_at(self, now: datetime | None) -> None:
        """Let the time be that of a batch which is applied again."""
        self._now = now

    async def execute(self, statement: str, **values: object) -> Sequence[Any]:
        """Run one statement with named values and return its rows, if it has any."""
        result = await self.connection.execute(text(statement), values)
        return result.all() if result.returns_rows else ()

    async def many(self, statement: str, *values: object) -> Sequence[Mapping[str, Any]]:
        """Run one statement with numbered values ($1, $2 …); arrays serve unnest."""
        return await self._driver.fetch(statement, *values)

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        """Write rows by binary COPY."""
        if rows:
            await self._driver.copy_records_to_table(table, records=rows, columns=list(columns))

    async def lock(self, stream: str, shards: Sequence[int]) -> dict[int, Head]:
        """Lock shards ascending and return their heads; also fixes `now`."""
        wanted = sorted(set(shards))
        missing = [shard for shard in wanted if (stream, shard) not in self._heads]
        if missing:
            await self._driver.execute(_OPEN_SHARDS, stream, missing, EMPTY_CHAIN)
            rows = await self._driver.fetch(_LOCK_SHARDS, stream, missing)
            for row in rows:
                self._heads[stream, row["shard"]] = Head(row["number"], row["chain"], row["received"])
        if self._now is None:
            self._now = await self._driver.fetchval("SELECT clock_timestamp()")
        return {shard: self._heads[stream, shard] for shard in wanted}

    async def known(self, keys: Sequence[bytes]) -> dict[bytes, Known]:
        """Return what the keys stand for; unknown ones are left out."""
        rows = await self._driver.fetch(_KNOWN, list(keys))
        return {row["key"]: Known(row["shard"], row["number"], row["content"]) for row in rows}

    async def remember(self, rows: Mapping[bytes, Known]) -> None:
        """Add keys; a key that is there already ends the transaction."""
        ordered = [(key, known.shard, known.number, known.content) for key, known in sorted(rows.items())]
        await self.copy("keys", ("key", "shard", "number", "content"), ordered)

    async def append(self, stream: str, drafts: Sequence[Draft]) -> list[tuple[int, int]]:
        """Number and archive the drafts; return (shard, number) in the order given."""
        if not drafts:
            return []
        heads = await self.lock(stream, [draft.shard for draft in drafts])
        by_shard = {shard: list(group) for shard, group in groupby(sorted(drafts, key=_shard), key=_shard)}
        rows: list[tuple[object, ...]] = []
        next_number = {shard: head.number for shard, head in heads.items()}
        for shard, group in by_shard.items():
            records = number(stream, shard, heads[shard], group, self.now)
            rows.append(_archive_row(stream, shard, records))
            self._heads[stream, shard] = head_after(records, group, heads[shard], self.now)
        await self.copy("outbox", ("stream", "shard", "first", "last", "sizes", "chains", "bodies"), rows)
        await self._advance_shards(stream, sorted(by_shard))
        self.appended[stream] += len(drafts)
        receipts: list[tuple[int, int]] = []
        for draft in drafts:
            next_number[draft.shard] += 1
            receipts.append((draft.shard, next_number[draft.shard]))
        return receipts

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        """Return up to `limit` records that follow number `after`."""
        rows = await self._driver.fetch(_READ, stream, shard, after + 1, limit)
        records = [record for row in rows for record in _records(stream, shard, row)]
        return [record for record in records if record.number > after][:limit]

    async def reached(self, stream: str) -> dict[int, Reached]:
        """Return how far each shard of a stream has come; one without records is left out."""
        rows = await self._driver.fetch(_REACHED, stream, RELAY)
        return {row["shard"]: Reached(row["number"], row["published"]) for row in rows if row["number"]}

    async def fence(self, consumer: str, epochs: Mapping[int, int]) -> dict[tuple[str, int], Position]:
        """Lock the positions of my partitions, or raise Fenced if an epoch is no longer mine."""
        epoch_of = {shard: epoch for partition, epoch in epochs.items() for shard in shards_of(partition)}
        rows = await self._driver.fetch(_FENCE, consumer, sorted(epoch_of))
        if any(row["epoch"] != epoch_of[row["shard"]] for row in rows) or not rows:
            raise Fenced(f"{consumer}: another worker owns a partition")
        return {
            (row["stream"], row["shard"]): Position(
                row["stream"], row["shard"], row["number"], row["chain"], row["offset"]
            )
            for row in rows
        }

    async def advance(self, consumer: str, positions: Sequence[Position]) -> None:
        """Write how far the consumer has come, and what this batch was; `fence` came before."""
        await self._driver.execute(
            _ADVANCE,
            consumer,
            [position.stream for position in positions],
            [position.shard for position in positions],
            [position.number for position in positions],
            [position.chain for position in positions],
            [position.offset for position in positions],
            self._now,
            RELAY,
        )

    async def _advance_shards(self, stream: str, shards: Sequence[int]) -> None:
        heads = [self._heads[stream, shard] for shard in shards]
        await self._driver.execute(
            _ADVANCE_SHARDS,
            stream,
            shards,
            [head.number for head in heads],
            [head.chain for head in heads],
            [head.received for head in heads],
        )


def _shard(draft: Draft) -> int:
    return draft.shard


def _archive_row(stream: str, shard: int, records: Sequence[Record]) -> tuple[object, ...]:
    return (
        stream,
        shard,
        records[0].number,
        records[-1].number,
        struct.pack(f">{len(records)}I", *(len(record.body) for record in records)),
        b"".join(record.chain for record in records),
        b"".join(record.body for record in records),
    )


def _records(stream: str, shard: int, row: Mapping[str, Any]) -> list[Record]:
    count = row["last"] - row["first"] + 1
    sizes = struct.unpack(f">{count}I", row["sizes"])
    records: list[Record] = []
    start = 0
    for index, size in enumerate(sizes):
        digest = row["chains"][index * CHAIN_BYTES : (index + 1) * CHAIN_BYTES]
        body = row["bodies"][start : start + size]
        records.append(Record(stream, shard, row["first"] + index, body, digest))
        start += size
    return records

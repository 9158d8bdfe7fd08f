"""The messaging port on one PostgreSQL transaction; asyncpg directly where rows are many."""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.errors import Fenced
from shared.kernel.numbering import Numbered, numbered
from shared.kernel.records import Draft, Head, Known, Position, Reached, Record
from shared.kernel.shards import shards_of

CHAIN_BYTES = 32
COPY_TIMEOUT_S = 30.0  # the driver's own bound does not hold while it waits to write
_KEY_COLUMNS = ("key", "shard", "number", "content")
_KEY_LENGTH = struct.Struct(">hi").pack
_KEY_REST = struct.Struct(">ihiqi").pack
_COPY_BEGINS = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_ENDS = struct.pack(">h", -1)
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
# A search by key each: planned while the table is small, `= ANY` would read it whole for long after.
_KNOWN = """
    SELECT k.key, k.shard, k.number, k.content FROM unnest($1::bytea[]) w(key)
    CROSS JOIN LATERAL (SELECT * FROM keys WHERE keys.key = w.key LIMIT 1) k"""
_READ = """
    SELECT first, last, sizes, chains, bodies FROM outbox
    WHERE stream = $1 AND shard = $2 AND first >= COALESCE((SELECT max(first) FROM outbox
        WHERE stream = $1 AND shard = $2 AND first <= $3), 0) AND last >= $3 AND first < $3 + $4
    ORDER BY first"""
_REACHED = """
    SELECT s.shard, s.number, COALESCE(p.number, 0) AS published FROM stream_shards s
    LEFT JOIN positions p ON p.consumer = $2 AND p.stream = s.stream AND p.shard = s.shard
    WHERE s.stream = $1"""
_READ_EACH = """
    WITH wanted AS (SELECT * FROM unnest($2::smallint[], $3::bigint[]) WITH ORDINALITY w(shard, after, turn)),
    sized AS (
        SELECT w.turn, o.shard, o.first,
            sum(octet_length(o.bodies)) OVER (ORDER BY w.turn, o.first) - octet_length(o.bodies) AS before
        FROM wanted w CROSS JOIN LATERAL (
            SELECT shard, first, bodies FROM outbox
            WHERE stream = $1 AND shard = w.shard AND first >= COALESCE((SELECT max(first) FROM outbox
                WHERE stream = $1 AND shard = w.shard AND first <= w.after + 1), 0)
                AND last > w.after AND first <= w.after + $4
            ORDER BY first) o)
    SELECT o.shard, o.first, o.last, o.sizes, o.chains, o.bodies FROM sized s
    JOIN outbox o ON o.stream = $1 AND o.shard = s.shard AND o.first = s.first
    WHERE s.before < $5 ORDER BY s.turn, o.first"""
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
    async def copy_to_table(
        self,
        table_name: str,
        *,
        source: AsyncIterator[bytes],
        columns: list[str],
        format: str,  # noqa: A002 - its name
    ) -> str: ...


class PostgresTransaction:
    """One open transaction; nothing here commits.

    `present` are shards whose rows are known to be committed, `opened` those that this one made sure of.
    """

    def __init__(
        self,
        connection: AsyncConnection,
        driver: Driver,
        present: AbstractSet[tuple[str, int]] = frozenset(),
    ) -> None:
        self.connection = connection
        self.opened: set[tuple[str, int]] = set()
        self._present = present
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
            async with asyncio.timeout(COPY_TIMEOUT_S):
                await self._driver.copy_records_to_table(table, records=rows, columns=list(columns))

    async def lock(self, stream: str, shards: Sequence[int]) -> dict[int, Head]:
        """Lock shards ascending and return their heads; also fixes `now`."""
        wanted = sorted(set(shards))
        missing = [shard for shard in wanted if (stream, shard) not in self._heads]
        if missing:
            places = {(stream, shard) for shard in missing}
            if not places <= self._present:
                await self._driver.execute(_OPEN_SHARDS, stream, missing, EMPTY_CHAIN)
                self.opened |= places
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
        if rows:
            source = _once(_packed_keys(rows))
            async with asyncio.timeout(COPY_TIMEOUT_S):
                await self._driver.copy_to_table(
                    "keys", source=source, columns=list(_KEY_COLUMNS), format="binary"
                )

    async def append(self, stream: str, drafts: Sequence[Draft]) -> list[tuple[int, int]]:
        """Number and archive the drafts; return (shard, number) in the order given."""
        if not drafts:
            return []
        heads = await self.lock(stream, [draft.shard for draft in drafts])
        next_number = {shard: head.number for shard, head in heads.items()}
        by_shard: dict[int, list[Draft]] = {shard: [] for shard in heads}
        receipts: list[tuple[int, int]] = []
        for draft in drafts:
            shard = draft.shard
            number = next_number[shard] = next_number[shard] + 1
            by_shard[shard].append(draft)
            receipts.append((shard, number))
        rows: list[tuple[object, ...]] = []
        for shard, group in by_shard.items():
            found = numbered(stream, shard, heads[shard], group, self.now)
            rows.append(_archive_row(stream, shard, found))
            self._heads[stream, shard] = found.head
        await self.copy("outbox", ("stream", "shard", "first", "last", "sizes", "chains", "bodies"), rows)
        await self._advance_shards(stream, list(by_shard))
        self.appended[stream] += len(drafts)
        return receipts

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        """Return up to `limit` records that follow number `after`."""
        rows = await self._driver.fetch(_READ, stream, shard, after + 1, limit)
        records = [record for row in rows for record in _records(stream, shard, row)]
        return [record for record in records if record.number > after][:limit]

    async def read_each(
        self, stream: str, after: Sequence[tuple[int, int]], limit: int, room_bytes: int
    ) -> list[list[Record]]:
        """Return what follows the number of each (shard, number), in their order, at most `limit` of each.

        No further row is begun once `room_bytes` are full.
        """
        shards, numbers = zip(*after, strict=True)
        rows = await self._driver.fetch(_READ_EACH, stream, shards, numbers, limit, room_bytes)
        found: dict[int, list[Record]] = {}
        for row in rows:
            found.setdefault(row["shard"], []).extend(_records(stream, row["shard"], row))
        known = dict(after)
        return [
            [record for record in run if record.number > known[shard]][:limit] for shard, run in found.items()
        ]

    async def reached(self, stream: str) -> dict[int, Reached]:
        """Return how far each shard of a stream has come; one without records is left out."""
        rows = await self._driver.fetch(_REACHED, stream, RELAY)
        return {row["shard"]: Reached(row["number"], row["published"]) for row in rows if row["number"]}

    async def fence(self, consumer: str, epochs: Mapping[int, int]) -> dict[tuple[str, int], Position]:
        """Lock the positions of my partitions, or raise Fenced if an epoch is no longer mine."""
        epoch_of = {shard: epoch for partition, epoch in epochs.items() for shard in shards_of(partition)}
        rows = await self._driver.fetch(_FENCE, consumer, sorted(epoch_of))
        found: dict[tuple[str, int], Position] = {}
        for row in rows:
            *position, epoch = row.values()
            at = Position(*position)
            if epoch != epoch_of[at.shard]:
                break
            found[at.stream, at.shard] = at
        if len(found) < len(rows) or not rows:
            raise Fenced(f"{consumer}: another worker owns a partition")
        return found

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


def _packed_keys(rows: Mapping[bytes, Known]) -> bytes:
    """Write keys in order as PostgreSQL's binary COPY has them: the driver looks at every value of a row."""
    packed = [_COPY_BEGINS]
    for key, known in sorted(rows.items()):
        packed += (
            _KEY_LENGTH(4, len(key)),
            key,
            _KEY_REST(2, known.shard, 8, known.number, len(known.content)),
            known.content,
        )
    packed.append(_COPY_ENDS)
    return b"".join(packed)


async def _once(written: bytes) -> AsyncIterator[bytes]:
    yield written


def _archive_row(stream: str, shard: int, found: Numbered) -> tuple[object, ...]:
    return (
        stream,
        shard,
        found.first,
        found.head.number,
        struct.pack(f">{len(found.bodies)}I", *map(len, found.bodies)),
        b"".join(found.chains),
        b"".join(found.bodies),
    )


def _records(stream: str, shard: int, row: Mapping[str, Any]) -> list[Record]:
    count = row["last"] - row["first"] + 1
    sizes = struct.unpack(f">{count}I", row["sizes"])
    chains, bodies, first = row["chains"], row["bodies"], row["first"]
    records: list[Record] = []
    start = 0
    for index, size in enumerate(sizes):
        digest = chains[index * CHAIN_BYTES : (index + 1) * CHAIN_BYTES]
        records.append(Record(stream, shard, first + index, bodies[start : start + size], digest))
        start += size
    return records

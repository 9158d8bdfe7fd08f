"""Reads what the services keep, by their tables."""

import json
import struct
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg

Place: TypeAlias = tuple[str, int]
SCHEMAS = ("ingest", "scoring", "supervision", "ranking", "notify")
CHAIN_BYTES = 32
ROWS_AT_ONCE = 50
READERS = {
    "ingest": ("ingest", ("ranking.closes",)),
    "scoring-a": (
        "scoring",
        (
            "ingest.accepted",
            "supervision.items",
            "supervision.calendars",
            "scoring.deductions",
            "scoring.points",
            "scoring.surveys",
            "scoring.schemes",
        ),
    ),
    "scoring-b": ("scoring", ("scoring.partials", "scoring.schemes", "scoring.cuts")),
    "scoring-incidents": ("scoring", ("scoring.findings", "scoring.rulings", "scoring.schemes")),
    "scoring-trials": ("scoring", ("scoring.trial-partials", "scoring.schemes")),
    "supervision": (
        "supervision",
        ("ingest.accepted", "scoring.schemes", "supervision.acts", "supervision.calendars"),
    ),
    "ranking": ("ranking", ("scoring.entries", "scoring.schemes")),
    "ranking-trials": ("ranking", ("scoring.trials", "scoring.schemes")),
    "ranking-days": ("ranking", ("ingest.notices",)),
    "notify": (
        "notify",
        (
            "ingest.notices",
            "supervision.items",
            "ranking.standings",
            "ranking.closes",
            "scoring.schemes",
            "scoring.surveys",
        ),
    ),
}
_BEHIND = """
    SELECT s.shard, p.number AS at, s.number AS head
    FROM {owner}.stream_shards s LEFT JOIN {reader}.positions p
      ON p.consumer = $1 AND p.stream = s.stream AND p.shard = s.shard
    WHERE s.stream = $2 AND (p.number, p.chain) IS DISTINCT FROM (s.number, s.chain)"""


async def records(
    database: asyncpg.Connection, schema: str
) -> AsyncIterator[tuple[Place, int, bytes, bytes]]:
    """Yield place, number, body and running digest of all that a service ever published, in order."""
    async with database.transaction():
        statement = f"SELECT * FROM {schema}.outbox ORDER BY stream, shard, first"
        async for row in database.cursor(statement, prefetch=ROWS_AT_ONCE):
            sizes = struct.unpack(f">{len(row['sizes']) // 4}I", row["sizes"])
            assert len(sizes) == row["last"] - row["first"] + 1, "a row holds the numbers it names"
            assert sum(sizes) == len(row["bodies"]), "a row holds its bodies whole"
            start = 0
            for index, size in enumerate(sizes):
                digest = row["chains"][index * CHAIN_BYTES : (index + 1) * CHAIN_BYTES]
                yield (
                    (row["stream"], row["shard"]),
                    row["first"] + index,
                    row["bodies"][start : start + size],
                    digest,
                )
                start += size


async def events(database: asyncpg.Connection) -> AsyncIterator[tuple[int, int, dict[str, Any]]]:
    """Yield shard, number and content of what came from outside; ticks are ingest's own."""
    async for (_, shard), number, body, _ in records(database, "ingest"):
        event = json.loads(body)
        if not event["type"].startswith("dukao."):
            yield shard, number, event


async def heads(database: asyncpg.Connection, schema: str) -> dict[Place, tuple[int, bytes]]:
    """Return the last number and running digest of each shard that has a record."""
    rows = await database.fetch(f"SELECT * FROM {schema}.stream_shards WHERE number > 0")
    return {(row["stream"], row["shard"]): (row["number"], row["chain"]) for row in rows}


async def reached(database: asyncpg.Connection, schema: str, consumer: str) -> dict[Place, int]:
    """Return how far a consumer has come."""
    statement = f"SELECT stream, shard, number FROM {schema}.positions WHERE consumer = $1"
    return {(row["stream"], row["shard"]): row["number"] for row in await database.fetch(statement, consumer)}


def readers_of(stream: str) -> dict[str, str]:
    """Return the consumers of a stream, each with the service that it belongs to."""
    return {name: service for name, (service, streams) in READERS.items() if stream in streams}


async def behind(database: asyncpg.Connection) -> list[str]:
    """Return every position that is not the head of its stream, in number and digest, all at one moment.

    What incidents come to goes through stage A once more: looked at one after the other, each could be done.
    """
    async with database.transaction(isolation="repeatable_read"):
        readers = [
            (name, schema, stream) for name, (schema, streams) in READERS.items() for stream in streams
        ]
        for schema in SCHEMAS:
            rows = await database.fetch(f"SELECT DISTINCT stream FROM {schema}.stream_shards")
            readers += [("relay", schema, row["stream"]) for row in rows]
        found: list[str] = []
        for name, schema, stream in readers:
            owner = stream.partition(".")[0]
            rows = await database.fetch(_BEHIND.format(owner=owner, reader=schema), name, stream)
            found += [f"{name} {stream}/{row['shard']}: {row['at']} of {row['head']}" for row in rows]
        return found

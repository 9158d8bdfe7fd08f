"""Checks on the databases and the topics themselves, independent of the services: each returns what is wrong."""

import hashlib
import json
import struct
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.table import SERVICES, TOPICS

SCHEMAS = tuple(service.schema for service in SERVICES)
PARTITIONS = 16
POLL_MS = 2_000
Place = tuple[str, int]

READERS = {
    "scoring-a": ("scoring", ("ingest.accepted", "scoring.schemes")),
    "scoring-b": ("scoring", ("scoring.partials", "scoring.schemes")),
    "ranking": ("ranking", ("scoring.entries", "scoring.schemes")),
}
_BEHIND = """
    SELECT s.shard, p.number AS at, s.number AS head
    FROM {owner}.stream_shards s LEFT JOIN {reader}.positions p
      ON p.consumer = $1 AND p.stream = s.stream AND p.shard = s.shard
    WHERE s.stream = $2 AND (p.number, p.chain) IS DISTINCT FROM (s.number, s.chain)"""


async def behind(database: asyncpg.Connection) -> list[str]:
    """Return every position of a consumer or relay that is not the head of its stream, in number and digest."""
    readers = [(name, schema, stream) for name, (schema, streams) in READERS.items() for stream in streams]
    readers += [("relay", owner_of(stream), stream) for stream in TOPICS]
    found: list[str] = []
    for name, schema, stream in readers:
        statement = _BEHIND.format(owner=owner_of(stream), reader=schema)
        rows = await database.fetch(statement, name, stream)
        found += [f"{name} {stream}/{row['shard']}: {row['at']} of {row['head']}" for row in rows]
    return found


def owner_of(stream: str) -> str:
    return stream.partition(".")[0]


async def archive(
    database: asyncpg.Connection, schema: str
) -> AsyncIterator[tuple[Place, int, bytes, bytes]]:
    """Yield place, number, body and digest of all that a service ever published, in order."""
    async with database.transaction():
        rows = database.cursor(f"SELECT * FROM {schema}.outbox ORDER BY stream, shard, first", prefetch=50)
        async for row in rows:
            sizes = struct.unpack(f">{len(row['sizes']) // 4}I", row["sizes"])
            assert len(sizes) == row["last"] - row["first"] + 1
            assert sum(sizes) == len(row["bodies"])
            start = 0
            for index, size in enumerate(sizes):
                body, digest = (
                    row["bodies"][start : start + size],
                    row["chains"][index * 32 : index * 32 + 32],
                )
                yield (row["stream"], row["shard"]), row["first"] + index, body, digest
                start += size


async def unbroken(database: asyncpg.Connection, schema: str) -> list[str]:
    """C2: numbers are 1..n in each shard, each record names its own, and the digests run on to the head."""
    wrong: list[str] = []
    ends: dict[Place, tuple[int, bytes]] = {}
    async for place, number, body, digest in archive(database, schema):
        last, running = ends.get(place, (0, bytes(32)))
        expected = hashlib.sha256(running + hashlib.sha256(body).digest()).digest()
        told = json.loads(body)
        if number != last + 1:
            wrong.append(f"{place}: {number} follows {last}")
        if digest != expected:
            wrong.append(f"{place}: the digest of {number} does not continue")
        if (told["partitionkey"], told["sequence"]) != (str(place[1]), str(number)):
            wrong.append(f"{place}: {number} calls itself {told['partitionkey']}/{told['sequence']}")
        ends[place] = number, digest
    heads = await database.fetch(f"SELECT * FROM {schema}.stream_shards WHERE number > 0")
    return wrong + [
        f"{row['stream']}/{row['shard']}: the head is not the end of the archive"
        for row in heads
        if ends.get((row["stream"], row["shard"])) != (row["number"], row["chain"])
    ]


async def kept_once(
    database: asyncpg.Connection,
    receipts: Mapping[tuple[str, str], tuple[int, int]],
    sent: frozenset[tuple[str, str]],
) -> list[str]:
    """C1 and C11: every acknowledged event lies once where its receipt says, and nothing that was not sent."""
    places: dict[tuple[str, str], list[tuple[int, int]]] = {}
    async for (_, shard), number, body, _ in archive(database, "ingest"):
        told = json.loads(body)
        if not told["type"].startswith("dukao."):
            places.setdefault((told["source"], told["id"]), []).append((shard, number))
    wrong = [f"{key} was never sent" for key in places.keys() - sent]
    wrong += [f"{key} lies at {found}" for key, found in places.items() if len(found) > 1]
    wrong += [f"{key} is not at {at}" for key, at in receipts.items() if at not in places.get(key, [])]
    keys = await database.fetchval(
        "SELECT count(*) FROM ingest.keys k WHERE NOT EXISTS "
        "(SELECT 1 FROM ingest.outbox o WHERE o.shard = k.shard AND k.number BETWEEN o.first AND o.last)"
    )
    return wrong + ([f"{keys} keys lead nowhere"] if keys else [])


async def published(database: asyncpg.Connection, kafka: str) -> list[str]:
    """C4: a topic's first occurrences ascend within each shard and are the archive, byte for byte.

    What was archived after this began may be in Kafka or not yet.
    """
    wrong: list[str] = []
    heads: dict[Place, int] = {}
    sent: dict[Place, int] = {}
    for schema in SCHEMAS:
        for row in await database.fetch(f"SELECT stream, shard, number FROM {schema}.stream_shards"):
            heads[row["stream"], row["shard"]] = row["number"]
        relayed = f"SELECT stream, shard, number FROM {schema}.positions WHERE consumer = 'relay'"
        for row in await database.fetch(relayed):
            sent[row["stream"], row["shard"]] = row["number"]
    topics = await _topics(kafka)
    for schema in SCHEMAS:
        async for place, number, body, digest in archive(database, schema):
            found = topics.get(place, {}).pop(number, None)
            if found is None and number <= sent.get(place, 0):
                wrong.append(f"{place}: {number} is missing from Kafka")
            if found is not None and found != (body, digest):
                wrong.append(f"{place}: {number} is another in Kafka")
    left = {place: [n for n in found if n <= heads.get(place, 0)] for place, found in topics.items()}
    return wrong + [f"{place}: only Kafka has {numbers[:5]}" for place, numbers in left.items() if numbers]


async def _topics(kafka: str) -> dict[Place, dict[int, tuple[bytes, bytes]]]:
    """Read every topic from its beginning to its end; a double must be the same bytes."""
    found: dict[Place, dict[int, tuple[bytes, bytes]]] = {}
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        places = [TopicPartition(topic, partition) for topic in TOPICS for partition in range(PARTITIONS)]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        left = {place for place in places if ends[place] > 0}
        while left:
            for place, messages in (await consumer.getmany(*left, timeout_ms=POLL_MS)).items():
                for message in messages:
                    shard, _, number = message.key.decode().partition(":")
                    numbers = found.setdefault((place.topic, int(shard)), {})
                    _occurs(numbers, int(number), (message.value, dict(message.headers)["chain"]), place)
            left = {place for place in left if await consumer.position(place) < ends[place]}
    finally:
        await consumer.stop()
    return found


def _occurs(
    numbers: dict[int, tuple[bytes, bytes]], number: int, record: tuple[bytes, bytes], place: TopicPartition
) -> None:
    if number in numbers:
        assert numbers[number] == record, f"{place}: {number} was published with two contents"
        return
    assert number == len(numbers) + 1, f"{place}: {number} comes after {len(numbers)} first occurrences"
    numbers[number] = record


async def ledger(database: asyncpg.Connection) -> list[str]:
    """C5: entries telescope, change something, name what caused them, and end at their cells."""
    ends: dict[tuple[object, ...], Decimal | None] = {}
    wrong: list[str] = []
    causes = {
        row["digest"]: json.loads(row["ranges"])
        for row in await database.fetch("SELECT digest, ranges::text FROM scoring.causes")
    }
    for row in await database.fetch("SELECT * FROM scoring.entries ORDER BY id"):
        key = row["scheme"], row["version"], row["grp"], row["month"], row["unit"], row["indicator"]
        if row["old"] != ends.get(key):
            wrong.append(f"{key}: an entry begins at {row['old']}, the one before ended at {ends.get(key)}")
        if not causes.get(row["cause"]):
            wrong.append(f"{key}: entry {row['id']} names nothing that caused it")
        if row["old"] == row["new"]:
            wrong.append(f"{key}: entry {row['id']} changes nothing")
        ends[key] = row["new"]
    cells = {
        (row["scheme"], row["version"], row["grp"], row["month"], row["unit"], row["indicator"]): row["value"]
        for row in await database.fetch("SELECT * FROM scoring.cells")
    }
    standing = {key: value for key, value in ends.items() if value is not None}
    wrong += [
        f"{key}: entries end at {standing.get(key)}, the cell is {cells.get(key)}"
        for key in standing.keys() | cells.keys()
        if standing.get(key) != cells.get(key)
    ]
    return wrong


async def handed_on(database: asyncpg.Connection) -> list[str]:
    """Stage B holds exactly the partials of stage A, and ranking the cells of stage B."""
    inputs = {
        (*row[:5], *json.loads(row[5]))
        for row in await database.fetch(
            "SELECT source_shard, scheme, over, unit, month, numbers FROM scoring.inputs"
        )
    }
    scored = {unit for _, _, _, unit, *_ in inputs}
    partials = {
        (*row[:5], *json.loads(row[5]))
        for row in await database.fetch(
            "SELECT shard, scheme, over, unit, month, numbers FROM scoring.partials"
        )
        if row["unit"] in scored
    }
    figures = await database.fetch(
        "SELECT scheme, grp, unit, indicator, period, f.value, c.value AS cell FROM "
        "(SELECT scheme, version, grp, unit, period, key AS indicator, value::numeric / 1e12 AS value "
        "FROM ranking.figures, json_each_text(worth::json) WHERE period ~ '^[0-9]{4}-[0-9]{2}$') f FULL JOIN "
        "(SELECT *, lpad((month / 12)::text, 4, '0') || '-' || lpad((month % 12 + 1)::text, 2, '0') AS period FROM scoring.cells) c "
        "USING (scheme, version, grp, unit, indicator, period) WHERE f.value IS DISTINCT FROM c.value"
    )
    return [
        *(f"stage B has not: {row}" for row in partials - inputs),
        *(f"stage A has not: {row}" for row in inputs - partials),
        *(f"ranking differs: {tuple(row)}" for row in figures),
    ]


async def everything(
    database: asyncpg.Connection,
    kafka: str,
    receipts: Mapping[tuple[str, str], tuple[int, int]],
    sent: frozenset[tuple[str, str]],
) -> dict[str, list[str]]:
    """Run every check at one moment of the databases; what is returned is empty where all is well."""
    async with database.transaction(isolation="repeatable_read"):
        found = {f"C2 {schema}": await unbroken(database, schema) for schema in SCHEMAS}
        found["C1"] = await kept_once(database, receipts, sent)
        found["C4"] = await published(database, kafka)
        found["C5"] = await ledger(database)
        found["handed on"] = await handed_on(database)
        found["positions"] = await behind(database)
    return {name: wrong[:20] for name, wrong in found.items() if wrong}

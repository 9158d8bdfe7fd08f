"""Kafka by aiokafka: explicit partitions, bounded waits, a new producer after any unclear error."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
)

from shared.kernel.errors import Unavailable
from shared.kernel.records import Record
from shared.kernel.shards import PARTITIONS, SHARDS, partition_of
from shared.messaging import kafka_clients
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_clients import REQUEST_TIMEOUT_MS
from shared.messaging.kafka_fetcher import Fetcher
from shared.messaging.rests import Rests
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

SEND_TIMEOUT_S = 10
CALL_TIMEOUT_S = 10
POLL_MS = 500
AWAY_S = 0.1
SILENCE_S = 120
BATCH_BYTES = 256 << 10
MAX_REQUEST_BYTES = 1 << 20
RETENTION_MS = -1
COMPRESSION = "zstd"  # aiokafka packs lz4 at level 9, which takes four times as long for a larger batch
CHAIN_HEADER = "chain"
_SHARDS_WRITTEN = {b"%d" % shard: shard for shard in range(SHARDS)}

_LOG = logger(__name__)
_MADE = tuple.__new__  # a named tuple's own way takes twice as long, and this is once a record
Place = tuple[str, int]


class KafkaProducer:
    """Sends stored bytes; what is unclear is sent again from the cursor by a new producer."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Sequence[Record]) -> None:
        """Send in order within each partition and wait for every acknowledgement.

        What the broker refuses for its size is sent in halves; of a record that is too large alone a stub
        goes out, so that its number is seen and its content asked of the archive.
        """
        try:
            await self._send(records)
        except MessageSizeTooLargeError:
            half = len(records) // 2
            if half:
                await self.send(records[:half])
                await self.send(records[half:])
            else:
                await self._send([_stub(records[0])])

    async def _send(self, records: Sequence[Record]) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                producer = await self._open()
                await _acknowledged(
                    [
                        await producer.send_batch(batch, stream, partition=partition)
                        for (stream, partition), run in _by_place(records)
                        for batch in _batches(producer, run)
                    ]
                )
        except (KafkaError, TimeoutError, OSError) as error:
            METRICS.count("dukao_producers_discarded_total")
            await self.close()
            if isinstance(error, MessageSizeTooLargeError):
                raise
            raise Unavailable(f"Kafka did not acknowledge: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close what is open."""
        producer = self._producer
        if producer is not None:
            await kafka_clients.stop(producer.stop(), producer.client)
        self._producer = None

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                **self._access.options(),
                acks="all",
                enable_idempotence=True,
                compression_type=COMPRESSION,
                max_batch_size=BATCH_BYTES,
                max_request_size=MAX_REQUEST_BYTES,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
            )
            await kafka_clients.start(self._producer.start())
        return self._producer


class KafkaSubscription:
    """Reads assigned partitions; offsets are advisory, positions in PostgreSQL decide."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._offsets: dict[Place, int] = {}
        self._fetcher: Fetcher | None = None
        self._heard = 0.0
        self._rests = Rests()

    async def assign(self, offsets: Mapping[Place, int]) -> None:
        """Read exactly these (stream, partition) from the offsets given."""
        self._offsets = dict(offsets)
        await self.close()

    async def poll(self, limit: int) -> list[Record]:
        """Return what has come; a broker that is away is an empty answer after a wait."""
        if not self._offsets:
            await asyncio.sleep(AWAY_S)
            return []
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                found = await (await self._open()).take(limit, POLL_MS)
        except (KafkaError, Unavailable, TimeoutError, OSError) as error:
            await self.close()
            now = asyncio.get_running_loop().time()
            await asyncio.sleep(self._rests.refused("the broker", type(error).__name__, now))
            return []
        self._rests.answered("the broker")
        await self._watch(heard=bool(found))
        records: list[Record] = []
        for place, run in found:
            self._offsets[place] = run[-1].offset + 1
            records += [record for one in run if (record := _record(*place, one)) is not None]
        return records

    async def close(self) -> None:
        """Close what is open."""
        fetcher = self._fetcher
        if fetcher is not None:
            await fetcher.stop()
        self._fetcher = None

    async def _open(self) -> Fetcher:
        if self._fetcher is None:
            self._heard = asyncio.get_running_loop().time()
            self._fetcher = Fetcher(self._access, self._offsets)
            await self._fetcher.start()
        return self._fetcher

    async def _watch(self, *, heard: bool) -> None:
        """Make a client anew that has brought nothing for long: it may hang without saying so."""
        now = asyncio.get_running_loop().time()
        if heard:
            self._heard = now
        elif now - self._heard > SILENCE_S:
            await self.close()


async def ensure_topics(access: KafkaAccess, topics: Sequence[str], *, partitions: int = PARTITIONS) -> None:
    """Create the topics that are missing; a live topic is never changed."""
    settings = {"cleanup.policy": "delete", "retention.ms": str(RETENTION_MS), "max.message.bytes": "1048588"}
    async with asyncio.timeout(CALL_TIMEOUT_S), administering(access) as admin:
        present = set(await admin.list_topics())
        missing = [
            NewTopic(topic, num_partitions=partitions, replication_factor=1, topic_configs=settings)
            for topic in topics
            if topic not in present
        ]
        try:
            if missing:
                await admin.create_topics(missing)
        except TopicAlreadyExistsError:
            _LOG.info("topics were created by another process")


@asynccontextmanager
async def administering(access: KafkaAccess) -> AsyncGenerator[AIOKafkaAdminClient]:
    """Open a client for administration."""
    admin = AIOKafkaAdminClient(**access.options(), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await kafka_clients.start(admin.start())
        yield admin
    finally:
        await kafka_clients.stop(admin.close(), admin._client)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _stub(record: Record) -> Record:
    """Return the number of a record without its content, and tell of it."""
    _LOG.error(
        "the broker refuses a record, a stub stands for it",
        stream=record.stream,
        shard=record.shard,
        number=record.number,
    )
    METRICS.count("dukao_stubs_total", stream=record.stream)
    return record._replace(body=b"")


def _by_place(records: Sequence[Record]) -> Iterable[tuple[Place, list[Record]]]:
    """Return the records of each partition, those of a shard in the order in which they were given."""
    found: dict[Place, list[Record]] = {}
    for (stream, shard), run in groupby(records, key=attrgetter("stream", "shard")):
        found.setdefault((stream, partition_of(shard)), []).extend(run)
    return found.items()


def _batches(producer: AIOKafkaProducer, run: Iterable[Record]) -> list[Any]:
    """Fill batches up to their size; a record larger than one has a batch of its own."""
    batch: Any = producer.create_batch()
    made = [batch]
    for record in run:
        if _append(batch, record) is None:
            batch = producer.create_batch()
            made.append(batch)
            added = _append(batch, record)
            assert added is not None, "an empty batch takes any record"
    for full in made:
        full.close()
    return made


def _append(batch: Any, record: Record) -> object:
    key = b"%d:%d" % (record.shard, record.number)
    return batch.append(timestamp=None, key=key, value=record.body, headers=[(CHAIN_HEADER, record.chain)])


async def _acknowledged(waits: Sequence[asyncio.Future[Any]]) -> None:
    """Wait for all; every error is looked at and the first is raised."""
    if waits:
        await asyncio.wait(waits)
    errors = [error for wait in waits if (error := wait.exception()) is not None]
    if errors:
        raise errors[0]


def _record(stream: str, partition: int, message: Any) -> Record | None:
    """Read a message as a relay wrote it; any other is left out, and its number is missed as a gap."""
    written, _, number = (message.key or b"").partition(b":")
    shard = _SHARDS_WRITTEN.get(written, -1)
    headers = message.headers
    chain = headers[0][1] if len(headers) == 1 and headers[0][0] == CHAIN_HEADER else None
    misplaced = shard < 0 or shard % PARTITIONS != partition or not number.isdigit()
    body, offset = message.value, message.offset
    if misplaced or not chain or body is None:  # a stub has a value without a byte
        _LOG.error("no record of a relay", topic=stream, offset=offset)
        return None
    return _MADE(Record, (stream, shard, int(number), body, chain, offset))

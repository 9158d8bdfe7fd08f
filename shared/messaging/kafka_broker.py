"""Kafka by aiokafka: explicit partitions, bounded waits, a new producer after any unclear error."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, TopicAlreadyExistsError

from shared.kernel.errors import Unavailable
from shared.kernel.records import Record
from shared.kernel.shards import PARTITIONS, partition_of
from shared.telemetry.logs import logger

SEND_TIMEOUT_S = 10
CALL_TIMEOUT_S = 10
POLL_MS = 100
MAX_REQUEST_BYTES = 1 << 20
FETCH_PARTITION_BYTES = 4 << 20
RETENTION_MS = -1
CHAIN_HEADER = "chain"

_LOG = logger(__name__)


class KafkaProducer:
    """Sends stored bytes; what is unclear is sent again from the cursor by a new producer."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def send(self, records: Sequence[Record]) -> None:
        """Send in order within each partition and wait for every acknowledgement."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                producer = await self._open()
                waits = [await self._send_one(producer, record) for record in records]
                for wait in waits:
                    await wait
        except (KafkaError, TimeoutError, OSError) as error:
            await self._discard()
            raise Unavailable(f"Kafka did not acknowledge: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close what is open."""
        await self._discard()

    async def _send_one(self, producer: AIOKafkaProducer, record: Record) -> asyncio.Future[Any]:
        return await producer.send(
            record.stream,
            value=record.body,
            key=f"{record.shard}:{record.number}".encode(),
            partition=partition_of(record.shard),
            headers=[(CHAIN_HEADER, record.chain)],
        )

    async def _open(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                compression_type="lz4",
                linger_ms=2,
                max_batch_size=256 << 10,
                max_request_size=MAX_REQUEST_BYTES,
                request_timeout_ms=SEND_TIMEOUT_S * 1000,
            )
            await self._producer.start()
        return self._producer

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer.stop())


class KafkaSubscription:
    """Reads assigned partitions; offsets are advisory, positions in PostgreSQL decide."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._offsets: dict[tuple[str, int], int] = {}
        self._consumer: AIOKafkaConsumer | None = None

    async def assign(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Read exactly these (stream, partition) from the offsets given."""
        self._offsets = dict(offsets)
        await self._discard()

    async def poll(self, limit: int) -> list[Record]:
        """Return what has come; a broker that is away is an empty answer after a wait."""
        if not self._offsets:
            await asyncio.sleep(POLL_MS / 1000)
            return []
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                consumer = await self._open()
                found = await consumer.getmany(timeout_ms=POLL_MS, max_records=limit)
        except OffsetOutOfRangeError as error:
            _LOG.warning("offset out of range, reading from the start", partitions=str(error.args))
            await self.assign(dict.fromkeys(self._offsets, 0))
            return []
        except (KafkaError, TimeoutError, OSError) as error:
            _LOG.warning("Kafka is away", error=type(error).__name__)
            await self._discard()
            await asyncio.sleep(POLL_MS / 1000)
            return []
        return [self._record(message) for messages in found.values() for message in messages]

    async def close(self) -> None:
        """Close what is open."""
        await self._discard()

    async def _open(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=FETCH_PARTITION_BYTES,
                check_crcs=True,
            )
            self._consumer = consumer
            await consumer.start()
            places = {TopicPartition(*place): offset for place, offset in self._offsets.items()}
            consumer.assign(list(places))
            for place, offset in places.items():
                consumer.seek(place, offset)
        return self._consumer

    def _record(self, message: Any) -> Record:
        self._offsets[message.topic, message.partition] = message.offset + 1
        shard, _, number = message.key.decode().partition(":")
        chain = dict(message.headers)[CHAIN_HEADER]
        return Record(message.topic, int(shard), int(number), message.value, chain, message.offset)

    async def _discard(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await _stop(consumer.stop())


async def ensure_topics(bootstrap: str, topics: Sequence[str], *, partitions: int = PARTITIONS) -> None:
    """Create the topics that are missing; a live topic is never changed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    settings = {"cleanup.policy": "delete", "retention.ms": str(RETENTION_MS), "max.message.bytes": "1048588"}
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await admin.start()
            present = set(await admin.list_topics())
            missing = [
                NewTopic(topic, num_partitions=partitions, replication_factor=1, topic_configs=settings)
                for topic in topics
                if topic not in present
            ]
            if missing:
                await admin.create_topics(missing)
    except TopicAlreadyExistsError:
        _LOG.info("topics were created by another process")
    finally:
        await _stop(admin.close())


async def _stop(stopping: Any) -> None:
    """End a client whose broker may be away: it gets a bounded time."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await stopping
    except (KafkaError, TimeoutError, OSError) as error:
        _LOG.warning("a Kafka client did not stop in time", error=type(error).__name__)

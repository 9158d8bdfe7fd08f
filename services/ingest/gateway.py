"""The inbound topics on Kafka: one for each source, made when it is adopted, read from where we say."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.domain.binding import Message
from shared.kernel.errors import Unavailable
from shared.messaging import kafka_clients
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import administering
from shared.messaging.kafka_clients import REQUEST_TIMEOUT_MS
from shared.telemetry.logs import logger

RETENTION_MS = 30 * 24 * 3600 * 1000
LARGEST_RECORD_BYTES = (2 << 20) + (64 << 10)  # so that 2 MiB are refused on record, not at the broker
FETCH_BYTES = 8 << 20
POLL_RECORDS = 10_000
POLL_MS = 500
CALL_TIMEOUT_S = 10
CREATED = frozenset({0, 36})  # done; there already

# The broker writes lz4 whatever a source sends, so no source can send what we cannot unpack.
TOPIC_SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(RETENTION_MS),
    "max.message.bytes": str(LARGEST_RECORD_BYTES),
    "message.timestamp.after.max.ms": str((1 << 63) - 1),  # refused on record too, by the database's clock
    "compression.type": "lz4",
}

_LOG = logger(__name__)
Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that the topic holds no longer, or an offset that it does not know after it was made anew."""

    topic: str
    partition: int
    asked: int
    first: int

    @property
    def at(self) -> Place:
        """The partition that it is in."""
        return self.topic, self.partition


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll brought."""

    messages: tuple[Message, ...] = ()
    gaps: tuple[Gap, ...] = ()


class InboundTopics:
    """One client on all inbound topics; raises Unavailable when Kafka is away."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._sources: Mapping[str, str] = {}
        self._consumer: AIOKafkaConsumer | None = None

    async def ensure(self, topics: Collection[str]) -> list[Place]:
        """Make the topics that are missing and return the partitions of those that are there."""
        async with self._away(), administering(self._access) as admin:
            missing = sorted(set(topics) - set(await admin.list_topics()))
            if missing:
                made = [
                    NewTopic(topic, INBOUND_PARTITIONS, 1, topic_configs=TOPIC_SETTINGS) for topic in missing
                ]
                _log_refused(await admin.create_topics(made))
            return sorted(
                (topic["topic"], partition["partition"])
                for topic in await admin.describe_topics()
                if topic["topic"] in topics
                for partition in topic["partitions"]
            )

    async def read(self, sources: Mapping[str, str], offsets: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets; `sources` tells whose each topic is."""
        await self.close()
        self._sources = sources
        if not offsets:
            return
        async with self._away():
            self._consumer = consumer = AIOKafkaConsumer(
                **self._access.options(),
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed",
                max_partition_fetch_bytes=LARGEST_RECORD_BYTES,
                fetch_max_bytes=FETCH_BYTES,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
            )
            await kafka_clients.start(consumer.start())
            consumer.assign([TopicPartition(*place) for place in offsets])
            for place, offset in offsets.items():
                consumer.seek(TopicPartition(*place), offset)

    async def poll(self) -> Polled:
        """Return what has come, in order within each partition; nothing after a short wait."""
        consumer = self._consumer
        if consumer is None:
            await asyncio.sleep(POLL_MS / 1000)
            return Polled()
        async with self._away():
            try:
                found = await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            except OffsetOutOfRangeError as error:
                asked: Mapping[Any, int] = error.args[0]
                first = await consumer.beginning_offsets(list(asked))
                return Polled(gaps=tuple(Gap(at.topic, at.partition, asked[at], first[at]) for at in asked))
        sources = self._sources
        return Polled(
            tuple(_message(sources[at.topic], one) for at, records in found.items() for one in records)
        )

    async def lags(self) -> Counter[str]:
        """Return by topic how many records wait to be read, as far as the broker has told."""
        waiting: Counter[str] = Counter()
        consumer = self._consumer
        if consumer is None:
            return waiting
        for place in consumer.assignment():
            end = consumer.highwater(place)
            waiting[place.topic] += 0 if end is None else end - await consumer.position(place)
        return waiting

    async def close(self) -> None:
        """Close what is open."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await kafka_clients.stop(consumer.stop(), consumer._client)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    @asynccontextmanager
    async def _away(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                yield
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"Kafka is away: {type(error).__name__}") from error


def _message(source: str, one: Any) -> Message:
    place = source, one.topic, one.partition, one.offset
    return Message(*place, one.value, one.headers, one.key, one.timestamp)


def _log_refused(answer: Any) -> None:
    for topic, code, *reason in answer.topic_errors:
        if code not in CREATED:
            _LOG.error("inbound topic not made", topic=topic, code=code, reason=str(reason))

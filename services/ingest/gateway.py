"""The inbound topics on Kafka: one for each source, made when it is adopted, read from where we say."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError

from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.domain.binding import Message
from services.ingest.fetching import LARGEST_RECORD_BYTES, Fetching, lying_at
from services.ingest.places import Place
from shared.kernel.errors import Unavailable
from shared.messaging import kafka_clients
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import administering
from shared.messaging.kafka_clients import REQUEST_TIMEOUT_MS
from shared.telemetry.logs import logger

RETENTION_MS = 30 * 24 * 3600 * 1000
POLL_RECORDS = 10_000
POLL_MS = 500
CALL_TIMEOUT_S = 10
ASKED_AT_ONCE = 16
CREATED = frozenset({0, 36})  # done; there already

# The broker writes lz4 whatever a source sends, so every source may pack as it likes.
TOPIC_SETTINGS = {
    "cleanup.policy": "delete",
    "retention.ms": str(RETENTION_MS),
    "max.message.bytes": str(LARGEST_RECORD_BYTES),
    "message.timestamp.after.max.ms": str((1 << 63) - 1),  # refused on record too, by the database's clock
    "compression.type": "lz4",
}

_LOG = logger(__name__)


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
    """One client on all inbound topics; raises Unavailable when Kafka is away.

    A second one says where topics end, as the first may hang without saying so, and what lies at an offset.
    """

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._fetching: Fetching | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._reached: dict[TopicPartition, int] = {}
        self._ends: dict[Place, int] = {}

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
        self._reached, self._ends = {}, {}
        if not offsets:
            return
        async with self._away():
            self._fetching = fetching = Fetching(self._access, sources, offsets)
            await fetching.start()
            self._reached = fetching.reached

    async def digests(self, offsets: Mapping[Place, int]) -> dict[Place, str]:
        """Return the digests of what lies at these offsets, where something does; "" is no record.

        Each part of them has its own time, so that it does not matter how many there are.
        """
        found: dict[Place, str] = {}
        if not offsets:
            return found
        async with self._away():
            wanted = [TopicPartition(*place) for place in offsets]
            asked = await self._begun(wanted)
            first, end = await asked.beginning_offsets(wanted), await asked.end_offsets(wanted)
        there = [
            (at, offset)
            for at, offset in offsets.items()
            if first[TopicPartition(*at)] <= offset < end[TopicPartition(*at)]
        ]
        for begin in range(0, len(there), ASKED_AT_ONCE):
            async with self._away():
                found |= await _digests(_client(asked), there[begin : begin + ASKED_AT_ONCE])
        return found

    async def poll(self) -> Polled:
        """Return what has come, in order within each partition; nothing after a short wait."""
        fetching = self._fetching
        if fetching is None:
            await asyncio.sleep(POLL_MS / 1000)
            return Polled()
        async with self._away():
            messages = await fetching.take(POLL_RECORDS)
            if not fetching.lost:
                return Polled(tuple(messages))
            first = await (await self._begun(fetching.lost)).beginning_offsets(list(fetching.lost))
        lost = fetching.lost.items()
        return Polled(gaps=tuple(Gap(at.topic, at.partition, asked, first[at]) for at, asked in lost))

    def reached(self) -> dict[Place, int]:
        """Return up to which offset each partition was read."""
        return {(at.topic, at.partition): offset for at, offset in self._reached.items()}

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        """Return where partitions end, as the second client is told."""
        if places:
            async with self._away():
                wanted = [TopicPartition(*place) for place in places]
                found = await (await self._begun(wanted)).end_offsets(wanted)
            self._ends = {(at.topic, at.partition): end for at, end in found.items()}
        return self._ends

    def lags(self) -> Counter[str]:
        """Return by topic how many records wait to be read, as far as the broker has told either client."""
        waiting: Counter[str] = Counter()
        fetching = self._fetching
        if fetching is None:
            return waiting
        for at, reached in fetching.reached.items():
            end = max(fetching.ends.get(at, 0), self._ends.get((at.topic, at.partition), 0))
            waiting[at.topic] += max(0, end - reached)
        return waiting

    async def close(self) -> None:
        """Close what is open."""
        fetching, consumer = self._fetching, self._consumer
        self._fetching = self._consumer = None
        if fetching is not None:
            await fetching.stop()
        if consumer is not None:
            await kafka_clients.stop(consumer.stop(), _client(consumer))

    async def _begun(self, wanted: Iterable[TopicPartition]) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = _asker(self._access, "read_committed")
            try:
                await kafka_clients.start(consumer.start())
            except BaseException:
                await kafka_clients.stop(consumer.stop(), _client(consumer))
                raise
            self._consumer = consumer
        await _learn(self._consumer, wanted)
        return self._consumer

    @asynccontextmanager
    async def _away(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                yield
        except (KafkaError, TimeoutError, OSError) as error:
            raise Unavailable(f"Kafka is away: {type(error).__name__}") from error


class Records:
    """What people ask of inbound topics, by a client beside the one that reads; one question at a time."""

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._consumer: AIOKafkaConsumer | None = None
        self._asked = asyncio.Lock()

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        """Return where those partitions end that there are; raise Unavailable when Kafka is away."""
        async with self._asking() as consumer:
            there = await _there(consumer, places)
            found = await consumer.end_offsets(there) if there else {}
        return {(at.topic, at.partition): end for at, end in found.items()}

    async def record(self, source: str, place: Place, offset: int) -> Message | None:
        """Return the record at an offset, if the topic has one there that was not taken back."""
        async with self._asking() as consumer:
            for at in await _there(consumer, [place]):
                first, end = await consumer.beginning_offsets([at]), await consumer.end_offsets([at])
                if first[at] <= offset < end[at]:
                    found = await lying_at(_client(consumer), source, place, offset)
                    return None if found is None or found.aborted else found
        return None

    async def run(self) -> None:
        """Wait until cancelled, then close what is open."""
        try:
            await asyncio.Event().wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Close what is open."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await kafka_clients.stop(consumer.stop(), _client(consumer))

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[AIOKafkaConsumer]:
        """Hold the client; after an error it is made anew."""
        async with self._asked:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    if self._consumer is None:
                        self._consumer = _asker(self._access, "read_committed")
                        await kafka_clients.start(self._consumer.start())
                    yield self._consumer
            except (KafkaError, Unavailable, TimeoutError, OSError) as error:
                await self.close()
                raise Unavailable(f"Kafka is away: {type(error).__name__}") from error


def _asker(access: KafkaAccess, isolation_level: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **access.options(),
        enable_auto_commit=False,
        isolation_level=isolation_level,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


async def _digests(client: Any, offsets: Collection[tuple[Place, int]]) -> dict[Place, str]:
    """Ask for all at the same time; what fails fails as if asked alone."""
    try:
        async with asyncio.TaskGroup() as group:
            asked = {at: group.create_task(lying_at(client, at[0], at, offset)) for at, offset in offsets}
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    lying = {at: task.result() for at, task in asked.items()}
    return {at: "" if one is None else one.digest for at, one in lying.items()}


def _client(consumer: AIOKafkaConsumer) -> Any:
    return consumer._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


async def _learn(consumer: AIOKafkaConsumer, wanted: Iterable[TopicPartition]) -> None:
    """Let a client know of topics, all at once: by itself it learns of one after the other and gives up."""
    topics = {at.topic for at in wanted}
    if topics:
        await _client(consumer).set_topics(topics)


async def _there(consumer: AIOKafkaConsumer, places: Collection[Place]) -> list[TopicPartition]:
    """Return those of the partitions whose topics the cluster has."""
    topics = await consumer.topics()
    there = [TopicPartition(*place) for place in places if place[0] in topics]
    await _learn(consumer, there)
    return there


def _log_refused(answer: Any) -> None:
    for topic, code, *reason in answer.topic_errors:
        if code not in CREATED:
            _LOG.error("inbound topic not made", topic=topic, code=code, reason=str(reason))

"""The inbound topics on Kafka: one for each source, made when it is adopted, read from where we say."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.domain.binding import Message
from services.ingest.places import Place
from shared.kernel.digests import sha256_hex
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
FETCH_WAIT_MS = 50  # so long at most a partition that is busy waits beside idle ones
AGAIN_MS = 20
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

    A second client reads uncommitted what the first jumps over, so that what a transaction took back is told
    too; and it says where topics end, as the first may hang without saying so.
    """

    def __init__(self, access: KafkaAccess) -> None:
        self._access = access
        self._sources: Mapping[str, str] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._uncommitted: AIOKafkaConsumer | None = None
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
        self._sources = sources
        self._reached, self._ends = {}, {}
        if not offsets:
            return
        async with self._away():
            self._consumer = consumer = _reader(self._access, "read_committed")
            await kafka_clients.start(consumer.start())
            self._reached = {TopicPartition(*place): offset for place, offset in offsets.items()}
            _place(consumer, self._reached)

    async def digests(self, offsets: Mapping[Place, int]) -> dict[Place, str]:
        """Return the digests of what lies at these offsets, where something does; "" is no record."""
        found: dict[Place, str] = {}
        if not offsets:
            return found
        async with self._away():
            wanted = {TopicPartition(*place): offset for place, offset in offsets.items()}
            again = await self._begun({})
            first, end = await again.beginning_offsets(list(wanted)), await again.end_offsets(list(wanted))
            left = {at: offset for at, offset in wanted.items() if first[at] <= offset < end[at]}
            _place(again, left)
            while left:
                read = await again.getmany(*left, timeout_ms=AGAIN_MS, max_records=1)
                for at, offset in [(at, left[at]) for at in read or left]:
                    if at in read or await again.position(at) > offset:
                        one = next((one for one in read.get(at, ()) if one.offset == offset), None)
                        found[at.topic, at.partition] = "" if one is None else sha256_hex(one.value or b"")
                        again.pause(at)
                        del left[at]
        return found

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
            jumps = await self._jumps(consumer, found)
            aborted = await self._aborted(consumer, found, jumps) if jumps else {}
        sources = self._sources
        messages = [_message(sources[at.topic], one) for at, records in found.items() for one in records]
        if not aborted:
            return Polled(tuple(messages))
        messages += [
            _message(sources[at.topic], one, aborted=True)
            for at, records in aborted.items()
            for one in records
        ]
        return Polled(tuple(sorted(messages, key=lambda one: (one.at, one.offset))))

    def reached(self) -> dict[Place, int]:
        """Return up to which offset each partition was read."""
        return {(at.topic, at.partition): offset for at, offset in self._reached.items()}

    async def ends(self, places: Collection[Place]) -> dict[Place, int]:
        """Return where partitions end, as the second client is told."""
        if places:
            async with self._away():
                found = await (await self._begun({})).end_offsets(
                    [TopicPartition(*place) for place in places]
                )
            self._ends = {(at.topic, at.partition): end for at, end in found.items()}
        return self._ends

    async def lags(self) -> Counter[str]:
        """Return by topic how many records wait to be read, as far as the broker has told either client."""
        waiting: Counter[str] = Counter()
        consumer = self._consumer
        if consumer is None:
            return waiting
        for at in consumer.assignment():
            end = max(consumer.highwater(at) or 0, self._ends.get((at.topic, at.partition), 0))
            waiting[at.topic] += max(0, end - await consumer.position(at))
        return waiting

    async def close(self) -> None:
        """Close what is open."""
        consumers = self._consumer, self._uncommitted
        self._consumer = self._uncommitted = None
        for consumer in consumers:
            if consumer is not None:
                await kafka_clients.stop(consumer.stop(), consumer._client)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def _jumps(
        self, consumer: AIOKafkaConsumer, found: Mapping[Any, Sequence[Any]]
    ) -> dict[TopicPartition, range]:
        """Note how far each partition was read and return where that went over offsets without a record."""
        jumps: dict[TopicPartition, range] = {}
        for at, first in self._reached.items():
            end = self._reached[at] = await consumer.position(at)
            records = found.get(at, ())
            if end - first > len(records):
                jumps[at] = jump(first, [one.offset for one in records], end)
        return jumps

    async def _aborted(
        self, consumer: AIOKafkaConsumer, found: dict[Any, list[Any]], jumps: Mapping[TopicPartition, range]
    ) -> dict[TopicPartition, list[Any]]:
        """Return the records in jumps; markers of transactions are none.

        At about a poll's worth it stops: what lies behind is taken out of `found` and read again.
        """
        brought = {at: {one.offset for one in found.get(at, ())} for at in jumps}
        aborted: dict[TopicPartition, list[Any]] = {at: [] for at in jumps}
        left = {at: over.start for at, over in jumps.items()}
        records = size = 0
        again = await self._begun(left)
        while left and records < POLL_RECORDS and size < FETCH_BYTES:
            read = await again.getmany(timeout_ms=AGAIN_MS, max_records=POLL_RECORDS)
            for at, batch in read.items():
                records, size = records + len(batch), size + sum(len(one.value or b"") for one in batch)
                aborted[at] += [
                    one for one in batch if one.offset in jumps[at] and one.offset not in brought[at]
                ]
            positions = {at: await again.position(at) for at in left}
            left = {at: position for at, position in positions.items() if position < jumps[at].stop}
        again.pause(*jumps)
        for at, position in left.items():
            found[at] = [one for one in found.get(at, ()) if one.offset < position]
            consumer.seek(at, position)
        self._reached |= left
        return aborted

    async def _begun(self, places: Mapping[TopicPartition, int]) -> AIOKafkaConsumer:
        if self._uncommitted is None:
            self._uncommitted = _reader(self._access, "read_uncommitted")
            await kafka_clients.start(self._uncommitted.start())
        _place(self._uncommitted, places)
        return self._uncommitted

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
                    _place(consumer, {at: offset})
                    while await consumer.position(at) <= offset:
                        read = await consumer.getmany(at, timeout_ms=AGAIN_MS, max_records=1)
                        if found := read.get(at):
                            return _message(source, found[0]) if found[0].offset == offset else None
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
            await kafka_clients.stop(consumer.stop(), consumer._client)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    @asynccontextmanager
    async def _asking(self) -> AsyncGenerator[AIOKafkaConsumer]:
        """Hold the client; after an error it is made anew."""
        async with self._asked:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    if self._consumer is None:
                        self._consumer = _reader(self._access, "read_committed")
                        await kafka_clients.start(self._consumer.start())
                    yield self._consumer
                    self._consumer.assign([])
            except (KafkaError, Unavailable, TimeoutError, OSError) as error:
                await self.close()
                raise Unavailable(f"Kafka is away: {type(error).__name__}") from error


def jump(first: int, offsets: Sequence[int], end: int) -> range:
    """Return the least range of first..end that holds all that is not in `offsets`, which are in order."""
    for offset in offsets:
        if offset != first:
            break
        first += 1
    for offset in reversed(offsets):
        if offset != end - 1:
            break
        end -= 1
    return range(first, end)


def _reader(access: KafkaAccess, isolation_level: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **access.options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=isolation_level,
        max_partition_fetch_bytes=LARGEST_RECORD_BYTES,
        fetch_max_bytes=FETCH_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


async def _there(consumer: AIOKafkaConsumer, places: Collection[Place]) -> list[TopicPartition]:
    """Return those of the partitions whose topics the cluster has."""
    topics = await consumer.topics()
    return [TopicPartition(*place) for place in places if place[0] in topics]


def _place(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    consumer.assign(list(offsets))
    for at, offset in offsets.items():
        consumer.seek(at, offset)


def _message(source: str, one: Any, *, aborted: bool = False) -> Message:
    place = source, one.topic, one.partition, one.offset
    return Message(*place, one.value, one.headers, one.key, one.timestamp, aborted)


def _log_refused(answer: Any) -> None:
    for topic, code, *reason in answer.topic_errors:
        if code not in CREATED:
            _LOG.error("inbound topic not made", topic=topic, code=code, reason=str(reason))

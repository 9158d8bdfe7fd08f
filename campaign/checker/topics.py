"""Reads what Kafka holds, each topic from its beginning to its end."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition

from campaign.checker.archive import Place

PARTITIONS = 16
POLL_MS = 2_000
Content: TypeAlias = tuple[bytes, bytes]


@dataclass(slots=True)
class Held:
    """What a topic holds of one shard: the first content of each number, and what was wrong on the way."""

    records: dict[int, Content] = field(default_factory=dict)
    disordered: list[str] = field(default_factory=list)
    doubled: int = 0

    def add(self, number: int, record: Content) -> None:
        """Take in a record; a double must be the same bytes, a first occurrence the highest so far."""
        known = self.records.get(number)
        if known is not None:
            self.doubled += 1
            if known != record:
                self.disordered.append(f"{number} was published with two contents")
        else:
            if self.records and number < max(next(reversed(self.records)), 0):
                self.disordered.append(f"{number} comes after {next(reversed(self.records))}")
            self.records[number] = record


async def held(kafka: str, streams: Sequence[str]) -> dict[Place, Held]:
    """Return what Kafka holds of streams, by shard."""
    found: dict[Place, Held] = {}
    if not streams:
        return found
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        places = [
            TopicPartition(topic, partition)
            for topic in streams
            for partition in range(PARTITIONS)
            if partition in await _partitions(consumer, topic)
        ]
        ends = await consumer.end_offsets(places)
        begins = await consumer.beginning_offsets(places)
        consumer.assign(places)
        left = {place for place in places if ends[place] > begins[place]}
        while left:
            for place, messages in (await consumer.getmany(*left, timeout_ms=POLL_MS)).items():
                for message in messages:
                    shard, _, number = (message.key or b"").decode(errors="replace").partition(":")
                    digest = dict(message.headers).get("chain", b"")
                    of_shard = found.setdefault((place.topic, int(shard)), Held())
                    of_shard.add(int(number), (message.value or b"", digest))
            left = {place for place in left if await consumer.position(place) < ends[place]}
    finally:
        await stop(consumer)
    return found


async def ends(kafka: str, topic: str) -> int:
    """Return how many records a topic was ever given, over all partitions."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    try:
        await consumer.start()
        places = [TopicPartition(topic, partition) for partition in await _partitions(consumer, topic)]
        return sum((await consumer.end_offsets(places)).values()) if places else 0
    finally:
        await stop(consumer)


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a client; the library may raise the cancellation of a task of its own."""
    with contextlib.suppress(asyncio.CancelledError):
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    """Return a topic's partitions; none if there is no such topic."""
    # the public calls tell of what is read alone
    client = consumer._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    cluster = await client.fetch_all_metadata()
    return cluster.partitions_for_topic(topic) or set()

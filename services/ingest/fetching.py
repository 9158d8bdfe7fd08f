"""Fetches what lies in inbound topics, and reads it ourselves: no record of a source may end our reading.

What a transaction took back is told as that; what cannot be read is told at its place.
"""

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import aiokafka.errors as kafka_errors
from aiokafka import TopicPartition
from aiokafka.errors import LeaderNotAvailableError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord

from services.ingest import unpacking
from services.ingest.domain.binding import Message
from services.ingest.places import Place
from services.ingest.unpacking import Batch, Unread
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.leaders import Leaders, Offsets, by_topic
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

LARGEST_RECORD_BYTES = (2 << 20) + (64 << 10)  # so that 2 MiB are refused on record, not at the broker
FETCH_BYTES = 8 << 20
TAKEN_BYTES = 32 << 20
WAIT_MS = 500
AGAIN_S = 0.02
READ_COMMITTED = 1
NAMES_A_REPLICA = 11  # from this version on an answer does

_LOG = logger(__name__)
Aborted: TypeAlias = Sequence[tuple[int, int]]  # producers, and from where on


class Found(NamedTuple):
    """What lies in a partition from an offset on: a batch or what is none; `aborted` if it was taken back."""

    batch: Batch | Unread
    first: int
    next: int
    aborted: bool = False


class Fetching:
    """Reads partitions on from offsets; `sources` tells whose each topic is.

    `reached` tells up to where each was taken, `ends` where each ends, and `lost` what it no longer has.
    """

    def __init__(self, access: KafkaAccess, sources: Mapping[str, str], offsets: Mapping[Place, int]) -> None:
        self.reached = {TopicPartition(*place): offset for place, offset in offsets.items()}
        self.ends: dict[TopicPartition, int] = {}
        self.lost: dict[TopicPartition, int] = {}
        self._leaders = Leaders[None](access)
        self._sources = sources
        self._next = dict(self.reached)
        self._held: deque[Iterator[Message]] = deque()

    async def start(self) -> None:
        """Connect and learn who leads the partitions."""
        await self._leaders.start(self._next)

    async def stop(self) -> None:
        """End what is under way and close the connections."""
        await self._leaders.stop()

    async def take(self, most: int) -> list[Message]:
        """Return what has come, in order within each partition: so many, about TAKEN_BYTES; wait a little."""
        if not self._held:
            self._leaders.ask(self._next, self._fetch)
            await self._leaders.brought(2 * WAIT_MS / 1000)
        taken: list[Message] = []
        size = 0
        while self._held:
            for message in self._held[0]:
                taken.append(message)
                size += len(message.value or b"")
                if len(taken) >= most or size >= TAKEN_BYTES:
                    return taken
            self._held.popleft()
        return taken

    async def _fetch(self, leader: int, asked: Offsets) -> None:
        """Fetch once and hold what comes; a partition that brought something is asked for last then."""
        answer = await self._leaders.answer(leader, _request(asked, LARGEST_RECORD_BYTES, WAIT_MS))
        for at, (end, *more) in answer.brought:
            if self._next.get(at) != asked[at]:
                continue  # another leader has answered
            self.ends[at] = end
            for one in found_in(asked[at], end, _aborted(answer.whole, more), more[-1] or b""):
                del self._next[at]
                self._next[at] = one.next
                self._held.append(self._read(at, one))
        for at in answer.lost:
            if self._next.get(at) == asked[at]:
                self.lost[at] = self._next.pop(at)

    def _read(self, at: TopicPartition, found: Found) -> Iterator[Message]:
        for message in _messages(self._sources[at.topic], at, found):
            if message.unread_from is not None:
                _LOG.error("inbound records cannot be read", first=message.place, last=message.offset)
                METRICS.count("dukao_batches_unreadable_total", stream=at.topic)
            yield message
        self.reached[at] = found.next


async def lying_at(client: Any, source: str, place: Place, offset: int) -> Message | None:
    """Return the record at an offset that the partition has, for whom that is no marker of a transaction."""
    at = TopicPartition(*place)
    while True:
        leader = client.cluster.leader_for_partition(at)
        if leader is None or leader < 0:
            client.force_metadata_update()
            raise LeaderNotAvailableError
        answer = await client.send(leader, _request({at: offset}, 1, 0))  # one batch comes whole
        if not answer.topics:  # the broker lets us wait
            await asyncio.sleep(AGAIN_S)
            continue
        ((_, ((_, code, end, *more),)),) = answer.topics
        if code:
            raise kafka_errors.for_code(code)
        if more[-1]:
            break
        await asyncio.sleep(AGAIN_S)
    for found in found_in(offset, end, _aborted(answer, more), more[-1]):
        for message in _messages(source, at, found):
            return message if message.first <= offset <= message.offset else None
        return None
    return None


def _request(asked: Offsets, most: int, wait_ms: int) -> FetchRequest:
    return FetchRequest(wait_ms, 1, FETCH_BYTES, READ_COMMITTED, by_topic(asked, most))


def _aborted(answer: Any, more: Sequence[Any]) -> Aborted:
    """Return who took back what, in order; later versions name a replica between that and the records."""
    at = -3 if answer.API_VERSION >= NAMES_A_REPLICA else -2
    return sorted(more[at] or (), key=itemgetter(1))


def found_in(first: int, end: int, aborted: Aborted, written: bytes) -> Iterator[Found]:
    """Yield what an answer has from an offset on; what cannot be read is gone over, not beyond the end.

    A batch that is whole may lie behind the end: the broker reads that before the records.
    """
    waiting, taking_back = deque(aborted), set[int]()
    start = first
    parts = list(unpacking.parted(written))
    for batch, follower in zip_longest(parts, parts[1:]):
        whole = unpacking.is_whole(batch)
        if whole and batch.next <= first:
            continue
        if not whole:
            after = max(first + 1, min(batch.next if follower is None else follower.base, end))
            yield Found(Unread(first, after - 1), first, after)
            first = after
            continue
        while waiting and waiting[0][1] <= batch.base:
            taking_back.add(waiting.popleft()[0])
        if batch.control and _takes_back(batch):
            taking_back.discard(batch.producer)
        yield Found(batch, first, batch.next, batch.transactional and batch.producer in taking_back)
        first = batch.next
    if written and first == start:
        yield Found(Unread(first, first), first, first + 1)


def _takes_back(marker: Batch) -> bool:
    return any(
        not isinstance(one, Unread) and ControlRecord.parse(one.key) == ABORT_MARKER
        for one in unpacking.records(marker)
    )


def _messages(source: str, at: TopicPartition, found: Found) -> Iterator[Message]:
    """Yield the records that were asked for of what was found."""
    if isinstance(found.batch, Unread):
        yield _unread(source, at, found.batch)
    elif not found.batch.control:
        for one in unpacking.records(found.batch):
            if isinstance(one, Unread):
                if one.last >= found.first:
                    yield _unread(source, at, Unread(max(one.first, found.first), one.last))
            elif one.offset >= found.first:
                yield Message(
                    source,
                    at.topic,
                    at.partition,
                    one.offset,
                    value=one.value,
                    headers=tuple(one.headers),
                    key=one.key,
                    sent_ms=one.timestamp,
                    aborted=found.aborted,
                )


def _unread(source: str, at: TopicPartition, unread: Unread) -> Message:
    return Message(source, *at, unread.last, None, unread_from=unread.first)

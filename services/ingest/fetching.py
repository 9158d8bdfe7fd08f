"""Fetches what lies in inbound topics, and reads it ourselves: no record of a source may end our reading.

What a transaction took back is told as that; what cannot be read is told at its place.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import aiokafka.errors as kafka_errors
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord

from services.ingest import unpacking
from services.ingest.domain.binding import Message
from services.ingest.places import Place
from services.ingest.unpacking import Batch, Unread
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_clients import REQUEST_TIMEOUT_MS
from shared.messaging.rests import Rests
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

LARGEST_RECORD_BYTES = (2 << 20) + (64 << 10)  # so that 2 MiB are refused on record, not at the broker
FETCH_BYTES = 8 << 20
TAKEN_BYTES = 32 << 20
WAIT_MS = 500
AGAIN_S = 0.02
REST_S = 0.1
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
        self.client: Any = AIOKafkaClient(**access.options(), request_timeout_ms=REQUEST_TIMEOUT_MS)
        self.reached = {TopicPartition(*place): offset for place, offset in offsets.items()}
        self.ends: dict[TopicPartition, int] = {}
        self.lost: dict[TopicPartition, int] = {}
        self._sources = sources
        self._next = dict(self.reached)
        self._held: deque[Iterator[Message]] = deque()
        self._fetches: dict[int, asyncio.Task[None]] = {}
        self._rests = Rests()  # of leaders and of partitions

    async def start(self) -> None:
        """Connect and learn who leads the partitions."""
        await self.client.bootstrap()
        await self.client.set_topics({place.topic for place in self._next})

    async def stop(self) -> None:
        """End what is under way and close the connections."""
        for fetch in self._fetches.values():
            fetch.cancel()
        if self._fetches:
            await asyncio.wait(self._fetches.values())
        for fetch in self._fetches.values():
            if not fetch.cancelled():
                fetch.exception()  # looked at, so that nobody is told that nobody did
        await self.client.close()

    async def take(self, most: int) -> list[Message]:
        """Return what has come, in order within each partition: so many, about TAKEN_BYTES; wait a little."""
        if not self._held:
            self._ask()
            await self._answered()
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

    def _ask(self) -> None:
        """Ask every leader of whom nothing is asked for its partitions."""
        resting = self._rests.resting(_now())
        asked: dict[int, dict[TopicPartition, int]] = defaultdict(dict)
        for at, offset in self._next.items():
            leader = self.client.cluster.leader_for_partition(at)
            if at in resting or leader in resting or at in self.lost:
                continue
            if leader is None or leader < 0:
                self._let_rest(at, LeaderNotAvailableError)
            else:
                asked[leader][at] = offset
        for leader in asked.keys() - self._fetches.keys():
            self._fetches[leader] = asyncio.ensure_future(self._fetch(leader, asked[leader]))

    async def _answered(self) -> None:
        if not self._fetches:
            await asyncio.sleep(REST_S)
            return
        done, _ = await asyncio.wait(
            self._fetches.values(), timeout=2 * WAIT_MS / 1000, return_when=asyncio.FIRST_COMPLETED
        )
        for leader in [leader for leader, fetch in self._fetches.items() if fetch in done]:
            self._fetches.pop(leader).result()

    async def _fetch(self, leader: int, asked: Mapping[TopicPartition, int]) -> None:
        """Fetch once and hold what comes; a partition that brought something is asked for last then."""
        try:
            answer = await self.client.send(leader, _request(asked, LARGEST_RECORD_BYTES, WAIT_MS))
        except KafkaError as error:
            self._let_rest(leader, type(error))
            return
        self._rests.answered(leader)
        for topic, partitions in answer.topics:
            for partition, code, end, *more in partitions:
                at = TopicPartition(topic, partition)
                if self._next[at] != asked[at]:
                    continue  # another leader has answered
                if code:
                    self._refused(at, asked[at], kafka_errors.for_code(code))
                    continue
                self._rests.answered(at)
                self.ends[at] = end
                for one in found_in(asked[at], end, _aborted(answer, more), more[-1] or b""):
                    del self._next[at]
                    self._next[at] = one.next
                    self._held.append(self._read(at, one))

    def _read(self, at: TopicPartition, found: Found) -> Iterator[Message]:
        for message in _messages(self._sources[at.topic], at, found):
            if message.unread_from is not None:
                _LOG.error("inbound records cannot be read", first=message.place, last=message.offset)
                METRICS.count("dukao_batches_unreadable_total", stream=at.topic)
            yield message
        self.reached[at] = found.next

    def _refused(self, at: TopicPartition, asked: int, error: type[Exception]) -> None:
        if error is OffsetOutOfRangeError:
            self.lost[at] = asked
        else:
            self._let_rest(at, error)

    def _let_rest(self, who: TopicPartition | int, error: type[Exception]) -> None:
        self._rests.refused(who, error.__name__, _now())
        self.client.force_metadata_update()


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


def _request(asked: Mapping[TopicPartition, int], most: int, wait_ms: int) -> FetchRequest:
    """Ask in this order: a topic is named again rather than its partitions moved before who waited longer."""
    topics = [
        (topic, [(at.partition, offset, most) for at, offset in run])
        for topic, run in groupby(asked.items(), key=lambda item: item[0].topic)
    ]
    return FetchRequest(wait_ms, 1, FETCH_BYTES, READ_COMMITTED, topics)


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


def _now() -> float:
    return asyncio.get_running_loop().time()

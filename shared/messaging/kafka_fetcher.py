"""Fetches partitions from where we say; each fetch asks for every one of them.

aiokafka's consumer leaves out what it still holds for its user, and the broker lets that fetch wait half a
second for the other partitions: what comes meanwhile for the one that is busy is not seen. Here a fetch is
sent when its answer is wanted, and ahead of that only while there is a backlog.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple, TypeAlias

from aiokafka import TopicPartition
from aiokafka.errors import CorruptRecordException
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.leaders import Leaders, Offsets, by_topic
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

FETCH_BYTES = 16 << 20
PARTITION_BYTES = 4 << 20
TAKEN_BYTES = 32 << 20
AGAIN_S = 0.1
READ_UNCOMMITTED = 0
FIRST_OFFSET = -2  # asks for it instead of a timestamp

_LOG = logger(__name__)
Run: TypeAlias = tuple[TopicPartition, list[Any]]


class _Held(NamedTuple):
    """A batch that was fetched and not taken yet; what comes before an offset was not asked for."""

    place: TopicPartition
    batch: Any
    first: int

    @property
    def most(self) -> int:
        """How many records it has at most."""
        return self.batch.next_offset - max(self.first, self.batch.base_offset)


class Fetcher:
    """Reads assigned partitions over one client; raises KafkaError when the client is of no more use."""

    def __init__(self, access: KafkaAccess, offsets: Mapping[tuple[str, int], int]) -> None:
        self._leaders = Leaders[Sequence[_Held]](access)
        self._next = {TopicPartition(*place): offset for place, offset in offsets.items()}
        self._held: deque[_Held] = deque()
        self._taken: tuple[TopicPartition, Iterator[Any]] | None = None
        self._left = 0  # records that are held, at most
        self._full = False  # what was taken last ended at its bytes, and more is held

    async def start(self) -> None:
        """Connect and learn who leads the partitions."""
        await self._leaders.start(self._next)

    async def stop(self) -> None:
        """End what is under way and close the connections."""
        await self._leaders.stop()

    async def take(self, limit: int, wait_ms: int) -> list[Run]:
        """Return up to `limit` records of aiokafka's, in order within each partition; wait for one.

        At TAKEN_BYTES of values it ends with the batch that it is at.

        A record has `offset`, `key`, `value` and `headers`.
        """
        if self._left < limit and not self._full:
            self._ask(0 if self._left else wait_ms)
            await self._answered(wait_ms / 1000)
        runs, room = self._runs(limit)
        if room == 0 and self._left < limit:
            self._ask(0)
        return runs

    def _ask(self, wait_ms: int) -> None:
        """Ask leaders, who may wait until somebody has rested."""
        if resting := self._leaders.resting():
            wait_ms = min(wait_ms, int(1000 * min(resting.values())) + 1)
        self._leaders.ask(self._next, partial(self._fetch, wait_ms))

    async def _answered(self, limit_s: float) -> None:
        """Wait for answers: for one where nothing is held, else for those that come at once."""
        if self._left:
            brought = await self._leaders.brought(min(limit_s, AGAIN_S), asyncio.ALL_COMPLETED)
        else:
            brought = await self._leaders.brought(limit_s)
        for held in chain.from_iterable(brought):
            self._held.append(held)
            self._left += held.most

    def _runs(self, room: int) -> tuple[list[Run], int]:
        """Take from what is held until there is no room; return the room that is left, too."""
        runs: list[Run] = []
        size = 0
        while room and size < TAKEN_BYTES and (self._taken or self._held):
            if self._taken is None:
                held = self._held.popleft()
                self._taken = held.place, _asked_for(held)
            place, records = self._taken
            run = _read(place, records, room)
            if len(run) < room:
                self._taken = None
            if run:
                runs.append((place, run))
            room -= len(run)
            self._left -= len(run)
            size += sum(len(record.value or b"") for record in run)
        self._full = size >= TAKEN_BYTES and bool(self._taken or self._held)
        if self._taken is None and not self._held:
            self._left = 0
        return runs, room

    async def _fetch(self, wait_ms: int, leader: int, offsets: Offsets) -> Sequence[_Held]:
        """Fetch once and move the offsets to ask for next; what fails is asked again after a moment."""
        topics = by_topic(offsets, PARTITION_BYTES)
        request = FetchRequest(wait_ms, 1, FETCH_BYTES, READ_UNCOMMITTED, topics)
        answer = await self._leaders.answer(leader, request)
        found: list[_Held] = []
        for place, (end, *_, written) in answer.brought:
            if written and self._next[place] == offsets[place]:  # else another leader has answered
                found += self._batches(place, written, end)
        lost = [place for place in answer.lost if self._next[place] == offsets[place]]
        if lost:
            await self._find(leader, lost)
        return found

    def _batches(self, place: TopicPartition, written: bytes, end: int) -> list[_Held]:
        """Return the batches of an answer; its partition goes behind those that brought nothing.

        One that cannot be read is stepped over, never beyond the partition's end: its numbers are missed and
        come from the archive.
        """
        found: list[_Held] = []
        first = after = self._next[place]
        batches = MemoryRecords(written)
        while batches.has_next():
            try:
                batch: Any = batches.next_batch()
            except CorruptRecordException:  # it is too short to be one, and where the next begins unknown
                after += 1
                _unreadable(place, after, "length")
                break
            if not batch.validate_crc():
                after = max(after + 1, min(batch.next_offset, end))
                _unreadable(place, after, "checksum")
                continue
            after = batch.next_offset
            if not batch.is_control_batch:
                found.append(_Held(place, batch, first))
        if after != first:
            del self._next[place]
            self._next[place] = after
        return found

    async def _find(self, leader: int, lost: Sequence[TopicPartition]) -> None:
        """Go on at the first offset of partitions that do not have the one asked for."""
        topics: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place in lost:
            topics[place.topic].append((place.partition, FIRST_OFFSET))
        request = OffsetRequest(-1, READ_UNCOMMITTED, list(topics.items()))
        answer = await self._leaders.answer(leader, request)
        for place, (_timestamp, first) in answer.brought:
            _LOG.warning(
                "offset out of range, reading what is left",
                partition=f"{place.topic}/{place.partition}",
                asked=self._next[place],
                first=first,
            )
            self._next[place] = first


def _asked_for(held: _Held) -> Iterator[Any]:
    """Return the records of a batch, unpacked when they are taken; it may begin before what was asked for."""
    records = chain(held.batch)  # which itself is iterated only once
    if held.batch.base_offset >= held.first:
        return records
    return (record for record in records if record.offset >= held.first)


def _read(place: TopicPartition, records: Iterator[Any], most: int) -> list[Any]:
    """Take records of a batch; of one that cannot be unpacked none, and its numbers are missed."""
    try:
        return list(islice(records, most))
    except Exception as error:  # noqa: BLE001 - what the codecs raise has no name in common
        _unreadable(place, None, type(error).__name__)
        return []


def _unreadable(place: TopicPartition, after: int | None, reason: str) -> None:
    at = f"{place.topic}/{place.partition}"
    _LOG.error("a batch cannot be read and is stepped over", partition=at, reason=reason, after=after)
    METRICS.count("dukao_batches_unreadable_total", stream=place.topic)

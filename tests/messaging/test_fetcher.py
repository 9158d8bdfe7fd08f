"""What a fetcher does with answers that a sound broker does not give every day: one made up here gives them."""

import asyncio
import gc
import time
from collections import Counter
from types import SimpleNamespace

import pytest
from aiokafka import TopicPartition
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import KafkaSubscription
from shared.messaging.kafka_fetcher import Fetcher

NOT_LEADER, OUT_OF_RANGE, FORBIDDEN = 6, 1, 29
ZSTD = 4


def batch(first, values, *, compression=ZSTD):
    """Return a batch whose first record is at an offset."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 16 << 20)
    for delta, value in enumerate(values):
        builder.append(delta, 0, None, value, [])
    written = bytes(builder.build())
    return first.to_bytes(8, "big") + written[8:]


class Leader:
    """Leads every partition and answers from what it was given: bytes by offset, or an error's code."""

    def __init__(self, logs=(), codes=()):
        self.logs = dict(logs)
        self.codes = dict(codes)
        self.asked = []
        self.updates = 0
        self.cluster = SimpleNamespace(leader_for_partition=lambda _place: 1)

    def force_metadata_update(self):
        self.updates += 1

    async def close(self):
        pass

    async def send(self, _leader, request):
        if not isinstance(request, FetchRequest):
            return SimpleNamespace(topics=[(t, [(p, 0, -1, 0) for p, _ in ps]) for t, ps in request._topics])
        self.asked.append([TopicPartition(topic, p[0]) for topic, ps in request.topics for p in ps])
        answers = [(topic, [self._answer(topic, *p) for p in ps]) for topic, ps in request.topics]
        if not any(code or written for _, ps in answers for _, code, _, written in ps):
            await asyncio.sleep(request._max_wait_ms / 1000)
        return SimpleNamespace(topics=answers)

    def _answer(self, topic, partition, offset, _most):
        log = self.logs.get((topic, partition), {})
        ends = {first: first + int.from_bytes(log[first][57:61], "big") for first in sorted(log)}
        written = b"".join(log[first] for first, end in ends.items() if end > offset)
        return partition, self.codes.get((topic, partition), 0), 1_000, written


def fetcher_of(leader, *places, at=0):
    fetcher = Fetcher(KafkaAccess("127.0.0.1:9"), dict.fromkeys(places, at))
    fetcher._leaders.client = leader
    return fetcher


def read(runs):
    return [(place.partition, record.offset) for place, run in runs for record in run]


async def test_partitions_that_are_refused_hold_nothing_back():
    places = [("s", partition) for partition in range(64)]
    leader = Leader({("s", 63): {0: batch(0, [b"x"])}}, dict.fromkeys(places[:63], NOT_LEADER))
    fetcher = fetcher_of(leader, *places)
    async with asyncio.timeout(0.08):
        assert read(await fetcher.take(10, 500)) == [(63, 0)]
    assert leader.updates == 1
    await fetcher.take(10, 20)
    leader.codes.clear()
    leader.logs["s", 5] = {0: batch(0, [b"x"])}
    async with asyncio.timeout(1):
        while not (runs := await fetcher.take(10, 500)):
            pass
    assert read(runs) == [(5, 0)]
    await fetcher.stop()


async def test_what_is_refused_is_asked_for_less_and_less_and_the_rest_as_before():
    leader = Leader(codes={("s", 0): FORBIDDEN})
    fetcher = fetcher_of(leader, ("s", 0), ("s", 1))
    loop = asyncio.get_running_loop()
    end = loop.time() + 1
    while loop.time() < end:
        await fetcher.take(10, 20)
    counts = Counter(place.partition for asked in leader.asked for place in asked)
    assert counts[0] <= 5
    assert counts[1] >= 20
    await fetcher.stop()


class Moving(Leader):
    """A partition moves from leader 1, which answers late and has less, to leader 2."""

    def __init__(self, old, new):
        super().__init__()
        self.of = {1: Leader(old), 2: Leader(new)}
        self.late, self.answered = asyncio.Event(), asyncio.Event()
        self.leads = 1
        self.cluster = SimpleNamespace(leader_for_partition=lambda _place: self.leads)

    async def send(self, leader, request):
        if leader == 1:
            await self.late.wait()
            self.answered.set()
        return await self.of[leader].send(leader, request)


async def test_a_late_answer_of_a_former_leader_moves_nothing_back():
    first, second = batch(0, [b"x"]), batch(1, [b"y"])
    leader = Moving({("s", 0): {0: first}}, {("s", 0): {0: first, 1: second}})
    fetcher = fetcher_of(leader, ("s", 0))
    assert await fetcher.take(10, 1) == []
    leader.leads = 2
    found = read(await fetcher.take(10, 100))
    leader.late.set()
    await leader.answered.wait()
    leader.of[2].logs["s", 0][2] = batch(2, [b"z"])
    async with asyncio.timeout(5):
        while (0, 2) not in found:
            found += read(await fetcher.take(10, 50))
    assert found == [(0, 0), (0, 1), (0, 2)]
    await fetcher.stop()


async def test_lost_offsets_are_found_together():
    places = [("s", 0), ("s", 1), ("t", 0)]
    leader = Leader({place: {0: batch(0, [b"x"])} for place in places}, dict.fromkeys(places, OUT_OF_RANGE))
    fetcher = fetcher_of(leader, *places)
    await fetcher.take(10, 50)
    leader.codes.clear()
    assert sorted(read(await fetcher.take(10, 50))) == [(0, 0), (0, 0), (1, 0)]
    await fetcher.stop()


def torn(written):
    """Spoil a batch's body without its checksum knowing."""
    return written[:-3] + bytes(byte ^ 0x55 for byte in written[-3:])


def garbled(written):
    """Spoil a batch's body and sign it anew, as a program with a mistake would."""
    body = written[21:61] + b"\x00garbage" * 4
    sized = (len(body) + 9).to_bytes(4, "big")
    return written[:8] + sized + written[12:17] + calc_crc32c(body).to_bytes(4, "big") + body


def misread(written):
    """Spoil the header's last offset, too."""
    return written[:23] + b"\x7f\xff\xff\xff" + written[27:]


@pytest.mark.parametrize("spoilt", [torn, garbled, misread])
async def test_a_batch_that_cannot_be_read_is_stepped_over(spoilt):
    good = [b"a" * 50, b"b" * 50, b"c" * 50]
    log = {0: batch(0, good), 3: spoilt(batch(3, good)), 6: batch(6, good)}
    leader = Leader({("s", 0): log, ("s", 1): {0: batch(0, good)}})
    fetcher = fetcher_of(leader, ("s", 0), ("s", 1))
    found = read([*await fetcher.take(100, 50), *await fetcher.take(100, 50)])
    assert found == [(0, 0), (0, 1), (0, 2), (0, 6), (0, 7), (0, 8), (1, 0), (1, 1), (1, 2)]
    await fetcher.stop()


@pytest.mark.parametrize("spoilt", [torn, garbled, misread])
@pytest.mark.parametrize("at", [0, 7])
async def test_a_batch_that_cannot_be_read_at_the_end_is_stepped_over_once(spoilt, at):
    leader = Leader({("s", 0): {0: spoilt(batch(0, [b"a" * 50] * 1_000))}})
    fetcher = fetcher_of(leader, ("s", 0), at=at)
    for _ in range(3):
        assert await fetcher.take(100, 20) == []
    leader.logs["s", 0][1_000] = batch(1_000, [b"x"])
    assert read(await fetcher.take(100, 20)) == [(0, 1_000)]
    await fetcher.stop()


async def test_what_is_taken_at_once_is_bounded_in_bytes_too():
    values = {number: batch(number, [b"x" * (1 << 20)]) for number in range(70)}
    leader = Leader({("s", 0): values})
    fetcher = fetcher_of(leader, ("s", 0))
    takes = [read(await fetcher.take(10_000, 50)) for _ in range(3)]
    assert [len(found) for found in takes] == [32, 32, 6]
    assert len(leader.asked) == 1
    assert [at for found in takes for at in found] == [(0, number) for number in range(70)]
    await fetcher.stop()


async def test_who_was_served_is_asked_for_behind_who_was_not():
    busy = [("a", partition) for partition in range(1, 5)]
    leader = Leader({place: {0: batch(0, [b"x"])} for place in busy})
    fetcher = fetcher_of(leader, ("a", 0), *busy, ("b", 0))
    await fetcher.take(10, 20)
    await fetcher.take(10, 20)
    assert leader.asked[1] == [("a", 0), ("b", 0), *busy]
    await fetcher.stop()


async def test_every_fetch_that_failed_is_looked_at():
    class Broken(Leader):
        async def send(self, _leader, _request):
            raise LookupError

    leader, told = Broken(), []
    leader.cluster = SimpleNamespace(leader_for_partition=lambda place: place.partition)
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context))
    fetcher = fetcher_of(leader, ("s", 0), ("s", 1), ("s", 2))
    with pytest.raises(LookupError):
        await fetcher.take(10, 20)
    await fetcher.stop()
    del fetcher
    gc.collect()
    assert told == []


async def test_a_broker_that_is_away_is_tried_less_and_less_often():
    subscription = KafkaSubscription(KafkaAccess("127.0.0.1:9"))
    await subscription.assign({("s", 0): 0})
    started = time.monotonic()
    for _ in range(4):
        assert await subscription.poll(10) == []
    assert time.monotonic() - started > 1.4
    await subscription.close()

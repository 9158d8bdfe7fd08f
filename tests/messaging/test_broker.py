"""One suite for brokers: memory and a real Kafka keep order, offsets and bounds."""

import asyncio
import gc
import itertools
import random
import time
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from shared.kernel.errors import Unavailable
from shared.kernel.records import Record
from shared.kernel.shards import partition_of
from shared.messaging import kafka_broker
from shared.messaging.broker import MemoryBroker
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import KafkaProducer, KafkaSubscription, administering, ensure_topics

NAMES = itertools.count(1)
CHAIN = b"c" * 32
AWAY_LIMIT_S = 30


class Kafka:
    """A topic of its own on the session's broker."""

    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.opened = []

    def producer(self):
        return self._kept(KafkaProducer(KafkaAccess(self.bootstrap)))

    def subscription(self):
        return self._kept(KafkaSubscription(KafkaAccess(self.bootstrap)))

    def _kept(self, opened):
        self.opened.append(opened)
        return opened


class Memory:
    def __init__(self):
        self.broker = MemoryBroker()
        self.opened = []

    def producer(self):
        return self.broker

    def subscription(self):
        return self.broker.subscribe()


@pytest.fixture
def stream():
    return f"suite.{next(NAMES)}"


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def broker(request, stream):
    if request.param == "memory":
        yield Memory()
        return
    made = Kafka(request.getfixturevalue("kafka_bootstrap"))
    await ensure_topics(KafkaAccess(made.bootstrap), [stream])
    yield made
    for opened in made.opened:
        await opened.close()


def records(stream, count, *, first=1, size=2, shards=64):
    numbers = itertools.count(first)
    return [
        Record(stream, shard, number, b"x" * size, CHAIN)
        for number in itertools.islice(numbers, count)
        for shard in range(shards)
    ]


async def read(subscription, count, limit=10_000):
    found = []
    async with asyncio.timeout(AWAY_LIMIT_S):
        while len(found) < count:
            found += await subscription.poll(limit)
    return found


def everywhere(stream, offset=0):
    return {(stream, partition): offset for partition in range(16)}


def by_partition(found):
    return {p: [r for r in found if partition_of(r.shard) == p] for p in range(16)}


async def test_a_partition_keeps_the_order_in_which_it_was_sent(broker, stream):
    sent = records(stream, 20)
    producer = broker.producer()
    await producer.send(sent[:700])
    await producer.send(sent[700:])
    subscription = broker.subscription()
    await subscription.assign(everywhere(stream))
    found = await read(subscription, len(sent))
    plain = {p: [r._replace(offset=-1) for r in run] for p, run in by_partition(found).items()}
    assert plain == by_partition(sent)
    assert all([r.offset for r in run] == list(range(80)) for run in by_partition(found).values())


async def test_reading_resumes_at_an_offset(broker, stream):
    await broker.producer().send(records(stream, 10))
    subscription = broker.subscription()
    await subscription.assign({(stream, 3): 38, (stream, 5): 40})
    assert [(r.shard, r.number, r.offset) for r in await read(subscription, 2)] == [
        (35, 10, 38),
        (51, 10, 39),
    ]
    await broker.producer().send(records(stream, 1, first=11))
    found = await read(subscription, 8)
    assert {(r.shard, r.number) for r in found} == {(s, 11) for s in (3, 19, 35, 51, 5, 21, 37, 53)}


async def test_a_new_assignment_reads_only_what_it_names(broker, stream):
    await broker.producer().send(records(stream, 1))
    subscription = broker.subscription()
    await subscription.assign(everywhere(stream))
    await read(subscription, 64)
    await subscription.assign({(stream, 7): 0})
    assert {partition_of(r.shard) for r in await read(subscription, 4)} == {7}
    await subscription.assign({})
    assert await subscription.poll(10) == []


async def test_an_offset_out_of_range_falls_back_to_what_is_there(broker, stream):
    await broker.producer().send(records(stream, 1))
    subscription = broker.subscription()
    await subscription.assign({(stream, 0): 900, (stream, 1): 2})
    found = await read(subscription, 6)
    assert sorted((r.shard, r.offset) for r in found) == [(0, 0), (16, 1), (32, 2), (33, 2), (48, 3), (49, 3)]


async def test_a_poll_brings_no_more_than_asked_for(broker, stream):
    await broker.producer().send(records(stream, 5))
    subscription = broker.subscription()
    await subscription.assign(everywhere(stream))
    async with asyncio.timeout(AWAY_LIMIT_S):
        while not (found := await subscription.poll(7)):
            pass
    assert len(found) <= 7
    assert len(await read(subscription, 320 - len(found), limit=7)) == 320 - len(found)


async def test_what_comes_while_a_batch_is_worked_on_is_there_for_the_next_poll(broker, stream):
    """A busy partition is asked for as often as the idle ones beside it."""
    producer, subscription = broker.producer(), broker.subscription()
    await subscription.assign(everywhere(stream))
    waits = []
    for number in range(1, 16, 3):
        await producer.send(records(stream, 1, first=number, shards=1))
        await read(subscription, 1)
        await producer.send(records(stream, 1, first=number + 1, shards=1))
        await asyncio.sleep(0.15)  # the work
        await producer.send(records(stream, 1, first=number + 2, shards=1))
        started = time.monotonic()
        await read(subscription, 2)
        waits.append(time.monotonic() - started)
    assert min(waits) < 0.2, waits


async def test_large_records_and_many_batches_of_a_partition_arrive_whole(broker, stream):
    sent = [
        *records(stream, 30, size=60_000, shards=2),
        *records(stream, 2, first=31, size=300_000, shards=2),
        *records(stream, 1, first=33, size=1_000_000, shards=1),
    ]
    await broker.producer().send(sent)
    subscription = broker.subscription()
    await subscription.assign(everywhere(stream))
    found = await read(subscription, len(sent))
    assert by_partition([r._replace(offset=-1) for r in found]) == by_partition(sent)


async def test_topics_are_read_in_turn_whichever_partitions_are_busy(broker, stream):
    """Partitions of one topic stand apart in what is asked for once some of them were busy."""
    other = f"{stream}.other"
    if isinstance(broker, Kafka):
        await ensure_topics(KafkaAccess(broker.bootstrap), [other])
    producer, subscription = broker.producer(), broker.subscription()
    await subscription.assign(everywhere(stream) | everywhere(other))
    for number in range(1, 7):
        sent = [
            Record(name, shard, number, b"{}", CHAIN)
            for name, step in ((stream, 3), (other, 5))
            for shard in range(number % 3, 16, step)
        ]
        await producer.send(sent)
        found = await read(subscription, len(sent))
        assert {record[:3] for record in found} == {record[:3] for record in sent}


class Deaf:
    """A client that hangs: it brings nothing and says nothing."""

    def __init__(self, fetcher):
        self._fetcher = fetcher

    async def take(self, limit, wait_ms):
        await asyncio.sleep(0.01)
        return []

    async def stop(self):
        await self._fetcher.stop()


@pytest.mark.kafka
async def test_a_client_that_brings_nothing_for_long_is_made_anew_and_goes_on(
    kafka_bootstrap, stream, monkeypatch
):
    await ensure_topics(KafkaAccess(kafka_bootstrap), [stream])
    made = Kafka(kafka_bootstrap)
    subscription, sent = made.subscription(), records(stream, 2)
    await made.producer().send(sent[:64])
    await subscription.assign(everywhere(stream))
    found = await read(subscription, 64)
    hanging = subscription._fetcher = Deaf(subscription._fetcher)
    await made.producer().send(sent[64:])
    assert await subscription.poll(10) == []
    assert subscription._fetcher is hanging, "it may only be that nothing comes"
    monkeypatch.setattr(kafka_broker, "SILENCE_S", 0.05)
    found += await read(subscription, 64)
    assert by_partition([one._replace(offset=-1) for one in found]) == by_partition(sent)
    for opened in made.opened:
        await opened.close()


@asynccontextmanager
async def silent():
    """A server that takes connections and never answers."""

    async def hold(_reader, writer):
        try:
            await asyncio.Event().wait()
        finally:
            writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


@asynccontextmanager
async def refusing():
    yield "127.0.0.1:9"


@pytest.mark.parametrize("gone", [refusing, pytest.param(silent, marks=pytest.mark.long)])
async def test_a_broker_that_is_away_answers_in_bounded_time(gone):
    started = time.monotonic()
    async with gone() as bootstrap:
        producer, subscription = (
            KafkaProducer(KafkaAccess(bootstrap)),
            KafkaSubscription(KafkaAccess(bootstrap)),
        )
        with pytest.raises(Unavailable):
            await producer.send(records("any", 1))
        await subscription.assign(everywhere("any"))
        assert await subscription.poll(10) == []
        await producer.close()
        await subscription.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
    assert time.monotonic() - started < AWAY_LIMIT_S


async def test_a_memory_broker_can_be_away():
    broker = MemoryBroker()
    broker.away = True
    with pytest.raises(Unavailable):
        await broker.send(records("any", 1))
    subscription = broker.subscribe()
    await subscription.assign(everywhere("any"))
    assert await subscription.poll(10) == []


@pytest.mark.kafka
async def test_of_a_record_that_the_broker_refuses_a_stub_keeps_the_place(kafka_bootstrap, stream):
    async with administering(KafkaAccess(kafka_bootstrap)) as admin:
        await admin.create_topics([NewTopic(stream, 16, 1, topic_configs={"max.message.bytes": "4000"})])
    made = Kafka(kafka_bootstrap)
    large = random.Random(1).randbytes(9_000)
    sent = [Record(stream, 3, n, large if n in {4, 9} else b"x" * 500, CHAIN) for n in range(1, 12)]
    sent += [Record(stream, 5, n, random.Random(n).randbytes(900), CHAIN) for n in range(1, 12)]
    await made.producer().send(sent)
    subscription = made.subscription()
    await subscription.assign({(stream, 3): 0, (stream, 5): 0})
    first = {}
    async with asyncio.timeout(AWAY_LIMIT_S):
        while len(first) < len(sent):
            for one in await subscription.poll(1_000):
                first.setdefault((one.shard, one.number), one.body)
    assert first == {(r.shard, r.number): b"" if r.body == large else r.body for r in sent}
    assert [place for place in first if place[0] == 3] == [(3, number) for number in range(1, 12)]
    for opened in made.opened:
        await opened.close()


@pytest.mark.kafka
async def test_what_no_relay_wrote_is_left_out(kafka_bootstrap, stream):
    await ensure_topics(KafkaAccess(kafka_bootstrap), [stream])
    foreign = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await foreign.start()
    header = [("chain", CHAIN)]
    for key, value, headers in [
        (None, b"{}", header),
        (b"0:1", b"{}", []),
        (b"0:1", None, header),
        (b"1:1", b"{}", header),
        (b"0:x", b"{}", header),
        (b"\xff", b"{}", header),
        (b"99:1", b"{}", header),
    ]:
        await foreign.send_and_wait(stream, key=key, value=value, partition=0, headers=headers)
    await foreign.stop()
    producer, subscription = (
        KafkaProducer(KafkaAccess(kafka_bootstrap)),
        KafkaSubscription(KafkaAccess(kafka_bootstrap)),
    )
    await producer.send(records(stream, 1, shards=1))
    await subscription.assign({(stream, 0): 0})
    assert [(r.shard, r.number, r.offset) for r in await read(subscription, 1)] == [(0, 1, 7)]
    await producer.close()
    await subscription.close()


@pytest.mark.kafka
@pytest.mark.long
async def test_a_client_cancelled_at_any_moment_leaves_nothing_open(kafka_bootstrap, stream):
    await ensure_topics(KafkaAccess(kafka_bootstrap), [stream])

    async def consume():
        subscription = KafkaSubscription(KafkaAccess(kafka_bootstrap))
        try:
            await subscription.assign(everywhere(stream))
            while True:
                await subscription.poll(10)
        finally:
            await subscription.close()

    async def produce():
        producer = KafkaProducer(KafkaAccess(kafka_bootstrap))
        try:
            while True:
                await producer.send(records(stream, 1))
        finally:
            await producer.close()

    for delay_ms in range(0, 60, 4):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(consume()), group.create_task(produce())]
            await asyncio.sleep(delay_ms / 1000)
            for task in tasks:
                task.cancel()
        gc.collect()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.kafka
async def test_present_topics_are_left_as_they_are(kafka_bootstrap, stream):
    await ensure_topics(KafkaAccess(kafka_bootstrap), [stream], partitions=3)
    await ensure_topics(KafkaAccess(kafka_bootstrap), [stream])
    async with asyncio.timeout(AWAY_LIMIT_S), administering(KafkaAccess(kafka_bootstrap)) as admin:
        while not (partitions := (await admin.describe_topics([stream]))[0]["partitions"]):
            await asyncio.sleep(0.05)  # the broker made it and has not heard of it yet
    assert len(partitions) == 3

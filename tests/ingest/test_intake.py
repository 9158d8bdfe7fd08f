"""What brings inbound topics: polls across restarts, two processes, transactions, gaps, topics made anew."""

import asyncio
import json
import time

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from services.ingest import gateway
from services.ingest.committing import Admission
from services.ingest.contract import (
    INBOUND_PARTITIONS,
)
from services.ingest.domain.binding import Message, topic_of
from services.ingest.domain.silence import hanging, stands
from services.ingest.gateway import InboundTopics, Polled
from services.ingest.intake import Intake
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Unavailable
from shared.kernel.shards import shard_of
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import administering
from shared.telemetry.metrics import METRICS
from tests.ingest.test_inbound import accepted, admission, event, offsets, rows, source
from tests.waiting import becomes

__all__ = ["admission", "source"]


async def produce(bootstrap, source, *bodies):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for body in bodies:
            value = json.dumps(body).encode() if isinstance(body, dict) else body
            await producer.send_and_wait(topic_of(source), value=value, key=b"1101", partition=0)


async def run_until(intake, condition):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(intake.run())
        await becomes(condition)
        task.cancel()


async def topics(bootstrap):
    async with administering(KafkaAccess(bootstrap)) as admin:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


@pytest.mark.kafka
async def test_an_adopted_source_gets_its_topic_and_what_it_brings_is_taken_across_restarts(
    admission, source, kafka_bootstrap
):
    def intake():
        return Intake(admission, InboundTopics(KafkaAccess(kafka_bootstrap)))

    async def has(count):
        return len(await accepted(admission)) == count

    async def made():
        return topic_of(source) in await topics(kafka_bootstrap)

    await run_until(intake(), made)
    assert (await topics(kafka_bootstrap))[topic_of(source)] == INBOUND_PARTITIONS
    await produce(kafka_bootstrap, source, event(source), None, event(source), event(source, id="e2"))
    await run_until(intake(), lambda: has(2))
    await produce(kafka_bootstrap, source, b"{", event(source, id="e3"))
    await run_until(intake(), lambda: has(3))
    assert [row["code"] for row in await rows(admission, "refusals")] == ["empty", "json"]
    assert sum((await offsets(admission)).values()) == 6


@pytest.mark.kafka
async def test_two_processes_on_the_same_topics_take_each_record_once(admission, source, kafka_bootstrap):
    intakes = [
        Intake(
            Admission(admission.exchange, replay=False),
            InboundTopics(KafkaAccess(kafka_bootstrap)),
            worker=name,
        )
        for name in "ab"
    ]
    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([topic_of(source)])
    await produce(kafka_bootstrap, source, *(b"{" for _ in range(50)), event(source))

    async def taken():
        return sum((await offsets(admission)).values()) == 51

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(intake.run()) for intake in intakes]
        await becomes(taken)
        for task in tasks:
            task.cancel()
    assert len(await rows(admission, "refusals")) == 50
    assert await accepted(admission) == ["e1"]


@pytest.mark.kafka
async def test_workers_share_the_partitions_and_those_of_one_that_leaves_are_read_by_the_other(
    admission, source, kafka_bootstrap
):
    reading = {name: InboundTopics(KafkaAccess(kafka_bootstrap)) for name in "ab"}

    def read_by(name):
        return {partition for _, partition in reading[name].reached()}

    def is_shared():
        return len(read_by("a")) == len(read_by("b")) == 2 and len(read_by("a") | read_by("b")) == 4

    async def has(count):
        return len(await accepted(admission)) == count

    async def send(bootstrap, letter):
        async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
            for partition in range(INBOUND_PARTITIONS):
                body = json.dumps(event(source, id=f"{letter}{partition}")).encode()
                await producer.send_and_wait(topic_of(source), body, partition=partition)

    async with asyncio.TaskGroup() as group:
        a, b = [
            group.create_task(Intake(Admission(admission.exchange, replay=False), topics, worker=name).run())
            for name, topics in reading.items()
        ]
        await becomes(is_shared)
        await send(kafka_bootstrap, "x")
        await becomes(lambda: has(4))
        b.cancel()
        await becomes(lambda: len(read_by("a")) == 4)
        await send(kafka_bootstrap, "y")
        await becomes(lambda: has(8))
        a.cancel()


def key_elsewhere(unit):
    return next(f"k{n}".encode() for n in range(99) if shard_of(f"k{n}") != shard_of(unit))


def records(source):
    """Each bad record of a topic: what is produced, and the code that it is refused by."""
    good = json.dumps(event(source)).encode()
    tomorrow = int((time.time() + 86_400) * 1000)
    late = json.dumps(event(source, time="2199-01-01T00:00:00Z")).encode()
    return [
        ({"value": None, "key": b"1101"}, "empty"),
        ({"value": b"x" * 2_000_000}, "too_large"),
        ({"value": b"{"}, "json"),
        ({"value": b"{}", "headers": [("ce_id", b"a")]}, "missing_field"),
        ({"value": good, "key": key_elsewhere("1101")}, "key"),
        ({"value": good, "key": b"\xff"}, "key"),
        ({"value": good, "timestamp_ms": tomorrow}, "time_in_future"),
        ({"value": late}, "time_in_future"),
        ({"value": json.dumps(event("other")).encode()}, "source_scope"),
        ({"value": json.dumps(event(source, type="task.lost.v1")).encode()}, "unknown_type"),
    ]


@pytest.mark.kafka
async def test_each_bad_record_is_refused_with_its_place_its_offset_goes_on_and_people_are_alerted(
    admission, source, kafka_bootstrap
):
    topic = topic_of(source)
    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([topic])
    good = json.dumps(event(source, id="good", case="c1")).encode()
    bad = records(source)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, max_request_size=3 << 20) as producer:
        for record, _ in bad:
            await producer.send_and_wait(topic, partition=1, **record)
        await producer.send_and_wait(topic, partition=1, value=good, key=b"c1")

    async def taken():
        return (await offsets(admission)).get((topic, 1)) == len(bad) + 1

    await run_until(Intake(admission, InboundTopics(KafkaAccess(kafka_bootstrap))), taken)
    refused = await rows(admission, "refusals")
    assert [(row["code"], row["place"], row["source"]) for row in refused] == [
        (code, f"{topic}/1/{offset}", source) for offset, (_, code) in enumerate(bad)
    ]
    assert await accepted(admission) == ["good"]
    assert f'dukao_inbound_rejected_total{{topic="{topic}"}} {len(bad)}.0' in METRICS.render().decode()


async def taken_back(producer, topic, *bodies):
    await producer.begin_transaction()
    for body in bodies:
        await producer.send_and_wait(topic, value=json.dumps(body).encode(), partition=0)
    await producer.abort_transaction()


@pytest.mark.kafka
async def test_what_a_source_sent_and_took_back_in_a_transaction_is_refused_with_its_place(
    admission, source, kafka_bootstrap
):
    topic = topic_of(source)
    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([topic])
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=source) as producer:
        await taken_back(producer, topic, event(source))  # 0, and its marker 1
        for name in ("e2", "e3"):  # 2, marker 3; 4, marker 5
            async with producer.transaction():
                sent = json.dumps(event(source, id=name)).encode()
                await producer.send_and_wait(topic, value=sent, partition=0)
        await taken_back(producer, topic, event(source, id="e4"), event(source, id="e5"))  # 6, 7

    async def taken():
        return await offsets(admission) == {(topic, 0): 8}

    await run_until(Intake(admission, InboundTopics(KafkaAccess(kafka_bootstrap))), taken)
    assert await accepted(admission) == ["e2", "e3"]
    refused = await rows(admission, "refusals")
    assert [(row["code"], row["place"], row["source"]) for row in refused] == [
        ("aborted", f"{topic}/0/{offset}", source) for offset in (0, 6, 7)
    ]
    assert f'dukao_inbound_rejected_total{{topic="{topic}"}} 3.0' in METRICS.render().decode()


@pytest.mark.kafka
async def test_more_than_a_poll_that_was_taken_back_is_refused_poll_by_poll(
    admission, source, kafka_bootstrap, monkeypatch
):
    monkeypatch.setattr(gateway, "POLL_RECORDS", 3)
    topic = topic_of(source)
    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([topic])
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=source) as producer:
        await taken_back(producer, topic, *(event(source, id=f"a{n}") for n in range(8)))
    await produce(kafka_bootstrap, source, event(source))

    async def taken():
        return await offsets(admission) == {(topic, 0): 10}

    await run_until(Intake(admission, InboundTopics(KafkaAccess(kafka_bootstrap))), taken)
    assert await accepted(admission) == ["e1"]
    places = [(row["code"], row["place"]) for row in await rows(admission, "refusals")]
    assert places == [("aborted", f"{topic}/0/{offset}") for offset in range(8)]


@pytest.mark.kafka
async def test_records_lost_before_they_were_read_are_on_record_and_reading_goes_on(
    admission, source, kafka_bootstrap
):
    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([topic_of(source)])
    await produce(kafka_bootstrap, source, event(source), event(source, id="e2"))
    async with administering(KafkaAccess(kafka_bootstrap)) as admin:
        for partition in range(INBOUND_PARTITIONS):
            place = TopicPartition(topic_of(source), partition)
            await admin.delete_records({place: RecordsToDelete(-1)})
    await produce(kafka_bootstrap, source, event(source, id="e3"))

    async def has_e3():
        return await accepted(admission) == ["e3"]

    await run_until(Intake(admission, InboundTopics(KafkaAccess(kafka_bootstrap))), has_e3)
    (gap,) = await rows(admission, "refusals")
    assert gap["code"] == "inbound_gap"
    assert gap["place"].endswith("/0")


@pytest.mark.kafka
async def test_a_topic_made_anew_and_longer_than_what_was_taken_is_read_from_its_start(
    admission, source, kafka_bootstrap
):
    topic = topic_of(source)

    def intake():
        return Intake(admission, InboundTopics(KafkaAccess(kafka_bootstrap)))

    async def has(count):
        return len(await accepted(admission)) == count

    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([topic])
    await produce(kafka_bootstrap, source, *(event(source, id=f"a{n}") for n in range(3)))
    await run_until(intake(), lambda: has(3))
    await produce(kafka_bootstrap, source, event(source, id="a3"))
    await run_until(intake(), lambda: has(4))
    assert await rows(admission, "refusals") == []
    async with administering(KafkaAccess(kafka_bootstrap)) as admin:
        await admin.delete_topics([topic])

    async def gone():
        return topic not in await topics(kafka_bootstrap)

    await becomes(gone)
    await InboundTopics(KafkaAccess(kafka_bootstrap)).ensure([topic])
    await produce(kafka_bootstrap, source, *(event(source, id=f"b{n}") for n in range(6)))
    await run_until(intake(), lambda: has(10))
    assert await offsets(admission) == {(topic, 0): 6}
    (gap,) = await rows(admission, "refusals")
    assert (gap["code"], gap["place"]) == ("inbound_gap", f"{topic}/0/4")


class Kept(InboundTopics):
    """Topics kept here: the records of the first partition of each, read on from where they were begun."""

    def __init__(self, *bodies, hangs=False):
        super().__init__(KafkaAccess("127.0.0.1:9"))
        self._sources = {}
        self.bodies, self.hangs, self.begun = list(bodies), hangs, 0

    async def ensure(self, topics):
        return [(topic, 0) for topic in topics]

    async def read(self, sources, offsets):
        self.begun += 1
        self._sources = sources
        self._reached = {TopicPartition(*at): offset for at, offset in offsets.items()}

    async def digests(self, offsets):
        there = {at: offset for at, offset in offsets.items() if offset < len(self.bodies)}
        return {at: sha256_hex(self.bodies[offset]) for at, offset in there.items()}

    async def ends(self, places):
        return dict.fromkeys(places, len(self.bodies))

    async def poll(self):
        if self.hangs:
            return Polled()
        found = [
            Message(self._sources[at.topic], *at, offset, self.bodies[offset])
            for at, reached in self._reached.items()
            for offset in range(reached, len(self.bodies))
        ]
        self._reached = dict.fromkeys(self._reached, len(self.bodies))
        return Polled(tuple(found))


def bodies(source, letter, count):
    return [json.dumps(event(source, id=f"{letter}{n}")).encode() for n in range(count)]


async def test_a_topic_made_anew_while_it_is_read_is_noticed_at_the_next_look_though_reading_went_on(
    admission, source
):
    topics, now = Kept(*bodies(source, "a", 3)), [0.0]
    intake = Intake(admission, topics, clock=lambda: now[0])
    await intake.step()
    now[0] = 61
    await intake.step()
    topics.bodies = bodies(source, "b", 6)
    await intake.step()
    assert await accepted(admission) == ["a0", "a1", "a2", "b3", "b4", "b5"]
    now[0] = 122
    await intake.step()
    assert await accepted(admission) == ["a0", "a1", "a2", *(f"b{n}" for n in range(6))]
    assert await offsets(admission) == {(topic_of(source), 0): 6}
    (gap,) = await rows(admission, "refusals")
    assert (gap["code"], gap["place"]) == ("inbound_gap", f"{topic_of(source)}/0/6")
    now[0] = 183
    await intake.step()
    assert (topics.begun, len(await rows(admission, "refusals"))) == (2, 1)


async def looks(admission, topics, *times):
    now = [0.0]
    intake = Intake(admission, topics, clock=lambda: now[0])
    for now[0] in times:
        await intake.step()
    return topics.begun


async def test_a_client_that_brings_nothing_of_what_another_sees_for_two_minutes_is_made_anew(
    admission, source
):
    more = bodies(source, "a", 7)
    assert await looks(admission, Kept(*more, hangs=True), 0, 61, 119) == 1
    assert await looks(admission, Kept(*more, hangs=True), 0, 61, 122, 123, 184) == 2
    assert await looks(admission, Kept(*more, hangs=True), 0, 61, 122, 183, 244) == 3
    assert await looks(admission, Kept(hangs=True), 0, 61, 122, 183, 244) == 1


def test_a_partition_hangs_if_it_ends_later_than_where_it_stands_for_long():
    before = stands({}, {("t", 0): 5, ("t", 1): 5, ("t", 2): 5}, now=10)
    after = stands(before, {("t", 0): 5, ("t", 1): 6, ("t", 2): 5}, now=130)
    assert hanging(after, {("t", 0): 6, ("t", 1): 9, ("t", 2): 5}, now=130) == [("t", 0)]
    assert hanging(after, {("t", 0): 6}, now=129) == []


async def test_while_kafka_is_away_the_intake_waits(admission):
    intake = Intake(admission, InboundTopics(KafkaAccess("127.0.0.1:9")))
    with pytest.raises(Unavailable):
        await intake.step()

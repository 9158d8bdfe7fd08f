"""What a source sends that is no record is refused at its place, and blocks nothing that lies around it."""

import json

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from services.ingest import deciding, unpacking
from services.ingest.domain.binding import topic_of
from services.ingest.fetching import found_in
from services.ingest.gateway import InboundTopics, Records
from services.ingest.intake import Intake
from services.ingest.unpacking import Unread
from shared.kernel.errors import Refused
from shared.messaging.kafka_access import KafkaAccess
from tests.ingest.test_inbound import accepted, admission, event, offsets, rows, source
from tests.ingest.test_intake import run_until

__all__ = ["admission", "source"]
LZ4 = 3
SNAPPY = 2
PACKABLE = b" " * 10_000  # aiokafka packs only what becomes smaller


class NoName(str):  # noqa: SLOT000 - a test
    """The name of a header, which is no UTF-8 in its bytes."""

    def encode(self, *_):
        return b"\xff\xfe"


NO_NAME = [(NoName("ab"), b"v")]


def builder(codec=LZ4):
    settings = {"is_transactional": False, "producer_id": -1, "producer_epoch": -1, "base_sequence": -1}
    return _DefaultRecordBatchBuilderPy(magic=2, compression_type=codec, batch_size=1 << 30, **settings)


async def send(producer, topic, records, partition=0):
    """Send records, each a value and headers, as one batch."""
    batch = producer.create_batch()
    batch._builder = builder()
    for value, headers in records:
        batch.append(timestamp=None, key=None, value=value, headers=headers)
    batch.close()
    await (await producer.send_batch(batch, topic, partition=partition))


def sent(source, name, **changes):
    return json.dumps(event(source, id=name, **changes)).encode() + PACKABLE


@pytest.mark.kafka
async def test_a_record_that_cannot_be_read_is_refused_alone_and_those_around_it_are_taken(
    admission, source, kafka_bootstrap
):
    topic, access = topic_of(source), KafkaAccess(kafka_bootstrap)
    await InboundTopics(access).ensure([topic])
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        around = [(sent(source, "a"), []), (sent(source, "bad"), NO_NAME), (sent(source, "b"), [])]
        await send(producer, topic, around)
        await send(producer, topic, [(sent(source, "last"), NO_NAME)])
        await send(producer, topic, [(sent(source, "beside"), [])], partition=1)

    async def taken():
        return await offsets(admission) == {(topic, 0): 4, (topic, 1): 1}

    for _ in range(2):  # again, as after a restart: what lies last is known again
        await run_until(Intake(admission, InboundTopics(access)), taken)
    assert await accepted(admission) == ["a", "b", "beside"]
    refused = await rows(admission, "refusals")
    assert [(row["code"], row["place"], row["source"]) for row in refused] == [
        ("unreadable", f"{topic}/0/{offset}", source) for offset in (1, 3)
    ]
    records = Records(access)
    with pytest.raises(Refused) as again:
        await deciding.replay_refused(admission, records, refused[0]["id"], "olga", "again")
    await records.close()
    assert again.value.problem.code == "unreadable"


@pytest.mark.kafka
async def test_a_batch_that_unpacks_to_more_than_is_taken_is_one_refusal_at_its_first_offset(
    admission, source, kafka_bootstrap
):
    topic, access = topic_of(source), KafkaAccess(kafka_bootstrap)
    await InboundTopics(access).ensure([topic])
    half = bytes(unpacking.UNPACKED_BYTES // 2)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await send(producer, topic, [(sent(source, "a"), [])])
        await send(producer, topic, [(half, []), (half, [])])
        await send(producer, topic, [(sent(source, "b"), [])])

    async def taken():
        return await offsets(admission) == {(topic, 0): 4}

    await run_until(Intake(admission, InboundTopics(access)), taken)
    assert await accepted(admission) == ["a", "b"]
    places = [(row["code"], row["place"]) for row in await rows(admission, "refusals")]
    assert places == [("unreadable", f"{topic}/0/1")]


def batch(base, *records, codec=LZ4):
    made = builder(codec)
    for offset, headers in enumerate(records):
        made.append(offset, timestamp=1, key=None, value=b"v" * 100, headers=headers)
    return base.to_bytes(8, "big") + bytes(made.build())[8:]


def read(first, written, end=99):
    """Return what is found of an answer: offsets of records, and what cannot be read, with what is next."""
    found = []
    for one in found_in(first, end, (), written):
        told = [one.batch] if isinstance(one.batch, Unread) else unpacking.records(one.batch)
        found += [tuple(record) if isinstance(record, Unread) else record.offset for record in told]
        first = one.next
    return found, first


@pytest.mark.parametrize("codec", [0, SNAPPY, LZ4])
def test_what_cannot_be_read_is_gone_over_and_no_more(codec):
    def made(base, *records):
        return batch(base, *records, codec=codec)

    good, bad = made(5, [], []), made(7, [], NO_NAME, NO_NAME, [])
    assert read(5, good + bad + made(11, [])) == ([5, 6, 7, (8, 8), (9, 9), 10, 11], 12)
    broken = bad[:-1] + bytes([bad[-1] ^ 1])
    assert read(5, good + broken + made(11, [])) == ([5, 6, (7, 10), 11], 12)
    longer = bad[:23] + bytes(2) + b"\1\0" + bad[27:]  # it says that it has 257 records
    assert read(5, good + longer + made(11, [])) == ([5, 6, (7, 10), 11], 12)
    assert read(5, made(2, [], []) + made(5, [])) == ([5], 6)
    assert read(5, made(2, [], [])) == ([(5, 5)], 6)
    assert read(7, broken, end=9) == ([(7, 8)], 9)
    assert read(9, broken) == ([(9, 10)], 11)
    assert read(5, good + bad[:-1]) == ([5, 6], 7)
    before = (0).to_bytes(8, "big") + broken[8:]  # it says that it lies at the beginning
    assert read(5, good + before + made(11, [])) == ([5, 6, (7, 10), 11], 12)
    assert read(7, b"\0" * 100) == ([(7, 7)], 8)
    assert read(7, b"") == ([], 7)


def test_a_batch_that_came_while_the_broker_answered_is_read_as_any_other():
    assert read(10, batch(10, [], [], []), end=10) == ([10, 11, 12], 13)


def test_what_does_not_unpack_is_gone_over_as_a_whole():
    whole = bytearray(batch(7, [], []))
    whole[61:65] = b"none"
    found = list(unpacking.records(next(unpacking.parted(bytes(whole)))))
    assert found == [Unread(7, 8)]

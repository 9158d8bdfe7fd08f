"""A record that was refused is taken as it lies in its topic, once what was wrong is mended and while it lies there."""

import json

import pytest
from aiokafka import AIOKafkaProducer

from services.ingest import deciding, handlers
from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.domain.binding import Message, topic_of
from services.ingest.gateway import ASKED_AT_ONCE, InboundTopics, Records
from services.ingest.taking import Taking
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Refused, Unavailable
from shared.messaging.kafka_access import KafkaAccess
from tests.ingest import rig as rigs
from tests.ingest.test_inbound import TYPES, accepted, admission, event, message, offsets, rows, source
from tests.ingest.test_intake import produce, taken_back
from tests.waiting import becomes

__all__ = ["admission", "source"]

TOPICS = 64


class Shelf(Records):
    """A topic that holds these records and no others."""

    def __init__(self, *held):
        super().__init__(KafkaAccess("127.0.0.1:9"))
        self.held = {(one.source, one.at, one.offset): one for one in held}

    async def record(self, source, place, offset):
        return self.held.get((source, place, offset))


async def adopt(admission, source, **types):
    async with admission.exchange.begin(actor="test", action="adopt") as tx:
        document = {"types": TYPES | types, "sources": {source: {"title": "Desk"}}}
        drafted = await handlers.draft_types(tx, document, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")


async def refused(admission, *sent):
    """Refuse records and return the numbers of their entries."""
    await Taking(admission).take(sent)
    return [row["id"] for row in await rows(admission, "refusals")]


async def replayed(admission, number, *held):
    return await deciding.replay_refused(admission, Shelf(*held), number, "olga", "it is adopted")


async def test_a_record_whose_type_came_later_is_taken_from_its_topic_and_its_refusal_names_it(
    admission, source
):
    early = message(source, 4, event(source, type="task.new.v1"))
    (number,) = await refused(admission, early)
    with pytest.raises(Refused, match="unknown_type"):
        await replayed(admission, number, early)
    assert [row["state"] for row in await rows(admission, "refusals")] == ["open"]
    await adopt(admission, source, **{"task.new.v1": TYPES["task.done.v1"]})
    done = await replayed(admission, number, early)
    assert (done["state"], done["decided_by"], done["reason"]) == ("replayed", "olga", "it is adopted")
    assert (done["became_source"], done["became_id"]) == (source, "e1")
    assert await accepted(admission) == ["e1"]
    assert await offsets(admission) == {(topic_of(source), 0): 5}
    with pytest.raises(Refused, match="already_decided"):
        await replayed(admission, number, early)
    async with admission.exchange.reading() as tx:
        audit = await tx.many("SELECT actor, detail FROM audit WHERE action = 'replay refusals'")
    assert [(row["actor"], row["detail"]) for row in audit] == [("olga", f"{number}: it is adopted")]


async def test_a_record_that_is_in_already_is_linked_and_not_taken_twice(admission, source):
    early = message(source, 0, event(source, type="task.new.v1"))
    (number,) = await refused(admission, early)
    await adopt(admission, source, **{"task.new.v1": TYPES["task.done.v1"]})
    await Taking(admission).take([message(source, 1, event(source, type="task.new.v1"))])
    assert (await replayed(admission, number, early))["state"] == "replayed"
    assert await accepted(admission) == ["e1"]


async def test_a_record_that_the_topic_holds_no_longer_or_another_in_its_place_is_gone(admission, source):
    (number,) = await refused(admission, message(source, 0, event(source, type="task.new.v1")))
    for held in ((), (message(source, 0, event(source)),)):
        with pytest.raises(Refused, match="record_gone") as gone:
            await replayed(admission, number, *held)
        assert gone.value.problem.status == 410
    assert await accepted(admission) == []


async def test_a_record_that_is_late_by_now_is_a_backfill_and_one_of_the_future_waits_for_its_time(
    admission, source
):
    ahead = Message(source, topic_of(source), 0, 0, json.dumps(event(source)).encode(), (), None, 1 << 42)
    late = message(source, 1, event(source, type="task.new.v1"))
    first, second = await refused(admission, ahead, late)
    with pytest.raises(Refused, match="time_in_future"):
        await replayed(admission, first, ahead)
    async with admission.exchange.begin(actor="test", action="adopt") as tx:
        types = TYPES | {"task.new.v1": TYPES["task.done.v1"]}
        document = {"types": types, "sources": {source: {"title": "Desk", "lateness_days": 3}}}
        drafted = await handlers.draft_types(tx, document, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")
    with pytest.raises(Refused, match="backfill"):
        await replayed(admission, second, late)


async def test_what_came_by_http_or_was_taken_back_is_not_replayed(exchange, tmp_path):
    sources = {"desk": {"title": "Desk"}}
    async with rigs.serving(exchange, tmp_path, {"types": rigs.TYPES, "sources": sources}) as rig:
        desk, olga = await rig.as_("desk", "integrator"), await rig.as_("olga", "operator")
        await rigs.send(desk, rigs.event(amount="1.555"))
        back = Message("desk", "in.desk", 0, 0, b"{}", (), None, 0, aborted=True)
        await Taking(rig.admission).take([back])
        why = {"reason": "mended"}
        for told in (await olga.get("/v1/refusals")).json()["items"]:
            path = f"/v1/refusals/{told['id']}:replay"
            assert (await desk.post(path, json=why)).status_code == 403
            answer = await olga.post(path, json=why)
            assert (answer.status_code, answer.json()["code"]) == (409, "not_replayable")
            assert (await olga.post(path, json={})).status_code == 422
        assert (await olga.post("/v1/refusals/99:replay", json=why)).status_code == 404


@pytest.mark.kafka
async def test_a_record_is_found_at_its_offset_unless_it_was_taken_back_or_never_came(
    source, kafka_bootstrap
):
    topic, access = topic_of(source), KafkaAccess(kafka_bootstrap)
    await InboundTopics(access).ensure([topic])
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=source) as producer:
        await taken_back(producer, topic, event(source))  # 0, and its marker 1
    records = Records(access)

    async def marked():
        return await records.ends([(topic, 0)]) == {(topic, 0): 2}

    try:
        await becomes(marked)
        await produce(kafka_bootstrap, source, b"a", b"b", b"c")
        found = {at: await records.record(source, (topic, 0), at) for at in (3, 0, 1, 2, 4, 5)}
        values = {at: one and one.value for at, one in found.items()}
        assert values == {0: None, 1: None, 2: b"a", 3: b"b", 4: b"c", 5: None}
        assert found[3].digest == sha256_hex(b"b")
        assert await records.record(source, ("in.nobody", 0), 0) is None
        topics = InboundTopics(access)
        assert await topics.ends([(topic, 0), (topic, 1)]) == {(topic, 0): 5, (topic, 1): 0}
        found_again = await topics.digests({(topic, 0): 3, (topic, 1): 0})
        assert found_again == {(topic, 0): sha256_hex(b"b")}
        assert await topics.digests({(topic, 0): 1}) == {(topic, 0): ""}, "a marker is no record"
        await topics.close()
        assert await records.ends([(topic, 0), (topic, 1), ("in.nobody", 0)]) == {
            (topic, 0): 5,
            (topic, 1): 0,
        }
    finally:
        await records.close()
    with pytest.raises(Unavailable):
        await Records(KafkaAccess("127.0.0.1:9")).ends([(topic, 0)])


@pytest.mark.kafka
async def test_what_lies_in_the_partitions_of_many_topics_is_known_when_first_asked(kafka_bootstrap):
    access = KafkaAccess(kafka_bootstrap)
    topics, records = InboundTopics(access), Records(access)
    wanted = [topic_of(f"crowd{number}") for number in range(TOPICS)]

    async def made():
        found = await topics.ensure(wanted)
        return len(found) == len(wanted) * INBOUND_PARTITIONS and found

    try:
        places = await becomes(made)
        assert len(places) > ASKED_AT_ONCE
        assert await records.ends(places) == dict.fromkeys(places, 0)
        bodies = {(topic, partition): f"{topic}/{partition}".encode() for topic, partition in places}
        async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
            for (topic, partition), body in bodies.items():
                await producer.send_and_wait(topic, body, partition=partition)
        found = await topics.digests(dict.fromkeys(places[:-1], 0) | {places[-1]: 1})
        assert found == {at: sha256_hex(body) for at, body in bodies.items() if at != places[-1]}
    finally:
        await topics.close()
        await records.close()

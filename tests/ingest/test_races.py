"""A transaction that lost a race is redone; who loses every one is told to come again, and nothing is refused."""

import pytest
from msgspec import structs

from services.ingest import deciding
from services.ingest.committing import Admission
from services.ingest.domain.binding import topic_of
from services.ingest.domain.braking import IN_A_ROW
from services.ingest.domain.sources import Sender
from services.ingest.gateway import Records
from services.ingest.inbound import Inbound
from services.ingest.taking import Taking
from shared.kernel.errors import Unavailable
from shared.kernel.records import Known
from shared.messaging.kafka_access import KafkaAccess
from tests.ingest import rig as rigs
from tests.ingest.test_inbound import accepted, admission, event, message, offsets, rows, source, told

__all__ = ["admission", "source"]

OTHERS = {b"a key of others": Known(0, 1, bytes(32))}


class Losing(Admission):
    """An admission that finds a key taken by others whenever it comes to one event, until that is over."""

    is_over = False

    async def admit(self, tx, judged, *, careful=True):
        if not self.is_over and any(getattr(one, "id", "") == "hot" for one in judged):
            await tx.remember(OTHERS)
            await tx.remember(OTHERS)
        return await super().admit(tx, judged, careful=careful)


@pytest.fixture
def losing(admission):
    return Losing(admission.exchange, replay=False)


def sent(source, *names, partition=0):
    return [
        structs.replace(message(source, offset, event(source, id=name)), partition=partition)
        for offset, name in enumerate(names)
    ]


async def test_by_http_it_is_told_when_to_come_again_and_nothing_is_refused(exchange, tmp_path):
    document = {"types": rigs.TYPES, "sources": {"desk": {"title": "Desk"}}}
    async with rigs.serving(exchange, tmp_path, document, admission_of=Losing) as rig:
        client = await rig.as_("ann", "integrator")
        for body in (rigs.event(id="hot"), [rigs.event(number="n2"), rigs.event(id="hot")]):
            answer = await rigs.send(client, body)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        rig.admission.is_over = True
        assert await rigs.outcome(client, rigs.event(id="hot")) == (201, "created")
        assert await rows(rig.admission, "refusals") == []


async def test_of_a_topic_it_is_left_where_it_lies_with_what_is_behind_it_and_others_are_taken(
    losing, source
):
    topic = topic_of(source)
    one = [*sent(source, "a", "hot", "c"), *sent(source, "b", partition=1)]
    with pytest.raises(Unavailable):
        await Taking(losing).take(one)
    assert await accepted(losing) == ["a", "b"]
    assert await offsets(losing) == {(topic, 0): 1, (topic, 1): 1}
    losing.is_over = True
    assert await Taking(losing).take(one)
    assert await accepted(losing) == ["a", "b", "c", "hot"]
    assert await rows(losing, "refusals") == []


async def test_a_record_of_a_topic_that_goes_on_losing_stops_its_partition_and_calls_persons(losing, source):
    topic, here, taking = topic_of(source), sent(source, "hot", "b"), Taking(losing)
    for _ in range(IN_A_ROW):
        assert await rows(losing, "refusals") == []
        with pytest.raises(Unavailable):
            await taking.take(here)
    (stop,) = await rows(losing, "refusals")
    assert (stop["code"], stop["place"]) == ("inbound_stopped", here[0].place)
    assert await told(losing) == [(topic, "inbound_stopped", here[0].place)]
    losing.is_over = True
    assert not await taking.take(here)
    await Inbound(losing, Records(KafkaAccess("127.0.0.1:9"))).resume(topic, [0], "mended", "olga")
    assert await taking.take(here)
    assert await accepted(losing) == ["b", "hot"]


async def test_a_person_who_fixes_what_was_refused_is_told_to_come_again(losing, source):
    await Taking(losing).take([message(source, 0, b"{")])
    (refusal,) = await rows(losing, "refusals")
    fixed = losing, refusal["id"], event(source, id="hot"), Sender("olga", "desk"), "mended"
    with pytest.raises(Unavailable):
        await deciding.fix(*fixed, anyones=True)
    losing.is_over = True
    await deciding.fix(*fixed, anyones=True)
    assert [row["state"] for row in await rows(losing, "refusals")] == ["fixed"]

"""Mistakes of ours that meet record after record stop a partition; a person lets it go on, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.ingest import handlers, places
from services.ingest.domain.binding import topic_of
from services.ingest.domain.braking import IN_A_ROW, ONE_IN, Fate, brake
from services.ingest.gateway import Records
from services.ingest.inbound import Inbound
from services.ingest.intake import Intake
from services.ingest.outcomes import UNSTORABLE
from services.ingest.taking import Taking
from shared.kernel.errors import Refused, Unavailable
from shared.messaging.kafka_access import KafkaAccess
from tests.ingest.test_inbound import (
    TYPES,
    accepted,
    admission,
    event,
    message,
    offsets,
    rows,
    source,
    told,
)
from tests.ingest.test_intake import Kept, bodies

__all__ = ["admission", "source"]

HERE, THERE = ("in.desk", 0), ("in.desk", 1)


def run(*fates, levels=None):
    return brake(levels or {}, [(HERE, fate) for fate in fates])


def test_a_partition_stops_behind_so_many_mistakes_in_a_row_and_no_other_does():
    mistakes = [(HERE, Fate.MISTAKE)] * (IN_A_ROW + 5)
    found = brake({}, [*mistakes, (THERE, Fate.MISTAKE)])
    assert found.taken == [True] * IN_A_ROW + [False] * 5 + [True]
    assert found.stopped == {HERE}
    assert found.levels == {THERE: ONE_IN}


def test_single_mistakes_among_good_records_never_stop_and_more_of_them_do_in_the_end():
    seldom = [Fate.MISTAKE, *[Fate.GOOD] * ONE_IN] * 1000
    often = [Fate.MISTAKE, *[Fate.GOOD] * (ONE_IN // 2)] * 1000
    assert run(*seldom).stopped == set()
    assert run(*often).stopped == {HERE}


def test_a_record_refused_for_its_content_says_nothing_of_us():
    mixed = [Fate.MISTAKE, Fate.REFUSED] * IN_A_ROW
    assert run(*mixed).stopped == {HERE}
    assert run(*[Fate.REFUSED] * 1000).levels == {}


@given(st.lists(st.sampled_from(Fate), max_size=200), st.integers(0, 200))
def test_it_does_not_matter_in_which_batches_records_come(fates, cut):
    at_once, first = run(*fates), run(*fates[:cut])
    if not first.stopped:
        second = run(*fates[cut:], levels=first.levels)
        assert (second.stopped, second.levels) == (at_once.stopped, at_once.levels)
        assert first.taken + second.taken == at_once.taken


async def test_a_mistake_of_ours_at_every_record_stops_the_partition_and_refuses_no_more_of_them(
    admission, source
):
    topic, taking = topic_of(source), Taking(admission)
    sent = [message(source, at, event(source, id=f"e{at}")) for at in range(IN_A_ROW + 30)]
    mistakes = [UNSTORABLE] * len(sent)
    assert not await taking.take(sent, mistakes)
    assert not await taking.take(sent, mistakes)
    assert not await taking.take(sent)
    *refused, stop = await rows(admission, "refusals")
    assert [row["code"] for row in refused] == ["unstorable"] * IN_A_ROW
    assert (stop["code"], stop["place"]) == ("inbound_stopped", f"{topic}/0/{IN_A_ROW}")
    called = [(topic, "inbound_stopped", stop["place"]), (topic, "unstorable", refused[0]["place"])]
    assert await told(admission) == called
    assert await offsets(admission) == {(topic, 0): IN_A_ROW}
    intake = Intake(admission, Kept())
    await intake._ask()
    assert (paused("mistakes"), paused("order")) == (1, 0)
    desk = Inbound(admission, Records(KafkaAccess("127.0.0.1:9")))
    (order,) = await desk.resume(topic, [0], "mended", "olga")
    await intake._ask()
    assert (paused("mistakes"), paused("order")) == (0, 0)
    assert (order.kind, order.consumer, order.partition, order.person) == ("pause", topic, 0, "ingest")
    assert (order.outcome, order.closer) == ("resumed", "olga")
    (stop,) = [row for row in await rows(admission, "refusals") if row["code"] == "inbound_stopped"]
    assert (stop["state"], stop["decided_by"], stop["reason"]) == ("dismissed", "olga", "resumed: mended")
    assert not await taking.take(sent[IN_A_ROW:], mistakes[IN_A_ROW:])
    assert len(await told(admission)) == len(called) + 1, "the next stop calls persons again"
    await desk.resume(topic, [0], "mended in earnest", "olga")
    assert await taking.take(sent)
    assert len(await accepted(admission)) == 30 - IN_A_ROW
    assert await offsets(admission) == {(topic, 0): IN_A_ROW + 30}


def paused(by):
    return REGISTRY.get_sample_value("dukao_inbound_paused_partitions", {"by": by})


class Asked(Records):
    """A client that knows where topics end, or is away."""

    def __init__(self, ends):
        super().__init__(KafkaAccess("127.0.0.1:9"))
        self.told = ends

    async def ends(self, places):
        if self.told is None:
            raise Unavailable("away")
        return self.told


async def test_a_partition_that_rests_is_read_no_more_and_goes_on_without_a_loss(admission, source):
    topics, now, topic = Kept(*bodies(source, "a", 2)), [0.0], topic_of(source)
    intake = Intake(admission, topics, clock=lambda: now[0])
    desk = Inbound(admission, Asked({(topic, 0): 5}))
    await intake.step()
    await desk.pause(topic, [0, 3], "disk exchange", "olga")
    topics.bodies += bodies(source, "b", 3)
    for now[0] in (0.5, 2, 3):
        await intake.step()
    assert await accepted(admission) == ["a0", "a1"]
    assert (paused("mistakes"), paused("order")) == (0, 2)
    found = {(one.partition, one.state, one.taken, one.lag) for one in (await desk.partitions())[0]}
    assert found == {
        (0, "paused", 2, 3),
        (1, "running", 0, None),
        (2, "running", 0, None),
        (3, "paused", 0, None),
    }
    with pytest.raises(Refused, match="already_paused"):
        await desk.pause(topic, [0], "again", "olga")
    await desk.resume(topic, [0, 3], "exchanged", "pia")
    with pytest.raises(Refused, match="not_paused"):
        await desk.resume(topic, [0], "again", "olga")
    with pytest.raises(Refused, match="not_found"):
        await desk.pause("in.nobody", [0], "why", "olga")
    now[0] = 5
    await intake.step()
    assert await accepted(admission) == ["a0", "a1", "b0", "b1", "b2"]
    async with admission.exchange.reading() as tx:
        assert await places.paused(tx) == {}


async def test_what_rests_of_a_source_that_was_left_out_goes_on_by_an_order_and_stands_still_no_more(
    admission, source
):
    topic, taking = topic_of(source), Taking(admission)
    sent = [message(source, at, event(source, id=f"e{at}")) for at in range(IN_A_ROW)]
    assert not await taking.take(sent, [UNSTORABLE] * len(sent))
    async with admission.exchange.begin(actor="test", action="left out") as tx:
        catalogue = {"types": TYPES, "sources": {f"{source}-next": {"title": "Desk"}}}
        await handlers.adopt_types(tx, (await handlers.draft_types(tx, catalogue, "ann")).version, "bob")
    desk = Inbound(admission, Asked({}))
    left = [one.state for one in (await desk.partitions())[0] if one.topic == topic]
    assert left == ["stopped"]
    with pytest.raises(Refused, match="not_found"):
        await desk.pause(topic, [0], "why", "olga")
    with pytest.raises(Refused, match="not_found"):
        await desk.resume("in.nobody", [0], "why", "olga")
    (order,) = await desk.resume(topic, [0, 1, 2, 3], "left out", "olga")
    assert (order.outcome, order.closer) == ("resumed", "olga")
    assert {one.state for one in (await desk.partitions())[0]} == {"running"}
    with pytest.raises(Refused, match="not_paused"):
        await desk.resume(topic, [0], "again", "olga")


async def test_while_kafka_is_away_it_is_told_how_far_was_taken_and_not_where_topics_end(admission, source):
    await Taking(admission).take([message(source, 0, event(source))])
    found, silent = await Inbound(admission, Asked(None)).partitions()
    assert (found[0].taken, found[0].end, found[0].lag, silent) == (1, None, None, ["kafka"])

"""Workers share inbound topics: however long a step takes, and whoever is cut off from Kafka."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from services.ingest import handlers
from services.ingest.committing import Admission
from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.domain.binding import topic_of
from services.ingest.gateway import Polled
from services.ingest.intake import Intake
from shared.kernel.errors import Unavailable
from tests.ingest.test_inbound import TYPES, admission, source
from tests.waiting import POLL_S, becomes

__all__ = ["admission", "source"]
LIMIT_S = 30.0


class Topics:
    """Topics that bring nothing; `away` names what Kafka does not answer, `go_on` lets a poll end."""

    def __init__(self):
        self.away, self.lag, self.go_on = set(), 0, asyncio.Event()
        self.offsets, self.polls = {}, 0
        self.go_on.set()

    def _ask(self, what):
        if what in self.away:
            raise Unavailable("Kafka is away")

    async def ensure(self, topics):
        self._ask("ensure")
        return sorted((topic, partition) for topic in topics for partition in range(INBOUND_PARTITIONS))

    async def ends(self, places):
        self._ask("ends")
        return {}

    async def read(self, sources, offsets):
        self.offsets = dict(offsets)

    async def digests(self, offsets):
        return {}

    async def poll(self):
        self.polls += 1
        await asyncio.sleep(POLL_S)
        await self.go_on.wait()
        self._ask("poll")
        return Polled()

    def reached(self):
        return self.offsets

    def lags(self):
        return Counter({topic: self.lag for topic, _ in self.offsets})

    async def close(self):
        self.offsets = {}


@asynccontextmanager
async def running(admission, topics, worker):
    async with asyncio.TaskGroup() as group:
        own = Admission(admission.exchange, replay=False)
        task = group.create_task(Intake(own, topics, worker=worker).run())
        yield
        task.cancel()


async def held(admission):
    """Return who holds how many leases, and the first moment at which one of theirs expires."""
    async with admission.exchange.reading() as tx:
        rows = await tx.many(
            "SELECT owner, count(*), min(expires) FROM leases"
            " WHERE consumer = 'inbound' AND expires > clock_timestamp() GROUP BY owner"
        )
    return {row["owner"]: (row["count"], row["min"]) for row in rows}


def is_held(admission, **wanted):
    async def look():
        return {owner: count for owner, (count, _) in (await held(admission)).items()} == wanted

    return look


def are_read(one, another):
    def look():
        return len(one.offsets) == len(another.offsets) == 2 and len(one.offsets | another.offsets) == 4

    return look


async def test_a_worker_keeps_its_share_however_long_a_step_takes_and_reads_no_more_than_that_afterwards(
    admission, source
):
    slow, quick = Topics(), Topics()
    slow.go_on.clear()
    async with running(admission, slow, "a"):
        await becomes(lambda: slow.polls, LIMIT_S)
        assert len(slow.offsets) == INBOUND_PARTITIONS
        async with running(admission, quick, "b"):
            await becomes(is_held(admission, a=8, b=8), LIMIT_S)
            _, expires = (await held(admission))["a"]

            async def is_renewed():
                return (await held(admission))["a"][1] > expires

            await becomes(is_renewed, LIMIT_S)
            assert slow.polls == 1
            slow.go_on.set()
            await becomes(are_read(slow, quick), LIMIT_S)


@pytest.mark.parametrize("asked", ["ensure", "ends"])
async def test_a_worker_that_is_cut_off_from_kafka_leaves_its_share_to_others_until_kafka_answers_it(
    admission, source, asked
):
    one, another = Topics(), Topics()
    async with running(admission, one, "a"), running(admission, another, "b"):
        await becomes(are_read(one, another), LIMIT_S)
        one.away = {"poll", asked}
        await becomes(is_held(admission, b=16), LIMIT_S)
        await becomes(lambda: len(another.offsets) == INBOUND_PARTITIONS, LIMIT_S)
        polls = one.polls
        one.away = set()
        await becomes(are_read(one, another), LIMIT_S)
        await becomes(is_held(admission, a=8, b=8), LIMIT_S)
        assert one.polls > polls


def lag_of(source):
    return REGISTRY.get_sample_value("dukao_inbound_lag_records", {"topic": topic_of(source)})


async def test_what_waits_is_told_as_far_as_it_is_known_also_while_kafka_is_away(admission, source):
    topics = Topics()
    async with running(admission, topics, "a"):
        topics.lag = 7
        await becomes(lambda: lag_of(source) == 7, LIMIT_S)
        topics.away, topics.lag = {"poll", "ensure"}, 9
        await becomes(lambda: lag_of(source) == 9, LIMIT_S)
        await becomes(is_held(admission), LIMIT_S)


async def test_nothing_waits_of_a_source_that_was_left_out(admission, source):
    topics, now = Topics(), [0.0]
    topics.lag = 7
    intake = Intake(admission, topics, clock=lambda: now[0])
    await intake.step()
    assert lag_of(source) == 7
    async with admission.exchange.begin(actor="test", action="types") as tx:
        drafted = await handlers.draft_types(
            tx, {"types": TYPES, "sources": {"another": {"title": "A"}}}, "ann"
        )
        await handlers.adopt_types(tx, drafted.version, "bob")
    now[0] = 2
    await intake.step()
    assert lag_of("another") == 7
    assert lag_of(source) == 0

"""A period whose cut has passed waits for ranking to hear what ingest told of days: no mismatch is unseen."""

import asyncio

import pytest

from services.ranking.contract import CONSUMER_DAYS, DAY_TURNED, NOTICES, DayTurned
from services.ranking.hearing import Notices
from shared.contracts import envelope
from shared.contracts.ingest import SOURCE
from shared.kernel.errors import Unavailable
from shared.kernel.records import Draft
from shared.messaging.archive import OwnArchive
from tests.ranking.closings import DAY, T, persons, persons_of
from tests.ranking.rig import service
from tests.ranking.test_closing import code_of

__all__ = ["persons", "service"]

MISSING = {"source": "desk", "day": "2021-03-31", "state": "missing", "difference": ""}


def turned(shard, day="2021-03-31", state="missing"):
    """Return what ingest tells of a day of the source desk in a shard."""
    told = DayTurned(source="desk", day=day, revision=1, state=state)
    return Draft(shard, envelope.encode(DAY_TURNED, SOURCE, "desk", told))


def waiting(shards, records):
    return [{"consumer": CONSUMER_DAYS, "stream": NOTICES, "shards": shards, "records": records}]


@pytest.fixture
async def ready(persons):
    """A period that can be closed."""
    await persons.begin()
    await persons.cut()
    return persons


async def test_a_mismatch_that_ranking_has_not_heard_of_yet_keeps_its_period_open(ready):
    await ready.tell(turned(5), turned(9, "2021-04-02"), turned(9, "2021-04-02", "agreed"))
    shown = await ready.effect()
    assert (shown["state"], shown["mismatches"], shown["waits"]) == ("open", [], waiting([5, 9], 3))
    refused = await ready.propose()
    assert code_of(refused) == (409, "cut_open")
    assert "3 records of ingest.notices in shards 5, 9" in refused.json()["detail"]
    await ready.hear(9)
    assert (await ready.effect())["waits"] == waiting([5], 1)
    assert code_of(await ready.propose()) == (409, "cut_open")
    await ready.hear(5)
    shown = await ready.effect()
    assert (shown["state"], shown["mismatches"], shown["waits"]) == ("ready", [MISSING], [])
    assert code_of(await ready.propose()) == (409, "mismatch_open")


async def test_what_is_told_between_asking_and_approving_is_heard_before_anything_is_frozen(ready):
    asked = (await ready.propose()).json()
    await ready.tell(turned(5))
    assert code_of(await ready.step(asked["id"], "approve", digest=asked["digest"])) == (409, "cut_open")
    await ready.hear(5)
    assert code_of(await ready.step(asked["id"], "approve", digest=asked["digest"])) == (409, "stale")


async def test_what_is_told_after_a_period_closed_keeps_nothing_waiting(ready):
    closed = await ready.close()
    await ready.tell(turned(5))
    shown = await ready.effect()
    assert (shown["state"], shown["waits"], shown["digest"]) == ("closed", [], closed["digest"])
    assert (await ready.body("/v1/cuts/mini"))["cuts"] == []


async def test_cuts_that_have_passed_name_what_their_periods_wait_for(ready):
    await ready.cut("2021-Q1")
    assert (await ready.body("/v1/cuts/mini"))["cuts"] == []
    await ready.tell(turned(5))
    line = {"version": 1, "cut": T, "day": DAY, "step": 5, "waits": waiting([5], 1)}
    cuts = [{"period": period} | line for period in ("2021-03", "2021-Q1")]
    assert await ready.body("/v1/cuts/mini") == {"scheme": "mini", "cuts": cuts}
    assert (await ready.body("/v1/cuts/other"))["cuts"] == []
    assert (await ready.ask("GET", "/v1/cuts/mini", roles=("integrator",))).status_code == 403
    await ready.hear(5)
    assert (await ready.body("/v1/cuts/mini"))["cuts"] == []


class HeardOnceAsked(OwnArchive):
    """An archive whose notices are heard when somebody has asked how far they reach, not before."""

    def __init__(self, exchange):
        super().__init__(exchange)
        self.asked = asyncio.Event()

    async def reached(self, stream):
        found = await super().reached(stream)
        self.asked.set()
        return found


async def test_who_closes_waits_a_moment_for_what_was_told_and_not_for_what_comes_meanwhile(
    service, tmp_path
):
    archive = HeardOnceAsked(service.exchange)
    async with persons_of(service, tmp_path, archive=archive, looks=100) as persons:
        await persons.begin()
        await persons.cut()
        digest = (await persons.effect())["digest"]
        await persons.tell(turned(5, "2021-04-02"))
        archive.asked.clear()
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(persons.propose(digest=digest))
            await archive.asked.wait()
            await persons.tell(turned(6, "2021-04-02"))
            await persons.hear(5)
        assert asking.result().status_code == 201, asking.result().text


class Away(OwnArchive):
    """The archive of a producer that does not answer."""

    async def reached(self, stream):
        raise Unavailable(f"the archive of {stream} does not answer")


async def test_while_ingest_is_away_nothing_is_closed_and_all_is_shown(service, tmp_path):
    async with persons_of(service, tmp_path, archive=Away(service.exchange)) as persons:
        await persons.begin()
        await persons.cut()
        shown = await persons.effect()
        assert (shown["state"], shown["waits"]) == ("open", waiting([], None))
        assert (await persons.body("/v1/cuts/mini"))["cuts"][0]["waits"] == waiting([], None)
        refused = await persons.propose()
        assert code_of(refused) == (409, "cut_open")
        assert "ingest does not answer" in refused.json()["detail"]


async def test_what_is_told_is_what_ingest_has_in_its_archive(service, persons):
    await persons.tell(turned(5), turned(5, state="agreed"))
    notices = Notices(service.exchange, OwnArchive(service.exchange))
    assert {shard: count for shard, count in (await notices.told() or {}).items() if count} == {5: 2}

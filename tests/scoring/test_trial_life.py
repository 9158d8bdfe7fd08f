"""The life of a trial on a real PostgreSQL: it begins over its months, ends without leaving anything, or is adopted."""

import pytest

from services.scoring import trials
from services.scoring.api import adoption_router
from services.scoring.contract import ACCEPTED, TRIAL_PARTIALS, TRIAL_SHARD_POSTED, TrialShardPosted
from services.scoring.trial_api import trials_router
from shared.contracts import envelope
from shared.kernel.errors import Refused
from shared.kernel.shards import SHARDS
from tests.scoring.manual import door_of
from tests.scoring.surveys import findings
from tests.scoring.test_stages import MARCH, accept, adopt, levy
from tests.scoring.trials import (
    ALL,
    end,
    events_of,
    feed,
    first,
    fresh,
    in_force,
    left,
    refused,
    start,
    start_drafted,
    stricter,
    told,
    tried,
    with_persons,
)

__all__ = ["fresh"]


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path, adoption_router, trials_router)


async def test_the_end_of_a_trial_leaves_nothing_behind_and_is_told(fresh):
    driver = await fresh(first())
    await feed(driver.exchange, ALL)
    await start(driver.exchange)
    await driver.run()
    assert all((await left(driver.exchange)).values())
    await end(driver.exchange)
    await accept(driver.exchange, [levy(50)])
    await driver.run()
    assert not any((await left(driver.exchange)).values())
    last = (await told(driver.exchange))[-1]
    assert (last.trial, last.ended, last.figures) == ("strict", True, ())
    assert not any(one.ended for one in (await told(driver.exchange))[:-1])


@pytest.mark.long
async def test_what_is_told_of_a_trial_after_its_end_is_dropped(fresh):
    """Stage B hears of the end before a shard of stage A does, which goes on telling for a while."""
    driver = await fresh(first())
    await start(driver.exchange)
    await driver.run()
    await end(driver.exchange)
    await driver.run_stage("t")
    await accept(driver.exchange, [levy(50)])
    await driver.hear(ACCEPTED)
    await driver.run_stage("t")
    await driver.run()
    assert not any((await left(driver.exchange)).values())
    assert (await told(driver.exchange))[-1].ended


async def test_each_shard_of_stage_a_is_told_once_after_the_first_figures_of_a_trial(fresh):
    """Stage B hears what shards have folded before it hears of the trial: it tells of them with its beginning."""
    driver = await fresh(first())
    await feed(driver.exchange, ALL)
    await driver.run()
    await start(driver.exchange)
    await driver.run_stage("a")
    stage_b = driver.stages[-1]
    driver.stages[-1] = "t", stage_b[1], (TRIAL_PARTIALS,)
    await driver.run_stage("t")
    assert await events_of(driver.exchange) == []
    driver.stages[-1] = stage_b
    await driver.run()
    kinds = [one.type for one in await events_of(driver.exchange)]
    marks = [
        envelope.decode_data(one, TrialShardPosted).shard
        for one in await events_of(driver.exchange)
        if one.type == TRIAL_SHARD_POSTED
    ]
    assert sorted(marks) == list(range(SHARDS))
    assert kinds.index(TRIAL_SHARD_POSTED) > 0
    assert set(kinds[kinds.index(TRIAL_SHARD_POSTED) :]) == {TRIAL_SHARD_POSTED}


async def test_adoption_scores_from_the_first_month_of_the_draft_alone_and_ends_its_trial(fresh, door):
    """Through the door: tried on 2021, in force from 2022; March 2021 stays with version 1."""
    driver = await fresh(first())
    await feed(driver.exchange, ALL)
    await driver.run()
    before = await in_force(driver.exchange, 1)
    draft = stricter()
    draft["scheme"] |= {"effective": "2022-01", "until": "2022-12"}
    asked = {"scheme": "mini", "version": 2, "trial": "strict", "reason": "试行新目标值"}
    asked |= {"first": "2021-01", "last": "2021-12"}
    author, approver = (
        {"who": who, "role": role, "unit": "/"} for who, role in (("ada", "author"), ("bob", "approver"))
    )
    async with door(driver.exchange) as client:
        drafted = await client.post("/v1/schemes", draft, 201, **author)
        read = {"digest": drafted["digest"]}
        begun = await client.post("/v1/trials", asked | read, 201, **author)
        assert (begun["state"], begun["first"], begun["started_by"]) == ("running", "2021-01", "ada")
        await driver.run()
        assert (await tried(driver.exchange))[MARCH, "b1", "ontime"] is not None
        assert await in_force(driver.exchange, 1) == before
        await client.post("/v1/schemes/mini/2:adopt", read, 403, who="ada", role="approver", unit="/")
        await client.post("/v1/schemes/mini/2:adopt", read, 200, **approver)
        late = [levy(70, unit="b1"), levy(71, time="2022-01-10T08:00:00+08:00")]
        await accept(driver.exchange, late)
        await driver.run()
        march, january = [
            await client.got(f"/v1/cells/{month}/b1/ontime", scheme="mini")
            for month in ("2021-03", "2022-01")
        ]
        assert (march["version"], january["version"]) == (1, 2)
        ended = await client.got("/v1/trials/mini/strict")
    assert (ended["state"], ended["ended_by"], ended["end_reason"]) == ("adopted", "bob", "adopted")
    assert not any((await left(driver.exchange)).values())
    after = await in_force(driver.exchange, 1)
    moved = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert (MARCH, "b1", "ontime") in moved
    assert {month for month, _, _ in moved} == {MARCH}
    assert {month // 12 for month, _, _ in await in_force(driver.exchange, 2)} == {2022}


@pytest.mark.long
async def test_a_redraft_does_not_change_what_runs_and_its_adoption_does_not_end_it(fresh):
    driver = await fresh(first())
    await feed(driver.exchange, ALL)
    await start(driver.exchange)
    await driver.run()
    running = await tried(driver.exchange)
    await adopt(driver.exchange, first(2))
    await driver.run()
    assert await tried(driver.exchange) == running
    async with driver.exchange.reading() as tx:
        assert (await trials.show(tx, "mini", "strict")).ended is None


async def test_a_trial_over_other_months_takes_no_doubt_away(fresh):
    """An event of 2020 waits for a scheme; a trial of 2020 scores it and it goes on waiting."""
    driver = await fresh(first())
    await accept(driver.exchange, [levy(31, time="2020-12-31T08:00:00+08:00")])
    await start(driver.exchange, first="2020-01", last="2020-12")
    await accept(driver.exchange, [levy(32, time="2020-11-30T08:00:00+08:00")])
    await driver.run()
    async with driver.exchange.reading() as tx:
        waiting = await tx.many("SELECT what FROM suspense WHERE settled IS NULL ORDER BY what")
    assert [one["what"] for one in waiting] == ["2020-11", "2020-12"]
    months = {
        (month, unit) for (month, unit, code), _ in (await tried(driver.exchange)).items() if code == "ontime"
    }
    assert {(2020 * 12 + 10, "b1"), (2020 * 12 + 11, "b1")} == months


async def test_a_draft_of_next_year_is_tried_on_half_of_this_one_whatever_it_says_of_its_own_months(fresh):
    """Its round, its measure, what does not apply and a cycle of a year lie outside the months tried."""
    driver = await fresh(with_persons(first()))
    await feed(driver.exchange, ALL)
    await driver.run()
    draft = with_persons(stricter())
    draft["scheme"] |= {"effective": "2022-01", "until": "2022-12"}
    draft["surveys"]["ratings"]["rounds"] = [{"opens": "2022-03-10", "closes": "2022-03-25", "remind": []}]
    draft["measures"]["made"]["effective"] = "2022-01"
    gone = {"units": ["b1"], "from": "2022-03", "until": "2022-12", "reason": "无此业务"}
    draft["indicators"][0] |= {"not_applicable": [gone], "cycle": "year"}
    begun = await start(driver.exchange, draft, first="2021-01", last="2021-06")
    assert (begun.first, begun.last) == ("2021-01", "2021-06")
    await driver.run()
    cells = await tried(driver.exchange)
    assert cells[MARCH, "b1", "ontime"] is not None
    assert {month for month, _, _ in cells} == set(range(MARCH - 2, MARCH + 4))


async def test_a_day_that_no_version_rules_is_refused_at_the_start_as_by_adoption_unless_it_is_tried(fresh):
    exchange = (await fresh()).exchange
    draft = stricter()
    draft["scheme"]["effective"] = "2021-07"
    draft["indicators"][0] |= {"cycle": "point", "dates": ["2021-08-31", "2021-03-31"]}
    wanted = await findings(exchange, draft)
    assert [(one["path"], one["code"]) for one in wanted] == [("/indicators/0/dates/1", "dates")]
    for months in ({}, {"first": "2021-09"}):
        with pytest.raises(Refused) as found:
            await start_drafted(exchange, **months)
        assert (found.value.problem.code, found.value.problem.extra) == (
            "scheme_refused",
            {"findings": wanted},
        )
    assert (await start_drafted(exchange, first="2021-03")).first == "2021-03"
    draft["indicators"][0]["dates"] = ["2021-08-31"]
    assert (await start(exchange, draft, "autumn", first="2021-09")).first == "2021-09"


async def test_batches_after_a_trial_look_no_more_for_what_it_left(fresh):
    """A row that is put there by hand stays: nobody looks for it."""
    driver = await fresh(first())
    await start(driver.exchange)
    await driver.run()
    await end(driver.exchange)
    await driver.run()
    async with driver.exchange.begin(actor="test", action="plant") as tx:
        await tx.execute(
            "INSERT INTO inputs SELECT shard, code || '@2', 'b1', 'levy.done.v1', 24254, 0, '[1,1,1]' "
            "FROM in_force WHERE stage = 'trial-over'"
        )
    planted = (await left(driver.exchange))["inputs"]
    assert planted > 0
    await start(driver.exchange, name="other")
    await accept(driver.exchange, [levy(50)])
    await driver.run()
    async with driver.exchange.reading() as tx:
        rows = await tx.many("SELECT count(*) AS rows FROM inputs WHERE scheme = 'mini~strict@2'")
    assert rows[0]["rows"] == planted


async def test_what_cannot_be_tried_is_refused_with_a_reason(fresh):
    driver = await fresh(first())
    exchange = driver.exchange
    await start(exchange)
    assert await refused(start_drafted(exchange)) == "trial_exists"
    assert await refused(start_drafted(exchange, name="other", digest="0" * 64)) == "digest_changed"
    assert await refused(start_drafted(exchange, version=1, name="other")) == "already_adopted"
    assert (
        await refused(start_drafted(exchange, name="other", first="2021-11", last="2022-02"))
        == "scheme_refused"
    )
    await start_drafted(exchange, name="second")
    await start_drafted(exchange, name="third")
    assert await refused(start_drafted(exchange, name="fourth")) == "too_many_trials"
    await end(exchange)
    assert await refused(end(exchange)) == "trial_over"
    assert await refused(end(exchange, "none")) == "not_found"
    await start_drafted(exchange, name="fourth")

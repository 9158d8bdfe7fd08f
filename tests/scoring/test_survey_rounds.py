"""Rounds of surveys: days open and close them, whatever order ticks and versions come in; each is counted once."""

import asyncio

import pytest

from services.scoring import clocks, handlers
from services.scoring.contract import (
    ACCEPTED,
    SURVEY_COUNTED,
    SURVEY_TURNED,
    SURVEYS,
)
from services.scoring.survey_answers import Batch
from services.scoring.surveying import Desk
from shared.kernel.errors import Refused
from shared.kernel.shards import SHARDS
from tests.scoring.surveys import (
    CLOSED,
    METHOD,
    OPEN,
    ROUND,
    ROUND_ID,
    Raters,
    WithSurveys,
    begun,
    closed,
    door,
    refused,
    scheme,
    scored,
    told,
)
from tests.scoring.test_stages import adopt, scoring, teach

__all__ = ["door", "scoring"]


async def all_turns(exchange):
    """Return every turn with its round as it was told, and what is kept of turns and clocks."""
    async with exchange.reading() as tx:
        kept = {(row["survey"], row["turn"]) for row in await tx.many("SELECT * FROM survey_turns")}
        known = await clocks.read(tx, range(SHARDS))
    turns = [(one.round, one.turn.value, one.day) for one in await told(exchange, SURVEY_TURNED)]
    counted = sorted((one.key, one.short) for one in await told(exchange, SURVEY_COUNTED))
    return turns, kept, {clock.minute for clock in known.values()}, counted


async def test_what_is_told_of_a_round_follows_from_ticks_and_schemes_in_any_order(scoring):
    found = []
    for place in range(3):
        exchange = await scoring()
        driver = WithSurveys(exchange)
        await teach(exchange)
        await driver.run()
        for at, minute in enumerate((OPEN, CLOSED, None)):
            if at == place:
                await adopt(exchange, scheme())
                await driver.run()
            if minute is not None:
                await driver.tick(minute)
        found.append(await all_turns(exchange))
    turns, kept, minutes, counted = found[0]
    assert [what for _, what, _ in turns] == ["opened", "reminded", "closed"]
    assert (len(kept), minutes, len(counted)) == (3, {CLOSED}, 2)
    assert found[1:] == found[:1] * 2


async def test_a_version_on_its_way_to_a_shard_is_waited_for_where_it_asks_otherwise(scoring):
    found = []
    for early in (False, True):
        exchange, driver = await begun(scoring)
        await adopt(exchange, scheme(version=2, rounds=(ROUND | {"opens": "2021-03-12"},)))
        name, stage, inputs = driver.stages[0]
        if early:
            driver.stages[0] = name, stage, (ACCEPTED, SURVEYS)
        await driver.tick(OPEN)
        driver.stages[0] = name, stage, inputs
        await driver.run()
        assert await told(exchange, SURVEY_TURNED) == []
        await driver.tick("2021-03-12T00:00:00Z")
        found.append(await all_turns(exchange))
    assert found[0][0] == [(ROUND_ID, "opened", "2021-03-12")]
    assert found[0] == found[1]


async def someone_waits_for(exchange, task):
    """Return once a transaction waits for another of this schema, or the task is over."""
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory') AS one"
    async with asyncio.timeout(10):
        while not task.done():
            async with exchange.reading() as tx:
                if (await tx.many(waits))[0]["one"]:
                    return


LATER = scheme(version=2, rounds=(ROUND | {"closes": "2021-03-24"},))


async def test_an_adoption_beside_the_opening_of_a_round_comes_before_or_after_it(scoring):
    exchange, driver = await begun(scoring)
    await driver.told_minute(OPEN)
    async with exchange.begin(actor="stage a", action="applied") as tx:
        await driver.apply_a(tx)
        adopting = asyncio.ensure_future(adopt(exchange, LATER))
        await someone_waits_for(exchange, adopting)
    with pytest.raises(Refused) as found:
        await adopting
    assert {one["code"] for one in found.value.problem.extra["findings"]} == {"round_begun"}

    exchange, driver = await begun(scoring)
    await driver.told_minute(OPEN)
    async with exchange.begin(actor="ada", action="draft") as tx:
        await handlers.draft_scheme(tx, LATER, "ada")
    async with exchange.begin(actor="bob", action="adopt") as tx:
        await handlers.adopt_scheme(tx, "mini", 2, "bob")
        opening = asyncio.ensure_future(driver.run_stage("a"))
        await someone_waits_for(exchange, opening)
    await opening
    assert await told(exchange, SURVEY_TURNED) == []
    await driver.run()
    (opened,) = await told(exchange, SURVEY_TURNED)
    assert (opened.turn.value, opened.closes) == ("opened", "2021-03-24")


async def test_tokens_are_not_issued_for_days_that_an_adoption_changes_meanwhile(scoring):
    exchange, _ = await begun(scoring)
    async with exchange.begin(actor="olga", action="issue survey tokens") as tx:
        await Desk().issue(tx, ROUND_ID, Batch(rater="leaders", count=5))
        adopting = asyncio.ensure_future(adopt(exchange, LATER))
        await someone_waits_for(exchange, adopting)
    with pytest.raises(Refused) as found:
        await adopting
    assert {one["code"] for one in found.value.problem.extra["findings"]} == {"round_begun"}


@pytest.mark.long
async def test_rounds_are_counted_each_in_its_month_and_listed_a_page_at_a_time(scoring, door):
    june = {"opens": "2021-06-01", "closes": "2021-06-20"}
    exchange, driver = await begun(scoring, scheme(rounds=(ROUND, june)))
    async with door(exchange) as client:
        page = await client.got("/v1/surveys", limit=1)
        assert [one["id"] for one in page["items"]] == [ROUND_ID]
        page = await client.got("/v1/surveys", limit=1, after=page["next"])
        assert ([one["id"] for one in page["items"]], page["next"]) == (["mini~ratings~2021-06"], None)
    await driver.tick("2021-06-21T00:00:00Z")
    counted = await told(exchange, SURVEY_COUNTED)
    assert {(one.month, one.short) for one in counted} == {
        ("2021-03", ("leaders", "public")),
        ("2021-06", ("leaders", "public")),
    }
    assert await scored(exchange) == {}


@pytest.mark.long
async def test_a_version_changes_a_round_until_tokens_are_issued(scoring, door):
    exchange, driver = await begun(scoring)
    await adopt(exchange, scheme(version=2, rounds=(ROUND | {"closes": "2021-03-24"},)))
    await driver.run()
    async with door(exchange) as client:
        await Raters(client).tokens("leaders", 5)
    assert await refused(exchange, scheme(version=3)) == [("/surveys/ratings/rounds", "round_begun")]


@pytest.mark.long
async def test_sums_of_a_closed_round_are_not_read_on_another_scale(scoring, door):
    exchange, driver = await closed(scoring, door)
    before = await scored(exchange)
    found = await refused(exchange, scheme(version=2, method=METHOD | {"scale": 10}))
    assert found == [("/indicators/1/method/survey", "round_begun")]
    await driver.run()
    assert await scored(exchange) == before

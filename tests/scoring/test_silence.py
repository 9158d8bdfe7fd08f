"""A stale feed is never a zero: what has no event is not assessed, what has some is scored and marked."""

import copy

import pytest

from services.scoring.contract import (
    ACCEPTED,
    ENTRIES,
    FEED_FRESH,
    FEED_STALE,
    EntriesPosted,
    FeedFresh,
    FeedStale,
)
from services.scoring.domain.proof import Scope
from services.scoring.proving import prove
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.contracts.scoring import UnitSilence
from shared.kernel.records import Draft
from shared.kernel.shards import PARTITIONS, SHARDS
from tests.scoring.test_absences import figures
from tests.scoring.test_explain import door, got
from tests.scoring.test_stages import (
    MARCH,
    SCHEME,
    TYPES,
    Driver,
    accept,
    adopt,
    kept_cells,
    levy,
    missed,
    scoring,
    teach,
)
from tests.scoring.test_verify import Ahead, settled, tell_wrong

__all__ = ["door", "scoring"]
FEED = {"title": "Risks", "types": ["risk.missed.v1"], "within_minutes": 60}
LAST = "2021-03-20T02:00:00.000000Z"
FROM_MARCH = {"missed": tuple(f"2021-{month:02d}" for month in range(3, 13))}


def taught(**source):
    return TYPES | {"sources": {"s": {"title": "S", "feeds": {"risks": FEED}} | source}}


async def turn(exchange, kind, last=LAST, types=("risk.missed.v1",)):
    """Tell every shard that the feed turned, as ingest does."""
    model = FeedStale if kind == FEED_STALE else FeedFresh
    told = model(
        source="s",
        feed="risks",
        types=types,
        last=last,
        due="2021-03-20T03:00:00.000000Z",
        minute="2021-03-20T03:01:00.000000Z",
    )
    body = envelope.encode(kind, "dukao/ingest", "s/risks", told)
    async with exchange.begin(actor="test", action="feed") as tx:
        await tx.append(ACCEPTED, [Draft(shard, body) for shard in range(SHARDS)])


async def begun(scoring, *steps, document=None):
    """Return an exchange on which types are known and steps were applied one by one."""
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange, document=document or taught())
    await driver.run()
    await gone_on(exchange, driver, *steps)
    return exchange, driver


async def gone_on(exchange, driver, *steps):
    for step in steps:
        await step(exchange)
        await driver.run()


async def missing(exchange, month=MARCH):
    """Return the deductions of a month by unit, None without a cell."""
    async with exchange.reading() as tx:
        kept = await kept_cells(tx)
    return {unit: kept.get((month, unit, "missed")) for unit in ("b1", "b2")}


async def proven(exchange, driver):
    await settled(exchange, driver)
    async with exchange.snapshot() as tx:
        return [one async for one in prove(tx, Scope(), Ahead())]


async def silences(exchange):
    """Return what was told last of silent feeds, by unit and indicator the months."""
    return {one.unit: dict(one.months) for told in await postings(exchange) for one in told.silent}


async def postings(exchange):
    async with exchange.reading() as tx:
        return [
            envelope.decode_data(known_event(ENTRIES, record.body), EntriesPosted)
            for shard in sorted(await tx.reached(ENTRIES))
            for record in await tx.read(ENTRIES, shard, 0, 1000)
        ]


def events(*found):
    return lambda exchange: accept(exchange, list(found))


def stale(exchange):
    return turn(exchange, FEED_STALE)


def fresh(exchange):
    return turn(exchange, FEED_FRESH)


ONE = events(levy(1), levy(2, unit="b2"), missed(1, "2021-03-10T08:00:00+08:00"))


async def test_what_is_silent_is_told_in_pages_and_each_unit_whole(scoring):
    document = copy.deepcopy(SCHEME)
    document["units"] = [
        document["units"][0],
        *({"code": f"b{at}", "parent": "hq", "name": "B", "level": "bureau"} for at in range(420)),
    ]
    exchange, _ = await begun(
        scoring, lambda exchange: adopt(exchange, document), lambda exchange: turn(exchange, FEED_STALE)
    )
    told = await postings(exchange)
    sizes = [sum(len(months) for one in posted.silent for months in one.months.values()) for posted in told]
    assert max(sizes) < 4_000 + 12
    heard = [one for posted in told for one in posted.silent if one.months]
    assert sorted(one.unit for one in heard) == sorted(f"b{at}" for at in range(420))
    assert all(dict(one.months) == FROM_MARCH for one in heard)


async def test_a_deduction_without_an_event_is_worth_its_points_unless_its_feed_is_stale(scoring, door):
    exchange, driver = await begun(scoring, adopt, ONE)
    assert await missing(exchange) == {"b1": 9.5, "b2": 10}
    await gone_on(exchange, driver, stale)
    assert await missing(exchange) == {"b1": 9.5, "b2": None}
    assert await missing(exchange, MARCH - 1) == {"b1": 10, "b2": 10}
    assert await missing(exchange, MARCH + 1) == {"b1": None, "b2": None}
    told = await figures(exchange, "b2")
    assert (told["2021-03", "missed"], told["2021-Q1", "missed"]) == (None, None)
    assert told["2021-02", "missed"] == "10.000000000000"
    async with door(exchange) as client:
        seen = [(await got(client, f"/v1/cells/2021-03/{unit}/missed"))["figure"] for unit in ("b1", "b2")]
        other = (await got(client, "/v1/cells/2021-03/b2/ontime"))["figure"]
        before = (await got(client, "/v1/cells/2021-02/b2/missed"))["figure"]
    assert [(one["published"], one["state"], one["stale"]) for one in seen] == [
        ("9.50", "scored", True),
        (None, "not_assessed", True),
    ]
    assert (other["state"], other["stale"], before["stale"]) == ("scored", False, False)
    assert await proven(exchange, driver) == []
    assert await silences(exchange) == {"b1": FROM_MARCH, "b2": FROM_MARCH}
    await gone_on(exchange, driver, fresh)
    assert await missing(exchange) == {"b1": 9.5, "b2": 10}
    assert await silences(exchange) == {"b1": {}, "b2": {}}
    assert await proven(exchange, driver) == []


async def test_a_proof_finds_a_silence_that_was_told_otherwise(scoring):
    exchange, driver = await begun(scoring, adopt, ONE, stale)
    april = UnitSilence(unit="b1", months={"missed": FROM_MARCH["missed"][1:]})
    await tell_wrong(exchange, silent=(april,))
    (found,) = await proven(exchange, driver)
    assert (found.what, str(found.cells[0])) == ("silent", "mini@1 2021-03 b1 missed")
    assert (found.found, found.expected) == ("not silent", "silent")


async def test_an_event_of_a_stale_feed_is_scored_when_it_comes(scoring):
    late = events(missed(2, "2021-03-12T08:00:00+08:00", unit="b2"))
    exchange, _ = await begun(scoring, adopt, stale, late)
    assert await missing(exchange) == {"b1": None, "b2": 9.5}


@pytest.mark.parametrize("order", [(stale, adopt, ONE), (ONE, stale, adopt), (adopt, stale, ONE)])
async def test_when_a_scheme_is_adopted_leaves_no_trace(scoring, order):
    exchange, driver = await begun(scoring, *order)
    assert await missing(exchange) == {"b1": 9.5, "b2": None}
    assert await silences(exchange) == {"b1": FROM_MARCH, "b2": FROM_MARCH}
    driver.stages[1][1].forget(range(PARTITIONS))
    await gone_on(exchange, driver, fresh)
    assert await missing(exchange) == {"b1": 9.5, "b2": 10}
    assert await proven(exchange, driver) == []


async def test_a_feed_of_some_units_is_silent_about_these_alone(scoring):
    exchange, _ = await begun(scoring, adopt, stale, document=taught(units=["b2*"]))
    assert await missing(exchange) == {"b1": 10, "b2": None}


async def test_a_feed_of_which_nothing_ever_came_is_silent_about_all_months(scoring):
    exchange, _ = await begun(scoring, adopt, lambda at: turn(at, FEED_STALE, last=None))
    assert await missing(exchange, 2021 * 12) == {"b1": None, "b2": None}


async def test_a_feed_that_a_newer_catalogue_leaves_out_is_silent_no_more(scoring):
    exchange, driver = await begun(scoring, adopt, stale)
    await teach(exchange, 2, taught(feeds={}))
    await driver.run()
    assert await missing(exchange) == {"b1": 10, "b2": 10}
    await stale(exchange)
    await teach(exchange, 3, taught(feeds={}))
    await driver.run()
    assert await missing(exchange) == {"b1": 10, "b2": 10}
    assert await proven(exchange, driver) == []


async def test_the_feed_of_other_types_concerns_no_deduction(scoring):
    exchange, _ = await begun(scoring, adopt, lambda at: turn(at, FEED_STALE, types=("levy.done.v1",)))
    assert await missing(exchange) == {"b1": 10, "b2": 10}


async def test_an_award_of_a_stale_feed_is_not_zero(scoring):
    document = copy.deepcopy(SCHEME)
    document["indicators"].append(
        document["indicators"][1]
        | {
            "code": "award",
            "method": {"bonus": {"levels": [{"level": "L", "measure": "missed", "each": "1"}]}},
        }
    )
    del document["indicators"][2]["board"]
    exchange, driver = await begun(scoring, lambda at: adopt(at, document), stale)
    async with exchange.reading() as tx:
        assert (MARCH, "b1", "award") not in await kept_cells(tx)
    await gone_on(exchange, driver, fresh)
    async with exchange.reading() as tx:
        assert (await kept_cells(tx))[MARCH, "b1", "award"] == 0


async def test_a_year_that_two_versions_rule_is_not_assessed_while_its_feed_is_stale(scoring, door):
    later = copy.deepcopy(SCHEME)
    later["scheme"] |= {"version": 2, "effective": "2021-07"}
    later["indicators"][1]["method"] = {"deduct": {"each": "1"}}
    exchange, driver = await begun(scoring, adopt, lambda at: adopt(at, later), ONE)
    assert (await figures(exchange, "b2"))["2021", "missed"] == "10.000000000000"
    await gone_on(exchange, driver, stale)
    assert (await figures(exchange, "b2"))["2021", "missed"] is None
    assert (await figures(exchange, "b1"))["2021", "missed"] == "9.500000000000"
    async with door(exchange) as client:
        figure = (await got(client, "/v1/cells/2021/b2/missed"))["figure"]
    assert (figure["state"], figure["stale"]) == ("not_assessed", True)
    await gone_on(exchange, driver, fresh)
    assert (await figures(exchange, "b2"))["2021", "missed"] == "10.000000000000"

"""Ready results of another system on a real PostgreSQL: taken as facts, compared when read, no score moved."""

import copy

import pytest

from services.scoring.api import cells_router
from services.scoring.contract import ACCEPTED, POINTS, REVIEW_DECIDED, SCHEMES
from services.scoring.domain.proof import Wrong
from services.scoring.reconciliation_api import reconciliations_router
from services.scoring.stage_a import StageA
from shared.contracts import envelope
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from tests.scoring import test_stages
from tests.scoring.doors import Served
from tests.scoring.test_stages import MARCH, SCHEME, TYPES, accept, adopt, cells, levy, scoring
from tests.scoring.test_verify import proof, settled
from tests.scoring.trials import reviewed

__all__ = ["scoring"]
PUBLISHED = {
    "rate.published.v1": {
        "title": "A rate was published",
        "fields": {"rate": {"type": "decimal", "scale": 4, "required": True}, "of": {"type": "time"}},
    }
}
MEASURE = {"over": "rate.published.v1", "period_by": "of", "numerator": "sum(rate)"}
RESULT = {"title": "Rate", "official": "published", "ours": "ontime", "groups": ["bureaus"]}


def scheme(**result):
    document = copy.deepcopy(SCHEME)
    document["measures"]["published"] = MEASURE
    return document | {"results": {"rate": RESULT | result}}


def rate(number, value, unit="b1", **more):
    """A rate of March that is published in April."""
    return {
        "specversion": "1.0",
        "source": "other",
        "id": f"r{number}",
        "type": "rate.published.v1",
        "subject": unit,
        "time": "2021-04-05T08:00:00+08:00",
        "data": {"rate": value, "of": "2021-03-31T00:00:00+08:00"},
    } | more


@pytest.fixture
def door(tmp_path):
    served = Served(tmp_path, reconciliations_router, cells_router)

    def opened(exchange, *, unit="/"):
        return served.client(exchange, served.mint("ada", ["reader"], unit))

    return opened


async def begun(scoring, document):
    return await test_stages.begun(scoring, document, types=TYPES | {"types": TYPES["types"] | PUBLISHED})


async def asked(client, period="2021-03", status=200, **query):
    answer = await client.get("/v1/reconciliations", params={"scheme": "mini", "period": period, **query})
    assert answer.status_code == status, answer.text
    return answer.json()


def states(found):
    return {one["unit"]: one["state"] for one in found["items"]}


async def test_what_was_published_is_compared_and_what_changes_later_is_compared_anew(scoring, door):
    exchange, driver = await begun(scoring, scheme())
    async with door(exchange) as client:
        assert states(await asked(client)) == {"b1": "neither", "b2": "neither"}
        await accept(exchange, [levy(1), levy(2, ontime=False), rate(1, "0.5"), rate(2, "0.75", "b2")])
        await driver.run()
        before = await cells(exchange)
        assert states(await asked(client)) == {"b1": "equal", "b2": "only_official"}
        await accept(exchange, [levy(3, unit="b2"), levy(4, unit="b2", ontime=False)])
        await accept(exchange, [levy("1c", voucher="v1", ontime=False, **revision("l1"))])
        await driver.run()
        b1, b2 = (await asked(client, differing="true"))["items"]
        assert (b1["state"], b1["apart"], b1["official"]["numerator"]) == ("differs", "0.5", "0.5")
        assert b1["ours"] == {"numerator": "0", "denominator": "2", "ratio": "0.000000"}
        assert (b2["state"], b2["apart"]) == ("differs", "0.25")
        corrected = [
            rate("1c", "0", **revision("r1", "other")),
            rate("2c", None, "b2", **revision("r2", "other")),
        ]
        del corrected[1]["data"]
        await accept(exchange, corrected)
        await driver.run()
        assert states(await asked(client)) == {"b1": "equal", "b2": "only_ours"}
        assert states(await asked(client, differing="true")) == {"b2": "only_ours"}
        assert states(await asked(client, "2021-04")) == {"b1": "neither", "b2": "neither"}
    assert before[MARCH, "b2", "missed"] == (await cells(exchange))[MARCH, "b2", "missed"] == 10


def revision(event, source="s"):
    return {"revision": 1, "correctssource": source, "correctsid": event}


def taken(document):
    """Return a scheme in which an indicator takes what was published, as its score."""
    document = copy.deepcopy(document)
    document["scheme"]["total"] = document["boards"][0]["points"] = "30"
    one = document["indicators"][0] | {"code": "told", "measure": "published", "collection": "system"}
    document["indicators"].append(one)
    return document


async def test_to_compare_a_ready_result_moves_no_score_though_it_may_be_one(scoring):
    """With and without `results`, under which the same was published of both units, one of them wrongly."""
    held = []
    for document in (scheme(), {**scheme(), "results": {}}):
        exchange, driver = await begun(scoring, taken(document))
        await accept(exchange, [levy(1), levy(2, ontime=False), levy(3, unit="b2")])
        await accept(exchange, [rate(1, "0.49"), rate(2, "0.1", "b2")])
        await driver.run()
        await accept(exchange, [rate("1c", "0.98", **revision("r1", "other"))])
        await driver.run()
        async with exchange.reading() as tx:
            rows = await tx.many("SELECT unit, month, indicator, old, new FROM entries ORDER BY id")
        held.append((await cells(exchange), [tuple(row.values()) for row in rows]))
    assert held[0] == held[1]
    assert (held[0][0][MARCH, "b1", "told"], len(held[0][1])) == (10, len(set(held[0][1])))


async def test_what_a_review_changes_is_not_what_the_raw_facts_give(scoring, door):
    exchange, driver = await begun(scoring, scheme())
    driver.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, POINTS)
    await accept(exchange, [levy(1), levy(2, ontime=False), rate(1, "0.5")])
    await driver.run()
    before = await cells(exchange)
    one = reviewed("r1", indicator="ontime", numerator="1")
    async with exchange.begin(actor="test", action="review") as tx:
        body = envelope.encode(REVIEW_DECIDED, "dukao/scoring", "r1", one)
        await tx.append(POINTS, [Draft(shard_of("b1"), body)])
    await driver.run()
    assert (before[MARCH, "b1", "ontime"], (await cells(exchange))[MARCH, "b1", "ontime"]) != (10, 10)
    assert (await cells(exchange))[MARCH, "b1", "ontime"] == 10
    async with door(exchange) as client:
        assert states(await asked(client)) == {"b1": "equal", "b2": "neither"}


async def test_what_is_published_of_a_unit_counts_for_no_other_above_it(scoring, door):
    document = scheme(groups=["bureaus", "cities"])
    document["units"] += [
        {"code": code, "parent": "b1", "name": code, "level": "city"} for code in ("c1", "c2")
    ]
    document["groups"]["cities"] = {"level": "city", "title": "Cities"}
    document["measures"]["published"] = MEASURE | {"counts_for": "named"}
    exchange, driver = await begun(scoring, taken(document))
    done = [levy(number, unit="c1", ontime=number > 1) for number in range(1, 5)]
    await accept(exchange, [*done, levy(5, unit="c2")])
    await accept(exchange, [rate(1, "0.8"), rate(2, "0.75", "c1"), rate(3, "0.5", "c2")])
    await driver.run()
    async with door(exchange) as client:
        found = await asked(client)
        told = (await client.get("/v1/cells/2021-03/b1/told/explain?scheme=mini")).json()
    assert states(found) == {"b1": "equal", "b2": "neither", "c1": "equal", "c2": "differs"}
    assert found["items"][0]["official"]["numerator"] == "0.8"
    assert [(row["unit"], row["counted"]) for row in told["rows"]] == [("b1", True)]
    await settled(exchange, driver)
    assert await proof(exchange) == []


@pytest.mark.parametrize(("tolerance", "state"), [("0.0033", "differs"), ("0.0034", "equal")])
async def test_a_tolerance_is_reached_or_not(scoring, door, tolerance, state):
    exchange, driver = await begun(scoring, scheme(tolerance=tolerance))
    await accept(exchange, [levy(1), levy(2), levy(3, ontime=False), rate(1, "0.67")])
    await driver.run()
    async with door(exchange) as client:
        (one, _) = (await asked(client))["items"]
    assert (one["state"], one["apart"]) == (state, "0.003333333333")


async def test_a_result_is_compared_in_the_periods_for_which_it_is_published(scoring, door):
    exchange, driver = await begun(scoring, scheme(cycle="quarter"))
    january = levy(1, time="2021-01-10T08:00:00+08:00")
    await accept(exchange, [january, levy(2, ontime=False), rate(1, "0.5")])
    await driver.run()
    async with door(exchange) as client:
        assert (await asked(client))["items"] == []
        assert states(await asked(client, "2021-Q1")) == {"b1": "equal", "b2": "neither"}
        assert (await asked(client, "2022-Q1", 404))["code"] == "not_found"
        assert (await asked(client, "2021-Q5", 422))["code"] == "period"


async def test_a_version_compares_the_periods_that_it_rules_whole(scoring, door):
    exchange, driver = await begun(scoring, scheme(cycle="quarter"))
    newer = scheme(cycle="quarter")
    newer["scheme"] |= {"version": 2, "effective": "2021-08"}
    await adopt(exchange, newer)
    await driver.run()
    await accept(exchange, [levy(1), rate(1, "1")])
    await driver.run()
    async with door(exchange) as client:
        assert [(await asked(client, period))["version"] for period in ("2021-Q1", "2021-Q4")] == [1, 2]
        assert states(await asked(client, "2021-Q1", version=1)) == {"b1": "equal", "b2": "neither"}
        for period, version in (
            ("Q3", {}),
            ("Q3", {"version": 1}),
            ("Q3", {"version": 2}),
            ("Q4", {"version": 1}),
        ):
            assert (await asked(client, f"2021-{period}", 404, **version))["code"] == "not_found"


async def test_a_unit_sees_its_own_and_pages_hold_units(scoring, door):
    exchange, _ = await begun(scoring, scheme())
    async with door(exchange, unit="/hq/b2") as client:
        assert states(await asked(client)) == {"b2": "neither"}
        assert (await asked(client))["next"] is None
    async with door(exchange) as client:
        first = await asked(client, limit=1)
        assert states(first) == {"b1": "neither"}
        last = await asked(client, limit=1, after=first["next"])
        assert (states(last), last["next"]) == ({"b2": "neither"}, None)
        assert (await asked(client, "2021-02", 422, after=first["next"]))["code"] == "cursor"


async def test_what_was_published_is_proved_as_raw_facts_are(scoring):
    exchange, driver = await begun(scoring, scheme())
    await accept(exchange, [levy(1), rate(1, "0.5")])
    await driver.run()
    await settled(exchange, driver)
    assert await proof(exchange) == []
    async with exchange.begin(actor="mallory", action="tamper") as tx:
        await tx.execute("UPDATE inputs SET numbers = '[900000,1]' WHERE over = 'rate.published.v1'")
    assert {one.what for one in await proof(exchange)} == {Wrong.INPUT}

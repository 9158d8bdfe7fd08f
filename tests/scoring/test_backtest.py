"""Two versions of a measure on a past period, per unit, over the facts that are stored: nothing is scored."""

import asyncio
import copy

import pytest

from services.scoring import handlers
from tests.scoring.test_schemes import AUTHOR, door
from tests.scoring.test_stages import SCHEME, Driver, accept, adopt, levy, scoring, teach

__all__ = ["door", "scoring"]
PATH = "/v1/measures/mini/ontime/{}:backtest"


def stricter(**measure):
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"version": 2, "effective": "2022-01", "until": "2022-12"}
    document["measures"]["ontime"] |= {"version": 2, "numerator": "count(ontime) FILTER (WHERE NOT ontime)"}
    document["measures"]["ontime"] |= measure
    return document


async def asked(client, period, before=1, after=2):
    return await client.get(PATH.format(period), params={"before": before, "after": after})


@pytest.fixture
async def full(scoring):
    """Facts of two bureaus in March, one corrected, one in doubt for its unit; a draft beside version 1."""
    exchange = await scoring()
    await teach(exchange)
    await Driver(exchange).run()
    await adopt(exchange)
    corrected = levy(3) | {"id": "e3r1", "correctssource": "s", "correctsid": levy(3)["id"], "revision": 1}
    corrected["data"] = levy(3)["data"] | {"ontime": False}
    await accept(exchange, [levy(1), levy(2, ontime=False), levy(3), levy(4, unit="b2"), levy(5, unit="b9")])
    await Driver(exchange).run()
    await accept(exchange, [corrected])
    await Driver(exchange).run()
    async with exchange.begin(actor="ada", action="draft scheme") as tx:
        await handlers.draft_scheme(tx, stricter(), "ada")
    return exchange


async def test_a_draft_of_another_year_is_compared_on_a_past_period_per_unit(full, door):
    async with door(full, AUTHOR) as client:
        answer = await asked(client, "2021-Q1")
    found = answer.json()
    assert answer.status_code == 200, found
    units = {one["unit"]: one for one in found["units"]}
    assert units.keys() == {"b1", "b2"}
    assert units["b1"]["before"] == {"numerator": "1", "denominator": "3", "ratio": "0.333333"}
    assert units["b1"]["after"] == {"numerator": "2", "denominator": "3", "ratio": "0.666667"}
    assert units["b2"]["after"] == {"numerator": "0", "denominator": "1", "ratio": "0.000000"}
    assert (found["facts"], found["differing"]) == (5, 2)
    assert found["definitions"]["after"]["version"] == 2


async def test_what_is_recomputed_is_what_the_platform_measured(full, door):
    async with door(full, AUTHOR) as client:
        found = (await asked(client, "2021-03", after=1)).json()
        live = {
            unit: (await client.get(f"/v1/measures/mini/1/2021-03/{unit}")).json()["measures"]["ontime"]
            for unit in ("b1", "b2")
        }
    assert {one["unit"]: one["before"] for one in found["units"]} == live
    assert found["differing"] == 0


async def test_two_run_at_once_and_who_comes_meanwhile_is_told_when_to_come_back(full, door):
    async with door(full, AUTHOR) as client:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(asked(client, "2021-Q1")) for _ in range(4)]
        answers = [one.result() for one in tasks]
        assert (await asked(client, "2021-Q1")).status_code == 200
    assert sorted(one.status_code for one in answers) == [200, 200, 503, 503]
    assert {one.headers["retry-after"] for one in answers if one.status_code == 503} == {"10"}


async def test_nothing_is_scored_by_a_backtest(full, door):
    statement = "SELECT (SELECT count(*) FROM entries) AS entries, (SELECT count(*) FROM audit) AS audit"
    async with full.reading() as tx:
        before = await tx.execute(statement)
    async with door(full, AUTHOR) as client:
        assert (await asked(client, "2021")).status_code == 200
    async with full.reading() as tx:
        assert await tx.execute(statement) == before


@pytest.mark.parametrize(
    ("path", "versions", "status", "code"),
    [
        ("/v1/measures/mini/nothing/2021-03:backtest", (1, 2), 404, "not_found"),
        ("/v1/measures/mini/ontime/2021-03:backtest", (1, 3), 404, "not_found"),
        ("/v1/measures/other/ontime/2021-03:backtest", (1, 2), 404, "not_found"),
        ("/v1/measures/mini/ontime/2021-13:backtest", (1, 2), 422, "period"),
        ("/v1/measures/mini/ontime/2021-03:backtest", (0, 2), 422, "invalid"),
    ],
)
async def test_what_cannot_be_compared_is_refused(full, door, path, versions, status, code):
    async with door(full, AUTHOR) as client:
        answer = await client.get(path, params={"before": versions[0], "after": versions[1]})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_reader_may_not_ask_for_so_much_work(full, door):
    async with door(full, ("rita", ["reader"])) as client:
        assert (await asked(client, "2021-03")).status_code == 403

"""Measures of bounded keys on a real PostgreSQL: months, quarters and cells, and what a correction takes back."""

import copy

from tests.scoring.test_schemes import AUTHOR, door
from tests.scoring.test_stages import MARCH, SCHEME, Driver, accept, adopt, cells, levy, scoring, teach

__all__ = ["door", "scoring"]


def scheme():
    document = copy.deepcopy(SCHEME)
    document["measures"]["ontime"] = {
        "over": "levy.done.v1",
        "period_by": "time",
        "numerator": "count(DISTINCT voucher) FILTER (WHERE voucher IN ('v1', 'v2', 'v3'))",
    }
    document["indicators"][0]["method"] = {"target": {"target": "2"}}
    return document


async def measured(exchange, door, *periods):
    async with door(exchange, AUTHOR) as client:
        answers = [(await client.get(f"/v1/measures/mini/1/{period}/b1")).json() for period in periods]
    return [one["measures"]["ontime"]["numerator"] for one in answers]


async def test_a_quarter_is_the_union_of_its_months_and_a_withdrawal_takes_its_key_back(scoring, door):
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await driver.run()
    await adopt(exchange, scheme())
    await accept(
        exchange,
        [
            levy(1, voucher="v1"),
            levy(2, voucher="v2", time="2021-01-10T08:00:00+08:00"),
            levy(3, voucher="v3"),
            levy(4, voucher="v9"),
        ],
    )
    await driver.run()
    assert await measured(exchange, door, "2021-01", "2021-02", "2021-03", "2021-Q1") == ["1", "0", "2", "3"]
    assert (await cells(exchange))[MARCH, "b1", "ontime"] == 10
    withdrawn = levy(3, voucher="v3")
    withdrawn |= {"id": "l3r1", "correctssource": "s", "correctsid": "l3", "revision": 1}
    del withdrawn["data"]
    await accept(exchange, [withdrawn])
    await driver.run()
    assert await measured(exchange, door, "2021-03", "2021-Q1") == ["1", "2"]
    assert (await cells(exchange))[MARCH, "b1", "ontime"] == 5

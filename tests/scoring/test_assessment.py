"""Days, means of months and what no data means, on a real PostgreSQL: cells, figures, explanations and their proof."""

import copy
from decimal import Decimal

from tests.scoring.surveys import refused
from tests.scoring.test_explain import door, got
from tests.scoring.test_mid_year import kept, lived, told
from tests.scoring.test_stages import SCHEME, adopt, levy, scoring
from tests.scoring.test_verify import proof

__all__ = ["door", "scoring"]

DOCUMENT = copy.deepcopy(SCHEME)
DOCUMENT["scheme"]["total"] = DOCUMENT["boards"][0]["points"] = "40"
ONTIME = DOCUMENT["indicators"][0] | {"method": {"target": {"target": "1"}}}
DOCUMENT["measures"]["mean"] = DOCUMENT["measures"]["ontime"] | {"over_months": "mean"}
DOCUMENT["indicators"] = [
    ONTIME | {"code": "drill", "cycle": "point", "dates": ["2021-04-30", "2021-08-31"]},
    ONTIME | {"code": "steady", "measure": "mean"},
    ONTIME | {"code": "silent", "no_data": "zero"},
    ONTIME | {"code": "place", "method": {"rank": {"floor": "4"}}, "no_data": "full"},
]
TIMES = [("03", True), ("04", True), ("04", False), ("06", False), ("08", True), ("08", True), ("08", False)]
EVENTS = [
    levy(number, ontime=ontime, time=f"2021-{month}-10T08:00:00+08:00")
    for number, (month, ontime) in enumerate(TIMES)
]


async def test_dates_means_and_no_data_are_scored_explained_and_proved(scoring, door):
    exchange = await lived(scoring, [DOCUMENT, *EVENTS])
    assert await proof(exchange) == []
    cells = {key[1:]: value for key, value in (await kept(exchange)).items()}
    mine = {(at - 2021 * 12 + 1, unit, code): value for (at, unit, code), value in cells.items()}
    assert {at: value for (at, unit, code), value in mine.items() if (unit, code) == ("b1", "drill")} == {
        4: 5,
        8: Decimal("6.666666666667"),
    }
    assert {mine[at, "b2", "silent"] for at in range(1, 13)} == {0}
    assert {mine[at, "b2", "place"] for at in range(1, 13)} == {10}
    figures = {key[1:]: value for key, (value, _) in (await told(exchange)).items()}
    assert {period for period, unit, code in figures if (unit, code) == ("b1", "drill")} == {
        *("2021-04", "2021-Q2", "2021-H1", "2021-08", "2021-Q3", "2021-H2", "2021")
    }
    assert Decimal(figures["2021", "b1", "drill"]) == 6
    assert figures["2021", "b1", "steady"] == "5.416666666667"
    async with door(exchange) as client:
        year = await got(client, "/v1/cells/2021/b1/drill/explain")
        none = await got(client, "/v1/cells/2021-01/b1/drill/explain")
        mean = await got(client, "/v1/cells/2021-Q2/b1/steady/explain")
        zero = await got(client, "/v1/cells/2021-Q1/b2/silent/explain")
    assert year["formula"]["with_numbers"] == "10 · min(1, (3/5) / 1) = 6.00"
    counted = {row["month"]: row["reason"] for row in year["rows"]}
    assert counted == {"2021-04": None, "2021-06": "other_month", "2021-08": None}
    assert none["figure"]["state"] == "not_due"
    assert none["formula"]["with_numbers"].startswith("not due: none of its days (2021-04-30, 2021-08-31)")
    assert mean["formula"]["with_numbers"] == "10 · min(1, ((1/2 + 0/1)/2) / 1) = 2.50"
    assert (mean["inputs"]["numerator"], mean["inputs"]["denominator"]) == ("1", "3")
    assert zero["figure"] == zero["figure"] | {"published": "0.00", "state": "scored"}
    assert "no data, which counts as zero, = 0.00" in zero["formula"]["with_numbers"]


async def test_a_second_version_that_is_the_first_adopted_has_no_days_before_its_months(scoring):
    exchange = await lived(scoring, [])
    second = copy.deepcopy(DOCUMENT)
    second["scheme"] |= {"version": 2, "effective": "2021-07"}
    assert await refused(exchange, second) == [("/indicators/0/dates/0", "dates")]
    second["indicators"][0]["dates"] = ["2021-08-31"]
    await adopt(exchange, second)

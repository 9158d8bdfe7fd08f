"""A special assessment from April to August on a real PostgreSQL: cells of its months, figures of every period."""

import copy
from decimal import Decimal

import pytest

from tests.scoring.test_explain import door, got
from tests.scoring.test_mid_year import kept, lived, told
from tests.scoring.test_stages import SCHEME, Driver, accept, adopt, levy, missed, scoring, teach
from tests.scoring.test_verify import proof, settled

__all__ = ["door", "scoring"]

DOCUMENT = copy.deepcopy(SCHEME)
MONTHS = {"from": "2021-04", "until": "2021-08"}
DOCUMENT["overlays"] = [{"code": "safety", "name": "安全", "counts": "added", "points": "6"} | MONTHS]
DOCUMENT["indicators"].append(
    DOCUMENT["indicators"][1]
    | {
        "code": "drill",
        "board": None,
        "overlay": "safety",
        "points": "6",
        "method": {"deduct": {"each": "2"}},
    }
)
EVENTS = [
    missed(1, "2021-03-31T15:59:59Z"),
    missed(2, "2021-03-31T16:00:00Z"),
    missed(3, "2021-08-31T15:59:59Z"),
    missed(4, "2021-08-31T16:00:00Z"),
]


async def test_of_four_misses_two_lie_in_the_months_of_an_overlay_of_6_points_at_2_each(scoring, door):
    exchange = await lived(scoring, [DOCUMENT, *EVENTS])
    cells = {
        at[1] - 2021 * 12 + 1: found
        for at, found in (await kept(exchange)).items()
        if at[2:] == ("b1", "drill")
    }
    assert cells == {4: 4, 5: 6, 6: 6, 7: 6, 8: 4}
    figures = {
        key[1]: value for key, (value, _) in (await told(exchange)).items() if key[2:] == ("b1", "drill")
    }
    wanted = {"2021-04": 4, "2021-08": 4, "2021-Q2": 4, "2021-Q3": 4, "2021-H1": 4, "2021-H2": 4, "2021": 2}
    wanted |= {f"2021-{month:02d}": 6 for month in (5, 6, 7)}
    assert {period: Decimal(value) for period, value in figures.items()} == wanted
    assert await proof(exchange) == []
    async with door(exchange) as client:
        year = await got(client, "/v1/cells/2021/b1/drill/explain")
        march = await got(client, "/v1/cells/2021-03/b1/drill/explain")
    assert year["formula"]["with_numbers"] == "max(0, 6 − 2 · 2) = 2.00"
    assert [row["month"] for row in year["rows"]] == ["2021-04", "2021-08"]
    assert march["figure"]["state"] == "not_due"
    assert (year["board"], year["overlay"]) == (None, "safety")


def alone(version=1, **months):
    """Return a scheme in which nothing but an overlay takes what is missed."""
    found = copy.deepcopy(DOCUMENT)
    found["scheme"]["version"] = version
    found["overlays"][0] |= months
    found["boards"][0]["points"] = found["scheme"]["total"] = found["indicators"][0]["points"] = "10"
    del found["indicators"][1]
    return found


async def suspended(exchange, door, state="waiting"):
    async with door(exchange) as client:
        items = (await got(client, "/v1/suspense", state=state))["items"]
    return sorted((one["reports"][0]["id"], one["why"], one["what"]) for one in items)


@pytest.mark.parametrize("late", [False, True])
async def test_what_came_outside_its_months_waits_until_a_version_has_them(scoring, door, late):
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await driver.run()
    events = EVENTS[::-1] if late else EVENTS
    for step in (
        accept(exchange, [*events[:2], levy(1)]),
        adopt(exchange, alone()),
        accept(exchange, events[2:]),
    ):
        await step
        await driver.run()
    await settled(exchange, driver)
    outside = [(name, "not_applicable", "b1") for name in ("m1", "m4")]
    assert await suspended(exchange, door) == outside
    assert await proof(exchange) == []
    async with door(exchange) as client:
        march = await got(client, "/v1/cells/2021-03/b1/drill/explain")
        year = await got(client, "/v1/cells/2021/b1/drill/explain")
    assert march["figure"]["state"] == "not_due"
    said = "not due: the months of its overlay (2021-04 to 2021-08) lie outside this period"
    assert march["formula"]["with_numbers"] == said
    assert [(row["reports"][0]["id"], row["reason"]) for row in march["rows"]] == [("m1", "outside_overlay")]
    assert [row["month"] for row in year["rows"]] == ["2021-04", "2021-08"]
    await adopt(exchange, alone(2, until="2021-09"))
    await driver.run()
    await settled(exchange, driver)
    assert await suspended(exchange, door) == outside[:1]
    settled_now = [one for one in await suspended(exchange, door, "settled") if one[1] != "no_scheme"]
    assert settled_now == outside[1:]
    assert await proof(exchange) == []


async def test_july_is_explained_and_proved_in_its_quarter_though_a_newer_version_moved_the_overlay(
    scoring, door
):
    first, second = copy.deepcopy(DOCUMENT), copy.deepcopy(DOCUMENT)
    first["overlays"][0] |= {"from": "2021-06", "until": "2021-07"}
    second["scheme"] |= {"version": 2, "effective": "2021-08"}
    second["overlays"][0] |= {"from": "2021-10", "until": "2021-12"}
    missed_in = [missed(at, f"2021-{at:02d}-10T00:00:00Z") for at in (7, 8, 10)]
    exchange = await lived(scoring, [first, second, *missed_in])
    assert await proof(exchange) == []
    async with door(exchange) as client:
        found = {
            period: await got(client, f"/v1/cells/{period}/b1/drill/explain")
            for period in ("2021-Q3", "2021-08", "2021")
        }
    assert {period: one["figure"]["published"] for period, one in found.items()} == {
        "2021-Q3": "4.00",
        "2021-08": None,
        "2021": "2.00",
    }
    assert [(row["month"], row["reason"]) for one in found.values() for row in one["rows"]] == [
        ("2021-07", None),
        ("2021-08", "outside_overlay"),
        ("2021-07", None),
        ("2021-10", None),
    ]

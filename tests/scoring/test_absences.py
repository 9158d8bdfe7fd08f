"""What does not apply to a unit has no cell, no figure and no place in a comparison, on a real PostgreSQL."""

import copy
from decimal import Decimal

from services.scoring.contract import ENTRIES, EntriesPosted
from services.scoring.domain.proof import Scope
from services.scoring.proving import prove
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from tests.scoring import test_comparing as compared
from tests.scoring.test_explain import door, got
from tests.scoring.test_mid_year import lived
from tests.scoring.test_stages import (
    MARCH,
    SCHEME,
    accept,
    adopt,
    begun,
    cells,
    levy,
    missed,
    scoring,
)
from tests.scoring.test_verify import Ahead

__all__ = ["door", "scoring"]
REASON = "本省无口岸"
MARCH_TEXT = "2021-03"


def absent(code, *entries, document=SCHEME):
    found = copy.deepcopy(document)
    indicator = next(one for one in found["indicators"] if one["code"] == code)
    indicator["not_applicable"] = [{"reason": REASON} | one for one in entries]
    return found


async def figures(exchange, unit="b1"):
    """Return the figures told of a unit by period and indicator."""
    found = {}
    async with exchange.reading() as tx:
        for shard in sorted(await tx.reached(ENTRIES)):
            for record in await tx.read(ENTRIES, shard, 0, 1000):
                told = envelope.decode_data(known_event(ENTRIES, record.body), EntriesPosted)
                for one in told.figures:
                    if one.unit == unit:
                        found |= {(one.period, code): value for code, value in one.values.items()}
    return found


EVENTS = [levy(1), levy(2, unit="b2"), missed(1, "2021-03-31T23:59:59+08:00")]


async def test_a_deduction_that_does_not_apply_takes_nothing_and_gives_nothing(scoring, door):
    exchange = await lived(scoring, [absent("missed", {"units": ["b1"]}), *EVENTS])
    found = await cells(exchange)
    assert (MARCH, "b1", "missed") not in found
    assert found[MARCH, "b1", "ontime"] == 10
    assert found[MARCH, "b2", "missed"] == 10
    assert {code for _, code in await figures(exchange)} == {"ontime"}
    async with door(exchange) as client:
        told = await got(client, "/v1/cells/2021-03/b1/missed/explain")
    assert told["figure"] == {
        "points": "10",
        "value": None,
        "published": None,
        "state": "not_applicable",
        "stale": False,
    }
    async with exchange.snapshot() as tx:
        assert [one async for one in prove(tx, Scope(), Ahead())] == []


async def test_it_applies_again_in_other_months_and_what_came_in_those_in_which_it_did_not_takes_nothing(
    scoring, door
):
    scheme = absent("missed", {"units": ["b1"], "from": "2021-02", "until": "2021-03"})
    exchange = await lived(scoring, [scheme, *EVENTS, missed(2, "2021-01-31T09:00:00+08:00")])
    assert (MARCH - 1, "b1", "missed") not in await cells(exchange)
    told = await figures(exchange)
    assert {period for period, code in told if code == "missed"} >= {"2021-01", "2021-04", "2021-Q1", "2021"}
    assert not {("2021-02", "missed"), ("2021-03", "missed")} & told.keys()
    assert (told["2021-01", "missed"], told["2021-Q1", "missed"], told["2021", "missed"]) == (
        "9.500000000000",
    ) * 3
    async with door(exchange) as client:
        quarter = await got(client, "/v1/cells/2021-Q1/b1/missed/explain")
        march = await got(client, "/v1/cells/2021-03/b1/missed/explain")
    assert (quarter["figure"]["value"], quarter["inputs"]["numerator"]) == ("9.500000000000", "1")
    rows = [(row["month"], row["counted"], row["reason"]) for row in quarter["rows"]]
    assert sorted(rows) == [("2021-01", True, None), (MARCH_TEXT, False, "not_applicable")]
    assert [(row["counted"], row["reason"]) for row in march["rows"]] == [(False, "not_applicable")]
    async with door(exchange) as client:
        waits = (await got(client, "/v1/suspense"))["items"]
    assert [(one["why"], one["what"], one["reports"][0]["id"]) for one in waits] == [
        ("not_applicable", "b1", "m1")
    ]
    async with exchange.snapshot() as tx:
        assert [one async for one in prove(tx, Scope(), Ahead())] == []


async def test_what_came_where_nothing_applied_waits_until_a_version_in_which_it_applies(scoring, door):
    applies = copy.deepcopy(SCHEME)
    applies["scheme"]["version"] = 2
    exchange, driver = await begun(scoring, None)
    gone = absent("missed", {"units": ["b1"], "from": "2021-03"})
    for step in (adopt(exchange, gone), accept(exchange, EVENTS), adopt(exchange, applies)):
        await step
        await driver.run()
    assert (await cells(exchange, 2))[MARCH, "b1", "missed"] == Decimal("9.5")
    async with door(exchange) as client:
        (item,) = (await got(client, "/v1/suspense", state="settled"))["items"]
        assert (await got(client, "/v1/suspense"))["items"] == []
    assert (item["why"], item["settled"].rpartition("/")[0][:15]) == ("not_applicable", "scoring.schemes")


async def test_a_unit_to_which_it_does_not_apply_is_outside_the_comparison(scoring, door):
    scheme = absent("benchmark", {"units": ["b2"]}, document=compared.scheme())
    scheme = absent("rank", {"units": ["b2"]}, document=scheme)
    exchange = await lived(scoring, [scheme, *compared.EVENTS])
    kept = await compared.ended(exchange)
    assert compared.march(kept, "benchmark") == {"b1": 0, "b3": 10}
    assert compared.march(kept, "rank") == {"b1": 9, "b3": 10}
    assert compared.march(kept, "efficacy") == compared.MARCH_CELLS["efficacy"]
    async with door(exchange) as client:
        states = [(await got(client, f"/v1/cells/2021-03/{u}/rank"))["figure"]["state"] for u in ("b2", "b3")]
        away = (await got(client, "/v1/cells/2021-02/b2/rank"))["figure"]
    assert states == ["not_applicable", "scored"]
    assert away["state"] == "not_applicable"
    async with exchange.snapshot() as tx:
        assert [one async for one in prove(tx, Scope(), Ahead())] == []

"""Reviews of entries: asked within thirty days, decided above unit and assessor, posted as a difference."""

import copy
from decimal import Decimal

from services.scoring.contract import ACCEPTED, CALENDARS, ITEMS, POINTS, SCHEMES
from services.scoring.stage_a import StageA
from shared.kernel.shards import shard_of
from tests.scoring.manual import begun, request, scheme, value
from tests.scoring.reviews import UNIT, ask, decide, door, given, newest, proved
from tests.scoring.test_derived import begun as with_items
from tests.scoring.test_derived import item, tell
from tests.scoring.test_manual_points import MARCH, cell
from tests.scoring.test_stages import TYPES, accept, adopt, kept_cells, levy, missed, scoring, teach
from tests.scoring.test_verify import settled

__all__ = ["door", "scoring"]
APRIL = ("2021-04-30",)


async def test_points_that_a_review_gives_back_are_posted_as_a_difference(scoring, door):
    exchange, driver = await given(scoring, door)
    async with door(exchange) as client:
        asked = await ask(client, exchange)
        assert (asked["state"], asked["possible"]) == ("asked", ["drop", "uphold", "change"])
        assert (asked["old"], asked["new"]) == ("4.000000000000", "2.500000000000")
        decided = await decide(client, asked["id"], "change", body={"points": "0.5"})
        assert (decided["state"], decided["late"], decided["possible"]) == ("changed", False, [])
        await driver.run()
        assert await cell(exchange) == 3
        told = await client.got("/v1/cells/2021-03/b1/conduct/explain", scheme="mini")
        await client.take_back("mini~b1~conduct~2021-03~1")
        await driver.run()
    assert await cell(exchange) == 4
    (review,) = told["reviews"]
    assert (review["asked_by"], review["decided_by"], review["difference"]) == (
        "wang",
        "sun",
        {"points": "0.5"},
    )
    assert told["formula"]["with_numbers"] == "max(0, 4 − 1) = 3.00"
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT ranges FROM entries e JOIN causes c ON c.digest = e.cause WHERE new = 3 AND indicator = 'conduct'"
        )
    assert rows[0].ranges == [{"stream": POINTS, "shard": shard_of("b1"), "first": 2, "last": 2}]


async def test_a_review_changes_the_sums_of_a_measure_of_events_and_of_a_value(scoring, door):
    exchange, driver = await given(scoring, door)
    await accept(exchange, [levy(1), levy(2, ontime=False)])
    async with door(exchange) as client:
        await client.give(value("81"))
        await driver.run()
        before = await cell(exchange, "ontime")
        found = await ask(client, exchange, indicator="ontime")
        for body in ({}, {"points": "1"}, {"numerator": "0"}):
            refused = await decide(client, found["id"], "change", 422, body=body)
            assert refused["code"] == "points_or_sums"
        await decide(client, found["id"], "change", body={"numerator": "1", "denominator": "-0.000000"})
        marks = await ask(client, exchange, indicator="marks")
        await decide(client, marks["id"], "change", body={"numerator": "9"})
        await driver.run()
    assert before < 10
    assert await cell(exchange, "ontime") == 10
    assert await cell(exchange, "marks") == 6
    await accept(exchange, [levy(3, ontime=False)])
    await driver.run()
    async with exchange.reading() as tx:
        found = (await kept_cells(tx))[MARCH, "b1", "ontime"]
    assert found == Decimal("6.802721088435")


async def test_a_review_gives_back_at_most_what_the_facts_under_its_entry_still_take(scoring, door):
    exchange, driver = await given(scoring, door)
    async with door(exchange) as client:
        first = (await ask(client, exchange))["id"]
        await client.give(request("1", file="second.pdf"))
        await driver.run()
        refused = await decide(client, first, "change", 409, body={"points": "1.500001"})
        assert refused["code"] == "gives_back_too_much"
        assert "1.500000" in refused["detail"]
        await decide(client, first, "change", body={"points": "1.5"})
        await driver.run()
        assert await cell(exchange) == 3
        await client.take_back("mini~b1~conduct~2021-03~2")
        await driver.run()
        assert await cell(exchange) == 4


async def test_of_what_was_withdrawn_a_review_gives_nothing_back(scoring, door):
    exchange, driver = await given(scoring, door)
    async with door(exchange) as client:
        first = (await ask(client, exchange))["id"]
        await client.give(request("1", file="second.pdf"))
        await client.take_back("mini~b1~conduct~2021-03~1")
        await driver.run()
        refused = await decide(client, first, "change", 409, body={"points": "0.5"})
    assert refused["code"] == "gives_back_too_much"
    assert await cell(exchange) == 3


async def test_what_a_review_gave_back_hides_nothing_that_is_lost_later(scoring, door):
    """1.5 given back and then withdrawn at its source: a new loss of the month counts, and so does another's."""
    exchange, driver = await given(scoring, door)
    async with door(exchange) as client:
        await client.give(request("1", file="february.pdf", month="2021-02"))
        await driver.run()
        asked = await ask(client, exchange)
        await decide(client, asked["id"], "change", body={"points": "1.5"})
        await driver.run()
        assert await cell(exchange) == 4
        await client.take_back("mini~b1~conduct~2021-03~1")
        await driver.run()
        for period in ("2021-02", "2021-Q1", "2021-H1", "2021"):
            found = await client.got(f"/v1/cells/{period}/b1/conduct", scheme="mini")
            assert found["figure"]["published"] == "3.00"
        await client.give(request("0.5", file="later.pdf"))
        await driver.run()
        for period, worth in (("2021-03", "3.50"), ("2021-Q1", "2.50")):
            found = await client.got(f"/v1/cells/{period}/b1/conduct", scheme="mini")
            assert found["figure"]["published"] == worth
        assert await proved(exchange, driver) == []


async def test_an_item_told_anew_later_is_not_under_an_entry_that_it_did_not_post(scoring, door):
    exchange, driver = await with_items(scoring)
    driver.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, ITEMS, POINTS, CALENDARS)
    received = "2099-05-06T00:00:00.000000Z"  # so that the entries may still be reviewed
    for one in (item(name=name, days=APRIL, received=received) for name in ("i1", "i2")):
        await tell(exchange, one)
        await driver.run()
    second = await newest(exchange)
    await tell(exchange, item(name="i1", version=2, days=(*APRIL, "2021-05-06"), received=received))
    await driver.run()
    async with door(exchange) as client:
        asked = await client.post("/v1/reviews", {"entry": second, "reason": "r"}, 201, **UNIT)
        refused = await decide(client, asked["id"], "change", 409, body={"points": "0.4"})
        assert (refused["code"], "0.2" in refused["detail"]) == ("gives_back_too_much", True)
        await decide(client, asked["id"], "change", body={"points": "0.2"})


async def test_an_event_that_is_retracted_after_a_review_is_not_given_back_twice(scoring, door):
    exchange, driver = await given(scoring, door)
    first, second = (missed(at, f"2021-03-0{at}T08:00:00+08:00") for at in (1, 2))
    await accept(exchange, [first])
    await driver.run()
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="missed")
        refused = await decide(client, asked["id"], "change", 409, body={"numerator": "-2"})
        assert refused["code"] == "gives_back_too_much"
        await decide(client, asked["id"], "change", body={"numerator": "-1"})
        await driver.run()
        assert await cell(exchange, "missed") == 10
    await accept(exchange, [second])
    await driver.run()
    assert await cell(exchange, "missed") == Decimal("9.5")
    await accept(
        exchange,
        [first | {"id": "r1", "revision": 1, "correctssource": "s", "correctsid": "m1", "data": None}],
    )
    await driver.run()
    assert await cell(exchange, "missed") == Decimal("9.5")
    assert await proved(exchange, driver) == []


async def of_stocks(scoring):
    """Return an exchange without a scheme, and the document of one that counts the risks that are open."""
    document = scheme()
    types = copy.deepcopy(TYPES)
    types["types"]["risk.missed.v1"]["fields"] = {"until": {"type": "time"}}
    columns = {"unit": {"first": "subject"}, "since": {"first": "time"}, "gone": {"last": "until"}}
    columns = {name: column | {"of": "risk.missed.v1"} for name, column in columns.items()}
    document["views"] = {"risk": {"events": ["risk.missed.v1"], "columns": columns}}
    document["measures"]["missed"] = {
        "over": "risk",
        "kind": "stock",
        "period_by": {"from": "since", "until": "gone"},
        "numerator": "count(*)",
    }
    exchange, driver = await begun(scoring, adopted=False)
    driver.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, POINTS, CALENDARS)
    await teach(exchange, 2, types)
    await driver.run()
    return exchange, driver, document


def opened(number, day):
    return missed(number, f"2021-{day}T08:00:00+08:00") | {"case": f"c{number}"}


async def test_of_a_stock_too_what_is_retracted_in_an_earlier_month_is_not_given_back_twice(scoring, door):
    """Risks are open from the day they were missed; none is ever closed."""
    exchange, driver, document = await of_stocks(scoring)
    await adopt(exchange, document)

    first, second = opened(1, "01-05"), opened(2, "03-05")
    await accept(exchange, [first, second])
    await driver.run()
    assert await cell(exchange, "missed") == 9
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="missed")
        await decide(client, asked["id"], "change", body={"numerator": "-2"})
        await driver.run()
        assert await cell(exchange, "missed") == 10
    taken_back = {"id": "r1", "revision": 1, "correctssource": "s", "correctsid": "m1", "data": None}
    await accept(exchange, [first | taken_back])
    await driver.run()
    assert await cell(exchange, "missed") == 10
    await accept(exchange, [opened(3, "03-06")])
    await driver.run()
    assert await cell(exchange, "missed") == Decimal("9.5")
    assert await proved(exchange, driver) == []


async def test_of_a_stock_whose_scheme_came_last_what_began_in_other_months_is_under_its_entry(scoring, door):
    """The case of January is kept in a shard of which no sum stands in March."""
    exchange, driver, document = await of_stocks(scoring)
    assert shard_of("c1") != shard_of("c2")
    await accept(exchange, [opened(1, "01-05"), opened(2, "03-05")])
    await driver.run()
    await adopt(exchange, document)
    await driver.run()
    assert await cell(exchange, "missed") == 9
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="missed")
        await settled(exchange, driver)
        await decide(client, asked["id"], "change", body={"numerator": "-2"})
        await driver.run()
    assert await cell(exchange, "missed") == 10


async def test_what_came_after_an_entry_of_an_adopted_scheme_is_not_under_it(scoring, door):
    exchange, driver = await begun(scoring, adopted=False)
    driver.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, POINTS, CALENDARS)
    await accept(exchange, [missed(1, "2021-03-01T08:00:00+08:00")])
    await driver.run()
    await adopt(exchange, scheme())
    await driver.run()
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="missed")
        await accept(exchange, [missed(2, "2021-03-02T08:00:00+08:00")])
        await driver.run()
        await settled(exchange, driver)
        refused = await decide(client, asked["id"], "change", 409, body={"numerator": "-2"})
        assert (refused["code"], "0.5" in refused["detail"]) == ("gives_back_too_much", True)
        await decide(client, asked["id"], "change", body={"numerator": "-1"})
        await driver.run()
    assert await cell(exchange, "missed") == Decimal("9.5")


async def test_a_ratio_of_counts_is_not_lifted_above_the_cases_that_there_are(scoring, door):
    exchange, driver = await given(scoring, door)
    await accept(exchange, [levy(1), levy(2, ontime=False)])
    await driver.run()
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="ontime")
        refused = await decide(client, asked["id"], "change", 409, body={"numerator": "1.000001"})
        assert refused["code"] == "changes_too_much"
        await decide(client, asked["id"], "change", body={"numerator": "1"})
        await driver.run()
    assert await cell(exchange, "ontime") == 10


async def test_what_keys_say_together_is_not_changed_by_a_review(scoring, door):
    document = scheme()
    document["measures"]["ontime"] = {
        "over": "levy.done.v1",
        "period_by": "time",
        "numerator": "count(DISTINCT voucher) FILTER (WHERE voucher IN ('v1', 'v2', 'v3'))",
    }
    document["indicators"][0]["method"] = {"target": {"target": "2"}}
    exchange, driver = await begun(scoring, document=document)
    await accept(exchange, [levy(1, voucher="v1")])
    await driver.run()
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="ontime")
        refused = await decide(client, asked["id"], "change", 409, body={"numerator": "1"})
        assert refused["code"] == "keyed_measure"
        await decide(client, asked["id"], "uphold")


async def test_a_measure_that_another_indicator_takes_too_is_not_changed_by_a_review_of_one(scoring, door):
    document = scheme(total="46")
    document["boards"][0]["points"] = "46"
    document["indicators"].append(document["indicators"][0] | {"code": "again"})
    exchange, driver = await begun(scoring, document=document)
    await accept(exchange, [levy(1, ontime=False)])
    await driver.run()
    async with door(exchange) as client:
        asked = await ask(client, exchange, indicator="ontime")
        refused = await decide(client, asked["id"], "change", 409, body={"numerator": "1"})
    assert refused["code"] == "shared_measure"

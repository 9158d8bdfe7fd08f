"""Who may ask for a review and who decides it, until which day, and what is refused."""

from datetime import date
from decimal import Decimal

import pytest

from services.scoring.contract import CALENDARS
from services.scoring.reply_api import replies_router
from services.scoring.review_api import reviews_router
from services.scoring.under_review import UnderReview, of_cell
from shared.contracts import envelope
from shared.contracts.supervision import CALENDAR_ADOPTED, CalendarAdopted
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from tests.scoring.manual import door_of, request
from tests.scoring.reviews import UNIT, ask, decide, door, entry, given
from tests.scoring.test_manual_points import MARCH, cell
from tests.scoring.test_stages import accept, missed, scoring

__all__ = ["door", "scoring"]


@pytest.fixture
def feed_door(tmp_path):
    return door_of(tmp_path, lambda exchange: reviews_router(exchange, replay=True))


async def test_who_decided_a_review_of_the_cell_decides_no_other_of_it(scoring, door):
    exchange, driver = await given(scoring, door)
    async with door(exchange) as client:
        await decide(client, (await ask(client, exchange))["id"], "uphold")
        await client.give(request("1", file="second.pdf"))
        await driver.run()
        second = (await ask(client, exchange))["id"]
        assert (await decide(client, second, "uphold", 403))["code"] == "original_assessor"
        await decide(client, second, "uphold", who="zhou")


async def test_what_is_upheld_changes_nothing_and_is_decided_for_good(scoring, door):
    exchange, driver = await given(scoring, door)
    async with door(exchange) as client:
        asked = await ask(client, exchange)
        assert await ask(client, exchange) == asked
        assert (await ask(client, exchange, 409, reason="other"))["code"] == "review_asked"
        upheld = await decide(client, asked["id"], "uphold")
        assert (upheld["state"], upheld["possible"]) == ("upheld", [])
        await driver.run()
        assert await cell(exchange) == Decimal("2.5")
        assert (await ask(client, exchange, 409))["code"] == "review_decided"
        for step, body in (("uphold", {}), ("change", {"points": "1"})):
            refused = await decide(client, asked["id"], step, 409, body=body)
            assert (refused["code"], refused["state"], refused["possible"]) == ("illegal_step", "upheld", [])
        told = await client.got("/v1/cells/2021-03/b1/conduct/explain", scheme="mini")
    assert [(one["state"], one["decided"]) for one in told["reviews"]] == [("upheld", "经复核属实")]
    async with exchange.reading() as tx:
        march = [UnderReview(shard, "b1", MARCH) for shard in range(SHARDS)]
        assert [await of_cell(tx, one) for one in march] == [[]] * SHARDS, "no batch reads facts for it"


async def test_an_entry_that_a_review_posted_is_replied_to_and_not_reviewed(scoring, tmp_path):
    both = door_of(tmp_path, lambda exchange: reviews_router(exchange, replay=False), replies_router)
    exchange, driver = await given(scoring, both)
    await accept(exchange, [missed(at, f"2021-03-0{at}T08:00:00+08:00") for at in (1, 2)])
    await driver.run()
    async with both(exchange) as client:
        for indicator, back in (("conduct", {"points": "0.5"}), ("missed", {"numerator": "-1"})):
            asked = await ask(client, exchange, indicator=indicator)
            await decide(client, asked["id"], "change", body=back)
            await driver.run()
            refused = await ask(client, exchange, 409, indicator=indicator)
            assert refused["code"] == "posted_by_review"
            reply = {"entry": await entry(exchange, indicator), "says": "只恢复了一部分"}
            await client.post("/v1/replies", reply, 201, **UNIT)
        await client.give(request("1", file="second.pdf"))
        await driver.run()
        await ask(client, exchange)


async def test_a_review_that_its_unit_drops_may_be_asked_again(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        asked = await ask(client, exchange)
        assert (await decide(client, asked["id"], "drop", 403, **(UNIT | {"unit": "/hq/d1"})))["code"]
        dropped = await decide(client, asked["id"], "drop", **UNIT)
        assert dropped["state"] == "dropped"
        again = await ask(client, exchange)
    assert again["id"] == f"{asked['entry']}-2"


async def test_neither_the_unit_nor_its_assessor_nor_who_gave_the_points_decides(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        review = (await ask(client, exchange))["id"]
        for unit in ("/hq/b1", "/hq/d1"):
            assert (await decide(client, review, "uphold", 403, unit=unit))["code"] == "not_above"
        for person in ("zhao", "qian", "wang"):
            refused = await decide(client, review, "uphold", 403, who=person)
            assert refused["code"] == "original_assessor"
        assert (await decide(client, review, "uphold", 403, role="author"))["code"] == "forbidden"
        await decide(client, review, "uphold", 404, unit="/hq/b2")
        await decide(client, review, "uphold", unit="/hq")


async def test_what_cannot_be_asked_is_refused(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        await client.post("/v1/reviews", {"entry": 10**9, "reason": "r"}, 404, **UNIT)
        await ask(client, exchange, 404, unit="/hq/b2")
        await ask(client, exchange, 403, role="reader")
        await ask(client, exchange, 422, reason="")
        await client.got("/v1/reviews/1-99", 404)
        await client.got("/v1/reviews/x", 422)
        asked = await ask(client, exchange)
        listed = await client.got("/v1/reviews", state="asked")
        assert [one["id"] for one in listed["items"]] == [asked["id"]]
        assert (await client.got("/v1/reviews"))["next"] is None
    async with door(exchange) as client:
        answer = await client.ask("GET", "/v1/reviews", "li", "reader", "/hq/b2")
        assert answer.json()["items"] == []


async def test_what_is_hidden_is_answered_like_what_is_missing_and_put_on_record(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        review = (await ask(client, exchange))["id"]
        hidden = await client.got(f"/v1/reviews/{review}", 404, who="li", below="/hq/b2")
        missing = await client.got("/v1/reviews/1-99", 404, who="li", below="/hq/b2")
        await ask(client, exchange, 404, who="li", unit="/hq/b2")
    assert hidden == missing
    async with exchange.reading() as tx:
        rows = await tx.many("SELECT actor, detail FROM audit WHERE action = 'denied' ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("li", f"GET /v1/reviews/{review}"),
        ("li", f"POST /v1/reviews entry {review.partition('-')[0]}"),
    ]


async def dated(exchange, days):
    """Set the date of all entries some days back, as if they were posted then."""
    async with exchange.begin(actor="test", action="date") as tx:
        await tx.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        await tx.many(
            "UPDATE entries SET at = to_char((now() - make_interval(days => $1)) AT TIME ZONE 'UTC', "
            '\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')',
            days,
        )
        await tx.execute("ALTER TABLE entries ENABLE TRIGGER USER")


async def posted_at(exchange, instant):
    """Date all entries as if they were posted at an instant."""
    async with exchange.begin(actor="test", action="date") as tx:
        await tx.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        await tx.many("UPDATE entries SET at = $1", instant)
        await tx.execute("ALTER TABLE entries ENABLE TRIGGER USER")


async def now_is(exchange, instant):
    """Let the feed have come to an instant."""
    async with exchange.begin(actor="test", action="date") as tx:
        await tx.many("UPDATE freshness SET fresh_at = $1", instant)


async def test_after_the_last_of_thirty_days_it_is_too_late(scoring, door):
    exchange, _ = await given(scoring, door)
    async with door(exchange) as client:
        await dated(exchange, 29)
        found = await ask(client, exchange)
        until = date.fromisoformat(found["ask_until"])
        assert until.weekday() < 5
        await decide(client, found["id"], "drop", **UNIT)
        await dated(exchange, 50)
        assert (await ask(client, exchange, 409))["code"] == "review_too_late"


async def test_in_a_replay_the_days_are_those_of_the_feed(scoring, feed_door):
    """Posted on Thursday, 1 April: until the end of Monday, 3 May; asked for then, until that of Wednesday, 2 June."""
    exchange, _ = await given(scoring, feed_door)
    await posted_at(exchange, "2021-04-01T02:00:00.000000Z")
    async with feed_door(exchange) as client:
        await now_is(exchange, "2021-05-03T16:00:00.000000Z")
        assert (await ask(client, exchange, 409))["code"] == "review_too_late"
        await now_is(exchange, "2021-05-03T15:59:59.999999Z")
        asked = await ask(client, exchange)
        assert (asked["ask_until"], asked["decide_until"]) == ("2021-05-03", "2021-06-02")
        for instant, late in (("2021-06-02T15:59:59.999999Z", False), ("2021-06-02T16:00:00.000000Z", True)):
            await now_is(exchange, instant)
            assert (await client.got(f"/v1/reviews/{asked['id']}"))["late"] is late
        assert (await decide(client, asked["id"], "uphold"))["late"] is True
        await now_is(exchange, "2021-07-01T00:00:00.000000Z")
        assert (await client.got(f"/v1/reviews/{asked['id']}"))["state"] == "upheld"


async def test_the_calendar_of_supervision_moves_the_last_day(scoring, door):
    exchange, driver = await given(scoring, door)
    async with door(exchange) as client:
        before = date.fromisoformat((await ask(client, exchange))["ask_until"])
        rest = {"day": before.isoformat(), "kind": "rest", "name": "holiday"}
        told = CalendarAdopted(
            zone="Asia/Shanghai",
            version=1,
            digest="0" * 64,
            first="2021-01-01",
            last="2199-12-31",
            document={"notices": [{"title": "n", "days": [rest]}]},
        )
        body = envelope.encode(CALENDAR_ADOPTED, "dukao/supervision", "Asia/Shanghai", told)
        async with exchange.begin(actor="test", action="calendar") as tx:
            await tx.append(CALENDARS, [Draft(shard, body) for shard in range(SHARDS)])
        await driver.run()
        (line,) = (await client.got("/v1/reviews"))["items"]
        found = await client.got(f"/v1/reviews/{line['id']}")
        after = date.fromisoformat(found["ask_until"])
    assert after > before
    assert after.weekday() < 5

"""Supervision says at the first tick of each day that all items of before have been told, if periods have a cut."""

import json

from services.supervision.contract import ITEM_CHANGED, ITEMS_TOLD
from services.supervision.handlers import Supervision
from tests.supervision.facts import Feed, scheme


async def told(service, *records, handler=None):
    async with service.exchange.begin(actor="test", action="apply") as tx:
        answers = await (handler or service.handler)(tx, records)
    read = [json.loads(draft.body) for _, draft in answers]
    return [(one["type"], one["data"].get("until") or one["data"]["light"]) for one in read]


def with_grace(days):
    document = scheme()
    document["scheme"]["grace_days"] = days
    return document


async def test_the_first_tick_of_each_day_is_marked_after_what_came_before_it(service):
    feed = Feed()
    await told(service, feed.types(), feed.adopted(with_grace(5)))
    begins = "2021-04-19T16:00:00.000000Z"
    assert await told(service, feed.tick("2021-04-19 23:59")) == [(ITEMS_TOLD, "2021-04-19T15:59:00.000000Z")]
    given = feed.given(received="2021-04-19 23:59")
    tick, later = feed.tick("2021-04-20 00:00"), feed.tick("2021-04-20 00:01")
    assert await told(service, given, tick) == [(ITEM_CHANGED, "green"), (ITEMS_TOLD, begins)]
    assert await told(service, later) == []
    overdue = feed.tick("2021-04-30 00:00")
    assert await told(service, overdue) == [
        (ITEM_CHANGED, "red"),
        (ITEMS_TOLD, "2021-04-29T16:00:00.000000Z"),
    ]


async def test_what_was_received_on_two_days_is_told_as_it_was_on_each(service):
    feed = Feed()
    await told(service, feed.types(), feed.adopted(with_grace(0)))
    before = feed.given(received="2021-04-20 23:59")
    after = feed.tick("2021-04-30 00:00")
    assert [light for type_, light in await told(service, before, after) if type_ == ITEM_CHANGED] == [
        "green",
        "red",
    ]


async def test_the_batch_in_which_a_scheme_first_comes_is_told_as_of_each_day_too(service):
    feed = Feed()
    await told(service, feed.types())
    adopted, before = feed.adopted(with_grace(0)), feed.given(received="2021-04-20 23:59")
    found = await told(service, adopted, before, feed.tick("2021-04-30 00:00"))
    assert [light for type_, light in found if type_ == ITEM_CHANGED] == ["green", "red"]


async def test_in_a_replay_a_scheme_that_has_the_day_of_the_database_comes_before_the_feed_of_its_batch(
    service,
):
    feed, handler = Feed(), Supervision(replay=True)
    await told(service, feed.types())
    adopted, given = (
        feed.adopted(with_grace(0), received="2026-11-30"),
        feed.given(received="2021-04-20 23:59"),
    )
    begins = "2021-04-20T16:00:00.000000Z"
    found = await told(service, adopted, given, feed.tick("2021-04-21 00:00"), handler=handler)
    assert found == [(ITEM_CHANGED, "green"), (ITEMS_TOLD, begins)]


async def test_a_scheme_that_comes_after_the_last_tick_of_a_feed_is_told_how_far_its_items_are(service):
    feed = Feed()
    await told(service, feed.types())
    assert await told(service, feed.tick("2021-04-21 00:00")) == []
    assert await told(service, feed.adopted(with_grace(0))) == [(ITEMS_TOLD, "2021-04-20T16:00:00.000000Z")]


async def test_without_grace_nothing_is_said(service):
    feed = Feed()
    await told(service, feed.types(), feed.adopted(with_grace(None)))
    assert await told(service, feed.tick("2021-04-20 00:00")) == []

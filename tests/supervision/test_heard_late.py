"""What a scheme makes of facts that its shard heard before it has the days of these facts, in whatever order."""

import json

import pytest

from services.supervision.handlers import EVENTS_PER_PAGE, Supervision
from tests.supervision.facts import RULE, Feed, scheme

GIVEN, DONE = "2021-04-20T01:00:00.000000Z", "2021-05-10T08:00:00.000000Z"
BY_THE_DATABASE = "2026-11-30"


def cutting(version=1, **rules):
    document = scheme(version, **rules)
    document["scheme"]["grace_days"] = 0
    return document


async def told(service, *records, handler=None, names=("state", "received")):
    """Apply records as one batch; return what is told of items, state and `received`, one after the other."""
    async with service.exchange.begin(actor="test", action="apply") as tx:
        answers = await (handler or service.handler)(tx, records)
    found = [json.loads(draft.body)["data"] for _, draft in answers]
    return [tuple(one[name] for name in names) for one in found if "state" in one]


async def test_what_a_scheme_opens_is_no_older_than_what_it_is_opened_by(service):
    feed = Feed()
    await told(service, feed.types(), feed.given())
    assert await told(service, feed.adopted(scheme(), received="2021-04-10")) == [("assigned", GIVEN)]


async def test_what_a_scheme_opens_is_no_older_than_the_scheme(service):
    feed = Feed()
    await told(service, feed.types(), feed.given(), feed.done())
    found = await told(service, feed.adopted(cutting(), received="2021-05-20"))
    assert found == [("completed", "2021-05-19T16:00:00.000000Z")]


async def test_in_a_replay_what_a_first_scheme_opens_has_the_day_of_the_feed(service):
    feed, handler = Feed(), Supervision(replay=True)
    await told(service, feed.types(), feed.given(), feed.tick("2021-04-21 00:00"), handler=handler)
    adopted = feed.adopted(scheme(), received=BY_THE_DATABASE)
    assert await told(service, adopted, handler=handler) == [("assigned", GIVEN)]


async def test_in_a_replay_what_a_later_version_moves_is_of_the_day_that_its_shard_has_come_to(service):
    feed, handler = Feed(), Supervision(replay=True)
    await told(service, feed.types(), feed.adopted(scheme(), received=BY_THE_DATABASE), handler=handler)
    await told(service, feed.given(), feed.tick("2021-04-22 00:00"), handler=handler)
    longer = scheme(2, paper=RULE | {"due": {"working_days": 20}})
    found = await told(service, feed.adopted(longer, received=BY_THE_DATABASE), handler=handler)
    assert found == [("assigned", "2021-04-21T16:00:00.000000Z")]


@pytest.mark.parametrize("replay", [False, True])
async def test_what_was_set_aside_on_two_days_is_told_as_it_was_on_each_where_periods_have_a_cut(
    services, replay
):
    received = BY_THE_DATABASE if replay else "2021-01-01"
    for document, at_once in ((cutting(), False), (scheme(), True)):
        service, feed, handler = await services(), Feed(), Supervision(replay=replay)
        await told(service, feed.types(), feed.given(), feed.tick("2021-04-21 00:00"), handler=handler)
        await told(service, feed.done(), feed.tick("2021-05-11 00:00"), handler=handler)
        found = await told(service, feed.adopted(document, received=received), handler=handler)
        assert found == [("assigned", GIVEN), ("completed", DONE)][at_once:]


async def test_what_was_done_in_time_is_not_told_to_be_overdue_before(service):
    feed = Feed()
    given, done = feed.given(), feed.done(time="2021-04-28 16:00")
    await told(service, feed.types(), given, done, feed.tick("2021-05-11 00:00"))
    assert await told(service, feed.adopted(cutting()), names=["light"]) == [("green",), ("done",)]


@pytest.mark.parametrize("replay", [False, True])
async def test_wherever_a_scheme_is_heard_its_items_and_their_days_are_the_same(services, replay):
    ends = []
    for place in range(5):
        service, feed, handler = await services(), Feed(), Supervision(replay=replay)
        await told(service, feed.types())
        records = [feed.given(), feed.tick("2021-05-09 00:00"), feed.done(), feed.tick("2021-05-13 00:00")]
        records.insert(place, feed.adopted(cutting(), received=BY_THE_DATABASE if replay else "2021-01-01"))
        versions = [one for record in records for one in await told(service, record, handler=handler)]
        ends.append((versions[-1], await service.state()))
    assert ends == ends[:1] * 5
    assert ends[0][0] == ("completed", DONE)


async def test_what_was_set_aside_is_taken_up_a_page_at_a_time(service):
    feed = Feed()
    many = [feed.done(f"done{n}") for n in range(EVENTS_PER_PAGE)]
    await told(service, feed.types(), feed.given(), *many)
    await told(service, feed.adopted(scheme()))
    ((*_, facts),) = [row[:4] for row in await service.state()]
    assert facts == EVENTS_PER_PAGE + 1
    async with service.exchange.reading() as tx:
        assert await tx.many("SELECT FROM events_aside") == []

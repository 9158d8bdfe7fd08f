"""Supervision on a real PostgreSQL: items from events, whatever their order; ticks; schemes."""

import itertools
import json
import random

import pytest

from services.supervision.domain.matters import item_id
from services.supervision.handlers import why_of
from shared.contracts.catalogue import known_event
from shared.contracts.supervision import ItemChanged
from tests.supervision.facts import RULE, Feed, scheme

PAPER = item_id("mini", "paper", "c1")
LATE = ["2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10"]


async def begun(service, feed, document=None):
    assert await service.apply(feed.types(), feed.adopted(document or scheme())) == {}


async def test_an_event_with_a_deadline_opens_an_item_and_is_told_whole(service):
    feed = Feed()
    await begun(service, feed)
    told = (await service.apply(feed.tick("2021-04-20 08:59"), feed.given()))[PAPER]
    assert ItemChanged.model_validate(told).version == 1
    assert told == {
        "item": PAPER,
        "version": 1,
        "kind": "document",
        "title": "公文督办",
        "state": "assigned",
        "unit": "b1",
        "shares": {"b1": "1"},
        "scheme": "mini",
        "indicator": "k1",
        "event": {"source": "office", "id": "open"},
        "case": "c1",
        "assessor": None,
        "given": "2021-04-20T01:00:00.000000Z",
        "begun": "2021-04-20T01:00:00.000000Z",
        "due": "2021-04-29T16:00:00.000000Z",
        "provisional": False,
        "completed": None,
        "paused": False,
        "light": "green",
        "late_days": [],
        "late_shares": [],
        "zone": "Asia/Shanghai",
        "sign_due": None,
        "sign_late": False,
        "extension": None,
        "received": "2021-04-20T01:00:00.000000Z",
        "cause": {"stream": "ingest.accepted", "shard": feed.shard, "first": 3, "last": 3},
    }
    assert await service.apply(feed.tick("2021-04-21 00:00")) == {}, "nothing changed: nothing is told"


async def test_a_tick_that_begins_a_late_working_day_tells_it_and_no_other_tick_does(service):
    feed = Feed()
    await begun(service, feed)
    await service.apply(feed.given())
    days = {}
    for day in ("04-28", "04-29", "04-30", "05-01", "05-05", "05-06", "05-07", "05-08", "05-09", "05-10"):
        for minute in ("00:00", "00:01", "23:59"):
            told = await service.apply(feed.tick(f"2021-{day} {minute}"))
            if told:
                days[f"{day} {minute}"] = (told[PAPER]["light"], len(told[PAPER]["late_days"]))
    assert days == {
        "04-29 00:00": ("yellow", 0),
        "04-30 00:00": ("red", 1),
        "05-06 00:00": ("red", 2),
        "05-07 00:00": ("red", 3),
        "05-08 00:00": ("red", 4),
        "05-10 00:00": ("red", 5),
    }
    told = (await service.apply(feed.done()))[PAPER]
    assert (told["late_days"], told["light"], told["state"]) == (LATE, "done_late", "completed")
    assert await service.apply(feed.tick("2021-05-11 00:00")) == {}


async def signed(service, feed):
    async with service.door() as door:
        assert (await door.act(PAPER, "sign", "unit")).status_code == 200
    return (await service.apply_acts(feed.shard))[PAPER]


async def test_a_tick_past_the_limit_of_signing_tells_it_once_and_the_signature_ends_it(service):
    feed = Feed()
    await begun(service, feed, scheme(paper=RULE | {"sign_days": 2}))
    first = (await service.apply(feed.given()))[PAPER]
    assert (first["sign_due"], first["sign_late"]) == ("2021-04-22T16:00:00.000000Z", False)
    assert await service.apply(feed.tick("2021-04-22 23:59")) == {}
    late = (await service.apply(feed.tick("2021-04-23 00:00")))[PAPER]
    assert ItemChanged.model_validate(late).sign_late
    assert (late["version"], late["state"], late["light"]) == (2, "assigned", "green")
    assert await service.apply(feed.tick("2021-04-24 00:00")) == {}
    done = await signed(service, feed)
    assert (done["state"], done["sign_due"], done["sign_late"]) == ("signed", None, False)


async def test_who_signs_in_time_is_not_told_that_the_limit_passed(service):
    feed = Feed()
    await begun(service, feed, scheme(paper=RULE | {"sign_days": 2}))
    await service.apply(feed.given(), feed.tick("2021-04-22 23:59"))
    assert not (await signed(service, feed))["sign_late"]
    assert await service.apply(feed.tick("2021-04-23 00:00")) == {}


async def test_a_limit_of_signing_that_passes_after_the_due_time_is_told_too(service):
    feed = Feed()
    rule = RULE | {"due": {"working_days": 1}, "sign_days": 2, "yellow_days": 0}
    await begun(service, feed, scheme(paper=rule))
    await service.apply(feed.given())
    days = {}
    for day in ("04-22", "04-23", "04-24"):
        for told in (await service.apply(feed.tick(f"2021-{day} 00:00"))).values():
            days[day] = (told["light"], len(told["late_days"]), told["sign_late"])
    assert days == {"04-22": ("red", 1, False), "04-23": ("red", 2, True)}


async def test_an_unsigned_item_that_is_withdrawn_is_not_late_for_signing(service):
    feed = Feed()
    await begun(service, feed, scheme(paper=RULE | {"sign_days": 2}))
    await service.apply(feed.given(), feed.tick("2021-04-23 00:00"))
    back = {"correctssource": "office", "correctsid": "open"}
    record = feed.event("paper.given.v1", "r", "2021-04-23 10:00", revision=1, **back)
    told = (await service.apply(record))[PAPER]
    assert (told["state"], told["sign_due"], told["sign_late"]) == ("withdrawn", None, False)


async def test_a_completion_that_comes_late_takes_days_back_and_its_retraction_brings_them_again(service):
    feed = Feed()
    await begun(service, feed)
    await service.apply(feed.given(), feed.tick("2021-05-11 00:00"))
    told = (await service.apply(feed.done(time="2021-05-06 10:00", received="2021-05-11 09:00")))[PAPER]
    assert (told["late_days"], told["completed"]) == (LATE[:2], "2021-05-06")
    assert told["received"] == "2021-05-11T01:00:00.000000Z", "the side of the cut is that of its cause"
    back = {"correctssource": "office", "correctsid": "done"}
    told = (await service.apply(feed.done("r1", "2021-04-29 23:59", revision=1, **back)))[PAPER]
    assert (told["late_days"], told["light"]) == ([], "done")
    told = (await service.apply(feed.event("paper.done.v1", "r2", "2021-05-12 10:00", revision=2, **back)))[
        PAPER
    ]
    assert (told["late_days"], told["light"], told["state"]) == ([*LATE, "2021-05-11"], "red", "assigned")


async def test_an_item_whose_opening_is_withdrawn_is_told_to_be_no_more(service):
    feed = Feed()
    await begun(service, feed)
    await service.apply(feed.given(), feed.tick("2021-05-11 00:00"))
    back = {"correctssource": "office", "correctsid": "open"}
    told = (await service.apply(feed.event("paper.given.v1", "r", "2021-05-11 10:00", revision=1, **back)))[
        PAPER
    ]
    assert (told["state"], told["light"], told["late_days"], told["due"]) == ("withdrawn", "off", [], None)
    told = (await service.apply(feed.given("r2", "2021-04-20 10:00", revision=2, **back)))[PAPER]
    assert (told["state"], told["version"], len(told["late_days"])) == ("assigned", 3, 6)


async def test_only_events_that_the_filter_names_and_that_have_a_deadline_open_items(service):
    feed = Feed()
    rule = RULE | {
        "opens": {"type": "paper.given.v1", "when": {"level": ["high", "3"]}},
        "due": {"at": "until"},
    }
    await begun(service, feed, scheme(paper=rule))
    until = "2021-05-07T12:30:00+08:00"
    assert await service.apply(feed.given("a", data={"level": "low", "until": until})) == {}
    assert await service.apply(feed.given("b", data={"level": "high", "until": None})) == {}
    told = await service.apply(feed.given("c", "2021-04-21 09:00", data={"level": 3, "until": until}))
    assert told[PAPER]["due"] == "2021-05-07T04:30:00.000000Z"
    assert told[PAPER]["event"]["id"] == "c"


async def test_events_that_come_before_their_scheme_is_heard_of_open_items_once_it_is(service):
    feed = Feed()
    assert await service.apply(feed.types(), feed.given(), feed.done()) == {}
    told = await service.apply(feed.tick("2021-05-11 00:00"), feed.adopted(scheme()))
    assert (told[PAPER]["light"], told[PAPER]["late_days"]) == ("done_late", LATE)


def test_the_cause_that_is_named_came_last_in_whatever_order_streams_are_read():
    feed = Feed()
    event = feed.given(received="2021-05-11 09:00")
    adopted = feed.adopted(scheme())
    for pair in ([event, adopted], [adopted, event]):
        first, second = pair
        why = why_of(first, known_event(first.stream, first.body))
        why = why.and_(second, known_event(second.stream, second.body))
        assert (why.cause.stream, why.cause.last) == (event.stream, event.number)
        assert why.received == "2021-05-11T01:00:00.000000Z"


SECOND = {"opens": {"type": "memo.given.v1"}, "completes": {"type": "memo.done.v1"}}


@pytest.mark.parametrize("scheme_first", [True, False])
@pytest.mark.parametrize("code", ["mini", "other"])
async def test_a_type_that_a_later_scheme_names_opens_the_same_items_in_any_order_of_streams(
    services, code, scheme_first
):
    states = []
    for first in (True, scheme_first):
        service, feed = await services(), Feed()
        await begun(service, feed)
        later = scheme(2, paper=RULE, memo=RULE | SECOND)
        later["scheme"]["code"] = code
        adopted = feed.adopted(later)
        events = [
            feed.event("noise.v1", "n", "2021-04-20 08:00", data={}),
            feed.event("memo.given.v1", "m1", "2021-04-20 09:00", data={}),
            feed.event("memo.done.v1", "m2", "2021-05-07 09:00", data={}),
            feed.given(),
        ]
        if first:
            await service.apply(adopted)
        for event in events:
            await service.apply(event)
        if not first:
            await service.apply(adopted)
        states.append(await service.state())
    assert item_id(code, "memo", "c1") in {row[0] for row in states[0]}
    assert states[0] == states[1]


async def test_a_type_that_a_scheme_drops_and_names_again_is_counted_once(service):
    feed = Feed()
    await begun(service, feed, scheme(paper=RULE, memo=RULE | SECOND))
    await service.apply(feed.event("memo.given.v1", "m1", "2021-04-20 09:00", data={}))
    await service.apply(feed.adopted(scheme(2)))
    await service.apply(feed.event("memo.done.v1", "m2", "2021-05-07 09:00", data={}))
    await service.apply(feed.adopted(scheme(3, paper=RULE, memo=RULE | SECOND)))
    ((item, *_, told),) = [row for row in await service.state() if row[0] == item_id("mini", "memo", "c1")]
    assert (item, json.loads(told)["state"]) == (item_id("mini", "memo", "c1"), "completed")
    facts = {row[0]: row[3] for row in await service.state()}
    assert facts[item] == 2


async def test_a_budget_of_working_days_stands_in_a_field(service):
    feed = Feed()
    await begun(service, feed, scheme(paper=RULE | {"due": {"working_days_of": "budget"}}))
    for bad in ({}, {"budget": 0}, {"budget": 2001}, {"budget": "8"}, {"budget": None}):
        assert await service.apply(feed.given(f"bad{bad}", data=bad)) == {}
    told = await service.apply(feed.given("good", data={"budget": 8}))
    assert told[PAPER]["due"] == "2021-04-29T16:00:00.000000Z"


async def test_an_individual_indicator_takes_only_items_of_its_units(service):
    feed = Feed()
    own = {"code": "k1", "name": "个性", "units": ["b2"], "groups": ["bureaus"]}
    await begun(service, feed, scheme(indicators=[own]))
    assert await service.apply(feed.given("a", unit="b1")) == {}
    assert (await service.apply(feed.given("b", unit="b2")))[PAPER]["unit"] == "b2"


async def test_a_later_version_of_the_scheme_opens_what_occurs_in_its_months(service):
    feed = Feed()
    await begun(service, feed)
    await service.apply(feed.given(), feed.done())
    days = RULE | {"due": {"working_days": 20}}
    assert await service.apply(feed.adopted(scheme(2, effective="2021-05", paper=days))) == {}
    told = await service.apply(feed.adopted(scheme(3, effective="2021-04", paper=days)))
    assert told[PAPER]["due"] == "2021-05-19T16:00:00.000000Z"
    assert (told[PAPER]["late_days"], told[PAPER]["light"]) == ([], "done")
    assert told[PAPER]["cause"]["stream"] == "scoring.schemes"


async def test_a_withdrawn_item_is_the_same_in_every_order_and_by_every_cut(service):
    rule = RULE | {"opens": {"type": "paper.given.v1", "title": "name"}}
    back = {"correctssource": "office", "correctsid": "open"}
    ways = itertools.product(itertools.permutations(range(3)), [(), (1, 2), (2,)])
    for n, (order, cuts) in enumerate(ways):
        feed = Feed(f"c{n}")
        await begun(service, feed, scheme(paper=rule))
        reports = [
            feed.given(data={"name": "one"}),
            feed.given("r1", "2021-04-21 09:00", data={"name": "two"}, revision=1, **back),
            feed.event("paper.given.v1", "r2", "2021-04-22 10:00", revision=2, **back),
        ]
        for first, last in itertools.pairwise((0, *cuts, 3)):
            await service.apply(*(reports[at] for at in order[first:last]))
    rows = await service.state()
    assert len(rows) == 18
    for *_, changes, provisional, told in rows:
        said = json.loads(told)
        assert (said["state"], said["light"], said["title"]) == ("withdrawn", "off", "two")
        assert (said["given"], said["due"], said["late_days"]) == ("2021-04-21T01:00:00.000000Z", None, [])
        assert (changes, provisional) == (None, False)
    async with service.door() as door:
        for row in rows:
            assert (await door.ask("GET", f"/v1/items/{row[0]}")).status_code == 200


def everything(feed, *, is_withdrawn):
    back = {"correctssource": "office"}
    withdrawn = [
        feed.event("paper.given.v1", f"w{n}", "2021-05-08 10:00", unit=u, correctsid=n, revision=3, **back)
        for n, u in ((("open", "b1"), ("again", "b2")) if is_withdrawn else ())
    ]
    return [
        feed.given(),
        feed.given("again", "2021-04-22 09:00", unit="b2"),
        feed.given("r1", "2021-04-19 09:00", correctsid="open", revision=1, **back),
        feed.done(),
        feed.done("early", "2021-05-07 09:00"),
        feed.event("paper.done.v1", "r2", "2021-05-12 10:00", correctsid="done", revision=2, **back),
        feed.done("r3", "2021-05-06 10:00", correctsid="done", revision=1, **back),
        *withdrawn,
        feed.tick("2021-05-09 00:00"),
        feed.tick("2021-05-13 00:00"),
    ]


@pytest.mark.parametrize("is_withdrawn", [False, True])
@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_arrival_and_any_cut_into_batches_ends_at_the_same_items(
    services, seed, is_withdrawn
):
    chance = random.Random(seed)
    states = []
    for shuffled in (False, True):
        service, feed = await services(), Feed()
        await begun(service, feed)
        records = everything(feed, is_withdrawn=is_withdrawn)
        if shuffled:
            ticks, others = records[-2:], records[:-2]
            chance.shuffle(others)
            records = sorted([*others, *ticks], key=lambda one: one in ticks and chance.random() < 0.5)
        while records:
            size = chance.randint(1, 4)
            await service.apply(*records[:size])
            records = records[size:]
        states.append(await service.state())
    assert len(states[0]) == 1
    assert states[0] == states[1]

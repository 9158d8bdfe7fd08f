"""Working calendars: drafted and adopted by two persons, refused with a place, heard by every shard in any order."""

import random
from copy import deepcopy

import pytest

from services.supervision.domain.matters import item_id
from shared.contracts.supervision import CalendarAdopted
from shared.kernel.shards import SHARDS
from tests.supervision.facts import MAY, SPRING, Feed, calendar, scheme

PAPER = item_id("mini", "paper", "c1")
LATE = ["2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10"]
ZONE = "/v1/calendars/Asia%2FShanghai"
EARLY = calendar(last="2021-04-24", days=SPRING)
NOTHING = calendar(zone="Asia/Tokyo")


async def begun(service, feed):
    await service.apply(feed.types(), feed.adopted(scheme()))


async def drafted(door, document, person="issuer"):
    answer = await door.ask("POST", "/v1/calendars", person, json=document)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_two_persons_put_a_calendar_in_force_and_every_shard_is_told(service):
    async with service.door() as door:
        state = await drafted(door, calendar(2, last="2022-12-31"))
        assert (state["state"], state["author"], state["approver"]) == ("draft", "issuer", None)
        read = {"digest": state["digest"]}
        assert (await door.ask("POST", f"{ZONE}/2:adopt", "reader", json=read)).status_code == 403
        answer = await door.ask("POST", f"{ZONE}/2:adopt", "li", json=read)
        assert (answer.status_code, answer.json()["state"]) == (200, "adopted")
        listed = (await door.ask("GET", "/v1/calendars")).json()["items"]
        assert [(one["version"], one["state"], one["last"]) for one in listed] == [
            (1, "superseded", "2021-12-31"),
            (2, "adopted", "2022-12-31"),
        ]
        shown = (await door.ask("GET", f"{ZONE}/2")).json()
        assert shown["document"]["notices"][0]["days"][0]["day"] == "2021-04-03"
    async with service.exchange.reading() as tx:
        records = [await tx.read("supervision.calendars", shard, 1, 10) for shard in range(SHARDS)]
    assert [len(found) for found in records] == [1] * SHARDS
    assert b'"last":"2022-12-31"' in records[0][0].body
    assert CalendarAdopted.model_fields["document"].annotation is not None


async def test_nobody_adopts_their_own_calendar_or_one_twice_or_an_older_one(service):
    async with service.door() as door:
        async with service.exchange.begin(actor="test", action="draft") as tx:
            from services.supervision import adopting

            await adopting.draft(tx, calendar(3), "li")
        read = {"digest": (await door.ask("GET", f"{ZONE}/3")).json()["digest"]}
        answer = await door.ask("POST", f"{ZONE}/3:adopt", "li", json=read)
        assert (answer.status_code, answer.json()["code"]) == (403, "same_person")
        older = {"digest": (await drafted(door, calendar(2)))["digest"]}
        assert (await door.ask("POST", f"{ZONE}/3:adopt", "wang", json=read)).status_code == 200
        for version, code, body in ((3, "already_adopted", read), (2, "older_than_adopted", older)):
            answer = await door.ask("POST", f"{ZONE}/{version}:adopt", "wang", json=body)
            assert (answer.status_code, answer.json()["code"]) == (409, code)
            answer = await door.ask("POST", "/v1/calendars", "issuer", json=calendar(version))
            assert (answer.status_code, answer.json()["code"]) == (409, code)
        assert (await door.ask("POST", f"{ZONE}/9:adopt", "li", json=read)).status_code == 404


async def test_a_calendar_that_was_redrafted_since_it_was_read_is_not_adopted(service):
    async with service.door() as door:
        read = {"digest": (await drafted(door, calendar(2)))["digest"]}
        await drafted(door, calendar(2, last="2022-12-31"))
        answer = await door.ask("POST", f"{ZONE}/2:adopt", "li", json=read)
        assert (answer.status_code, answer.json()["code"]) == (409, "digest_changed")


def changed(change):
    document = deepcopy(calendar(2))
    change(document)
    return document


def day(number, **values):
    return lambda document: document["notices"][0]["days"][number].update(values)


BAD = {
    "a member too many": (lambda d: d.update(dayz=[]), "/dayz", "shape"),
    "no hours": (lambda d: d.pop("hours"), "/hours", "shape"),
    "a fraction of a version": (lambda d: d["calendar"].update(version="1"), "/calendar/version", "shape"),
    "no such zone": (lambda d: d["calendar"].update(zone="Asia/Peking"), "/calendar/zone", "zone"),
    "a zone that leads out": (lambda d: d["calendar"].update(zone="../../etc"), "/calendar/zone", "zone"),
    "no such day": (day(0, day="2021-02-30"), "/notices/0/days/0/day", "no_such_day"),
    "no such last day": (
        lambda d: d["calendar"].update(last="2021-11-31"),
        "/calendar/last",
        "no_such_day",
    ),
    "the end before the beginning": (
        lambda d: d["calendar"].update(first="2022-01-01"),
        "/calendar/last",
        "range",
    ),
    "a thousand years": (lambda d: d["calendar"].update(first="1900-01-01"), "/calendar/last", "range"),
    "a day twice": (day(1, day="2021-04-03"), "/notices/0/days/1/day", "twice"),
    "a day outside": (day(0, day="2022-04-03"), "/notices/0/days/0/day", "outside"),
    "another kind": (day(0, kind="holiday"), "/notices/0/days/0/kind", "shape"),
    "a make-up Monday": (day(0, day="2021-04-12", kind="make-up"), "/notices/0/days/0/day", "make_up"),
    "hours that end before they begin": (
        lambda d: d["hours"].update(monday=["17:30-08:30"]),
        "/hours/monday",
        "hours",
    ),
    "hours that overlap": (
        lambda d: d["hours"].update(friday=["08:30-12:00", "11:00-17:00"]),
        "/hours/friday",
        "hours",
    ),
    "a Monday without hours": (lambda d: d["hours"].update(monday=[]), "/hours/monday", "hours"),
    "no such hour": (lambda d: d["hours"].update(monday=["08:30-24:30"]), "/hours/monday/0", "shape"),
    "less than is known": (lambda d: d["calendar"].update(last="2021-11-30"), "/calendar/last", "knows_less"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_calendar_is_refused_with_place_and_code(service, case):
    change, path, code = BAD[case]
    async with service.door() as door:
        answer = await door.ask("POST", "/v1/calendars", "issuer", json=changed(change))
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "calendar_refused")
    assert (path, code) in [(one["path"], one["code"]) for one in told["findings"]]


async def test_what_is_no_calendar_at_all_is_refused_too(service):
    async with service.door() as door:
        for document in ([], "calendar", 3):
            answer = await door.ask("POST", "/v1/calendars", "issuer", json=document)
            assert (answer.status_code, answer.json()["code"]) == (422, "calendar_refused")


async def test_days_say_whether_they_are_worked_and_by_which_notice_and_2022_is_provisional(service):
    async with service.door() as door:
        found = (await door.ask("GET", f"{ZONE}/days?first=2021-05-07&last=2021-05-10")).json()
        assert (found["version"], found["known_until"]) == (1, "2021-12-31")
        days = {one["day"]: one for one in found["days"]}
        assert [(one["worked"], one["kind"]) for one in days.values()] == [
            (True, "work"),
            (True, "make-up"),
            (False, "rest"),
            (True, "work"),
        ]
        assert days["2021-05-08"]["hours"] == ["08:30-12:00", "13:30-17:30"]
        assert (days["2021-05-08"]["notice"], days["2021-05-08"]["verified"]) == ("notice", False)
        (one,) = (await door.ask("GET", f"{ZONE}/days?first=2022-01-03")).json()["days"]
        assert (one["worked"], one["provisional"], one["notice"]) == (True, True, None)
        for query, code in (
            ("first=2021-02-30", "invalid"),
            ("first=2021-01-02&last=2021-01-01", "range"),
            ("first=2021-01-01&last=2023-01-01", "range"),
            ("first=yesterday", "invalid"),
        ):
            answer = await door.ask("GET", f"{ZONE}/days?{query}")
            assert (answer.status_code, answer.json()["code"]) == (422, code)
        found = (await door.ask("GET", "/v1/calendars/America%2FNew_York/days?first=2021-07-05")).json()
        assert (found["version"], found["days"][0]["provisional"]) == (None, True)
        assert (await door.ask("GET", "/v1/calendars/Mars/days?first=2021-07-05")).status_code == 404
        assert (await door.ask("GET", "/v1/calendars/Mars/1")).status_code == 404


async def test_past_what_is_known_a_due_time_is_provisional_and_costs_nothing_until_it_is_known(services):
    service, feed = await services(EARLY), Feed()
    await begun(service, feed)
    told = (await service.apply(feed.given(), feed.tick("2021-05-06 12:00")))[PAPER]
    assert (told["due"], told["provisional"]) == ("2021-04-30T16:00:00.000000Z", True)
    assert (told["light"], told["late_days"]) == ("red", [])
    async with service.door() as door:
        assert (await door.ask("GET", f"/v1/items/{PAPER}")).json()["calendar"] == "Asia/Shanghai@1"
        listed = (await door.ask("GET", "/v1/items", params={"provisional": "true"})).json()["items"]
        assert [one["item"] for one in listed] == [PAPER]
        assert (await door.ask("GET", "/v1/item-counts")).json()["provisional"] == 1
        told = (await service.adopt(calendar(2)))[PAPER]
        assert (told["due"], told["provisional"]) == ("2021-04-29T16:00:00.000000Z", False)
        assert told["late_days"] == LATE[:2]
        assert told["cause"] == {
            "stream": "supervision.calendars",
            "shard": feed.shard,
            "first": 2,
            "last": 2,
        }
        assert (await door.ask("GET", "/v1/item-counts")).json()["provisional"] == 0
        assert (await door.ask("GET", f"/v1/items/{PAPER}")).json()["calendar"] == "Asia/Shanghai@2"


async def test_late_days_past_the_last_known_day_are_counted_when_it_is_known(services):
    service, feed = await services(calendar(last="2021-05-06")), Feed()
    await begun(service, feed)
    await service.apply(feed.given())
    told = (await service.apply(feed.tick("2021-05-10 12:00")))[PAPER]
    assert (told["provisional"], told["late_days"]) == (False, LATE[:2])
    assert (await service.apply(feed.done()))[PAPER]["late_days"] == LATE[:2]
    assert (await service.adopt(calendar(2)))[PAPER]["late_days"] == LATE, "a done item is told again too"


async def test_a_correction_says_of_a_done_item_what_is_so_now_and_why(service):
    feed = Feed()
    await begun(service, feed)
    told = (await service.apply(feed.given(), feed.done(), feed.tick("2021-06-01 00:00")))[PAPER]
    assert told["late_days"] == LATE
    moved = SPRING | MAY | {"2021-05-06": "rest"}
    now = (await service.adopt(calendar(2, days=moved)))[PAPER]
    assert now["late_days"] == [day for day in LATE if day != "2021-05-06"]
    assert (now["version"], now["received"]) == (told["version"] + 1, "2021-05-31T16:00:00.000000Z")
    assert await service.adopt(calendar(3, days=moved)) == {}, "what changes nothing tells nothing"


async def test_another_zones_calendar_changes_nothing(service):
    feed = Feed()
    await begun(service, feed)
    await service.apply(feed.given(), feed.done())
    assert await service.adopt(NOTHING) == {}


def everything(feed):
    return [
        feed.given(),
        feed.done(),
        feed.given("again", "2021-04-22 09:00", unit="b2"),
        feed.tick("2021-05-09 00:00"),
        feed.tick("2021-05-13 00:00"),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_calendars_before_between_or_after_the_facts_end_at_the_same_items(services, seed):
    chance = random.Random(seed)
    states = []
    for early in (True, False):
        service, feed = await services(EARLY), Feed()
        await begun(service, feed)
        steps = [("facts", record) for record in everything(feed)]
        for version in (2, 3):
            at = version - 2 if early else chance.randint(0, len(steps))
            days = SPRING | MAY if version == 3 else SPRING
            steps.insert(at, ("calendar", calendar(version, days=days)))
        adopted = sorted(
            (one for kind, one in steps if kind == "calendar"), key=lambda d: d["calendar"]["version"]
        )
        for kind, one in steps:
            if kind == "facts":
                await service.apply(one)
            else:
                await service.adopt(adopted.pop(0), shards=[feed.shard])
        states.append(await service.state())
    assert len(states[0]) == 1
    assert states[0] == states[1]

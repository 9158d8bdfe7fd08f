"""Persons' acts through the door: the worked case of an extension, four eyes, two at once, what is possible."""

import asyncio

import pytest

from services.supervision.domain.matters import item_id
from shared.contracts.supervision import ItemChanged
from tests.supervision.decision import PAPER, SHARD, assigned, at, begun, done, opened
from tests.supervision.facts import RULE, calendar, scheme

__all__ = ["begun"]


async def test_the_worked_case_is_late_by_five_days(begun):
    service, feed, door = begun
    item = await opened(door)
    assert (item["due"], item["begun"], item["state"]) == (None, None, "registered")
    answer = await door.ask("POST", "/v1/items/decision-7:assign", "issuer", json={"unit": "b1"})
    item = answer.json()
    assert (item["due"], item["state"]) == ("2021-04-29T16:00:00.000000Z", "assigned")
    assert item["begun"] == "2021-04-20T01:00:00.000000Z"
    item = await done(door, service, feed)
    assert item["late_days"] == ["2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10"]
    assert (item["state"], item["light"], item["completed"]) == ("cleared", "done_late", "2021-05-10")
    told = (await service.apply_acts(SHARD))["decision-7"]
    assert ItemChanged.model_validate(told).zone == "Asia/Shanghai"
    assert {name: told[name] for name in ("late_days", "state", "light", "due")} == {
        name: item[name] for name in ("late_days", "state", "light", "due")
    }
    assert told["cause"]["stream"] == "supervision.acts"


async def test_what_nobody_was_given_is_not_late_and_its_clock_begins_when_it_is_assigned(begun):
    service, feed, door = begun
    await opened(door, given="2021-04-01T01:00:00Z")
    await service.apply_acts(SHARD)
    await at(service, feed, "2021-05-10 16:00")
    item = (await door.ask("GET", "/v1/items/decision-7")).json()
    assert (item["due"], item["light"], item["late_days"]) == (None, "green", [])
    answer = await door.ask("POST", "/v1/items/decision-7:assign", "issuer", json={"unit": "b1"})
    item = answer.json()
    assert (item["given"], item["begun"]) == ("2021-04-01T01:00:00.000000Z", "2021-05-10T08:00:00.000000Z")
    assert (item["due"], item["light"], item["late_days"]) == ("2021-05-20T16:00:00.000000Z", "green", [])


async def test_extended_in_time_to_7_may_it_is_late_by_two_days(begun):
    service, feed, door = begun
    await assigned(door)
    await at(service, feed, "2021-04-29 17:00")
    wish = {"day": "2021-05-07", "reason": "资料未齐"}
    answer = await door.act("decision-7", "ask-extension", "unit", **wish)
    assert [one["state"] for one in answer.json()["extensions"]] == ["asked"]
    for person in ("li", "wang"):
        answer = await door.act("decision-7", "approve-extension", person)
        assert answer.status_code == 200, answer.text
        again = await door.act("decision-7", "approve-extension", person)
        assert again.status_code in {403, 409}
    assert answer.json()["due"] == "2021-05-07T16:00:00.000000Z"
    item = await done(door, service, feed)
    assert item["late_days"] == ["2021-05-08", "2021-05-10"]


async def test_an_approved_extension_stands_whatever_calendar_is_adopted_later(begun):
    service, feed, door = begun
    await assigned(door)
    await at(service, feed, "2021-04-29 17:00")
    await door.act("decision-7", "ask-extension", "unit", day="2021-05-07", reason="资料未齐")
    await at(service, feed, "2021-05-06 09:00")
    for person in ("li", "wang"):
        assert (await door.act("decision-7", "approve-extension", person)).status_code == 200
    await at(service, feed, "2021-05-06 10:00")
    worked = {"2021-04-24": "make-up", "2021-04-25": "make-up"}
    told = await service.adopt(calendar(2, days=worked))
    assert told == {}, "by this calendar it was due on 28 April, and the request lapsed on 5 May"
    item = (await door.ask("GET", "/v1/items/decision-7")).json()
    assert item["due"] == "2021-05-07T16:00:00.000000Z"
    assert [one["refused"] for one in item["history"]] == [None] * 4
    (asked,) = [one for one in item["history"] if one["act"] == "ask-extension"]
    assert asked["due"] == "2021-04-29T16:00:00.000000Z"
    (extension,) = item["extensions"]
    assert (extension["state"], extension["lapses"]) == ("approved", "2021-05-07T16:00:00.000000Z")


async def test_an_extension_asked_for_too_late_is_refused(begun):
    service, feed, door = begun
    await assigned(door)
    await at(service, feed, "2021-04-30 00:00")
    answer = await door.act("decision-7", "ask-extension", "unit", day="2021-05-07", reason="late")
    assert (answer.status_code, answer.json()["code"]) == (409, "extension_too_late")
    assert "ask-extension" not in answer.json()["possible"]
    item = await done(door, service, feed)
    assert len(item["late_days"]) == 5


@pytest.mark.parametrize(
    ("day", "status", "code"),
    [
        ("2021-02-30", 422, "invalid"),
        ("2021-03-01", 409, "extension_not_later"),
        ("2021-04-29", 409, "extension_not_later"),
    ],
)
async def test_an_extension_asks_for_a_day_that_exists_and_follows_the_due_day(begun, day, status, code):
    _, _, door = begun
    await assigned(door)
    answer = await door.act("decision-7", "ask-extension", "unit", day=day, reason="r")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await door.ask("GET", "/v1/items/decision-7")).json()["extensions"] == []


async def test_an_illegal_step_says_what_is_possible(begun):
    _, _, door = begun
    await opened(door)
    answer = await door.act("decision-7", "accept", "li")
    assert answer.status_code == 409
    told = answer.json()
    assert (told["code"], told["state"]) == ("illegal_step", "registered")
    assert told["possible"] == ["assign", "cancel"]
    shown = (await door.ask("GET", "/v1/items/decision-7")).json()
    assert [one["act"] for one in shown["possible"]] == told["possible"]
    assert shown["possible"][0] == {"act": "assign", "who": "issuer", "roles": ["author"]}


async def test_of_two_acts_at_the_same_instant_one_is_told_that_the_item_changed(begun):
    _, _, door = begun
    await assigned(door)
    tag = (await door.ask("GET", "/v1/items/decision-7")).headers["etag"]
    first, second = await asyncio.gather(
        door.act("decision-7", "sign", "unit", headers={"if-match": tag}),
        door.act("decision-7", "pause", "issuer", headers={"if-match": tag}),
    )
    assert sorted([first.status_code, second.status_code]) == [200, 412]
    lost = first if first.status_code == 412 else second
    won = second if first.status_code == 412 else first
    assert lost.json()["code"] == "changed_meanwhile"
    assert lost.headers["etag"] == won.headers["etag"]
    both = await asyncio.gather(
        door.act("decision-7", "cancel", "issuer"), door.act("decision-7", "cancel", "issuer")
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]


async def test_on_a_withdrawn_item_nothing_is_possible(begun):
    service, feed, door = begun
    await service.apply(feed.given())
    item = item_id("mini", "paper", "c1")
    await service.apply(
        feed.given("taken back", data=None, correctssource="office", correctsid="open", revision=1)
    )
    answer = await door.act(item, "sign", "unit")
    told = answer.json()
    assert (answer.status_code, told["code"], told["state"], told["possible"]) == (
        409,
        "illegal_step",
        "withdrawn",
        [],
    )


async def test_the_tag_of_an_item_covers_what_a_calendar_or_a_scheme_moves_and_not_what_a_tick_does(begun):
    service, feed, door = begun
    await service.apply(feed.given())
    item = item_id("mini", "paper", "c1")
    seen = await door.ask("GET", f"/v1/items/{item}")
    await at(service, feed, "2021-04-29 09:00")
    later = await door.ask("GET", f"/v1/items/{item}")
    assert (seen.json()["light"], later.json()["light"]) == ("green", "yellow")
    assert seen.headers["etag"] == later.headers["etag"]
    await service.adopt(calendar(2, days={"2021-04-25": "make-up", "2021-05-08": "make-up"}))
    same = await door.ask("GET", f"/v1/items/{item}")
    assert same.headers["etag"] == later.headers["etag"], "the other days moved nothing"
    await service.adopt(calendar(3, days={}))
    moved = await door.ask("GET", f"/v1/items/{item}")
    assert moved.json()["due"] != seen.json()["due"]
    tags = [moved.headers["etag"]]
    await service.apply(feed.adopted(scheme(2, paper=RULE | {"due": {"working_days": 9}})))
    tags.append((await door.ask("GET", f"/v1/items/{item}")).headers["etag"])
    assert len({seen.headers["etag"], *tags}) == 3
    for tag in (seen.headers["etag"], tags[0]):
        answer = await door.act(item, "sign", "unit", headers={"if-match": tag})
        assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    answer = await door.act(item, "sign", "unit", headers={"if-match": tags[1]})
    assert answer.status_code == 200
    await service.apply_acts(SHARD)
    shown = await door.ask("GET", f"/v1/items/{item}")
    assert shown.headers["etag"] == answer.headers["etag"], "that it was told since is no change"


async def test_nobody_accepts_what_they_submitted_and_roles_are_kept_apart(begun):
    _, _, door = begun
    await assigned(door)
    assert (await door.act("decision-7", "sign", "issuer")).status_code == 403
    assert (await door.act("decision-7", "sign", "unit")).status_code == 200
    assert (await door.act("decision-7", "submit", "unit")).status_code == 422, "evidence is needed"
    assert (await door.act("decision-7", "submit", "unit", **PAPER)).status_code == 200
    answer = await door.ask("POST", "/v1/items/decision-7:accept", "reader", json={})
    assert answer.status_code == 403
    assert (await door.act("decision-7", "send-back", "li", reason="缺附件")).json()["state"] == "sent_back"


async def test_other_units_items_are_not_there(begun):
    service, _, door = begun
    await opened(door, shares={"b1": "0.7", "b2": "0.3"})
    await service.apply_acts(SHARD)
    for unit, status in (("/nation/b1", 200), ("/nation/b2", 200), ("/nation", 200), ("/nation/b3", 404)):
        answer = await door.ask("GET", "/v1/items/decision-7", unit=unit)
        assert answer.status_code == status
        listed = (await door.ask("GET", "/v1/items", unit=unit)).json()["items"]
        assert len(listed) == (status == 200)
    answer = await door.ask(
        "POST", "/v1/items/decision-7:assign", "issuer", unit="/nation/b3", json={"unit": "b1"}
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_an_act_on_what_is_not_there_is_404(begun):
    _, _, door = begun
    assert (await door.act("nothing", "sign", "unit")).status_code == 404
    assert (await door.ask("GET", "/v1/items/nothing")).status_code == 404


async def test_pausing_stops_the_clock_and_resuming_moves_the_due_time(begun):
    service, feed, door = begun
    await assigned(door)
    assert (await door.act("decision-7", "pause", "issuer", reason="等待批复")).json()["due"] is None
    assert (await door.act("decision-7", "sign", "unit")).json()["code"] == "illegal_step"
    await at(service, feed, "2021-04-23 09:00")
    answer = await door.act("decision-7", "resume", "issuer")
    assert answer.json()["due"] == "2021-05-06T16:00:00.000000Z", "21 and 22 April did not count"

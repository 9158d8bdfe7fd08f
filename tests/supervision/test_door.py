"""Persons' acts through the door: the worked case of an extension, four eyes, two at once, what is possible."""

import asyncio

import pytest

from services.supervision.domain.matters import item_id
from shared.contracts.supervision import ItemChanged
from shared.kernel.shards import shard_of
from tests.supervision.facts import RULE, Feed, calendar, scheme

OPENED = {
    "item": "decision-7",
    "kind": "decision",
    "title": "国务院常务会议决定事项",
    "unit": "b1",
    "due": {"working_days": 8},
    "case": "c1",
    "scheme": "mini",
    "indicator": "k1",
}
PAPER = {"evidence": [{"name": "report.pdf", "sha256": "a" * 64}]}
SHARD = shard_of("c1")


@pytest.fixture
async def begun(service):
    """A door at 20 April 2021, 09:00."""
    feed = Feed()
    await service.apply(feed.types(), feed.adopted(scheme()), feed.tick("2021-04-20 09:00"))
    async with service.door() as door:
        yield service, feed, door


async def opened(door, **changes):
    answer = await door.ask("POST", "/v1/items", "issuer", json=OPENED | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def at(service, feed, text):
    """Let the clock of the feed reach a minute."""
    await service.apply(feed.tick(text))
    return await service.apply_acts(SHARD)


async def done(door, service, feed):
    """Have it signed for, submitted on 10 May and accepted; return it as it is then."""
    await at(service, feed, "2021-05-10 16:00")
    for act, person, body in (("sign", "unit", {}), ("submit", "unit", PAPER), ("accept", "li", {})):
        answer = await door.act("decision-7", act, person, **body)
        assert answer.status_code == 200, answer.text
    return answer.json()


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


async def assigned(door):
    await opened(door)
    answer = await door.ask("POST", "/v1/items/decision-7:assign", "issuer", json={"unit": "b1"})
    assert answer.status_code == 200, answer.text


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


ASSESSED = [{"code": "k1", "name": "个性一", "units": ["b1", "b2"], "groups": ["bureaus"], "assessor": "b3"}]


@pytest.fixture
async def assessed(service):
    """A door over a scheme whose indicator k1 is assessed by b3, with an item of k1 that b1 and b2 share."""
    feed = Feed()
    document = scheme(indicators=ASSESSED)
    document["units"].append({"code": "b3", "parent": "nation", "name": "考评司", "level": "department"})
    await service.apply(feed.types(), feed.adopted(document), feed.tick("2021-04-20 09:00"))
    async with service.door() as door:
        await opened(door, shares={"b1": "0.7", "b2": "0.3"})
        yield service, door


OWN_ACTS = [
    ("assign", "issuer", {"unit": "b2"}),
    ("pause", "issuer", {}),
    ("cancel", "issuer", {}),
    ("approve-extension", "li", {}),
    ("refuse-extension", "li", {}),
    ("accept", "li", {}),
    ("send-back", "li", {}),
    ("reopen", "li", {}),
]


@pytest.mark.parametrize(("act", "person", "body"), OWN_ACTS, ids=[act for act, _, _ in OWN_ACTS])
async def test_nobody_issues_or_checks_what_their_own_unit_does(assessed, act, person, body):
    _, door = assessed
    for unit in ("/nation/b1", "/nation/b2"):
        answer = await act_as(door, act, person, unit, body)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_above")
    for unit in ("/nation", "/nation/b3"):
        assert (await act_as(door, act, person, unit, body)).json().get("code") in {None, "illegal_step"}


async def act_as(door, act, person, unit, body):
    return await door.ask("POST", f"/v1/items/decision-7:{act}", person, unit=unit, json=body)


async def test_an_author_gives_work_only_to_units_below_their_own(assessed):
    _, door = assessed
    split = {"b1": "0.000001", "b2": "0.999999"}
    for given in ({"unit": "b2", "shares": split}, {"unit": "b1"}, {"unit": "b2"}):
        asked = OPENED | {"item": "other", "shares": {}} | given
        answer = await door.ask("POST", "/v1/items", "issuer", unit="/nation/b1", json=asked)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_above")
    for unit in ("/nation", "/nation/b3"):
        answer = await act_as(door, "assign", "issuer", unit, {"unit": "b2", "shares": split})
        assert answer.status_code == 200
    answer = await act_as(door, "assign", "issuer", "/nation/b3", {"unit": "b3"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_above"), "who assesses does not do it"
    unnamed = OPENED | {"item": "other", "indicator": None}
    answer = await door.ask("POST", "/v1/items", "issuer", unit="/nation/b3", json=unnamed)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_above")


async def test_who_assesses_an_item_sees_and_lists_it_and_does_not_work_on_it(assessed):
    service, door = assessed
    await service.apply_acts(SHARD)
    await act_as(door, "assign", "issuer", "/nation", {"unit": "b1"})
    assert (await door.ask("GET", "/v1/items/decision-7", unit="/nation/b3")).status_code == 200
    listed = (await door.ask("GET", "/v1/items", unit="/nation/b3")).json()["items"]
    assert [one["item"] for one in listed] == ["decision-7"]
    answer = await door.act("decision-7", "sign", "unit", unit="/nation/b3")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_above")
    assert (await door.act("decision-7", "sign", "unit", unit="/nation/b1")).status_code == 200


async def test_who_bears_late_days_of_an_item_sees_it_when_another_has_it_and_does_not_work_on_it(begun):
    service, feed, door = begun
    await opened(door)
    await door.ask("POST", "/v1/items/decision-7:assign", "issuer", json={"unit": "b1"})
    await service.apply_acts(SHARD)
    await at(service, feed, "2021-05-07 09:00")
    answer = await door.ask("POST", "/v1/items/decision-7:assign", "issuer", json={"unit": "b2"})
    assert answer.status_code == 200, answer.text
    await service.apply_acts(SHARD)
    for unit, status, listed in (("b1", 200, ["decision-7"]), ("b2", 200, ["decision-7"]), ("b3", 404, [])):
        answer = await door.ask("GET", "/v1/items/decision-7", unit=f"/nation/{unit}")
        assert answer.status_code == status
        found = (await door.ask("GET", "/v1/items", unit=f"/nation/{unit}")).json()["items"]
        assert [one["item"] for one in found] == listed
    answer = await door.act("decision-7", "sign", "unit", unit="/nation/b1")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_above")


async def test_the_same_request_opens_one_item_and_another_of_its_name_is_refused(begun):
    service, _, door = begun
    first = await opened(door)
    assert await opened(door) == first
    answer = await door.ask("POST", "/v1/items", "issuer", json=OPENED | {"title": "another"})
    assert (answer.status_code, answer.json()["code"]) == (409, "item_exists")
    nameless = {name: value for name, value in OPENED.items() if name != "item"}
    answer = await door.ask("POST", "/v1/items", "issuer", json=nameless)
    assert (answer.status_code, answer.json()["code"]) == (422, "missing_field")
    assert len(await service.apply_acts(SHARD)) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"shares": {"b1": "0.7", "b2": "0.2"}}, "shares"),
        ({"shares": {"b2": "1"}}, "shares"),
        ({"shares": {"b1": "1", "b2": "0.0"}}, "shares"),
        ({"shares": {"b1": "1.5", "b2": "-0.5"}}, "invalid"),
        ({"shares": {"b1": "0.6666666", "b2": "0.3333334"}}, "invalid"),
        ({"due": {}}, "invalid"),
        ({"due": {"day": "2021-02-30"}}, "invalid"),
        ({"due": {"at": "2021-02-30T00:00:00Z"}}, "invalid"),
        ({"due": {"working_days": 3, "day": "2021-05-01"}}, "invalid"),
        ({"given": "2021-04-20T01:00:01Z"}, "time_in_future"),
        ({"kind": "rumour"}, "invalid"),
        ({"item": "a/b"}, "invalid"),
        ({"item": item_id("mini", "paper", "c1")}, "reserved_name"),
        ({"item": "e-1"}, "reserved_name"),
        ({"titel": "x"}, "unknown_field"),
    ],
)
async def test_what_cannot_be_opened_is_refused_with_its_code(begun, changes, code):
    _, _, door = begun
    answer = await door.ask("POST", "/v1/items", "issuer", json=OPENED | changes)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_items_are_listed_by_what_they_are_a_page_at_a_time(begun):
    service, feed, door = begun
    for name in ("a", "b", "c"):
        await opened(door, item=name)
    await opened(door, item="d", kind="instruction", due={"day": "2021-04-21"})
    await door.ask("POST", "/v1/items/d:assign", "issuer", json={"unit": "b1"})
    await service.apply_acts(SHARD)
    await at(service, feed, "2021-04-22 00:00")

    async def listed(**query):
        answer = (await door.ask("GET", "/v1/items", params=query)).json()
        return [one["item"] for one in answer["items"]], answer["next"]

    assert await listed() == (["a", "b", "c", "d"], None)
    assert await listed(limit=3) == (["a", "b", "c"], "c")
    assert await listed(limit=3, after="c") == (["d"], None)
    assert await listed(overdue="true") == (["d"], None)
    assert await listed(kind="instruction", open="true", light="red") == (["d"], None)
    assert await listed(state="cleared") == ([], None)
    counts = (await door.ask("GET", "/v1/item-counts", params={"at": "2021-04-22T00:00:00Z"})).json()
    assert {name: counts[name] for name in ("given", "open", "overdue", "done")} == {
        "given": 4,
        "open": 4,
        "overdue": 1,
        "done": 0,
    }


async def test_what_waits_to_be_accepted_is_open_in_the_list_and_in_the_counts(begun):
    service, feed, door = begun
    await assigned(door)
    await door.act("decision-7", "sign", "unit")
    await at(service, feed, "2021-04-22 09:00")
    await door.act("decision-7", "submit", "unit", **PAPER)

    async def looked_at():
        await service.apply_acts(SHARD)
        counts = (await door.ask("GET", "/v1/item-counts", params={"at": "2021-05-20T00:00:00Z"})).json()
        lists = [
            len((await door.ask("GET", "/v1/items", params={"open": one})).json()["items"])
            for one in ("true", "false")
        ]
        return [counts[name] for name in ("given", "open", "submitted", "overdue", "done")], lists

    assert await looked_at() == ([1, 1, 1, 0, 0], [1, 0])
    assert (await door.act("decision-7", "accept", "li")).status_code == 200
    assert await looked_at() == ([1, 0, 0, 0, 1], [0, 1])


async def test_what_was_submitted_late_is_overdue_until_it_is_accepted(begun):
    service, feed, door = begun
    await assigned(door)
    await door.act("decision-7", "sign", "unit")
    await at(service, feed, "2021-05-07 09:00")
    await door.act("decision-7", "submit", "unit", **PAPER)
    await service.apply_acts(SHARD)
    counts = (await door.ask("GET", "/v1/item-counts", params={"at": "2021-05-20T00:00:00Z"})).json()
    assert (counts["overdue"], counts["done_late"]) == (1, 0)
    red = (await door.ask("GET", "/v1/items", params={"open": "true", "overdue": "true"})).json()["items"]
    assert [one["light"] for one in red] == ["red"]
    await door.act("decision-7", "accept", "li")
    await service.apply_acts(SHARD)
    counts = (await door.ask("GET", "/v1/item-counts", params={"at": "2021-05-20T00:00:00Z"})).json()
    assert (counts["overdue"], counts["done_late"]) == (0, 1)


OWN_INDICATORS = [
    {"code": "k1", "name": "个性一", "units": ["b1"], "groups": ["bureaus"]},
    {"code": "k2", "name": "个性二", "units": ["b1", "b2"], "groups": ["bureaus"]},
    {"code": "k3", "name": "个性三", "units": ["b2"], "groups": ["bureaus"]},
    {"code": "c1", "name": "共性", "units": [], "groups": ["bureaus"]},
]


@pytest.fixture
async def owned(service):
    """A door at 20 April 2021, 09:00, over a scheme with individual indicators and an item for one of them."""
    feed = Feed()
    await service.apply(feed.types(), feed.adopted(scheme(indicators=OWN_INDICATORS)), feed.given())
    async with service.door() as door:
        yield service, door


async def coverage(door, unit="/"):
    return (await door.ask("GET", "/v1/coverage/mini", unit=unit)).json()


async def test_coverage_names_each_unit_of_an_individual_indicator_that_has_no_item(owned):
    _, door = owned
    found = await coverage(door)
    assert (found["pairs"], found["covered"], found["percent"]) == (4, 1, "25.00")
    assert [(one["indicator"], one["unit"]) for one in found["missing"]] == [
        ("k2", "b1"),
        ("k2", "b2"),
        ("k3", "b2"),
    ]
    assert found["missing"][0]["name"] == "个性二"
    assert found["missing"][0]["unit_name"] == "北京"
    assert [one["rules"] for one in found["indicators"]] == [["paper"], [], []]
    assert (await door.ask("GET", "/v1/coverage/none")).status_code == 404


async def test_of_nothing_to_cover_no_share_is_told(begun):
    _, _, door = begun
    found = await coverage(door)
    assert (found["pairs"], found["covered"], found["percent"]) == (0, 0, None)


async def test_an_item_covers_an_individual_indicator_for_its_own_units_alone(owned):
    service, door = owned
    await opened(door, indicator="k2")
    await service.apply_acts(SHARD)
    found = await coverage(door)
    assert (found["pairs"], found["covered"], found["percent"]) == (4, 2, "50.00")
    assert [(one["indicator"], one["unit"]) for one in found["missing"]] == [("k2", "b2"), ("k3", "b2")]
    assert [(one["covered"], one["missing"], one["items"]) for one in found["indicators"]] == [
        (1, [], {"b1": 1}),
        (1, ["b2"], {"b1": 1, "b2": 0}),
        (0, ["b2"], {"b2": 0}),
    ]


async def test_a_unit_with_a_share_of_an_item_is_covered_as_the_lead_is_until_it_is_cancelled(owned):
    service, door = owned
    await opened(door, indicator="k2", shares={"b1": "0.7", "b2": "0.3"})
    await service.apply_acts(SHARD)
    assert [(one["indicator"], one["unit"]) for one in (await coverage(door))["missing"]] == [("k3", "b2")]
    await door.act("decision-7", "cancel", "issuer")
    await service.apply_acts(SHARD)
    assert len((await coverage(door))["missing"]) == 3


async def test_of_other_units_coverage_says_nothing(owned):
    _, door = owned
    found = await coverage(door, unit="/nation/b2")
    assert (found["pairs"], found["covered"], found["percent"]) == (2, 0, "0.00")
    assert [(one["indicator"], one["units"]) for one in found["indicators"]] == [
        ("k2", ["b2"]),
        ("k3", ["b2"]),
    ]
    assert (await coverage(door, unit="/nation"))["pairs"] == 4


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

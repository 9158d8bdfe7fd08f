"""The door of notify: rules are adopted with a version, entries are read and signed for by their units."""

import asyncio

import pytest

from tests.notify.facts import ASSIGNED, DUE, OVERDUE, RULES, Feed, scheme

TIER = {"code": "tier", "on": "tier-changed", "severity": "warning", "to": ["unit"]}
INFO = {"code": "all", "on": "item-state", "severity": "info", "to": ["unit"]}


@pytest.fixture
async def begun(service):
    """A service with rules, the units of a scheme and one overdue item; its feed and its door."""
    feed = Feed(shard=0)
    await service.begin()
    await service.adopt(RULES)
    await service.apply(feed.adopted(), feed.item(), feed.item(late=1, at="2021-04-30T16:00:00Z"))
    async with service.door() as door:
        yield service, feed, door


async def test_an_entry_says_in_chinese_or_english_what_happened_and_where_it_is_found(begun):
    _, _, door = begun
    first, *_ = await door.entries(unit="b1")
    assert {name: first[name] for name in ("rule", "severity", "severity_name", "role", "unit", "state")} == {
        "rule": "overdue",
        "severity": "urgent",
        "severity_name": "紧急",
        "role": "operator",
        "unit": "b1",
        "state": "open",
    }
    assert first["text"] == "督考事项“公文督办”逾期第 1 个工作日，期限 2021年4月29日 24:00。"
    assert first["link"] == "/supervision/v1/items/i1"
    assert first["event"] == f"item-late/i1/{DUE}/1"
    assert first["at"] == "2021-04-30T16:00:00.000000Z"
    shown = (await door.ask("GET", f"/v1/inbox/{first['id']}", params={"lang": "en"})).json()
    assert shown["text"] == "Item “公文督办” is late by 1 working days, due 29 April 2021 24:00."


async def test_a_period_that_was_closed_is_told_once_for_each_group_with_its_names(begun):
    service, feed, door = begun
    closed = {"code": "closed", "on": "period-closed", "severity": "info", "to": ["unit:b1"]}
    closed["when"] = {"period": ["2021-03"]}
    await service.adopt({"rules": [*RULES["rules"], closed]})
    await service.apply(feed.closed(), feed.closed(period="2021-Q1"))
    (told,) = [one for one in await door.entries() if one["rule"] == "closed"]
    assert told["text"] == "“省级税务局”组2021年3月考评已关账（方案“2021 年方案”），逾期数据只计入重述。"
    assert told["link"] == "/ranking/v1/standings/mini/bureaus/2021-03"


async def test_a_tier_is_told_with_the_names_that_the_newest_version_of_the_scheme_gives(begun):
    service, feed, door = begun
    await service.adopt({"rules": [*RULES["rules"], TIER]})
    await service.apply(feed.tier(period="2021-Q1"), feed.tier("b9", group="new", scheme="other"))
    stranger, known = await door.entries(severity="warning")
    if known["unit"] == "b9":
        stranger, known = known, stranger
    assert (
        known["text"] == "b1 局在“省级税务局”组2021年第一季度考评中由第一段变为second（方案“2021 年方案”）。"
    )
    assert stranger["text"] == "b9在“new”组2021年考评中由first变为second（方案“other”）。"
    shown = (await door.ask("GET", f"/v1/inbox/{known['id']}", params={"lang": "en"})).json()
    assert (
        shown["text"] == "b1 局 (b1) went from first to second among bureaus of mini, first quarter of 2021."
    )
    newer = scheme(version=2)
    newer["tiers"][1]["title"] = "第二段"
    await service.apply(feed.adopted(newer))
    shown = (await door.ask("GET", f"/v1/inbox/{known['id']}")).json()
    assert (
        shown["text"] == "b1 局在“省级税务局”组2021年第一季度考评中由第一段变为第二段（方案“2021 年方案”）。"
    )


async def test_a_person_signs_once_and_the_first_signature_stays(begun):
    service, _, door = begun
    (entry, _) = await door.entries(unit="b1")
    for person, unit in (("zhao", "/nation/b1"), ("olga", "/")):
        answer = await door.ask("POST", f"/v1/inbox/{entry['id']}:sign", person, unit=unit)
        assert answer.status_code == 200
        signed = answer.json()
        assert (signed["state"], signed["signed"]["person"]) == ("signed", "zhao")
    assert [one["id"] for one in await door.entries(state="signed")] == [entry["id"]]
    assert len(await door.entries(state="open")) == 2
    assert [actor for actor, _ in await service.audit("sign notice")] == ["zhao", "olga"]


async def test_of_two_who_sign_at_once_both_are_told_who_was_first(begun):
    _, _, door = begun
    (entry, _) = await door.entries(unit="b1")
    both = await asyncio.gather(
        *(door.ask("POST", f"/v1/inbox/{entry['id']}:sign", person) for person in ("zhao", "olga"))
    )
    assert [answer.status_code for answer in both] == [200, 200]
    assert len({answer.json()["signed"]["person"] for answer in both}) == 1


async def test_other_units_entries_are_not_there(begun):
    _, _, door = begun
    (entry, _) = await door.entries(unit="b1")
    for unit, status, listed in (
        ("/nation/b1", 200, 2),
        ("/nation", 200, 3),
        ("/nation/b3", 404, 0),
        ("/b1", 200, 2),
    ):
        answer = await door.ask("GET", f"/v1/inbox/{entry['id']}", unit=unit)
        assert answer.status_code == status
        assert len(await door.entries(below=unit)) == listed
        answer = await door.ask("POST", f"/v1/inbox/{entry['id']}:sign", "zhao", unit=unit)
        assert answer.status_code == status
    missing = await door.ask("GET", f"/v1/inbox/{'0' * 32}")
    hidden = await door.ask("GET", f"/v1/inbox/{entry['id']}", unit="/nation/b3")
    assert missing.json() == hidden.json()


async def test_only_the_role_that_the_rule_names_signs(begun):
    service, feed, door = begun
    await service.adopt({"rules": [INFO | {"role": "approver"}]})
    await service.apply(feed.item(state="signed"))
    (entry,) = [one for one in await door.entries() if one["rule"] == "all"]
    for person, status in (("reader", 403), ("zhao", 403), ("li", 200)):
        answer = await door.ask("POST", f"/v1/inbox/{entry['id']}:sign", person)
        assert answer.status_code == status


async def test_a_reminder_that_is_over_is_shown_as_cancelled_and_not_signed_for(begun):
    service, feed, door = begun
    (entry, _) = await door.entries(unit="b1")
    await service.apply(feed.item(state="submitted", late=1, at="2021-05-06T03:00:00Z"))
    (over,) = await door.entries(state="cancelled")
    assert (over["id"], over["cancelled"]) == (entry["id"], "2021-05-06T03:00:00.000000Z")
    answer = await door.ask("POST", f"/v1/inbox/{entry['id']}:sign", "zhao")
    assert (answer.status_code, answer.json()["code"]) == (409, "notice_cancelled")


async def test_what_was_signed_for_stays_signed_when_the_state_changes(begun):
    service, feed, door = begun
    (entry, _) = await door.entries(unit="b1")
    await door.ask("POST", f"/v1/inbox/{entry['id']}:sign", "zhao")
    await service.apply(feed.item(state="submitted", late=1))
    assert (await door.ask("GET", f"/v1/inbox/{entry['id']}")).json()["state"] == "signed"


async def test_entries_are_read_a_page_at_a_time_the_newest_first(begun):
    service, feed, door = begun
    await service.apply(
        *(feed.item(f"n{n}", at=f"2021-05-0{n}T00:00:00Z", shares={"b1": "1"}) for n in range(1, 8))
    )
    found, after = [], None
    while True:
        query = {"limit": 3} | ({} if after is None else {"after": after})
        answer = (await door.ask("GET", "/v1/inbox", params=query)).json()
        found += answer["items"]
        after = answer["next"]
        if after is None:
            break
    assert len({one["id"] for one in found}) == len(found) == 10
    assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
    answer = await door.ask("GET", "/v1/inbox", params={"after": "0" * 32})
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor")


async def test_rules_get_a_version_when_they_are_others_and_the_audit_names_it(begun):
    service, _, door = begun
    first = (await door.ask("GET", "/v1/rules")).json()
    assert (first["version"], first["person"], [one["code"] for one in first["rules"]]) == (
        1,
        "olga",
        ["assigned", "overdue"],
    )
    assert (await service.adopt(RULES))["version"] == 1
    assert (await service.adopt({"rules": [ASSIGNED]}))["version"] == 2
    assert (await door.ask("GET", "/v1/rules/1")).json() == first
    assert (await door.ask("GET", "/v1/rules/3")).status_code == 404
    told = await service.audit("adopt rules")
    assert [detail.split(",")[0] for _, detail in told] == ["; version 1", "; as version 1", "; version 2"]
    answer = await door.ask("PUT", "/v1/rules", "olga", json=RULES, headers={"if-match": '"1"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "changed_meanwhile")
    assert (await door.ask("PUT", "/v1/rules", "ada", json=RULES)).status_code == 403


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"on": "rumour"}, "/rules/0/on", "shape"),
        ({"colour": "red"}, "/rules/0/colour", "shape"),
        ({"to": []}, "/rules/0/to", "shape"),
        ({"role": "reader"}, "/rules/0/role", "shape"),
        ({"severity": "loud"}, "/rules/0/severity", "shape"),
        ({"when": {"light": ["red"]}}, "/rules/0/when/light", "unknown_field"),
        ({"when": {"state": ["asigned"]}}, "/rules/0/when/state/0", "unknown_value"),
        ({"to": ["unit", "everybody"]}, "/rules/0/to/1", "unknown_recipient"),
        ({"to": ["unit:b 1"]}, "/rules/0/to/0", "unknown_recipient"),
        ({"on": "feed-turned", "when": {}}, "/rules/0/to/0", "unknown_recipient"),
        ({"on": "item-late", "when": {"late_day": [1, 0]}}, "/rules/0/when/late_day/1", "unknown_value"),
        ({"on": "item-late", "when": {"late_day": [True]}}, "/rules/0/when/late_day/0", "shape"),
        ({"code": "overdue"}, "/rules/1/code", "duplicate"),
    ],
)
async def test_rules_that_cannot_be_are_refused_with_path_and_code(service, changes, path, code):
    document = {"rules": [ASSIGNED | changes, OVERDUE]}
    async with service.door() as door:
        answer = await door.ask("PUT", "/v1/rules", "olga", json=document)
        checked = (await door.ask("POST", "/v1/rules:check", "reader", json=document)).json()
        assert (await door.ask("GET", "/v1/rules")).json()["version"] == 0
    assert (answer.status_code, answer.json()["code"]) == (422, "rules_refused")
    assert answer.json()["findings"] == checked["findings"]
    assert (checked["findings"][0]["path"], checked["findings"][0]["code"]) == (path, code)

"""Who sees an item, gives it, works on it and checks it."""

import pytest

from tests.supervision.decision import OPENED, SHARD, at, begun, opened
from tests.supervision.facts import Feed, scheme

__all__ = ["begun"]

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

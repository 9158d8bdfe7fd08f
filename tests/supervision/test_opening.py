"""Items are opened once and listed a page at a time."""

import pytest

from services.supervision.domain.matters import item_id
from tests.supervision.decision import OPENED, PAPER, SHARD, assigned, at, begun, opened

__all__ = ["begun"]


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

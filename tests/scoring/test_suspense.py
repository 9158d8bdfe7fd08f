"""What was accepted and cannot be scored is worth 0 points, stands in suspense, and leaves it when it can."""

import base64
import copy
import json

import pytest
from sqlalchemy.exc import DBAPIError

from services.scoring import cursors
from services.scoring.shown import suspense_bound
from shared.kernel.shards import shard_of
from tests.scoring.test_explain import door, got
from tests.scoring.test_stages import (
    MARCH,
    SCHEME,
    Driver,
    accept,
    adopt,
    begun,
    cells,
    levy,
    missed,
    scoring,
    state,
    teach,
)

__all__ = ["door", "scoring"]


async def waiting(exchange, door, **asked):
    async with door(exchange) as client:
        return (await got(client, "/v1/suspense", **asked))["items"]


async def test_an_event_of_an_unknown_unit_is_worth_nothing_and_is_seen(scoring, door):
    exchange, found = await state(
        scoring, [levy(1), levy(2, unit="b9"), missed(1, "2021-03-01T08:00:00Z", unit="b9")]
    )
    _, without = await state(scoring, [levy(1)])
    assert found == without
    items = await waiting(exchange, door)
    assert {(one["why"], one["what"], one["points"]) for one in items} == {("unknown_unit", "b9", "0")}
    assert sorted(one["reports"][0]["id"] for one in items) == ["l2", "m1"]
    assert {one["opened"].rpartition("/")[0] for one in items} == {f"ingest.accepted/{shard_of('b9')}"}


async def test_a_retraction_settles_it(scoring, door):
    events = [
        levy(2, unit="b9"),
        levy(3, unit="b9", revision=1, correctssource="s", correctsid="l2", data=None),
    ]
    for order in (events, events[::-1]):
        exchange, _ = await state(scoring, order)
        assert await waiting(exchange, door) == []


async def test_a_version_that_knows_the_unit_settles_it_and_counts_it(scoring, door):
    wider = copy.deepcopy(SCHEME)
    wider["scheme"]["version"] = 2
    wider["units"].append({"code": "b9", "parent": "hq", "name": "B9", "level": "bureau"})
    exchange, driver = await begun(scoring, None)
    for step in (adopt(exchange), accept(exchange, [levy(2, unit="b9")]), adopt(exchange, wider)):
        await step
        await driver.run()
    assert await waiting(exchange, door) == []
    assert (await cells(exchange, 2, ["b9"]))[2021 * 12 + 2, "b9", "ontime"] == 10
    (item,) = await waiting(exchange, door, state="settled")
    assert item["settled"].startswith("scoring.schemes/")
    assert (item["why"], item["what"], item["state"]) == ("unknown_unit", "b9", "settled")
    told = [(one["what"], one["by"], one["points"]) for one in item["entries"]]
    assert told == [("opened", item["opened"], "0"), ("settled", item["settled"], "0")]
    assert [one["id"] for one in item["reports"]] == ["l2"]
    assert await waiting(exchange, door, state="all") == [item]


async def test_what_comes_back_into_suspense_is_posted_anew_and_no_entry_is_ever_changed(scoring, door):
    wider = copy.deepcopy(SCHEME)
    wider["scheme"]["version"] = 2
    wider["units"].append({"code": "b9", "parent": "hq", "name": "B9", "level": "bureau"})
    narrow = copy.deepcopy(SCHEME)
    narrow["scheme"]["version"] = 3
    exchange, driver = await begun(scoring, None)
    for step in (
        adopt(exchange),
        accept(exchange, [levy(2, unit="b9")]),
        adopt(exchange, wider),
        adopt(exchange, narrow),
    ):
        await step
        await driver.run()
    (item,) = await waiting(exchange, door)
    assert [one["what"] for one in item["entries"]] == ["opened", "settled", "opened"]
    assert (item["state"], item["settled"]) == ("waiting", None)
    assert item["opened"] == item["entries"][2]["by"] != item["entries"][0]["by"]
    with pytest.raises(DBAPIError, match="insert"):
        async with exchange.begin(actor="test", action="change") as tx:
            await tx.execute("DELETE FROM suspense_entries")


async def test_what_comes_and_goes_within_one_batch_was_never_in_suspense(scoring, door):
    exchange, driver = await begun(scoring)
    gone = levy(3, unit="b9", revision=1, correctssource="s", correctsid="l2", data=None)
    await accept(exchange, [levy(2, unit="b9"), gone])
    await driver.run()
    assert await waiting(exchange, door, state="all") == []


async def test_an_event_outside_the_months_of_every_scheme_waits_once_a_scheme_is_adopted(scoring, door):
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await accept(exchange, [levy(1, time="2020-12-31T08:00:00Z"), levy(2)])
    await driver.run()
    before = await waiting(exchange, door)
    assert [(one["why"], one["what"]) for one in before] == [("no_scheme", "levy.done.v1")] * 2
    await adopt(exchange)
    await driver.run()
    assert [(one["why"], one["what"]) for one in await waiting(exchange, door)] == [("no_scheme", "2020-12")]


@pytest.mark.parametrize("adopt_after", [False, True])
async def test_a_correction_waits_in_suspense_until_its_original_comes(scoring, door, adopt_after):
    late = levy(2, ontime=False, revision=1, correctssource="s", correctsid="l1")
    exchange, driver = await begun(scoring, None)
    for step in [accept(exchange, [late]), adopt(exchange)][:: 1 if adopt_after else -1]:
        await step
        await driver.run()
    (item,) = await waiting(exchange, door)
    assert (item["why"], item["what"], item["points"]) == ("original_missing", "s/l1", "0")
    assert [one["id"] for one in item["reports"]] == ["l2"]
    assert (MARCH, "b1", "ontime") not in await cells(exchange)
    await accept(exchange, [levy(1)])
    await driver.run()
    assert await waiting(exchange, door) == []
    assert (await cells(exchange))[MARCH, "b1", "ontime"] == 0


async def test_before_any_scheme_all_waits_and_a_scheme_that_does_not_read_it_lets_it_go(scoring, door):
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await accept(exchange, [levy(1), missed(1, "2021-03-01T08:00:00Z")])
    await driver.run()
    found = await waiting(exchange, door)
    assert {(one["why"], one["what"]) for one in found} == {
        ("no_scheme", "levy.done.v1"),
        ("no_scheme", "risk.missed.v1"),
    }
    narrow = copy.deepcopy(SCHEME)
    del narrow["measures"]["missed"]
    narrow["indicators"][1] |= {"measure": "ontime", "method": {"target": {"target": "1"}}}
    await adopt(exchange, narrow)
    await driver.run()
    assert await waiting(exchange, door) == []


HUGE = 10**30
CRAFTED = [
    (HUGE, "AA==", "w", "w"),
    (1 << 40, "AA==", "w", "w"),
    (-2, "AA==", "w", "w"),
    (0, "AA==", "w\0", "w"),
    (0, "AA==", "w", "\0"),
    (0, "AA==", "w", 5),
    (0, 5, "w", "w"),
]


@pytest.mark.parametrize("place", CRAFTED)
async def test_a_crafted_cursor_is_refused(scoring, door, place):
    exchange = await scoring()
    bound = base64.b64decode(
        base64.urlsafe_b64decode(cursors.write((), suspense_bound("waiting")) + "==")[2:-2]
    )
    written = json.dumps([base64.b64encode(bound).decode(), *place]).encode()
    async with door(exchange) as client:
        after = base64.urlsafe_b64encode(written).decode().rstrip("=")
        assert (await got(client, "/v1/suspense", 422, after=after))["code"] == "cursor"


async def test_what_waits_is_paged(scoring, door):
    exchange, _ = await state(scoring, [levy(at, unit=f"x{at}") for at in range(7)])
    seen, after = [], {}
    async with door(exchange) as client:
        while after is not None:
            page = await got(client, "/v1/suspense", limit=3, **after)
            seen += [one["what"] for one in page["items"]]
            after = {"after": page["next"]} if page["next"] else None
        assert (await got(client, "/v1/suspense", 422, after="AAAA"))["code"] == "cursor"
    assert sorted(seen) == [f"x{at}" for at in range(7)]


async def test_a_unit_that_only_a_later_version_of_the_year_knows_waits_for_its_earlier_months(scoring, door):
    """Neither version scores it: one does not know the unit, the other does not rule the month."""
    later = copy.deepcopy(SCHEME)
    later["scheme"] |= {"version": 2, "effective": "2021-07"}
    later["units"].append({"code": "b9", "parent": "hq", "name": "B9", "level": "bureau"})
    exchange, driver = await begun(scoring, None)
    for step in (adopt(exchange), adopt(exchange, later), accept(exchange, [levy(2, unit="b9")])):
        await step
        await driver.run()
    (item,) = await waiting(exchange, door)
    assert (item["why"], item["what"], item["reports"][0]["id"]) == ("unknown_unit", "b9", "l2")

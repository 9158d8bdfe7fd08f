"""A bureau that becomes a city's on 1 July, on a real PostgreSQL: sums, the year, its explanation, proof, standings."""

import copy
import random

from services.scoring.contract import ENTRIES, EntriesPosted
from shared.contracts import envelope
from shared.kernel.shards import shard_of
from tests.ranking.rig import adopted, ask, service
from tests.scoring.test_explain import door, got
from tests.scoring.test_mid_year import lived, made, version
from tests.scoring.test_stages import missed, scoring
from tests.scoring.test_verify import proof

__all__ = ["ask", "door", "scoring", "service"]


def with_cities(document, *cities):
    """Return a version in which some of b1..b3 are cities; `ontime` is of bureaus, `prompt` of cities."""
    document = copy.deepcopy(document)
    document["units"][1:] = [
        {"code": unit, "parent": "hq", "name": unit.upper(), "level": "city" if unit in cities else "bureau"}
        for unit in ("b1", "b2", "b3")
    ]
    document["groups"]["cities"] = {"level": "city", "title": "Cities"}
    ontime, missed = document["indicators"]
    prompt = ontime | {"code": "prompt", "groups": ["cities"]}
    document["indicators"] = [ontime, prompt, missed | {"groups": ["bureaus", "cities"]}]
    return document


FIRST = with_cities(version(1, "20", "0.90"), "b3")
SECOND = with_cities(version(2, "20", "0.95", effective="2021-07"), "b1", "b3")
BACK = with_cities(version(3, "20", "0.95", effective="2021-10"), "b3")
EVENTS = [
    made(1, 3, 882),
    made(2, 9, 931),
    made(3, 4, 5, 10, unit="b2"),
    made(4, 9, 5, 10, unit="b2"),
    made(5, 4, 9, 10, unit="b3"),
    made(6, 8, 9, 10, unit="b3"),
    missed(1, "2021-06-30T15:59:59Z"),
    missed(2, "2021-06-30T16:00:00Z"),
    missed(3, "2021-09-01T08:00:00+08:00", unit="b2"),
    missed(4, "2021-12-01T08:00:00+08:00", unit="b3"),
]


async def told(exchange):
    """Return what was told last of the year, by version, group, unit and indicator."""
    found = {}
    async with exchange.reading() as tx:
        for group in ("bureaus", "cities"):
            for record in await tx.read(ENTRIES, shard_of(f"mini/{group}"), 0, 10_000):
                posted = envelope.decode_data(envelope.decode(record.body), EntriesPosted)
                for one in posted.figures if posted.group == group else ():
                    for code, value in one.values.items() if one.period == "2021" else ():
                        found[posted.version, group, one.unit, code] = value
    return found


async def ranked(exchange, service, *documents):
    """Let ranking hear of versions and of all that was posted."""
    await service.apply(*(adopted(one) for one in documents))
    async with exchange.reading() as tx:
        for shard in {shard_of(f"mini/{group}") for group in ("bureaus", "cities")}:
            for record in await tx.read(ENTRIES, shard, 0, 10_000):
                await service.apply((ENTRIES, record.body))


async def lines(ask, group, period="2021"):
    shown = (await ask(f"/v1/standings/mini/{group}/{period}")).json()
    return shown["version"], {one["unit"]: (one["points"], one["covered"]) for one in shown["units"]}


async def test_the_year_of_a_unit_that_changes_its_group_has_all_its_months_in_any_order(scoring):
    wanted = await lived(scoring, [FIRST, SECOND, *EVENTS])
    year = {key: value for key, value in (await told(wanted)).items() if key[0] == 2}
    assert {key[1:]: value for key, value in year.items() if key[2] == "b1"} == {
        ("bureaus", "b1", "ontime"): None,
        ("bureaus", "b1", "missed"): None,
        ("bureaus", "b1", "prompt"): None,
        ("cities", "b1", "ontime"): "9.800000000000",
        ("cities", "b1", "prompt"): "9.800000000000",
        ("cities", "b1", "missed"): "9.000000000000",
    }
    assert await proof(wanted) == []
    for seed in range(1):
        order = random.Random(seed)
        steps = order.sample(EVENTS, len(EVENTS))
        steps.insert(order.randrange(len(steps)), FIRST)
        steps.insert(order.randrange(steps.index(FIRST) + 1, len(steps) + 1), SECOND)
        exchange = await lived(scoring, steps, order)
        assert {key: value for key, value in (await told(exchange)).items() if key in year} == year
        assert await proof(exchange) == []


async def test_a_unit_is_ranked_and_explained_in_the_group_of_the_last_day_alone(scoring, service, ask, door):
    exchange = await lived(scoring, [FIRST, *EVENTS, SECOND])
    await ranked(exchange, service, FIRST, SECOND)
    assert await lines(ask, "cities") == (2, {"b1": ("28.60", "30.00"), "b3": ("28.97", "30.00")})
    assert await lines(ask, "bureaus") == (2, {"b2": ("20.42", "30.00")})
    assert await lines(ask, "bureaus", "2021-H1") == (1, {"b1": ("29.10", "30.00"), "b2": ("21.11", "30.00")})
    assert await lines(ask, "cities", "2021-H1") == (1, {"b3": ("30.00", "30.00")})
    async with door(exchange) as client:
        for code, parts in (("ontime", [[1]]), ("prompt", [[2]]), ("missed", [[1, 2]])):
            why = await got(client, f"/v1/cells/2021/b1/{code}/explain")
            assert [part["versions"] for part in why["parts"]] == parts
        assert [row["month"] for row in why["rows"]] == ["2021-06", "2021-07"]
        assert {entry["month"] for entry in (await got(client, "/v1/cells/2021/b1/missed"))["entries"]} >= {
            "2021-06",
            "2021-07",
        }
        now = await got(client, "/v1/cells/2021/b1/ontime")
        known = await got(client, "/v1/cells/2021/b1/ontime", as_of=now["fresh_at"])
    assert (known["figure"]["value"], known["figure"]["points"]) == ("9.800000000000", "10")


async def test_a_unit_is_compared_with_its_former_group_for_the_months_that_it_was_there(scoring, door):
    """b1 has 8 of 10 and b2 9 of 10, then 10 of 20: in the end b1 was the best bureau of its half-year."""
    first, second = copy.deepcopy(FIRST), copy.deepcopy(SECOND)
    for document in (first, second):
        document["indicators"][0]["method"] = {"benchmark": {}}
    events = [made(1, 3, 8, 10), made(2, 3, 9, 10, unit="b2"), made(4, 12, 1, 10)]
    late = made(3, 4, 1, 10, unit="b2")
    exchange = await lived(scoring, [first, *events, second])
    assert (await told(exchange))[2, "cities", "b1", "ontime"] == "8.888888888889"
    assert await proof(exchange) == []
    exchange = await lived(scoring, [first, *events, second, late])
    assert (await told(exchange))[2, "cities", "b1", "ontime"] == "10.000000000000"
    assert await proof(exchange) == []
    async with door(exchange) as client:
        year = await got(client, "/v1/cells/2021/b1/ontime")
    assert (year["figure"]["value"], year["figure"]["points"]) == ("10.000000000000", "10")


async def test_what_was_known_of_a_year_before_the_unit_changed_its_group_is_what_the_older_group_told(
    scoring, door
):
    """b1's year as of June was told in bureaus, and as of September in cities; in bureaus it is null since."""
    june, september = missed(1, "2021-06-30T15:59:59Z"), missed(3, "2021-09-01T08:00:00+08:00")
    exchange = await lived(scoring, [FIRST, june, SECOND, september])
    known = {}
    async with exchange.reading() as tx:
        for group in ("bureaus", "cities"):
            for record in await tx.read(ENTRIES, shard_of(f"mini/{group}"), 0, 10_000):
                posted = envelope.decode_data(envelope.decode(record.body), EntriesPosted)
                for one in posted.figures if posted.group == group else ():
                    if (one.unit, one.period) == ("b1", "2021") and one.values.get("missed") is not None:
                        known[posted.version, group] = posted.fresh_at, one.values["missed"]
    assert known.keys() == {(1, "bureaus"), (2, "cities")}
    async with door(exchange) as client:
        for fresh_at, value in known.values():
            cell = await got(client, "/v1/cells/2021/b1/missed", as_of=fresh_at)
            assert (cell["figure"]["value"], cell["known"]["known_at"]) == (value, fresh_at)


async def test_a_unit_that_comes_back_is_in_its_first_group_again_with_all_its_months(scoring, service, ask):
    november = missed(5, "2021-11-01T08:00:00+08:00", unit="b2")
    exchange = await lived(scoring, [FIRST, *EVENTS[:4], SECOND, *EVENTS[4:], BACK, november])
    await ranked(exchange, service, FIRST, SECOND, BACK)
    version, bureaus = await lines(ask, "bureaus")
    assert (version, sorted(bureaus)) == (3, ["b1", "b2"])
    assert (await lines(ask, "cities"))[1].keys() == {"b3"}
    assert await proof(exchange) == []
    year = {key[2:]: value for key, value in (await told(exchange)).items() if key[:2] == (3, "bureaus")}
    assert (year["b1", "missed"], year["b2", "missed"]) == ("9.000000000000", "9.000000000000")

"""Groups that are compared, on a real PostgreSQL: one value moves every unit, in any order to one state."""

import copy
import random
from decimal import Decimal

from services.scoring.contract import ACCEPTED
from shared.kernel.shards import PARTITIONS, shard_of
from tests.scoring.test_explain import door, got
from tests.scoring.test_stages import (
    HELD,
    MARCH,
    SCHEME,
    accept,
    adopt,
    apply_each,
    kept_cells,
    levy,
    missed,
    scoring,
)
from tests.scoring.test_stages import begun as stages_begun

__all__ = ["door", "scoring"]
UNITS = ("b1", "b2", "b3", "b4")


def scheme(version=1):
    """Return the mini scheme with every method that compares, and a deduction with a bonus."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"version": version, "total": "60"}
    document["boards"][0]["points"] = "60"
    document["units"] += [
        {"code": unit, "parent": "hq", "name": unit.upper(), "level": "bureau"} for unit in UNITS[2:]
    ]
    document["measures"]["made"] = document["measures"]["missed"] | {"over": "levy.done.v1"}
    ontime, lost = document["indicators"]
    bonus = {"measure": "made", "each": "0.25", "cap": "1"}
    document["indicators"] = [
        ontime,
        ontime | {"code": "benchmark", "method": {"benchmark": {}}},
        ontime | {"code": "efficacy", "method": {"efficacy": {}}},
        ontime | {"code": "rank", "method": {"rank": {"step": "0.1"}}},
        lost | {"code": "spread", "method": {"rank": {"floor": "5", "best": "low"}}},
        lost
        | {
            "code": "awards",
            "method": {"bonus": {"levels": [{"level": "L", "measure": "missed", "each": "1"}]}},
        },
        lost | {"method": {"deduct": {"each": "0.5", "bonus": bonus}}},
    ]
    del document["indicators"][5]["board"]
    return document


EVENTS = [
    levy(1),
    levy(2, ontime=False),
    levy(3, unit="b2"),
    levy(5, ontime=False, revision=1, correctssource="s", correctsid="l1"),
    levy(6, unit="b2"),
    levy(7, unit="b2", revision=1, correctssource="s", correctsid="l6", data=None),
    levy(8, unit="b3", ontime=False),
    levy(9, unit="b3"),
    levy(10, unit="b3", time="2021-04-03T08:00:00+08:00"),
    missed(1, "2021-03-31T23:59:59+08:00", unit="b3"),
    missed(2, "2021-03-31T16:00:00Z", unit="b2"),
]
MARCH_CELLS = {
    "benchmark": {"b1": 0, "b2": 10, "b3": 5},
    "efficacy": {"b1": 6, "b2": 10, "b3": 8},
    "rank": {"b1": 8, "b2": 10, "b3": 9},
    "spread": {"b3": 10},
    "awards": {"b1": 0, "b2": 0, "b3": 1, "b4": 0},
    "missed": {"b1": Decimal("10.5"), "b2": Decimal("10.25"), "b3": 10, "b4": 10},
}


async def begun(scoring, *, adopted=True):
    return await stages_begun(scoring, scheme() if adopted else None)


async def ended(exchange):
    """Return the cells, and check that entries telescope to them and figures come to them."""
    async with exchange.reading() as tx:
        kept = await kept_cells(tx, units=UNITS)
        entries = await tx.execute("SELECT month, unit, indicator, old, new FROM entries ORDER BY id")
    last = {}
    for row in entries:
        key = row.month, row.unit, row.indicator
        assert row.old == last.get(key)
        last[key] = row.new
    assert {key: value for key, value in last.items() if value is not None} == kept
    return kept


def march(kept, code):
    return {unit: value for (month, unit, of), value in kept.items() if (month, of) == (MARCH, code)}


async def test_cells_of_a_compared_group_are_the_formulas_over_the_whole_group(scoring):
    exchange, driver = await begun(scoring)
    await accept(exchange, EVENTS)
    await driver.run()
    kept = await ended(exchange)
    assert {code: march(kept, code) for code in MARCH_CELLS} == MARCH_CELLS


async def test_shuffled_events_one_by_one_come_to_the_state_of_a_recomputation_from_scratch(scoring):
    exchange, driver = await begun(scoring, adopted=False)
    await accept(exchange, EVENTS)
    await driver.run()
    await adopt(exchange, scheme())
    await driver.run()
    expected = await ended(exchange)
    for seed in range(3):
        exchange, driver = await begun(scoring)
        for place, event in enumerate(random.Random(seed).sample(EVENTS, len(EVENTS))):
            await accept(exchange, [event])
            await driver.run()
            if place == 4 + seed:
                driver.stages[1][1].forget(range(PARTITIONS))
        assert await ended(exchange) == expected
        await adopt(exchange, scheme(2))
        await driver.run()
        async with exchange.reading() as tx:
            assert await kept_cells(tx, 2, UNITS) == expected


async def test_an_entry_of_every_unit_that_was_moved_names_what_moved_it(scoring):
    exchange, driver = await begun(scoring)
    await accept(exchange, [levy(1), levy(2, unit="b2"), levy(3, unit="b2", ontime=False)])
    await driver.run()
    async with exchange.reading() as tx:
        before = (await tx.execute("SELECT max(id) AS id FROM entries"))[0].id
    await accept(
        exchange, [levy(4, unit="b3"), levy(5, unit="b3", ontime=False), levy(6, unit="b3", ontime=False)]
    )
    await driver.run()
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT unit, indicator, old, new, ranges AS cause FROM entries e JOIN causes c ON c.digest = e.cause "
            "WHERE e.id > :before AND month = :month ORDER BY e.id",
            before=before,
            month=MARCH,
        )
    moved = {(row.unit, row.old, row.new) for row in rows if row.indicator == "efficacy"}
    assert moved == {("b2", 6, Decimal(7)), ("b3", None, 6)}
    b3 = shard_of("b3")
    assert {row.unit for row in rows} == {"b2", "b3"}
    for row in rows:
        assert [(one["stream"], one["shard"]) for one in row.cause] == [(ACCEPTED, b3)]


async def test_what_is_compared_is_the_same_held_forgotten_or_rolled_back(scoring):
    found = []
    for how in HELD:
        exchange, driver = await begun(scoring)
        await apply_each(exchange, driver, EVENTS, how)
        async with exchange.reading() as tx:
            entries = await tx.execute(
                "SELECT month, unit, indicator, old, new, cause FROM entries ORDER BY id"
            )
        found.append([tuple(row) for row in entries])
    assert found[0] == found[1] == found[2]


async def test_explain_puts_the_group_into_the_formula(scoring, door):
    exchange, driver = await begun(scoring)
    await accept(exchange, EVENTS)
    await driver.run()
    async with door(exchange) as client:
        told = {
            code: (await got(client, f"/v1/cells/2021-03/b3/{code}/explain"))["formula"]["with_numbers"]
            for code in ("benchmark", "efficacy", "rank", "awards", "missed")
        }
        nothing = await got(client, "/v1/cells/2021-03/b4/rank/explain")
        won = await got(client, "/v1/cells/2021-03/b3/missed/explain")
    assert told == {
        "benchmark": "10 · (1/2) / 1 = 5.00",
        "efficacy": "10 · (0.60 + (1 − 0.60) · ((1/2) − 0)/(1 − 0)) = 8.00",
        "rank": "max(0, 10 · (1 − 0.1 · (2 − 1))), as (1/2) is rank 2 of 3, = 9.00",
        "awards": "min(10, 1 · 1) = 1.00",
        "missed": "max(0, 10 − 0.5 · 1 + min(1, 0.25 · 2)) = 10.00",
    }
    rows = {
        (one["reports"][0]["id"], one["measure"], one["counted"], one["numerator"]) for one in won["rows"]
    }
    assert rows == {("m1", None, True, "1"), ("l8", "made", True, "1"), ("l9", "made", True, "1")}
    assert nothing["figure"]["state"] == "not_assessed"
    assert nothing["formula"]["with_numbers"] == "max(floor, w · (1 − step · (rank − 1))): no data yet"

"""Derived facts through the stages on a real PostgreSQL: late days become entries, and are taken back."""

import itertools
import random
from decimal import Decimal

from services.scoring.contract import ACCEPTED, ITEM_CHANGED, ITEMS, SCHEMES
from services.scoring.derived import stream_of
from services.scoring.stage_a import StageA
from shared.contracts import envelope
from shared.contracts.supervision import ItemChanged
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from tests.scoring import test_stages
from tests.scoring.test_explain import door, got, pages
from tests.scoring.test_stages import Driver, accept, adopt, kept_cells, missed, scoring
from tests.scoring_domain.late_days import scheme

__all__ = ["door", "scoring"]
APRIL, MAY = 2021 * 12 + 3, 2021 * 12 + 4
DONE_10_MAY = ("2021-04-30", "2021-05-06", "2021-05-07", "2021-05-08", "2021-05-10")


def item(*, version=1, days=DONE_10_MAY, name="i1", unit="b1", shares=None, **more):
    told = {
        "item": name,
        "version": version,
        "kind": "decision",
        "title": "督办事项",
        "state": "completed",
        "unit": unit,
        "shares": shares or {unit: "1"},
        "given": "2021-04-20T01:00:00.000000Z",
        "due": "2021-04-29T16:00:00.000000Z",
        "zone": "Asia/Shanghai",
        "late_days": days,
        "received": "2021-05-10T09:29:58.000000Z",
        "cause": {"shard": 0, "first": 1, "last": 1},
    }
    told["late_shares"] = [{"first": days[0], "shares": told["shares"]}] if days else []
    return ItemChanged.model_validate(told | more)


def handed_on(**more):
    """Return an item that b1 had until 6 May, then b1 and b2 together."""
    both = {"b1": "0.4", "b2": "0.6"}
    borne = [{"first": "2021-04-30", "shares": {"b1": "1"}}, {"first": "2021-05-07", "shares": both}]
    return item(shares=both, late_shares=borne, **more)


async def tell(exchange, *items):
    """Put items into the stream as supervision does."""
    drafts = [
        Draft(
            shard_of(one.case or one.unit),
            envelope.encode(ITEM_CHANGED, "dukao/supervision", one.item, one),
        )
        for one in items
    ]
    async with exchange.begin(actor="test", action="tell") as tx:
        await tx.append(ITEMS, drafts)


class WithItems(Driver):
    def __init__(self, exchange, done=()):
        super().__init__(exchange, done)
        self.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, ITEMS)


async def begun(scoring, *, adopted=True, document=None):
    return await test_stages.begun(scoring, (document or scheme()) if adopted else None, driven=WithItems)


async def late(exchange, version=1):
    """Return the cells of the indicator of late items that are not full."""
    async with exchange.reading() as tx:
        found = await kept_cells(tx, version)
    return {
        (month, unit): value for (month, unit, code), value in found.items() if code == "late" and value != 3
    }


async def entries(exchange, indicator="late"):
    async with exchange.reading() as tx:
        return await tx.execute(
            "SELECT month, unit, old, new, ranges FROM entries e JOIN causes c ON c.digest = e.cause "
            "WHERE indicator = :indicator AND old IS NOT NULL ORDER BY e.id",
            indicator=indicator,
        )


def test_a_view_may_have_the_name_of_what_is_derived():
    assert [stream_of(over) for over in ("items", "decided", "levy.done.v1")] == [ACCEPTED] * 3
    assert stream_of("items:decision") == ITEMS


async def test_an_item_done_on_10_may_is_worth_2_0_and_extended_to_7_may_2_6(scoring):
    exchange, driver = await begun(scoring)
    await tell(exchange, item())
    await driver.run()
    assert await late(exchange) == {(APRIL, "b1"): Decimal("2.8"), (MAY, "b1"): Decimal("2.2")}
    await tell(exchange, item(version=2, days=("2021-05-08", "2021-05-10")))
    await driver.run()
    assert await late(exchange) == {(MAY, "b1"): Decimal("2.6")}


async def test_late_days_that_move_are_taken_back_by_entries_that_telescope_and_name_what_moved_them(scoring):
    exchange, driver = await begun(scoring)
    for version, days in enumerate((DONE_10_MAY[:1], DONE_10_MAY[:3], DONE_10_MAY, (), DONE_10_MAY[3:]), 1):
        await tell(exchange, item(version=version, days=days))
        await driver.run()
    found = await entries(exchange)
    last = {}
    for row in found:
        assert row.old == last.get((row.month, row.unit), 3)
        assert row.old != row.new
        last[row.month, row.unit] = row.new
    assert last == {(APRIL, "b1"): 3, (MAY, "b1"): Decimal("2.6")}
    told = {(one["stream"], one["shard"], one["first"]) for row in found for one in row.ranges}
    assert told == {(ITEMS, shard_of("b1"), number) for number in range(1, 6)}


async def test_entries_of_a_batch_of_events_and_items_name_the_records_of_both(scoring):
    exchange, driver = await begun(scoring)
    await accept(exchange, [missed(1, "2021-04-30T08:00:00+08:00")])
    await tell(exchange, item())
    await driver.run()
    moved = [row for row in await entries(exchange) if row.month == APRIL]
    found = {(one["stream"], one["first"], one["last"]) for row in moved for one in row.ranges}
    assert found == {(ACCEPTED, 2, 2), (ITEMS, 1, 1)}


VERSIONS = (
    item(version=1, days=DONE_10_MAY[:2], shares={"b1": "0.7", "b2": "0.3"}),
    item(version=2, days=DONE_10_MAY, shares={"b1": "0.333333", "b2": "0.666667"}),
    item(version=3, days=DONE_10_MAY[2:], shares={"b2": "1"}),
)


async def test_versions_in_every_order_and_twice_leave_one_state(scoring):
    wanted = {(MAY, "b2"): Decimal("2.4")}
    for order in itertools.permutations(VERSIONS):
        exchange, driver = await begun(scoring)
        for one in (*order, *order[:2]):
            await tell(exchange, one)
            await driver.run()
        assert await late(exchange) == wanted
    exchange, driver = await begun(scoring)
    await tell(exchange, *VERSIONS[::-1], *VERSIONS)
    await driver.run()
    assert await late(exchange) == wanted


async def test_items_before_the_scheme_and_under_a_newer_one_count_as_if_it_had_always_been(scoring):
    exchange, driver = await begun(scoring, adopted=False)
    await tell(exchange, item(), item(name="i2", unit="b2", days=DONE_10_MAY[:3]))
    await driver.run()
    await adopt(exchange, scheme())
    await driver.run()
    first = {
        (APRIL, "b1"): Decimal("2.8"),
        (MAY, "b1"): Decimal("2.2"),
        (APRIL, "b2"): Decimal("2.8"),
        (MAY, "b2"): Decimal("2.6"),
    }
    assert await late(exchange) == first
    newer = scheme(per_day="0.5", cap="1.25")
    newer["scheme"]["version"] = 2
    for measure in newer["measures"].values():
        measure["version"] = 2
    await adopt(exchange, newer)
    await tell(exchange, item(version=2, days=DONE_10_MAY[2:], unit="b1"))
    await driver.run()
    assert await late(exchange, version=2) == {
        (MAY, "b1"): Decimal("1.75"),
        (APRIL, "b2"): Decimal("2.5"),
        (MAY, "b2"): Decimal("2.25"),
    }


async def tables(exchange):
    """Return what is found where, and the sums and cells; a sum of 0 is none."""
    async with exchange.reading() as tx:
        return {
            table: sorted(str(tuple(row)) for row in await tx.execute(f"SELECT * FROM {table} {that}"))
            for table, that in (
                ("derived_places", ""),
                ("partials", "WHERE numbers ~ '[1-9]'"),
                ("cells", ""),
            )
        }


async def test_whatever_the_order_the_batches_and_the_restarts_the_tables_are_the_same(scoring):
    told = [
        item(name=name, unit=unit, version=version, days=DONE_10_MAY[version - 1 :])
        for name, unit in (("i1", "b1"), ("i2", "b1"), ("i3", "b2"))
        for version in (1, 2, 3, 4)
    ]
    found = []
    for seed in range(4):
        chance = random.Random(seed)
        exchange, driver = await begun(scoring, adopted=False)
        order, at = chance.sample(told, len(told)), chance.randrange(len(told))
        for place, one in enumerate(order):
            if place == at:
                await adopt(exchange, scheme())
            await tell(exchange, one)
            if chance.random() < 0.5:
                await driver.run()
            if chance.random() < 0.3:
                driver = WithItems(exchange, driver.done)
        await driver.run()
        found.append(await tables(exchange))
    assert found[0]["derived_places"]
    assert all(one == found[0] for one in found)


async def test_what_nobody_knows_waits_in_suspense_until_a_newer_version_names_another(scoring):
    exchange, driver = await begun(scoring)
    await tell(exchange, item(unit="nobody"))
    await driver.run()
    assert await waiting(exchange) == [("unknown_unit", "nobody", "i1")]
    await tell(exchange, item(unit="nobody", version=2, shares={"b1": "1"}))
    await driver.run()
    assert await waiting(exchange) == []


async def waiting(exchange):
    async with exchange.reading() as tx:
        rows = await tx.execute("SELECT why, what, grp FROM suspense WHERE settled IS NULL")
    return [(row.why, row.what, row.grp.decode().partition("/")[2]) for row in rows]


async def test_explain_lists_every_late_day_with_its_item_beyond_the_cap_too(scoring, door):
    exchange, driver = await begun(scoring, document=scheme(per_day="0.5", cap="2"))
    await tell(
        exchange,
        item(shares={"b1": "0.7", "b2": "0.3"}, case="matter-7"),
        item(name="i2", unit="b1", days=DONE_10_MAY[:1], indicator="missed"),
    )
    await driver.run()
    async with door(exchange) as client:
        may = await got(client, "/v1/cells/2021-05/b1/late/explain")
        april = await got(client, "/v1/cells/2021-04/b1/late/explain")
    formula = may["formula"]
    assert formula["symbolic"] == "max(floor, w − points)"
    assert formula["with_numbers"] == "max(0, 3 − 1.05) = 1.95"
    assert formula["method"]["deduct"] == {"each": None, "floor": "0", "bonus": None}
    assert may["inputs"] == {"numerator": "1.05", "denominator": None, "months": ["2021-05"]}
    assert may["measure"]["definition"]["items"] == "decision"
    days = [(row["columns"]["day"], row["numerator"], row["reason"]) for row in may["rows"]]
    assert days == [
        ("2021-05-06", "0.35", None),
        ("2021-05-07", "0.35", None),
        ("2021-05-08", "0.35", None),
        ("2021-05-10", "0", "beyond_cap"),
    ]
    assert {row["case"] for row in may["rows"]} == {"matter-7"}
    assert [one["id"] for one in may["rows"][0]["reports"]] == [f"{ITEMS}/{shard_of('matter-7')}/1"]
    told = {(row["columns"]["item"], row["counted"], row["reason"]) for row in april["rows"]}
    assert told == {("i1", True, None), ("i2", False, "other_indicator")}


async def test_late_days_from_before_an_item_was_handed_on_stay_and_each_unit_is_shown_its_own(scoring, door):
    exchange, driver = await begun(scoring)
    await tell(exchange, item(), handed_on(version=2))
    await driver.run()
    assert await late(exchange) == {
        (APRIL, "b1"): Decimal("2.8"),
        (MAY, "b1"): Decimal("2.56"),
        (MAY, "b2"): Decimal("2.64"),
    }
    async with door(exchange) as client:
        rows = {
            unit: (await got(client, f"/v1/cells/2021-05/{unit}/late/explain"))["rows"]
            for unit in ("b1", "b2")
        }
    assert {
        unit: [(row["columns"]["day"], row["columns"]["share"], row["numerator"]) for row in found]
        for unit, found in rows.items()
    } == {
        "b1": [
            ("2021-05-06", "1", "0.2"),
            ("2021-05-07", "0.4", "0.08"),
            ("2021-05-08", "0.4", "0.08"),
            ("2021-05-10", "0.4", "0.08"),
        ],
        "b2": [
            ("2021-05-07", "0.6", "0.12"),
            ("2021-05-08", "0.6", "0.12"),
            ("2021-05-10", "0.6", "0.12"),
        ],
    }


async def test_pages_of_late_days_follow_each_other(scoring, door):
    exchange, driver = await begun(scoring)
    await tell(exchange, *(item(name=f"i{at}", unit="b1") for at in range(3)))
    await driver.run()
    async with door(exchange) as client:
        whole = await got(client, "/v1/cells/2021/b1/late/explain")
        found = await pages(client, "/v1/cells/2021/b1/late/explain", limit=4)
        exact = await got(client, "/v1/cells/2021/b1/late/explain", limit=15)
        spared = await got(client, "/v1/cells/2021/b1/late/explain", counted=False)
        other = await pages(client, "/v1/cells/2021/b2/late/explain")
        measures = await got(client, "/v1/measures/mini/1/2021-05/b1")
        await got(client, "/v1/cells/2021-05/b1/late/explain", 422, after=whole["next"] or "x")
    assert len(whole["rows"]) == 15
    assert whole["rows"] == found == exact["rows"]
    assert exact["next"] is None
    assert (spared["rows"], spared["next"], other) == ([], None, [])
    assert measures["measures"]["late"] == {"numerator": "2.4", "denominator": None, "ratio": None}


async def test_suspense_shows_the_item_that_waits(scoring, door):
    exchange, driver = await begun(scoring)
    await tell(exchange, item(unit="nobody"))
    await driver.run()
    async with door(exchange) as client:
        (found,) = (await got(client, "/v1/suspense"))["items"]
    assert (found["why"], found["what"]) == ("unknown_unit", "nobody")
    assert [one["type"] for one in found["reports"]] == [ITEM_CHANGED]

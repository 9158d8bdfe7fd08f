"""The door of regional risk: counts against exposure and the own baseline, cut at T, and judged once."""

import random
from decimal import Decimal

from services.scoring import proved_rises, store
from services.scoring import rises as regions
from services.scoring.contract import (
    INCIDENTS_SHARD,
    RULINGS,
    RisesJudged,
)
from services.scoring.domain.incidents.rises import Counted, rises
from services.scoring.domain.proof import Scope, Wrong
from shared.contracts import envelope
from shared.kernel.periods import Month
from shared.kernel.shards import SHARDS
from tests.scoring.incidents import WithIncidents, adopt, begun, corrected, retracted
from tests.scoring.rises import (
    FACTS,
    HOLIDAY,
    LATE,
    accept,
    acts,
    calendar,
    judged,
    looked_at,
    passed,
    tick,
)
from tests.scoring.test_incidents_door import door
from tests.scoring.test_stages import scoring

__all__ = ["door", "scoring"]


async def test_a_region_whose_rate_rose_is_named_with_every_figure_behind_it(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, FACTS)
    await driver.run()
    async with door(exchange) as at:
        found = await at.got("/v1/rises/mini/1/c/2198-02")
        one, two = found.pop("regions")
        assert found == {
            "scheme": "mini",
            "version": 1,
            "code": "c",
            "title": "区域执法风险",
            "measure": "risks",
            "month": "2198-02",
            "closes": None,
            "judged_by": None,
            "baseline": ["2198-01"],
            "minimum": 5,
            "alpha": "0.01",
            "tested": 2,
        }
        assert one == {
            "unit": "b1",
            "count": 12,
            "exposure": 120,
            "before": 2,
            "exposure_before": 200,
            "p": "0.000301364219",
            "adjusted": "0.000602728438",
            "significant": True,
        }
        assert (two["unit"], two["p"], two["significant"]) == ("b2", "0.687500000000", False)
        own = await at.got("/v1/rises/mini/1/c/2198-02", below="/hq/b2", role="reader")
        assert (own["tested"], own["regions"]) == (2, [two])
        assert (await at.got("/v1/rises/mini/1/c/2198-01"))["regions"] == [], "it has no baseline"
        for path in ("mini/1/d/2198-02", "mini/1/c/2199-02", "mini/2/c/2198-02"):
            await at.got(f"/v1/rises/{path}", 404)


async def told(exchange):
    """Return what was judged."""
    async with exchange.reading() as tx:
        record, *_ = await tx.read(RULINGS, INCIDENTS_SHARD, 0, 10)
    return envelope.decode_data(envelope.decode(record.body), RisesJudged)


async def test_what_is_received_at_t_or_later_is_not_judged_and_what_was_before_is(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await calendar(exchange)
    on_time = acts("b1", "2198-02-20", [10])[0]
    await accept(exchange, FACTS)
    await accept(exchange, [on_time], "2198-03-09T15:59:59.999999Z")
    late = [*acts("b1", "2198-01-20", [1] * 9), retracted(FACTS[2]), corrected(FACTS[0], severity=1)]
    await accept(exchange, late, LATE)
    await tick(exchange)
    await driver.run()
    async with door(exchange) as at:
        now = await at.got("/v1/rises/mini/1/c/2198-02")
        assert (now["closes"], now["judged_by"]) == ("2198-03-09T16:00:00.000000Z", None)
        assert {(one["count"], one["before"]) for one in now["regions"]} == {(12, 11), (2, 2)}
        answer = await judged(at)
        again = await at.got("/v1/rises/mini/1/c/2198-02")
    one = next(one for one in answer["regions"] if one["unit"] == "b1")
    assert (one["count"], one["exposure"], one["before"], one["exposure_before"]) == (13, 130, 2, 200)
    assert again == answer, "what was judged is shown as it was"
    assert answer["judged_by"] == "li"


async def test_a_month_is_open_until_the_clock_of_every_shard_has_passed_t(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await calendar(exchange)
    await accept(exchange, FACTS)
    await accept(exchange, acts("b2", "2198-03-20", [10]), "2198-04-01T00:00:00Z")
    await tick(exchange, shards=range(1, SHARDS))
    await tick(exchange, "2198-03-09T15:59:00Z", shards=[0])
    await driver.run()
    async with door(exchange) as at:
        refused = await judged(at, status=409)
        assert (refused["code"], LATE[:19] in refused["detail"]) == ("month_open", True)
        await tick(exchange, shards=[0])
        assert (await judged(at, status=409))["code"] == "month_open", "stage A has not come to it"
        await driver.run()
        await judged(at)


async def test_t_is_known_by_a_calendar_that_knows_all_days_of_grace(scoring, door):
    exchange, driver = await begun(scoring, document=looked_at())
    await accept(exchange, FACTS)
    await tick(exchange)
    await driver.run()
    async with door(exchange) as at:
        assert (await judged(at, status=409))["code"] == "calendar_unknown"
        await calendar(exchange, last="2198-03-08")
        await driver.run()
        assert (await judged(at, status=409))["code"] == "calendar_unknown"
        assert (await at.got("/v1/rises/mini/1/c/2198-02"))["closes"] is None


async def test_whatever_the_order_and_the_batches_and_whenever_it_is_judged_the_figures_are_the_same(
    scoring, door
):
    facts = [*FACTS, corrected(FACTS[0], severity=50), retracted(FACTS[1]), corrected(FACTS[3], unit="b2")]
    late = acts("b1", "2198-02-21", [3] * 4)
    found = []
    for seed in range(2):
        chance = random.Random(seed)
        exchange, driver = await begun(scoring, document=looked_at())
        await calendar(exchange)
        for one in chance.sample(facts, len(facts)):
            await accept(exchange, [one])
            if chance.random() < 0.3:
                await driver.run()
            if chance.random() < 0.2:
                driver = WithIncidents(exchange, driver.done)
        await tick(exchange)
        if seed:
            await driver.run()
            await accept(exchange, late, LATE)
        await driver.run()
        async with door(exchange) as at:
            found.append((await judged(at))["regions"])
    assert found[0]
    assert all(one == found[0] for one in found)


class Silent:
    def begin(self, phase, total): ...
    def step(self, count): ...


async def proved(exchange, **scope):
    async with exchange.snapshot() as tx:
        asked = Scope(**scope, calendars=await store.calendars(tx))
        return [one async for one in proved_rises.judged(tx, asked, Silent())]


async def test_a_proof_tests_anew_what_was_judged_whatever_came_later_and_tells_of_another(scoring, door):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        await judged(at)
    one = await told(exchange)
    counts = {of.unit: Counted(of.count, of.exposure, of.before, of.exposure_before) for of in one.regions}
    again = rises(counts, minimum=one.minimum, alpha=Decimal(one.alpha))
    assert tuple(regions.tested(unit, rise) for unit, rise in again.items()) == one.regions
    assert [of.significant for of in one.regions] == [True, False]
    await accept(exchange, [retracted(FACTS[2]), *acts("b1", "2198-01-20", [1] * 9)], LATE)
    await adopt(exchange, looked_at(version=2, effective="2198-03"))
    await driver.run()
    assert await proved(exchange) == []
    swapped = "replace(convert_from(bodies, 'UTF8'), '\"severity\": 10,', '\"severity\": 90,')"
    async with exchange.begin(actor="test", action="damage") as tx:
        await tx.execute(f"UPDATE facts SET bodies = convert_to({swapped}, 'UTF8')")
    (found,) = await proved(exchange, unit="b1")
    assert (found.what, found.cells[0].unit, "exposure=1000 " in found.expected) == (Wrong.RISE, "b1", True)
    assert await proved(exchange, unit="b3") == await proved(exchange, period="2198-03") == []


async def test_a_version_from_february_is_compared_with_january_under_the_version_before(scoring, door):
    exchange, driver = await passed(scoring)
    async with door(exchange) as at:
        whole = (await at.got("/v1/rises/mini/1/c/2198-02"))["regions"]
        await adopt(exchange, looked_at(version=2, effective="2198-02"))
        await driver.run()
        assert (await at.got("/v1/rises/mini/2/c/2198-02"))["regions"] == whole
        assert (await at.got("/v1/rises/mini/1/c/2198-02", 404))["code"] == "not_found"
        assert (await judged(at, "/v1/rises/mini/2/c/2198-02:judge"))["regions"] == whole


async def test_while_one_month_is_tested_no_other_is(scoring, door):
    exchange, _ = await passed(scoring)
    async with door(exchange) as at:
        async with exchange.snapshot() as tx:
            await regions.ready(tx, ("mini", 1), "c", Month.parse("2198-02"))
            assert (await judged(at, status=409))["code"] == "judging"
        await judged(at)


async def test_a_calendar_that_comes_after_t_changes_nothing_that_is_judged_then(scoring, door):
    exchange, driver = await passed(scoring)
    async with exchange.begin(actor="test", action="date") as tx:
        await tx.execute("UPDATE calendars SET received = '2198-03-01T00:00:00.000000Z'")
    longer = (*HOLIDAY, "2198-03-07", "2198-03-08", "2198-03-09")
    await accept(exchange, acts("b1", "2198-02-20", [10]), LATE)
    async with door(exchange) as at:
        for version, rest, received in (
            (2, (), "2198-03-08T15:00:00Z"),
            (3, longer, LATE),
            (4, (), "2198-03-20T00:00:00Z"),
        ):
            await calendar(exchange, version=version, rest=rest, received=received)
            await driver.run()
            found = await at.got("/v1/rises/mini/1/c/2198-02")
            assert found["closes"] == "2198-03-09T16:00:00.000000Z", version
        answer = await judged(at)
    assert {(one["unit"], one["count"]) for one in answer["regions"]} == {("b1", 12), ("b2", 2)}


async def test_a_month_without_a_baseline_is_not_judged_and_not_spent(scoring, door):
    exchange, _ = await passed(scoring)
    async with door(exchange) as at:
        for _ in range(2):
            refused = await judged(at, "/v1/rises/mini/1/c/2198-01:judge", 409)
            assert refused["code"] == "nothing_tested"

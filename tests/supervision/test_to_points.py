"""From persons' acts in supervision to points in scoring: the worked case, through the handlers of both."""

from decimal import Decimal

from services.scoring.contract import ITEMS
from shared.kernel.shards import SHARDS
from tests.scoring.test_derived import APRIL, MAY, late
from tests.scoring.test_derived import begun as scored
from tests.scoring.test_stages import scoring
from tests.supervision.decision import SHARD, at, done, opened
from tests.supervision.facts import Feed, scheme

__all__ = ["scoring"]
DAYS = ("04-28", "04-30", "05-01", "05-06", "05-07", "05-08")


async def handed_over(service, exchange, driver):
    """Let scoring apply what supervision has told since."""
    async with service.exchange.reading() as tx:
        records = [
            record
            for shard in range(SHARDS)
            for record in await tx.read(ITEMS, shard, driver.done.get(("a", ITEMS, shard), 0), 1000)
        ]
    _, stage, _ = driver.stages[0]
    async with exchange.begin(actor="a", action="applied") as tx:
        for stream, draft in await stage(tx, records):
            await tx.append(stream, [draft])
    driver.done |= {("a", ITEMS, record.shard): record.number for record in records}
    await driver.run_stage("b")
    return await late(exchange)


async def started(service, door, feed):
    answer = await door.ask("POST", "/v1/items/decision-7:assign", "issuer", json={"unit": "b1"})
    assert answer.status_code == 200, answer.text
    await service.apply_acts(SHARD)


async def test_points_are_lost_day_by_day_and_stand_at_2_0_when_it_is_done(service, scoring):
    exchange, driver = await scored(scoring)
    feed = Feed()
    await service.apply(feed.types(), feed.adopted(scheme()), feed.tick("2021-04-20 09:00"))
    async with service.door() as door:
        await opened(door, indicator="late")
        await started(service, door, feed)
        seen = []
        for day in DAYS:
            await at(service, feed, f"2021-{day} 00:00")
            found = await handed_over(service, exchange, driver)
            seen.append((found.get((APRIL, "b1"), 3), found.get((MAY, "b1"), 3)))
        full, lost = Decimal(3), [Decimal("2.8"), Decimal("2.6"), Decimal("2.4")]
        assert seen[:3] == [(full, full), (lost[0], full), (lost[0], full)]
        assert seen[3:] == [(lost[0], one) for one in lost]
        await done(door, service, feed)
        await service.apply_acts(SHARD)
    assert await handed_over(service, exchange, driver) == {
        (APRIL, "b1"): Decimal("2.8"),
        (MAY, "b1"): Decimal("2.2"),
    }


async def test_an_extension_approved_within_its_limit_takes_days_in_between_back(service, scoring):
    exchange, driver = await scored(scoring)
    feed = Feed()
    await service.apply(feed.types(), feed.adopted(scheme()), feed.tick("2021-04-20 09:00"))
    async with service.door() as door:
        await opened(door, indicator="late")
        await started(service, door, feed)
        await at(service, feed, "2021-04-29 17:00")
        await door.act("decision-7", "ask-extension", "unit", day="2021-05-07", reason="资料未齐")
        await at(service, feed, "2021-04-30 00:00")
        assert await handed_over(service, exchange, driver) == {(APRIL, "b1"): Decimal("2.8")}
        for person in ("li", "wang"):
            answer = await door.act("decision-7", "approve-extension", person)
            assert answer.status_code == 200, answer.text
        await service.apply_acts(SHARD)
        assert await handed_over(service, exchange, driver) == {}
        await done(door, service, feed)
        await service.apply_acts(SHARD)
    assert await handed_over(service, exchange, driver) == {(MAY, "b1"): Decimal("2.6")}

"""The year of a trial from July: what the adoption of its draft gives, with the months of the version before."""

import random
from decimal import Decimal

import pytest

from services.ranking import store, versions
from services.ranking.contract import ENTRIES, SCHEMES, TRIALS
from services.ranking.domain.rows import Group
from services.ranking.domain.standings import standing
from services.ranking.trial_handlers import Trials
from shared.kernel.codes import trial_code
from shared.kernel.shards import shard_of
from tests.ranking.rig import service
from tests.scoring.test_derived import item
from tests.scoring.test_stages import adopt, levy, missed
from tests.scoring.trials import batched, feed, first, fresh, in_force, start, stricter, tried

__all__ = ["fresh", "service"]
JULY = 2021 * 12 + 6
TRIED = trial_code("mini", "strict")
TIERS = [
    {"code": "first", "title": "第一段", "share": "0.5"},
    {"code": "second", "title": "第二段", "share": "0.5"},
]
JUNE_AND_JULY = tuple(f"2021-06-{day}" for day in (21, 22, 23, 24, 25)) + tuple(
    f"2021-07-0{day}" for day in (1, 2, 5, 6, 7)
)


def tiered(document, effective="2021-01"):
    document["scheme"]["effective"] = effective
    document["tiers"] = TIERS
    return document


def facts_of(seed):
    """Return what happened from February to October, in the order in which it comes."""
    chance = random.Random(seed)
    made = [
        levy(100 + at, unit=f"b{1 + at % 4}", ontime=chance.random() < 0.7)
        | {"time": f"2021-{2 + at % 9:02d}-1{at % 10}T08:00:00+08:00"}
        for at in range(36)
    ]
    lost = [
        missed(200 + at, f"2021-{2 + at:02d}-05T08:00:00+08:00", unit=f"b{1 + at % 4}") for at in range(9)
    ]
    late = [item(days=JUNE_AND_JULY), item(name="i2", unit="b2", days=JUNE_AND_JULY[7:])]
    return chance.sample([*made, *lost, *late], len(made) + len(lost) + len(late))


async def drove(fresh, seed, begins):
    """Run a scheme of the year; in the middle of what happens, something begins."""
    driver = await fresh(tiered(first()))
    happened = facts_of(seed)
    for place, batch in enumerate(batched(happened, [9, 11, 8])):
        if place == 2:
            await begins(driver.exchange, tiered(stricter(), "2021-07"))
        await feed(driver.exchange, batch)
        await driver.run()
    return driver.exchange


async def heard(handler, exchange, service, *streams, group):
    """Let ranking hear what scoring told of a group."""
    shard = shard_of("/".join(group))
    async with exchange.reading() as tx:
        told = [record for stream in streams for record in await tx.read(stream, shard, 0, 1000)]
    async with service.exchange.begin(actor="test", action="hear") as tx:
        await handler(tx, told)


async def stands(service, group: Group, period):
    async with service.exchange.reading() as tx:
        schemes = await versions.in_force(tx, group, [period])
        figures = await store.figures(tx, group, schemes)
    return schemes[period], standing(figures[period], schemes[period].rules)


@pytest.mark.parametrize("seed", [1, pytest.param(8, marks=pytest.mark.long)])
async def test_every_period_of_a_trial_from_july_stands_as_after_the_adoption_of_its_draft(
    fresh, service, seed
):
    adopted, trying = await drove(fresh, seed, adopt), await drove(fresh, seed, start)
    cells = await tried(trying)
    assert cells == await in_force(adopted, 2)
    assert cells[JULY, "b1", "late"] == 3 - 2 * Decimal("0.5"), "five days in June took 1.0 of the cap of 2"
    real, trial = ("mini", "bureaus"), (TRIED, "bureaus")
    await heard(service.ranking, adopted, service, SCHEMES, ENTRIES, group=real)
    await heard(Trials(), trying, service, SCHEMES, TRIALS, group=trial)
    for period in ("2021-07", "2021-10", "2021-Q3", "2021-H2", "2021"):
        (ours, lines), (theirs, same) = [await stands(service, group, period) for group in (real, trial)]
        assert (theirs.version, len(theirs.before)) == (ours.version, len(ours.before)), period
        assert same == lines, period
    assert len(theirs.before) == 1
    assert {line.tier for line in lines} == {"first", "second"}

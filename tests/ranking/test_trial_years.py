"""The year of a trial from July: what the adoption of its draft gives, with the months of the version before."""

from decimal import Decimal

import pytest

from services.ranking import store, versions
from services.ranking.contract import ENTRIES, SCHEMES, TRIALS
from services.ranking.domain.rows import Group
from services.ranking.domain.standings import standing
from services.ranking.total_answers import Place, TotalWanted, explained
from services.ranking.trial_handlers import Trials
from shared.kernel.codes import trial_code
from shared.kernel.shards import shard_of
from tests.ranking.rig import service
from tests.scoring.test_stages import adopt
from tests.scoring.trial_years import drove
from tests.scoring.trials import fresh, in_force, start, tried

__all__ = ["fresh", "service"]
JULY = 2021 * 12 + 6
TRIED = trial_code("mini", "strict")
HEAD = {"scheme": "mini", "as_of": "0", "fresh_at": None}


async def heard(handler, exchange, service, *streams, group):
    """Let ranking hear what scoring told of a group."""
    shard = shard_of("/".join(group))
    async with exchange.reading() as tx:
        told = [record for stream in streams for record in await tx.read(stream, shard, 0, 1000)]
    async with service.exchange.begin(actor="test", action="hear") as tx:
        await handler(tx, told)


async def figures_in(service, scheme, group: Group, period):
    async with service.exchange.reading() as tx:
        return (await store.figures(tx, group, {period: scheme}))[period]


def links(indicator):
    return indicator, indicator


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
        for unit in ("b1", "b3"):
            asked, figures = TotalWanted(limit=200), await figures_in(service, theirs, trial, period)
            adopted_are = await figures_in(service, ours, real, period)
            (one, tried_one) = (
                explained(asked, Place(scheme, "bureaus", period, unit), found, HEAD, links)
                for scheme, found in ((ours, adopted_are), (theirs, figures))
            )
            assert tried_one == one, (period, unit)
            assert one.published is not None or one.range is not None
    assert len(theirs.before) == 1
    assert {line.tier for line in lines} == {"first", "second"}

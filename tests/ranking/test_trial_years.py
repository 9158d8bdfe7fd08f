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
from tests.scoring.trial_years import drove, with_cities
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


async def stands(service, group: Group, period):
    async with service.exchange.reading() as tx:
        schemes = await versions.in_force(tx, group, [period])
        figures = await store.figures(tx, group, schemes)
    return schemes[period], standing(figures[period], schemes[period].rules)


async def compared(service, group, period):
    """Return the lines of a period in force and in a trial, and the totals of units in both."""
    found = []
    for code in ("mini", TRIED):
        scheme, lines = await stands(service, (code, group), period)
        async with service.exchange.reading() as tx:
            figures = (await store.figures(tx, (code, group), {period: scheme}))[period]
        asked = TotalWanted(limit=200)
        totals = [
            explained(asked, Place(scheme, group, period, unit), figures, HEAD, links)
            for unit in sorted(figures)
        ]
        found.append((scheme.version, len(scheme.before), lines, totals))
    return found


def links(indicator):
    return indicator, indicator


@pytest.mark.parametrize("seed", [1, pytest.param(8, marks=pytest.mark.long)])
async def test_every_period_of_a_trial_from_july_stands_as_after_the_adoption_of_its_draft(
    fresh, service, seed
):
    adopted, trying = await drove(fresh, seed, adopt), await drove(fresh, seed, start)
    cells = await tried(trying)
    assert cells == await in_force(adopted, 2)
    assert cells[JULY, "b1", "late"] == 3 - 2 * Decimal("0.5"), "five days in June took 1.0 of the cap of 2"
    await heard(service.ranking, adopted, service, SCHEMES, ENTRIES, group=("mini", "bureaus"))
    await heard(Trials(), trying, service, SCHEMES, TRIALS, group=(TRIED, "bureaus"))
    for period in ("2021-07", "2021-10", "2021-Q3", "2021-H2", "2021"):
        ours, theirs = await compared(service, "bureaus", period)
        assert theirs == ours, period
    _, before, lines, totals = theirs
    assert before == 1
    assert {line.tier for line in lines} == {"first", "second"}
    assert all(one.published is not None for one in totals)


async def test_a_trial_whose_draft_moves_a_unit_stands_as_after_its_adoption_in_both_groups(fresh, service):
    """b1 is a bureau until June and with b4 a city from July, with the months that it was a bureau."""
    adopted = await drove(fresh, 1, adopt, with_cities)
    trying = await drove(fresh, 1, start, with_cities)
    assert await kept(trying, "trial_cells") == await kept(adopted, "cells")
    trials = Trials()
    for group in ("bureaus", "cities"):
        await heard(service.ranking, adopted, service, SCHEMES, ENTRIES, group=("mini", group))
        await heard(trials, trying, service, SCHEMES, TRIALS, group=(TRIED, group))
    for period in ("2021-07", "2021-10", "2021-Q3", "2021-H2", "2021"):
        for group in ("bureaus", "cities"):
            ours, theirs = await compared(service, group, period)
            assert theirs == ours, (group, period)
    _, _, lines, totals = theirs
    assert {line.unit for line in lines if line.rank is not None} == {"b1", "b4"}
    assert {part.indicator for part in totals[0].parts} > {"ontime", "prompt", "late"}


async def kept(exchange, table):
    """Return the cells of a table, each under the code of the scheme itself."""
    async with exchange.reading() as tx:
        rows = await tx.many(f"SELECT version, grp, unit, month, indicator, value FROM {table} ORDER BY 1")
    return {tuple(row.values())[:5]: row["value"] for row in rows}

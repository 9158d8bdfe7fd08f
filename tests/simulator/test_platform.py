"""A simulated feed through the real platform, as it arrives and shuffled: every measure equals what happened."""

import asyncio
import random
from decimal import Decimal
from itertools import product

import pytest

from dukao.simulator.nation import load
from dukao.simulator.stream import Settings, simulate
from dukao.simulator.truth import Truth
from services.scoring.domain.figures import is_due
from shared.kernel.periods import Period
from shared.kernel.points import of_millionths, text
from tests.system.rig import Rig, platform

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

SETTINGS = Settings(units=98, days=365, rate=9, seed=11)
PERIODS = ("2021-03", "2021-Q1", "2021")
AT_ONCE = 8


def as_they_arrive(events):
    return events


def shuffled(events):
    return random.Random(3).sample(events, len(events))


@pytest.mark.parametrize("order", [as_they_arrive, shuffled])
async def test_every_measure_is_what_happened(order):
    nation = load()
    truth = Truth(nation.scheme)
    events = list(simulate(SETTINGS, nation, truth))
    async with platform() as rig:
        scheme = nation.scheme.model_dump(mode="json", by_alias=True, exclude_none=True)
        await rig.adopt_types(nation.types)
        await rig.adopt_scheme(scheme)
        statuses = await rig.send(order(events))
        assert statuses.keys() <= {"created", "duplicate", "report"}
        assert statuses["created"] == len(events) - truth.kinds["repeated"] - truth.kinds["same_fact"]
        await rig.drained()
        assert await wrong_measures(rig, nation, truth) == []
        assert await wrong_cells(rig, nation, truth) == []
        assert await wrong_totals(rig, nation, truth) == []


async def answers(rig: Rig, service, paths, **query):
    """Ask for many things, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(path):
        async with gate:
            return await rig.get(service, path, **query)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(path)) for path in paths]
    return [task.result() for task in tasks]


async def wrong_measures(rig, nation, truth):
    cells = list(product(truth.months(), [unit.code for unit in nation.scheme.units]))
    found = await answers(
        rig, "scoring", [f"/v1/measures/national/1/{month}/{unit}" for month, unit in cells]
    )
    return [
        (unit, month, name, measures["measures"][name])
        for (month, unit), measures in zip(cells, found, strict=True)
        for name in nation.scheme.measures
        if pair(measures["measures"][name]) != expected(truth, unit, month, name, measures)
    ]


def pair(found):
    return tuple(
        None if found[side] is None else Decimal(found[side]) for side in ("numerator", "denominator")
    )


def expected(truth, unit, month, name, measures):
    numerator, denominator = map(of_millionths, truth.of(unit, month, name))
    return numerator, None if measures["measures"][name]["denominator"] is None else denominator


async def wrong_cells(rig, nation, truth):
    units = [bureau.code for bureau in nation.bureaus[: SETTINGS.units]]
    asked = [
        (period, unit, indicator)
        for period, unit, indicator in product(map(Period.parse, PERIODS), units, nation.scheme.indicators)
        if is_due(indicator, period)
    ]
    paths = [f"/v1/cells/{period}/{unit}/{one.code}" for period, unit, one in asked]
    found = [answer["figure"]["value"] for answer in await answers(rig, "scoring", paths, scheme="national")]
    due = [truth.worth(unit, [str(m) for m in period.months()], one) for period, unit, one in asked]
    return [
        (cell, value, worth)
        for cell, value, worth in zip(asked, found, due, strict=True)
        if value != (None if worth is None else text(worth))
    ]


async def wrong_totals(rig, nation, truth):
    standing = await rig.get("ranking", "/v1/standings/national/bureaus/2021")
    assert standing["simulated"] is True
    found = {unit["unit"]: unit["points"] for unit in standing["units"]}
    due = {bureau.code: truth.total(bureau.code) for bureau in nation.bureaus}
    return [
        (code, found.get(code), total)
        for code, total in due.items()
        if found.get(code) != (None if total is None else text(total))
    ]

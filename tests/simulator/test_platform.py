"""A simulated year through the real platform, as it arrives and shuffled: every figure is what happened."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
import yaml

from deploy.state import Options
from dukao.client import Client
from dukao.feeds import Row
from dukao.producing import produce
from dukao.sending import LARGEST_BATCH_EVENTS, Sender
from dukao.simulator.nation import SAMPLE, Nation, load
from dukao.simulator.stream import Settings, simulate
from dukao.simulator.truth import Truth
from shared.kernel.periods import Month
from shared.kernel.points import of_millionths, text
from shared.messaging.kafka_access import KafkaAccess
from tests.system.rig import Event, Rig, note, platform, until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

UNITS, DAYS, SEED = 62, 365, 11
SLICE_RATE, WHOLE_RATE = 2, 14  # events a unit and day
LEAST_EVENTS = {SLICE_RATE: 40_000, WHOLE_RATE: 300_000}
RATES = pytest.mark.parametrize("rate", [SLICE_RATE, pytest.param(WHOLE_RATE, marks=pytest.mark.whole)])
AT_ONCE = 8
CELLS = "SELECT unit, month, indicator, value FROM scoring.cells WHERE scheme = 'national'"


@RATES
async def test_every_figure_of_the_year_is_what_happened_as_it_arrives_by_http(rate: int) -> None:
    nation = load()
    truth = Truth(nation.scheme)
    events = year(rate, nation, truth)
    async with begun(nation) as rig:
        outcomes = await asyncio.to_thread(sent, rig, events)
        repeated = truth.kinds["repeated"] + truth.kinds["same_fact"]
        assert outcomes == {"created": len(events) - repeated, "duplicate": repeated}
        await compare(rig, nation, truth)


@RATES
async def test_every_figure_of_the_year_is_what_happened_shuffled_by_kafka(rate: int) -> None:
    nation = load()
    truth = Truth(nation.scheme)
    events = year(rate, nation, truth)
    random.Random(3).shuffle(events)
    async with begun(nation) as rig:
        access = KafkaAccess(rig.kafka)
        produced = await asyncio.to_thread(produce, access, events, lambda _: None)
        note(f"{produced.record()}")
        await taken(rig, len(events))
        refusals = await rig.ask("GET", "ingest", "/v1/refusals", "operator")
        assert refusals.json()["items"] == []
        await compare(rig, nation, truth)


def year(rate: int, nation: Nation, truth: Truth) -> list[Event]:
    events = list(simulate(Settings(units=UNITS, days=DAYS, rate=rate, seed=SEED), nation, truth))
    assert len(events) >= LEAST_EVENTS[rate]
    return events


@asynccontextmanager
async def begun(nation: Nation) -> AsyncIterator[Rig]:
    """Bring a platform up that lives through the year, with everything adopted that the sample has."""
    async with platform(options=Options(clock="replay")) as rig:
        await rig.adopt_types(nation.types)
        await adopt_calendar(rig)
        await rig.adopt_scheme(nation.scheme.written())
        yield rig


async def adopt_calendar(rig: Rig) -> None:
    """Adopt the sample's calendar by two persons."""
    document = yaml.safe_load((SAMPLE / "calendar.yaml").read_text("utf-8"))
    head = await rig.post("supervision", "/v1/calendars", "author", document)
    path = f"/v1/calendars/{head['zone']}/{head['version']}:adopt"
    await rig.post("supervision", path, "approver", {"digest": head["digest"]})


def sent(rig: Rig, events: Sequence[Event]) -> dict[str, int]:
    """Send events and return how many were answered how."""
    rows = (Row("year", number, (event,)) for number, event in enumerate(events, 1))
    with Client(rig.state) as client:
        tally = Sender(client.bases["ingest"], client.tokens, LARGEST_BATCH_EVENTS, lambda _: None).send(rows)
    note(f"{tally.record()}")
    return dict(tally.outcomes)


async def taken(rig: Rig, count: int) -> None:
    """Wait until ingest has read so many events from its inbound topics."""
    database = await rig.database()

    async def read() -> bool:
        return await database.fetchval('SELECT sum("offset") FROM ingest.inbound') == count

    await until(read)
    await database.close()


async def compare(rig: Rig, nation: Nation, truth: Truth) -> None:
    """Compare every measure, cell and total with what happened."""
    await rig.drained()
    for what, pairs in (
        ("measures", [pair async for pair in measures(rig, nation, truth)]),
        ("cells", [pair async for pair in cells(rig, truth)]),
        ("totals", [pair async for pair in totals(rig, nation, truth)]),
    ):
        wrong = [pair for pair in pairs if pair[1] != pair[2]]
        assert wrong[:20] == [], f"{len(wrong)} of {len(pairs)} {what}"
        note(f"{len(pairs)} {what} equal")


async def measures(rig: Rig, nation: Nation, truth: Truth) -> Any:
    """Yield (where, found, expected) of every measure of every unit of a group and month."""
    head = nation.scheme.scheme
    asked = list(product(truth.months(), truth.units()))
    paths = [f"/v1/measures/{head.code}/{head.version}/{month}/{unit}" for month, unit in asked]
    for (month, unit), answer in zip(asked, await answers(rig, "scoring", paths), strict=True):
        for name, found in answer["measures"].items():
            expected = truth.of(unit, month, name)
            for side, value in zip(("numerator", "denominator"), expected, strict=True):
                if found[side] is not None:
                    yield (unit, month, name, side), Decimal(found[side]), of_millionths(value)


async def cells(rig: Rig, truth: Truth) -> Any:
    """Yield (where, found, expected) of the month cell of every unit and indicator; nothing lost has none."""
    database = await rig.database()
    rows = await database.fetch(CELLS)
    await database.close()
    kept = {
        (row["unit"], str(Month.of_ordinal(row["month"])), row["indicator"]): row["value"] for row in rows
    }
    due = {
        (unit, month, one.code): (truth.cell(unit, month, one), one)
        for unit, month in product(truth.units(), truth.months())
        for one in truth.indicators(unit)
    }
    assert kept.keys() <= due.keys()
    for where, (expected, indicator) in due.items():
        untouched = None if indicator.method.deduct is None else Decimal(indicator.points)
        yield where, kept.get(where, untouched), expected


async def totals(rig: Rig, nation: Nation, truth: Truth) -> Any:
    """Yield (where, found, expected) of the points of every ranked unit in every period."""
    ranked = [unit.code for unit in nation.units]
    groups = dict.fromkeys(name for unit in nation.units for name in nation.groups_of(unit))
    periods = dict(truth.periods())
    asked = list(product(groups, periods))
    paths = [f"/v1/standings/{nation.scheme.scheme.code}/{group}/{period}" for group, period in asked]
    found: dict[tuple[str, str], str | None] = {}
    for (_, period), standing in zip(asked, await answers(rig, "ranking", paths), strict=True):
        assert standing["simulated"] is True
        found |= {(line["unit"], period): line["points"] for line in standing["units"]}
    for unit, (period, months) in product(ranked, periods.items()):
        expected = truth.total(unit, months)
        yield (unit, period), found.get((unit, period)), None if expected is None else text(expected)


async def answers(rig: Rig, service: str, paths: Iterable[str]) -> list[dict[str, Any]]:
    """Ask for many things, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(path: str) -> dict[str, Any]:
        async with gate:
            return await rig.get(service, path)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(ask(path)) for path in paths]
    return [task.result() for task in tasks]

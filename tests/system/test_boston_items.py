"""Boston 311 under the replay clock: every case with a deadline is an item; open and overdue as the oracle counts."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import pytest

from deploy.state import Options
from shared.kernel.instants import parse
from tests.system.rig import Event, Rig, note, platform
from tests.system.test_boston import MONTHS, fed, mapped, scheme, types

DATA = os.environ.get("DUKAO_DATA")
ENDS = ("2011-08-01", "2011-09-01", "2011-10-01", "2011-11-01")
OVERDUE = (530, 1_398, 2_065, 3_057)
OPEN = (2_779, 4_512, 6_273, 7_715)
WITH_DEADLINE = 35_754
KILL_EVERY_S = 20
SLICE_EVENTS = 3_000
RULE = {
    "kind": "instruction",
    "title": "Service request",
    "opens": {"type": "case.opened.v1"},
    "due": {"at": "deadline"},
    "completes": {"type": "case.closed.v1"},
    "indicator": "ontime",
}

pytestmark = [
    pytest.mark.system,
    pytest.mark.kafka,
    pytest.mark.long,
    pytest.mark.skipif(DATA is None, reason="DUKAO_DATA names no folder of real sets"),
]


def end_of(day: str) -> datetime:
    return parse(f"{day}T04:00:00Z")


async def counts(rig: Rig, day: str) -> dict[str, int]:
    found = await rig.get("supervision", "/v1/item-counts", at=f"{day}T04:00:00Z")
    return {name: found[name] for name in ("given", "open", "overdue")}


async def red(rig: Rig) -> int:
    """Count the items whose light the ticks have turned to red."""
    database = await rig.database()
    try:
        return await database.fetchval("SELECT count(*) FROM supervision.items WHERE light = 'red'")
    finally:
        await database.close()


@asynccontextmanager
async def killing(rig: Rig, services: tuple[str, ...]) -> AsyncIterator[list[int]]:
    """Kill services again and again, as long as the block lasts."""
    kills = [0]

    async def kill() -> None:
        while True:
            await asyncio.sleep(KILL_EVERY_S)
            await rig.kill(services)
            kills[0] += 1

    task = asyncio.ensure_future(kill())
    try:
        yield kills
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def lived_through(rig: Rig, feed: list[Event], slice_events: int) -> list[tuple[dict[str, int], int]]:
    """Feed month by month in slices; return the counts at the end of each and how many lights are red then."""
    await rig.adopt_types(types())
    await rig.adopt_scheme(scheme() | {"items": {"request": RULE}})
    await rig.drained()
    found: list[tuple[dict[str, int], int]] = []
    rest = feed
    for day in ENDS:
        month = [event for event in rest if parse(event["time"]) < end_of(day)]
        rest = [event for event in rest if parse(event["time"]) >= end_of(day)]
        for at in range(0, len(month), slice_events):
            await fed(rig, month[at : at + slice_events])
        found.append((await counts(rig, day), await red(rig)))
    await fed(rig, rest)
    return found


def expected() -> list[tuple[int, int]]:
    return list(zip(OPEN, OVERDUE, strict=True))


@pytest.mark.parametrize(
    "killed",
    [
        pytest.param((), id="undisturbed", marks=pytest.mark.whole),
        pytest.param(("supervision", "scoring"), id="killed"),
    ],
)
async def test_every_case_with_a_deadline_is_an_item_and_is_overdue_as_the_oracle_counts(
    killed: tuple[str, ...],
) -> None:
    feed = sorted(mapped("mapping.yaml", "events_2011-07_10.ndjson.gz"), key=lambda one: parse(one["time"]))
    async with platform(options=Options(clock="replay")) as rig:
        async with killing(rig, killed) if killed else killing_nobody() as kills:
            months = await lived_through(rig, feed, SLICE_EVENTS if killed else len(feed))
        note(f"{months}, killed {kills[0]} times")
        assert [(month["open"], month["overdue"]) for month, _ in months] == expected()
        assert [lights for _, lights in months] == list(OVERDUE)
        assert bool(killed) == bool(kills[0])
        again = [await counts(rig, day) for day in ENDS]
        assert [(one["open"], one["overdue"]) for one in again] == expected()
        assert again[-1]["given"] == WITH_DEADLINE
        assert len(again) == len(MONTHS)
        assert await rig.faults(feed) == {}


@asynccontextmanager
async def killing_nobody() -> AsyncIterator[list[int]]:
    yield [0]

"""A process dies right after it committed the last event of a cell, before anything else knows: the standing ends right."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.scoring.test_stages import TYPES, levy
from tests.system.rig import Event, Rig, platform, until
from tests.thread.test_event_to_standing import TIERED

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

STANDING = "/v1/standings/mini/bureaus/2021-03"
LEVIES = 40
KILLS = [
    ("scoring", "consumer.after_commit", 1),
    ("scoring", "consumer.after_commit", 2),
    ("scoring", "relay.after_send", 1),
    ("scoring", "relay.after_send", 2),
    ("ranking", "consumer.after_commit", 1),
    ("ranking", "relay.after_send", 1),
]


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform(fail_points=("scoring", "ranking")) as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(TIERED)
        yield running


async def test_a_kill_at_the_last_event_of_a_cell_leaves_the_standing_of_all(rig: Rig) -> None:
    """Each turn sends one more late levy: nothing that comes later could mend what a kill would lose."""
    events: list[Event] = [levy(i) for i in range(LEVIES)]
    await rig.send(events)
    await rig.drained()
    seen = [await points(rig)]
    for turn, (service, point, nth) in enumerate(KILLS, 1):
        rig.arm(service, point, f"kill@{nth}")
        restarts = rig.record.part(service).restarts
        last = [levy(f"late-{turn}", ontime=False)]
        await rig.send(last)
        events += last
        await acted(rig, service, point, restarts)
        await rig.drained()
        assert await points(rig) == expected(LEVIES, turn)
        seen.append(await points(rig))
    assert seen == sorted(seen, reverse=True)
    assert await rig.faults(events) == {}


async def acted(rig: Rig, service: str, point: str, restarts: int) -> None:
    """Wait until the fail point acted and the service runs again."""

    async def again() -> bool:
        return not rig.armed(service, point) and rig.record.part(service).restarts > restarts

    await until(again)
    await rig.ready()


async def points(rig: Rig) -> Decimal:
    lines = (await rig.get("ranking", STANDING))["units"]
    found = next(line for line in lines if line["unit"] == "b1")
    return Decimal(found["points"] or found["range"][0])


def expected(ontime: int, late: int) -> Decimal:
    """Ten points by the share on time at a target of 98 %, and ten from which nothing was deducted."""
    share = Decimal(ontime) / (ontime + late) / Decimal("0.98")
    return (10 * min(Decimal(1), share) + 10).quantize(Decimal("0.01"))

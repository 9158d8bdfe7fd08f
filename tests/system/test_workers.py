"""Several workers of one service under load: one joins, one is killed and comes back, one leaves; the result is the same."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.files import CHECKOUT, free_port
from deploy.platform import surroundings
from deploy.processes import PATH, spawn, stop
from deploy.table import SERVICES, environment
from tests.scoring.test_stages import TYPES
from tests.system.rig import BATCH_EVENTS, POLL_S, Rig, keys_of, note, platform, until
from tests.system.test_kills import PERIODS, answered, expected, feed
from tests.thread.test_event_to_standing import TIERED

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

CONSUMERS = ("scoring-a", "scoring-b", "scoring-incidents")
MOST_WITHOUT_OWNER_S = 10.0
_LEASES = """
    SELECT consumer, partition, epoch, CASE WHEN expires > clock_timestamp() THEN owner END AS owner
    FROM scoring.leases WHERE consumer = ANY($1::text[])"""


@dataclass
class Watch:
    """Who held each partition, epoch by epoch, and how long nobody did."""

    owners: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)
    missing: dict[tuple[str, int], float] = field(default_factory=dict)
    longest_s: float = 0.0
    twice: list[str] = field(default_factory=list)
    now: dict[tuple[str, int], str | None] = field(default_factory=dict)

    async def run(self, database: asyncpg.Connection) -> None:
        while True:
            for row in await database.fetch(_LEASES, list(CONSUMERS)):
                self.see((row["consumer"], row["partition"]), row["epoch"], row["owner"])
            await asyncio.sleep(POLL_S)

    def see(self, place: tuple[str, int], epoch: int, owner: str | None) -> None:
        self.now[place] = owner
        if owner is None:
            since = self.missing.setdefault(place, time.monotonic())
            self.longest_s = max(self.longest_s, time.monotonic() - since)
            return
        self.missing.pop(place, None)
        known = self.owners.setdefault(place, {})
        if epoch < max(known, default=0) or known.setdefault(epoch, owner) != owner:
            self.twice.append(f"{place}: epoch {epoch} by {owner}, known {known}")

    def shares(self, consumer: str) -> dict[str | None, int]:
        found: dict[str | None, int] = {}
        for (name, _), owner in self.now.items():
            if name == consumer:
                found[owner] = found.get(owner, 0) + 1
        return found


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform() as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(TIERED)
        yield running


@contextmanager
def second_worker(rig: Rig, log: Path) -> Iterator[None]:
    """Another scoring beside the supervised one, under a name of its own; it ends in good order."""
    scoring = next(service for service in SERVICES if service.name == "scoring")
    ports = {part.name: part.port for part in rig.record.parts} | {"scoring": free_port()}
    env = {"PATH": PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(CHECKOUT), "DUKAO_WORKER": "2"}
    env |= environment(surroundings(rig.state, scoring, ports, "live"))
    process = spawn([sys.executable, "-m", scoring.module], rig.state.folder, log, env=env)
    try:
        yield
    finally:
        stop(process, grace_s=15.0)


async def test_workers_join_die_and_leave_under_load_and_the_result_is_the_same(rig: Rig) -> None:
    events = feed()
    database, watch = await rig.database(), Watch()

    async def sent(share: float) -> None:
        async def far() -> bool:
            return sum(rig.log.statuses.values()) >= len(events) * share - BATCH_EVENTS

        await until(far)

    async def shared(*owners: str) -> None:
        async def even() -> bool:
            each = 16 // len(owners)
            return all(watch.shares(name) == dict.fromkeys(owners, each) for name in CONSUMERS)

        await until(even)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch.run(database))
        sending = group.create_task(rig.send(events))
        await sent(0.2)
        await shared("scoring-1")
        with second_worker(rig, rig.state.log("scoring-2")):
            await shared("scoring-1", "scoring-2")
            await sent(0.4)
            await rig.kill(["scoring"])
            await rig.ready()
            await shared("scoring-1", "scoring-2")
            await sent(0.8)
        await shared("scoring-1")
        await sending
        await rig.drained()
        watching.cancel()
    await database.close()
    note(f"longest without an owner: {watch.longest_s:.1f} s")
    assert watch.twice == []
    assert watch.longest_s < MOST_WITHOUT_OWNER_S
    assert await answered(rig) == {period: expected(period) for period in PERIODS}
    assert rig.log.receipts.keys() == keys_of(events)
    assert await rig.faults(events) == {}

"""What is watched beside a fault, again and again for the time of a `with`."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from campaign.platform import SERVICE_NAMES, Platform, until
from campaign.run import Run

MEASURED_S = 1.0
SAMPLED_S = 0.05
SHARED_S = 60.0
_WAITING = """
    SELECT coalesce(sum(s.number - p.number), 0)::bigint FROM ingest.stream_shards s
    JOIN ingest.positions p ON p.consumer = 'relay' AND p.stream = s.stream AND p.shard = s.shard"""


@dataclass(slots=True)
class Memory:
    """The resident memory of each service, in MiB, at each look."""

    looks: dict[str, list[float]] = field(default_factory=dict)

    @property
    def grown(self) -> dict[str, float]:
        """By how much each service grew at most since the first look."""
        return {name: round(max(seen) - seen[0], 1) for name, seen in self.looks.items()}

    @property
    def went_on(self) -> dict[str, float]:
        """By how much each had more in the second half than it ever had in the first."""
        halves = {
            name: (seen[: len(seen) // 2] or seen, seen[len(seen) // 2 :])
            for name, seen in self.looks.items()
        }
        return {name: round(max(second) - max(first), 1) for name, (first, second) in halves.items()}


@asynccontextmanager
async def memory_of(platform: Platform) -> AsyncGenerator[Memory]:
    """Look at the memory of all services every second within a `with`."""
    memory = Memory({name: [platform.rss_mib(name)] for name in SERVICE_NAMES})

    async def measure() -> None:
        while True:
            await asyncio.sleep(MEASURED_S)
            for name, seen in memory.looks.items():
                seen.append(platform.rss_mib(name))

    async with beside(measure()):
        yield memory


@asynccontextmanager
async def relay_lag(platform: Platform) -> AsyncGenerator[list[int]]:
    """Read every second how many records wait for the relay of ingest within a `with`."""
    lag: list[int] = []
    database = await platform.database()

    async def measure() -> None:
        while True:
            lag.append(int(await database.fetchval(_WAITING) or 0))
            await asyncio.sleep(MEASURED_S)

    try:
        async with beside(measure()):
            yield lag
    finally:
        await database.close()


@dataclass(slots=True)
class Handed:
    """The leases of a service as they were seen: who had each epoch, and what was given twice."""

    owners: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    @property
    def over(self) -> int:
        """How often a lease went to another owner than the one before."""
        rows = [[known[epoch] for epoch in sorted(known)] for known in self.owners.values()]
        return sum(one != other for row in rows for one, other in itertools.pairwise(row))

    def see(self, place: tuple[str, int], epoch: int, owner: str) -> None:
        """Take in one look at a lease that somebody has."""
        known = self.owners.setdefault(place, {})
        if epoch < max(known, default=0) or known.setdefault(epoch, owner) != owner:
            self.twice.append(f"{place}: epoch {epoch} by {owner}, known {known}")


@asynccontextmanager
async def leases_of(platform: Platform, schema: str) -> AsyncGenerator[Handed]:
    """Look at the leases of a service twenty times a second within a `with`."""
    handed = Handed()
    database = await platform.database()
    statement = f"SELECT consumer, partition, epoch, owner FROM {schema}.leases WHERE owner IS NOT NULL"

    async def look() -> None:
        while True:
            for row in await database.fetch(statement):
                handed.see((row["consumer"], row["partition"]), row["epoch"], row["owner"])
            await asyncio.sleep(SAMPLED_S)

    try:
        async with beside(look()):
            yield handed
    finally:
        await database.close()


async def shared_by_two(platform: Platform, schema: str, consumer: str) -> None:
    """Wait until two workers of a consumer share its partitions."""
    statement = (
        f"SELECT count(DISTINCT owner) FROM {schema}.leases "
        "WHERE consumer = $1 AND expires > clock_timestamp()"
    )

    async def shared() -> bool:
        ((owners,),) = await platform.fetch(statement, consumer)
        return owners == 2

    await until(shared, seconds=SHARED_S, what="two workers share the partitions")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncGenerator[None]:
    """Do work without an end for the time of a `with`; what goes wrong there ends the `with`."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        yield
        task.cancel()


async def sessions(platform: Platform) -> dict[int, str]:
    """Return the processes of PostgreSQL that serve the services, each with the name of its client."""
    rows = await platform.fetch(
        "SELECT pid, application_name FROM pg_stat_activity WHERE application_name LIKE 'dukao-%'"
    )
    return {row["pid"]: row["application_name"] for row in rows}


def only_lost_by_kafka(run: Run, since: float) -> None:
    """See that HTTP went on: nothing was asked again but by producers into the inbound topic."""
    lost = [why for why in run.lost(since) if not why.startswith("kafka")]
    run.see("HTTP goes on, nothing is refused", not lost, lost[:3] or "")

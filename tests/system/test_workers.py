"""Several workers of one service under load: one joins, one is killed and comes back, one leaves; the result is the same."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from campaign.checker.archive import events as archived
from deploy.embedded.files import CHECKOUT, free_port
from deploy.platform import surroundings
from deploy.processes import PATH, spawn, stop
from deploy.table import SERVICES, environment
from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.domain.binding import topic_of
from tests.scoring.test_stages import TYPES, levy
from tests.system.rig import BATCH_EVENTS, POLL_S, Rig, keys_of, note, platform, until
from tests.system.test_kills import PERIODS, answered, expected, feed
from tests.thread.test_event_to_standing import TIERED

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

CONSUMERS = ("scoring-a", "scoring-b", "scoring-incidents")
MOST_WITHOUT_OWNER_S = 10.0
AT_ONCE = 50
_LEASES = """
    SELECT consumer, partition, epoch, CASE WHEN expires > clock_timestamp() THEN owner END AS owner
    FROM {schema}.leases WHERE consumer = ANY($1::text[])"""


@dataclass
class Watch:
    """Who held each partition, epoch by epoch, and how long nobody did."""

    schema: str = "scoring"
    consumers: tuple[str, ...] = CONSUMERS
    owners: dict[tuple[str, int], dict[int, str]] = field(default_factory=dict)
    missing: dict[tuple[str, int], float] = field(default_factory=dict)
    longest_s: float = 0.0
    twice: list[str] = field(default_factory=list)
    now: dict[tuple[str, int], str | None] = field(default_factory=dict)

    async def run(self, database: asyncpg.Connection) -> None:
        while True:
            for row in await database.fetch(_LEASES.format(schema=self.schema), list(self.consumers)):
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

    async def shared(self, *owners: str) -> None:
        async def even() -> bool:
            each = 16 // len(owners)
            return all(self.shares(name) == dict.fromkeys(owners, each) for name in self.consumers)

        await until(even)

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
def second_worker(rig: Rig, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process of a service beside the supervised one, under a name of its own; it ends in good order."""
    service = next(service for service in SERVICES if service.name == name)
    ports = {part.name: part.port for part in rig.record.parts} | {name: free_port()}
    env = {"PATH": PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(CHECKOUT), "DUKAO_WORKER": "2"}
    env |= environment(surroundings(rig.state, service, ports, "live"))
    log = rig.state.log(f"{name}-2")
    process = spawn([sys.executable, "-m", service.module], rig.state.folder, log, env=env)
    try:
        yield process
    finally:
        stop(process, grace_s=15.0)


async def test_workers_join_die_and_leave_under_load_and_the_result_is_the_same(rig: Rig) -> None:
    events = feed()
    database, watch = await rig.database(), Watch()

    async def sent(share: float) -> None:
        async def far() -> bool:
            return sum(rig.log.statuses.values()) >= len(events) * share - BATCH_EVENTS

        await until(far)

    shared = watch.shared
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch.run(database))
        sending = group.create_task(rig.send(events))
        await sent(0.2)
        await shared("scoring-1")
        with second_worker(rig, "scoring"):
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


async def produce(rig: Rig, sent: list[str | None], enough: asyncio.Event) -> None:
    """Send levies to all partitions until it is enough, every tenth record none; note their ids."""
    async with AIOKafkaProducer(bootstrap_servers=rig.kafka, linger_ms=50) as producer:
        for first in itertools.count(step=AT_ONCE):
            waits = []
            for number in range(first, first + AT_ONCE):
                event = None if number % 10 == 9 else levy(number)
                sent.append(event and event["id"])
                body = b"{" if event is None else json.dumps(event).encode()
                partition = number // 3 % INBOUND_PARTITIONS
                waits.append(await producer.send(topic_of("s"), body, partition=partition))
            for wait in waits:
                await wait
            if enough.is_set():
                return


async def test_workers_of_ingest_share_inbound_topics_and_what_one_leaves_by_a_kill_is_taken_once(
    rig: Rig,
) -> None:
    database, watched = await rig.database(), await rig.database()
    watch, enough = Watch("ingest", ("inbound",)), asyncio.Event()
    sent: list[str | None] = []

    async def taken(count: int) -> None:
        async def far() -> bool:
            return await database.fetchval('SELECT coalesce(sum("offset"), 0) FROM ingest.inbound') >= count

        await until(far)

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch.run(watched))
        await watch.shared("ingest-1")
        sending = group.create_task(produce(rig, sent, enough))
        with second_worker(rig, "ingest") as second:
            await watch.shared("ingest-1", "ingest-2")
            await taken(len(sent))
            second.kill()
            await watch.shared("ingest-1")
        await taken(len(sent))
        enough.set()
        await sending
        await taken(len(sent))
        watching.cancel()
    note(f"{len(sent)} records; longest without an owner: {watch.longest_s:.1f} s")
    assert watch.twice == []
    assert watch.longest_s < MOST_WITHOUT_OWNER_S
    found = [event["id"] async for _, _, event in archived(database) if event["source"] == "s"]
    assert sorted(found) == sorted(name for name in sent if name)
    places = [row["place"] for row in await database.fetch("SELECT place FROM ingest.refusals")]
    assert len(places) == len(set(places)) == sent.count(None)
    await database.close()
    await watched.close()

"""How fast a backlog comes through: from HTTP, from Kafka, and through scoring alone."""

import time
from dataclasses import dataclass

import asyncpg

from benchmarks import feeding, meter
from benchmarks.platform import Platform, say
from benchmarks.positions import reach, snapshot
from benchmarks.workload import SOURCE, Workload

INBOUND = f"in.{SOURCE}"


@dataclass(frozen=True, slots=True)
class Drained:
    """Events a second and CPU seconds per 100,000 events by process."""

    events_per_s: float
    cpu_s_per_100k: dict[str, float]
    seconds: float


async def from_http(running: Platform, owner: asyncpg.Connection, load: Workload) -> Drained:
    """From the first byte of the first batch that counts to the standing that holds the last event."""
    at = await _accepted(owner)
    await feeding.send_all(running, load.batches(feeding.BATCH_EVENTS, warm=True))
    await reach(owner, at + load.warm)
    batches = load.batches(feeding.BATCH_EVENTS, warm=False)
    clock = _Clock(running, load.measured)
    await feeding.send_all(running, batches)
    await reach(owner, at + len(load.events))
    return clock.stop("HTTP to standing")


async def from_kafka(running: Platform, owner: asyncpg.Connection, load: Workload) -> Drained:
    """From the instant at which ingest may read a full inbound topic to the standing that holds it all."""
    at = await _accepted(owner)
    await feeding.produce(running.bootstrap, INBOUND, load.inbound(warm=True))
    await reach(owner, at + load.warm)
    with running.frozen(["ingest"]):
        await feeding.produce(running.bootstrap, INBOUND, load.inbound(warm=False))
        clock = _Clock(running, load.measured)
    await reach(owner, at + len(load.events))
    return clock.stop("Kafka to standing")


async def through_scoring(running: Platform, owner: asyncpg.Connection, load: Workload) -> Drained:
    """From the instant at which scoring may read its full topic to the ledger; the others stand still."""
    at = await _accepted(owner)
    await feeding.produce(running.bootstrap, INBOUND, load.inbound(warm=True))
    await reach(owner, at + load.warm)
    with running.frozen(["scoring"]):
        await feeding.produce(running.bootstrap, INBOUND, load.inbound(warm=False))
        await reach(owner, at + len(load.events), hop="relayed")
        with running.frozen(["ingest", "ranking"]):
            running.thaw(["scoring"])
            clock = _Clock(running, load.measured)
            await reach(owner, at + len(load.events), hop="scored")
            drained = clock.stop("scoring alone")
    await reach(owner, at + len(load.events))
    return drained


async def _accepted(owner: asyncpg.Connection) -> int:
    return sum((await snapshot(owner)).accepted)


class _Clock:
    def __init__(self, running: Platform, events: int) -> None:
        self._processes, self._events = running.processes, events
        self._before = meter.read(self._processes)
        self._start = time.monotonic()

    def stop(self, what: str) -> Drained:
        seconds = time.monotonic() - self._start
        cpu = meter.per_100k(meter.read(self._processes).since(self._before), self._events)
        say(f"{what}: {self._events / seconds:,.0f} events/s, CPU s per 100,000: {cpu}")
        return Drained(round(self._events / seconds, 1), cpu, round(seconds, 2))

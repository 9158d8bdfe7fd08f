"""How long an event takes from its source to the standing, at a steady rate.

The clock of an event starts when its batch was due to leave, so a client that is held up does not hide it.
It ends with the first snapshot of the positions in which the event has surely come through: a snapshot shows
stage A at or past the event's receipt (shard, number), the same or a later one shows stage B at or past all
that stage A had answered in it, and the same or a later one shows ranking at or past all that stage B had
answered by then. Effects, answers and positions of a hop are one transaction, so the figure is an upper
bound: never too short, too long by at most three snapshot intervals and by what other events added
meanwhile. The observer costs one statement every 20 ms.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from benchmarks import feeding, meter
from benchmarks.feeding import Sent
from benchmarks.platform import Platform, say
from benchmarks.positions import Snapshot, Vector, reach, snapshot
from benchmarks.workload import Workload

OBSERVE_S = 0.02
SEND_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from source to standing over all events that count."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    events: int


async def at_rate(running: Platform, owner: asyncpg.Connection, load: Workload, rate: int) -> Latencies:
    """Send at a rate and watch; the first part is sent the same way and not counted."""
    size = max(1, round(rate * SEND_EVERY_S))
    batches = load.batches(size, warm=True) + load.batches(size, warm=False)
    at = sum((await snapshot(owner)).accepted)
    seen: list[tuple[float, Snapshot]] = []
    before = meter.read(running.processes)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(owner, seen))
        sent = await feeding.send_paced(running, batches, size / rate)
        watcher = await running.owner()
        await reach(watcher, at + len(load.events))
        await watcher.close()
        await asyncio.sleep(2 * OBSERVE_S)
        watching.cancel()
    used = meter.read(running.processes).since(before)
    first_due = min(one.due_s for one in sent) + load.warm / rate
    latencies = sorted(came_through(seen, [one for one in sent if one.due_s >= first_due]))
    found = Latencies(
        p50_ms=round(latencies[len(latencies) // 2] * 1000, 1),
        p99_ms=round(latencies[len(latencies) * 99 // 100] * 1000, 1),
        max_ms=round(latencies[-1] * 1000, 1),
        events=len(latencies),
    )
    say(f"at {rate} events/s: {found}, CPU s: { {name: round(s, 1) for name, s in used.items()} }")
    return found


def came_through(seen: Sequence[tuple[float, Snapshot]], sent: Sequence[Sent]) -> list[float]:
    """Return the seconds of each event of the batches until the standing surely held it."""
    ends = _ends(seen)
    by_shard = [[found.a[shard] for _, found in seen] for shard in range(len(seen[0][1].a))]
    return [
        ends[bisect_left(by_shard[receipt.shard], receipt.number)] - batch.due_s
        for batch in sent
        for receipt in batch.receipts
    ]


def _ends(seen: Sequence[tuple[float, Snapshot]]) -> list[float]:
    """Return for each snapshot when all that stage A had applied by then was in the standing."""
    ends: list[float] = []
    b = ranked = 0
    for _, found in seen:
        while b < len(seen) and not _covers(seen[b][1].b, found.a_out):
            b += 1
        while b < len(seen) and ranked < len(seen) and not _covers(seen[ranked][1].ranking, seen[b][1].b_out):
            ranked += 1
        if b == len(seen) or ranked == len(seen):
            break
        ends.append(seen[ranked][0])
    return ends


def _covers(one: Vector, other: Vector) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True))


async def _watch(owner: asyncpg.Connection, seen: list[tuple[float, Snapshot]]) -> None:
    while True:
        found = await snapshot(owner)
        seen.append((time.monotonic(), found))
        await asyncio.sleep(OBSERVE_S)

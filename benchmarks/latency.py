"""How long an event takes from its source to the ledger and to the standing, at a steady rate.

The clock of an event starts when its batch was due to leave, so a client that is held up does not hide it.
It ends with the first snapshot of the positions in which the event has surely come through: a snapshot shows
stage A at or past the event's receipt (shard, number), the same or a later one shows stage B at or past all
that stage A had answered in it (the entry), and the same or a later one shows ranking at or past all that
stage B had answered by then (the standing). Effects, answers and positions of a hop are one transaction, so
the figures are upper bounds: never too short, too long by at most three snapshot intervals and by what other
events added meanwhile. What the observer costs PostgreSQL is read from its own session and printed.
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
from benchmarks.positions import Snapshot, covers, reach, snapshot
from benchmarks.workload import Workload

OBSERVE_S = 0.02
SEND_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds from source to answer, entry and standing over all events that count.

    `observer_share` is the part of one core that the observer's session in PostgreSQL used.
    """

    answer_p50_ms: float
    answer_p99_ms: float
    entry_p50_ms: float
    entry_p99_ms: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    events: int
    observer_share: float
    cpu_s_per_100k: dict[str, float]


@dataclass(frozen=True, slots=True)
class Came:
    """Seconds of one event until it was answered, in the ledger, and in the standing."""

    answer_s: float
    entry_s: float
    standing_s: float


async def at_rate(running: Platform, owner: asyncpg.Connection, load: Workload, rate: int) -> Latencies:
    """Send at a rate and watch; the first part is sent the same way and not counted."""
    size = max(1, round(rate * SEND_EVERY_S))
    batches = load.batches(size, warm=True) + load.batches(size, warm=False)
    at = sum((await snapshot(owner)).accepted)
    seen: list[tuple[float, Snapshot]] = []
    before, start = meter.read(running.processes), time.monotonic()
    observer = owner.get_server_pid()
    observed = meter.cpu_s(observer)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(_watch(owner, seen))
        sent = await feeding.send_paced(running, batches, size / rate)
        watcher = await running.owner()
        await reach(watcher, at + len(load.events))
        await watcher.close()
        await asyncio.sleep(2 * OBSERVE_S)
        watching.cancel()
    share = (meter.cpu_s(observer) - observed) / (time.monotonic() - start)
    used = meter.read(running.processes).since(before)
    first_due = min(one.due_s for one in sent) + load.warm / rate
    came = came_through(seen, [one for one in sent if one.due_s >= first_due])
    found = _found(came, share, meter.per_100k(used, len(load.events)))
    say(f"at {rate} events/s: {found}")
    return found


def came_through(seen: Sequence[tuple[float, Snapshot]], sent: Sequence[Sent]) -> list[Came]:
    """Return for each event of the batches how long it took until ledger and standing surely held it."""
    ends = _ends(seen)
    by_shard = [[found.a[shard] for _, found in seen] for shard in range(len(seen[0][1].a))]
    came: list[Came] = []
    for batch in sent:
        for receipt in batch.receipts:
            entry, standing = ends[bisect_left(by_shard[receipt.shard], receipt.number)]
            came.append(Came(batch.answered_s - batch.due_s, entry - batch.due_s, standing - batch.due_s))
    return came


def _ends(seen: Sequence[tuple[float, Snapshot]]) -> list[tuple[float, float]]:
    """Return for each snapshot when all that stage A had applied by then was in ledger and standing."""
    ends: list[tuple[float, float]] = []
    b = ranked = 0
    for _, found in seen:
        while b < len(seen) and not covers(seen[b][1].b, found.a_out):
            b += 1
        while b < len(seen) and ranked < len(seen) and not covers(seen[ranked][1].ranking, seen[b][1].b_out):
            ranked += 1
        if b == len(seen) or ranked == len(seen):
            break
        ends.append((seen[b][0], seen[ranked][0]))
    return ends


def _found(came: Sequence[Came], share: float, cpu: dict[str, float]) -> Latencies:
    answers = sorted(one.answer_s for one in came)
    entries = sorted(one.entry_s for one in came)
    standings = sorted(one.standing_s for one in came)
    return Latencies(
        answer_p50_ms=_ms(answers, 50),
        answer_p99_ms=_ms(answers, 99),
        entry_p50_ms=_ms(entries, 50),
        entry_p99_ms=_ms(entries, 99),
        p50_ms=_ms(standings, 50),
        p99_ms=_ms(standings, 99),
        max_ms=_ms(standings, 100),
        events=len(came),
        observer_share=round(share, 3),
        cpu_s_per_100k=cpu,
    )


def _ms(ascending: Sequence[float], percent: int) -> float:
    return round(ascending[min(len(ascending) * percent // 100, len(ascending) - 1)] * 1000, 1)


async def _watch(owner: asyncpg.Connection, seen: list[tuple[float, Snapshot]]) -> None:
    while True:
        found = await snapshot(owner)
        seen.append((time.monotonic(), found))
        await asyncio.sleep(OBSERVE_S)

"""Many kills over one long feed: any part at any moment, several at once where they meet."""

import asyncio
import signal
import time

from campaign.platform import SERVICE_NAMES, say
from campaign.run import BACK_S, KAFKA_SHARE, SERVICE_BACK_S, Fault, Run

KILLS = 30
EVENTS = 100_000
EVERY_S = 4.0
PARTS = (*SERVICE_NAMES, "kafka", "postgres")
SERVICES_TWICE = ("ingest", "scoring", "ranking")


async def thirty_kills(run: Run) -> None:
    """Kill a part every four seconds while the feed goes on; the supervisor alone brings it back."""
    started, killed = time.monotonic(), 0
    rate = run.result.events * (1 - KAFKA_SHARE) / (KILLS * EVERY_S)
    async with run.load(rate=rate) as load, asyncio.TaskGroup() as group:
        for number, part in enumerate(_victims(run), 1):
            await asyncio.sleep(max(0.0, started + number * EVERY_S - time.monotonic()))
            process = run.platform.record.part(part).process
            if process is not None:
                say(f"  kill {number}: {part}, {load.done} of {load.total} answered")
                group.create_task(comes_back(run, part))
                killed += 1
    run.see(f"{KILLS} kills, each part back at its next turn", killed == KILLS, f"{killed} kills", timed=True)
    were_in_time(run)


async def comes_back(run: Run, part: str) -> None:
    """Note how long a part was away; it may be killed again before it is back."""
    took_s = await run.platform.back(part, run.platform.signal(part, signal.SIGKILL))
    run.result.back_s[part] = max(round(took_s, 1), run.result.back_s.get(part, 0.0))


def were_in_time(run: Run) -> None:
    """See that each part was never away for longer than it may be."""
    for part, took_s in sorted(run.result.back_s.items()):
        limit_s = BACK_S.get(part, SERVICE_BACK_S)
        run.see(f"{part} is back in {limit_s:.0f} s", took_s <= limit_s, f"{took_s:.1f} s", timed=True)


def _victims(run: Run) -> list[str]:
    """Draw who is killed: all in turn, in a new order each time, those on the way of an event oftener."""
    drawn: list[str] = []
    while len(drawn) < KILLS:
        turn = [*PARTS, *SERVICES_TWICE]
        run.draw.shuffle(turn)
        drawn += turn
    return drawn[:KILLS]


FAULTS = (
    Fault(
        "K30",
        "30 × SIGKILL of any part, every 4 s, over 100,000 events by HTTP and Kafka",
        "0 lost, 0 doubled, 0 altered; C1–C6, C11 ok",
        thirty_kills,
        alone=True,
        events=EVENTS,
    ),
)

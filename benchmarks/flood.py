"""What one who comes too often takes from the others: the 99th percentile of another client's answers.

Six times the same: a client sends single events at a steady rate, alone; beside one that comes as often as
it may; beside one client that asks 10,000 times a second; beside 1,000 requests a second without a token,
each over a connection of its own; and beside the last two when they go to a wall instead of our door, which
is what they cost the others for no more than being sent on the same cores.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks import feeding
from benchmarks.platform import Platform, say
from benchmarks.workload import Workload
from deploy.control import token

ROOT = Path(__file__).parents[1]
SECONDS = 60.0  # of 3,000 answers a single stall is no hundredth
LEAD_S = 2.0
RATE = 50
MAY = 200
CLIENT_RATE = 10_000
STRANGER_RATE = 1_000


@dataclass(frozen=True, slots=True)
class Flooded:
    """Milliseconds of the others' 99th percentile in each case; what the flood was answered, by status."""

    alone_p99_ms: float
    permitted_p99_ms: float
    client_p99_ms: float
    client_at_wall_p99_ms: float
    strangers_p99_ms: float
    strangers_at_wall_p99_ms: float
    answers: dict[str, dict[str, int]]


async def flooded(running: Platform, load: Workload) -> Flooded:
    """Measure all six on a platform that has nothing else to do."""
    events = iter(load.events)
    known = token(running.state, "flooder", ["operator"])
    door = urlsplit(running.addresses["ingest"]).port or 0
    p99: dict[str, float] = {}
    answers: dict[str, dict[str, int]] = {}
    async with feeding.client_of(running) as client, _wall() as wall:
        alone = await _others(client, events)
        for name, port, rate, secret in (
            ("permitted", door, MAY, known),
            ("client", door, CLIENT_RATE, known),
            ("client_at_wall", wall, CLIENT_RATE, known),
            ("strangers", door, STRANGER_RATE, ""),
            ("strangers_at_wall", wall, STRANGER_RATE, ""),
        ):
            async with asyncio.TaskGroup() as group:
                flood = group.create_task(_flood(port, rate, secret))
                await asyncio.sleep(LEAD_S)
                p99[name] = await _others(client, events)
            answers[name] = flood.result()
    found = Flooded(alone, **{f"{name}_p99_ms": ms for name, ms in p99.items()}, answers=answers)
    say(f"others' answers beside a flood: {found}")
    return found


@contextlib.asynccontextmanager
async def _wall() -> AsyncGenerator[int]:
    """Run the door that does nothing in a process of its own and tell its port."""
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "benchmarks.wall")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        await process.communicate(b"")


async def _others(client: httpx.AsyncClient, events: Iterator[bytes]) -> float:
    """Send single events at a steady rate and return the 99th percentile of their answers."""
    took: list[float] = []
    async with asyncio.TaskGroup() as group:

        async def one(due_s: float, event: bytes) -> None:
            answer = await client.post("/v1/events", content=b"[" + event + b"]")
            answer.raise_for_status()
            took.append(time.monotonic() - due_s)

        start = time.monotonic()
        for place, event in enumerate(islice(events, round(RATE * SECONDS))):
            due_s = start + place / RATE
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            group.create_task(one(due_s, event))
    return round(sorted(took)[len(took) * 99 // 100] * 1000, 1)


async def _flood(port: int, rate: int, secret: str) -> dict[str, int]:
    fresh = [] if secret else ["--fresh"]
    seconds = str(LEAD_S + SECONDS)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.flooder", str(port), "--rate", str(rate), "--seconds", seconds, *fresh),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    out, _ = await process.communicate(secret.encode())
    if process.returncode:
        raise RuntimeError(f"The flooder ended with {process.returncode}.")
    found = json.loads(out)
    return {"asked": found["asked"], **found["answers"]}

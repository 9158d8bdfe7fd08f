"""A steady load for minutes: how ingest's memory grows, and what the absence of Kafka does."""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

import asyncpg
import httpx

from benchmarks import drain, feeding, meter
from benchmarks.platform import Platform, say
from benchmarks.positions import follow, reach, snapshot
from benchmarks.workload import Workload

SHARE = 0.25
BATCH_EVENTS = 100
IN_FLIGHT = 4 * feeding.CONNECTIONS
SAMPLE_S = 5.0
SETTLING_PART = 0.2


@dataclass(frozen=True, slots=True)
class Memory:
    """How fast ingest's resident memory grows, by least squares over the samples after settling."""

    rss_slope_mib_per_min: float
    first_mib: float
    last_mib: float
    rate: int


@dataclass(frozen=True, slots=True)
class Outage:
    """What callers saw while Kafka stood still, and how long what was accepted took to come through."""

    away_s: float
    catch_up_s: float
    answers: dict[str, int]
    server_errors: int
    accepted: int
    rate: int


@dataclass(slots=True)
class _Load:
    """What a steady load has met: answers by status, events that were accepted."""

    answers: Counter[str] = field(default_factory=Counter)
    accepted: int = 0


async def memory(
    running: Platform, owner: asyncpg.Connection, load: Workload, seed: int, minutes: float
) -> Memory:
    """Send at a quarter of the sustained rate and read ingest's memory every few seconds."""
    rate = await _quarter(running, owner, load)
    samples: list[tuple[float, float]] = []
    async with _steadily(running, load, seed, rate):
        start = time.monotonic()
        while (passed_s := time.monotonic() - start) < 60 * minutes:
            if passed_s > SETTLING_PART * 60 * minutes:
                rss = meter.rss_mib({"ingest": running.processes["ingest"]})["ingest"]
                samples.append((passed_s / 60, rss))
            await asyncio.sleep(SAMPLE_S)
    slope = round(meter.slope(samples), 3)
    say(
        f"ingest at {rate} events/s for {minutes} min: {slope} MiB/min, "
        f"{samples[0][1]} to {samples[-1][1]} MiB"
    )
    return Memory(slope, samples[0][1], samples[-1][1], rate)


async def outage(
    running: Platform, owner: asyncpg.Connection, load: Workload, seed: int, minutes: float
) -> Outage:
    """Let Kafka stand still under a quarter of the sustained rate, and measure how long catching up takes."""
    rate = await _quarter(running, owner, load)
    at = sum((await snapshot(owner)).accepted)
    async with _steadily(running, load, seed, rate) as met:
        await asyncio.sleep(SAMPLE_S)
        start = time.monotonic()
        with running.frozen(["kafka"]):
            await asyncio.sleep(60 * minutes)
        back = time.monotonic()
        await follow(owner, (await snapshot(owner)).accepted)
        caught_up = time.monotonic()
    await reach(owner, at + met.accepted)
    found = Outage(
        away_s=round(back - start, 1),
        catch_up_s=round(caught_up - back, 1),
        answers=dict(met.answers),
        server_errors=sum(count for status, count in met.answers.items() if status.startswith("5")),
        accepted=met.accepted,
        rate=rate,
    )
    say(f"Kafka away: {found}")
    return found


async def _quarter(running: Platform, owner: asyncpg.Connection, load: Workload) -> int:
    """Return a quarter of the events a second at which a drain from HTTP came through."""
    drained = await drain.from_http(running, owner, load)
    return max(BATCH_EVENTS, round(SHARE * drained.events_per_s))


@contextlib.asynccontextmanager
async def _steadily(running: Platform, load: Workload, seed: int, rate: int) -> AsyncGenerator[_Load]:
    """Send for the time of a `with`; at its end what is on its way is answered first."""
    met, over = _Load(), asyncio.Event()
    async with feeding.client_of(running) as client, asyncio.TaskGroup() as group:
        group.create_task(_send(client, _endless(load, seed), BATCH_EVENTS / rate, met, over))
        try:
            yield met
        finally:
            over.set()


async def _send(
    client: httpx.AsyncClient, batches: Iterator[bytes], every_s: float, met: _Load, over: asyncio.Event
) -> None:
    room = asyncio.Semaphore(IN_FLIGHT)

    async def one(batch: bytes) -> None:
        try:
            met.accepted += await _delivered(client, batch, met)
        finally:
            room.release()

    async with asyncio.TaskGroup() as group:
        due = time.monotonic()
        while not over.is_set():
            await room.acquire()
            due = max(due + every_s, time.monotonic() - every_s)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(one(next(batches)))


async def _delivered(client: httpx.AsyncClient, batch: bytes, met: _Load) -> int:
    """Send a batch until it is accepted, counting every answer; return how many events it held."""
    for _ in range(feeding.RETRIES):
        try:
            answer = await client.post("/v1/events", content=batch)
        except httpx.TransportError as error:
            met.answers[type(error).__name__] += 1
        else:
            met.answers[str(answer.status_code)] += 1
            if answer.is_success:
                return len(feeding.results(answer))
            if answer.is_client_error and answer.status_code not in feeding.BUSY:
                raise RuntimeError(f"Ingest answered {answer.status_code}: {answer.text[:500]}")
        await asyncio.sleep(feeding.RETRY_S)
    raise TimeoutError("Ingest was busy for too long.")


def _endless(load: Workload, seed: int) -> Iterator[bytes]:
    """Return batches without end: the same events again and again, each time under other ids."""
    bodies = load.batches(BATCH_EVENTS, warm=False)
    old = f'"{seed}-'.encode()
    for turn in itertools.count():
        new = f'"{seed}/{turn}-'.encode()
        for body in bodies:
            yield body.replace(old, new)

"""F37, F38, F51 and F52: clocks, restarts and memory of the machine."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import psutil

from campaign import workload
from campaign.checker import archive
from campaign.faults.watching import beside, leases_of, shared_by_two
from campaign.platform import SERVICE_NAMES, NotHereError, until
from campaign.run import Fault, Run

LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
SEEN_S = 60.0
STEPPED_S = 12.0
STEPPED_BACK = timedelta(minutes=4)
LIMITED_S = 20.0
ASKED_S = 0.05
SHOWN = 3
DOORS = {
    "ingest": "/v1/types",
    "scoring": "/v1/schemes",
    "supervision": "/v1/items",
    "ranking": "/v1/standings",
    "notify": "/v1/inbox",
}


async def clock_wrong(run: Run) -> None:
    """F37: +400 days, then one hour behind, on ingest alone."""
    async with run.load(run.result.events // 2):
        pass
    for offset, name, reason in (("+400d", "ahead", "expired"), ("-1h", "behind", "not yet")):
        run.platform.change({"ingest": _faked(FAKETIME=offset)})
        await run.kill("ingest")
        event = workload.levy(f"F37-{name}-{time.monotonic_ns()}", "u1", workload.START)
        status, _ = await run.client.one(event, run.platform.address("ingest"))
        others = {
            service: await run.client.status(run.platform.address(service) + door, "reader")
            for service, door in DOORS.items()
            if service != "ingest"
        }
        alone = status == HTTPStatus.UNAUTHORIZED and set(others.values()) == {HTTPStatus.OK}
        run.see(f"{name}: tokens fail on the skewed service alone", alone, {"ingest": status} | others)
        await _future_is_judged_by_the_database(run, name)
        told = sum(one["reason"] == reason for one in run.platform.told("ingest", "token refused"))
        counted = await run.client.metric("ingest", "dukao_tokens_refused_total", reason=reason)
        run.see(
            f"{name}: log and metric tell of tokens refused as {reason}", told and counted, f"{counted:.0f}"
        )
    run.platform.change({})
    await run.kill("ingest")
    async with run.load(run.result.events // 2):
        pass
    await _receipts_keep_their_order(run)


async def _receipts_keep_their_order(run: Run) -> None:
    """See that the time of receipt never falls in a shard and is never ahead of now."""
    wrong: list[str] = []
    latest: dict[archive.Place, datetime] = {}
    database = await run.platform.database()
    try:
        async for place, number, body, _ in archive.records(database, "ingest"):
            received = datetime.fromisoformat(json.loads(body)["received"])
            if not latest.get(place, received) <= received <= datetime.now(UTC):
                wrong.append(f"{place}: {number} was received {received}, before it {latest.get(place)}")
            latest[place] = received
    finally:
        await database.close()
    run.see(
        "the order of receipts is unchanged", latest and not wrong, wrong[:SHOWN] or f"{len(latest)} shards"
    )


async def clock_steps(run: Run) -> None:
    """F38: the clock of scoring steps back by five minutes while it holds its leases and others take some."""
    told = run.platform.state.folder / "faketime"
    told.write_text("+0")
    run.platform.change({"scoring": _faked(FAKETIME_TIMESTAMP_FILE=str(told), FAKETIME_NO_CACHE="1")})
    await run.kill("scoring")
    async with leases_of(run.platform, "scoring") as handed:
        async with run.load(rate=run.result.events / STEPPED_S) as load:
            await load.reached(0.2)
            told.write_text("-5m")
            await _saw_the_step(run)
            async with run.platform.second("scoring"):
                await shared_by_two(run.platform, "scoring", "scoring-a")
        await run.platform.drained()
    run.see("leases changed hands meanwhile", handed.over, handed.over)
    run.see("no epoch was given twice", not handed.twice, handed.twice[:SHOWN] or "")
    run.platform.change({})
    await run.kill("scoring")


async def _saw_the_step(run: Run) -> None:
    """See that the process has the new time: a token of now is not good yet, and is refused back then."""
    door = f"{run.platform.address('scoring')}{DOORS['scoring']}"

    async def refused() -> bool:
        return await run.client.status(door, "reader") == HTTPStatus.UNAUTHORIZED

    await until(refused, seconds=SEEN_S, what="scoring refuses a token of now")
    (*_, last) = run.platform.told("scoring", "token refused")
    back = datetime.now(UTC) - datetime.fromisoformat(last["timestamp"])
    run.see("the process saw the step", back > STEPPED_BACK, f"{last['reason']}, logged {back.seconds} s ago")


async def rolling_restart(run: Run) -> None:
    """F51: while every service's door is asked."""
    found = {service: Counter[str]() for service in DOORS}
    async with run.load(rate=run.result.events / 30), beside(_asked(run, found)):
        for service in SERVICE_NAMES:
            old = run.platform.signal(service, signal.SIGTERM)
            await run.comes_back(service, old)
    for service, answers in found.items():
        wrong = {one for one in answers if one[0].isdecimal()} - {"200", "503"}
        run.see(
            f"{service}'s door: 0 x 5xx but 503 with Retry-After", answers["200"] and not wrong, dict(answers)
        )


async def _asked(run: Run, found: Mapping[str, Counter[str]]) -> None:
    """Ask doors without an end and count what each answered."""

    async def ask(service: str, answers: Counter[str]) -> None:
        while True:
            answers[await run.client.looked(service, DOORS[service])] += 1
            await asyncio.sleep(ASKED_S)

    async with asyncio.TaskGroup() as group:
        for service, answers in found.items():
            group.create_task(ask(service, answers))


async def memory_limited(run: Run) -> None:
    """F52: from one moment on a service gets no further memory; if it lives on with that, it is ended."""
    for service in SERVICE_NAMES:
        await _limited(run, service)


async def _limited(run: Run, service: str) -> None:
    old = run.platform.pid(service)
    process = psutil.Process(old)
    rate = run.result.events / STEPPED_S

    def ended() -> bool:
        here = run.platform.record.part(service).process
        return here is None or here.pid != old

    async with run.load(run.result.events // 2, rate=rate) as load, beside(_asked(run, {service: Counter()})):
        await load.reached(0.1)
        limit = process.memory_info().rss
        process.rlimit(psutil.RLIMIT_AS, (limit, limit))
        give_up = time.monotonic() + LIMITED_S

        def felt() -> int:
            return run.platform.logged(service, "MemoryError")

        async def over() -> bool:
            half = load.done > load.total / 2
            return ended() or (half and felt() > 0) or time.monotonic() > give_up

        await until(over, seconds=SEEN_S, what=f"{service} works on without memory")
        by_itself = ended()
        if not by_itself:
            run.platform.signal(service, signal.SIGKILL)
        await run.comes_back(service, old)
    became = "ended by itself" if by_itself else "lived on until SIGKILL"
    run.see(f"{service} met the limit", by_itself or felt(), f"{became}, {felt()} lines of MemoryError")


async def _future_is_judged_by_the_database(run: Run, name: str) -> None:
    """Kafka needs no token: what lies ahead of the database's clock is refused, what does not is accepted."""
    now = datetime.now(UTC)
    ahead = workload.levy(f"F37-{name}-future-{time.monotonic_ns()}", "u2", now + timedelta(days=300))
    fine = workload.levy(f"F37-{name}-now-{time.monotonic_ns()}", "u2", now)
    before = await _in_future(run)
    await run.client.produce([fine])
    await run.client.produce_unpromised([ahead])

    async def refused() -> bool:
        return await _in_future(run) > before

    await until(refused, seconds=SEEN_S, what="what lies ahead is refused")
    run.see(f"{name}: future events are judged by the database's clock", held=True)


async def _in_future(run: Run) -> int:
    """Count what was refused as ahead of time."""
    ((count,),) = await run.platform.fetch(
        "SELECT count(*) FROM ingest.refusals WHERE code = 'time_in_future'"
    )
    return int(count)


def _faked(**settings: str) -> dict[str, str]:
    if not LIBRARIES:
        raise NotHereError("libfaketime is not here: apt-get install faketime")
    return {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1", **settings}


FAULTS = (
    Fault(
        "F37",
        "clock +400 d / −1 h on one service (faketime)",
        "receipts' order unchanged; future events judged by DB clock; "
        "JWTs fail on the skewed service only; alarm",
        clock_wrong,
        refused={"401": "what a client with a good token is told by a service whose clock is wrong"},
    ),
    Fault("F38", "clock steps back 5 min inside a lease", "no double owner effect (epoch), ok", clock_steps),
    Fault(
        "F51", "rolling restart of all five under load", "0 × 5xx but 503+Retry-After; ok", rolling_restart
    ),
    Fault(
        "F52",
        "memory limit (`prlimit` AS) of each service in turn",
        "as SIGKILL",
        memory_limited,
        refused={"500": "what finds no memory fails on our side"},
    ),
)

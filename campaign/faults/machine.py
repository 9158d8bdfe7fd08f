"""F37, F38, F51 and F52: clocks, restarts and memory of the machine."""

import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from campaign import workload
from campaign.platform import SERVICE_NAMES, NotHereError, until
from campaign.run import Fault, Run

LIBRARIES = tuple(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
SEEN_S = 60.0
STEPPED_S = 12.0


async def clock_wrong(run: Run) -> None:
    """F37: +400 days, then one hour behind, on ingest alone."""
    for offset, name in (("+400d", "ahead"), ("-1h", "behind")):
        run.platform.change({"ingest": _faked(FAKETIME=offset)})
        await run.kill("ingest")
        event = workload.levy(f"F37-{name}-{time.monotonic_ns()}", "u1", workload.START)
        status, _ = await run.client.one(event, run.platform.address("ingest"))
        other = await run.client.status(f"{run.platform.address('scoring')}/v1/schemes", "reader")
        run.see(
            f"{name}: tokens fail on the skewed service alone", (status, other) == (401, 200), (status, other)
        )
        await _future_is_judged_by_the_database(run, name)
        refused = run.platform.logged("ingest", "token")
        run.see(f"{name}: the log tells of refused tokens", refused, refused)
    run.platform.change({})
    await run.kill("ingest")
    async with run.load():
        pass


async def clock_steps(run: Run) -> None:
    """F38: the clock of scoring steps back by five minutes while it holds its leases."""
    told = run.platform.state.folder / "faketime"
    told.write_text("+0")
    run.platform.change({"scoring": _faked(FAKETIME_TIMESTAMP_FILE=str(told), FAKETIME_NO_CACHE="1")})
    await run.kill("scoring")
    async with run.load(rate=run.result.events / STEPPED_S) as load:
        await load.reached(0.3)
        epochs = await run.platform.fetch(_EPOCHS)
        told.write_text("-5m")
    await run.platform.drained()
    after = await run.platform.fetch(_EPOCHS)
    stepped_back = [old for old, new in zip(epochs, after, strict=True) if new["epoch"] < old["epoch"]]
    renewed = sum(old != new for old, new in zip(epochs, after, strict=True))
    run.see("no epoch is given twice", not stepped_back, f"{renewed} leases changed hands")
    run.platform.change({})
    await run.kill("scoring")


async def rolling_restart(run: Run) -> None:
    """F51."""
    since = time.monotonic()
    async with run.load(rate=run.result.events / 30):
        for service in SERVICE_NAMES:
            old = run.platform.signal(service, signal.SIGTERM)
            await run.comes_back(service, old)
    lost = run.lost(since)
    wrong = sorted({why for why in lost if why.isdecimal() and why != "503"})
    run.see("0 x 5xx but 503", not wrong, wrong or f"{lost.count('503')} times 503")
    run.see("each 503 says when to come back", run.client.unready_without_retry == 0)


async def memory_limited(run: Run) -> None:
    """F52: from one moment on a service gets no further memory; if it lives on with that, it is ended."""
    for service in ("ingest", "scoring"):
        old = run.platform.pid(service)
        process = psutil.Process(old)
        async with run.load(rate=run.result.events / STEPPED_S) as load:
            await load.reached(0.1)
            limit = process.memory_info().rss
            process.rlimit(psutil.RLIMIT_AS, (limit, limit))
            await load.reached(0.5)
            here = run.platform.record.part(service).process
            ended = here is None or here.pid != old
            felt = run.platform.logged(service, "MemoryError")
            if not ended:
                run.platform.signal(service, signal.SIGKILL)
            await run.comes_back(service, old)
        became = "ended by itself" if ended else "lived on until SIGKILL"
        run.see(f"{service} met the limit", ended or felt, f"{became}, {felt} lines of MemoryError")


async def _future_is_judged_by_the_database(run: Run, name: str) -> None:
    """Kafka needs no token: what lies ahead of the database's clock is refused, what does not is accepted."""
    now = datetime.now(UTC)
    ahead = workload.levy(f"F37-{name}-future-{time.monotonic_ns()}", "u2", now + timedelta(days=300))
    fine = workload.levy(f"F37-{name}-now-{time.monotonic_ns()}", "u2", now)
    await run.client.produce([fine])
    await run.client.produce_unpromised([ahead])

    async def refused() -> bool:
        rows = await run.platform.fetch("SELECT count(*) FROM ingest.refusals WHERE code = 'time_in_future'")
        return rows[0][0] > 0

    await until(refused, seconds=SEEN_S, what="what lies ahead is refused")
    run.see(f"{name}: future events are judged by the database's clock", held=True)


def _faked(**settings: str) -> dict[str, str]:
    if not LIBRARIES:
        raise NotHereError("libfaketime is not here: apt-get install faketime")
    return {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1", **settings}


_EPOCHS = "SELECT consumer, partition, epoch FROM scoring.leases ORDER BY 1, 2"
FAULTS = (
    Fault(
        "F37",
        "clock +400 d / −1 h on one service (faketime)",
        "receipts' order unchanged; future events judged by DB clock; "
        "JWTs fail on the skewed service only; alarm",
        clock_wrong,
    ),
    Fault("F38", "clock steps back 5 min inside a lease", "no double owner effect (epoch), ok", clock_steps),
    Fault(
        "F51", "rolling restart of all five under load", "0 × 5xx but 503+Retry-After; ok", rolling_restart
    ),
    Fault("F52", "memory limit (`prlimit` AS)", "as SIGKILL", memory_limited),
)

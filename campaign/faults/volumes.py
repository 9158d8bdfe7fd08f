"""F18 and F28: volumes of Kafka and PostgreSQL that are full."""

import asyncio
import contextlib
import os
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import asyncpg

from campaign import workload
from campaign.faults.watching import only_lost_by_kafka, sessions
from campaign.platform import NotHereError, mount_tmpfs, until
from campaign.run import Fault, Run
from deploy.embedded.files import server_account
from deploy.state import State

HALTED_S = 60.0
NOTICED_S = 30.0
VOLUME_MIB = 400
FLOOR_BYTES = 64 << 20
FILL_BYTES = 1 << 16
LOG_MIB = 256  # more than it keeps of old files to write again


async def log_full(run: Run) -> None:
    """F18."""
    since, old = time.monotonic(), run.platform.pid("kafka")

    async def halted() -> bool:
        part = run.platform.record.part("kafka")
        return part.state != "ready" or (part.process is not None and part.process.pid != old)

    async with run.load(rate=run.result.events / 20) as load:
        await load.reached(0.2)
        async with _filled(run.platform.state.folder / "kafka" / "log", leave=0):
            await until(halted, seconds=HALTED_S, what="the broker halts")
            run.see("the broker halts", held=True)
        await run.comes_back("kafka", old)
    only_lost_by_kafka(run, since)


async def volume_full(run: Run) -> None:
    """F28: first with the guard on, then with it off."""
    place = run.platform.state.folder / "postgres"
    event = workload.levy(f"F28-{time.monotonic_ns()}", "u1", workload.START)
    await _guarded(run, place, FLOOR_BYTES)
    async with _filled(place, leave=FLOOR_BYTES // 2):
        refused = await _answer_that_is_not(run, event, {200, 201})
        run.see("with the guard 503 `storage`", refused == (503, "storage"), refused)
    before = run.platform.logged("postgres", "could not extend") + run.platform.logged("postgres", "PANIC")
    run.see("PostgreSQL did not meet the end of its volume", before == 0, before)
    taken = await _answer_that_is_not(run, event, {503})
    run.see("with room again the event is taken", taken[0] in {200, 201}, taken)
    await _guarded(run, place, 0)
    await _unguarded(run, place)


async def _unguarded(run: Run, place: Path) -> None:
    """Fill the volume whole under load: PostgreSQL refuses what needs room, and ends when its log does."""
    since, before = time.monotonic(), await sessions(run.platform)
    async with run.load(rate=run.result.events / 30) as load:
        await load.reached(0.1)
        await run.platform.fetch("SELECT pg_switch_wal()")  # room in the log, so that tables lack it first
        async with _filled(place, leave=0):
            state = await _state_that_refuses(run, since)
            run.see("without the guard what needs room is refused with 53100", state == "53100", state)
            await _use_up_the_log(run)
        await run.comes_back("postgres")
    for what, told in (
        ("PostgreSQL went down as its log had no room", "PANIC"),
        ("it recovered from its log", "redo starts at"),
    ):
        times = run.platform.logged("postgres", told)
        run.see(what, times, f"{times} times {told}")
    kept = set(before) & set(await sessions(run.platform))
    run.see("no session outlived that", before and not kept, f"{len(kept)} of {len(before)} kept")
    refusals = run.lost(since).count("503")
    run.see("what was not taken was answered with 503", refusals, f"{refusals} times")


async def _state_that_refuses(run: Run, since: float) -> str:
    """Write until what needs room is refused, clients' events too; return the SQLSTATE of such a refusal."""
    state = ""

    async def refused() -> bool:
        nonlocal state
        state = await _state_of_a_write(run)
        return state != "" and "503" in run.lost(since)

    await until(refused, seconds=NOTICED_S, what="PostgreSQL meets the end of its volume")
    return state


async def _state_of_a_write(run: Run) -> str:
    """Return the SQLSTATE of a table that needs room and is gone with its session; none if it had it."""
    try:
        await run.platform.fetch("CREATE TEMP TABLE large AS SELECT generate_series(1, 1000000)")
    except asyncpg.PostgresError as error:
        return str(getattr(error, "sqlstate", ""))
    return ""


async def _use_up_the_log(run: Run) -> None:
    """Write to PostgreSQL's log until that needs a file for which there is no room, and all sessions end."""
    database = await run.platform.database()
    with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        for _ in range(LOG_MIB):
            await database.execute("SELECT pg_logical_emit_message(false, 'F28', repeat('x', 1 << 20))")
    database.terminate()

    async def down() -> bool:
        return run.platform.logged("postgres", "terminating any other active server processes") > 0

    await until(down, seconds=NOTICED_S, what="PostgreSQL goes down")


async def _guarded(run: Run, place: Path, floor_bytes: int) -> None:
    """Let ingest watch the small volume with a floor; 0 is no guard."""
    watched = {"DUKAO_STORAGE_FOLDER": str(place), "DUKAO_STORAGE_FLOOR_BYTES": str(floor_bytes)}
    run.platform.change({"ingest": watched})
    await run.kill("ingest")


async def _answer_that_is_not(run: Run, event: workload.Event, unwanted: set[int]) -> tuple[int, str]:
    """Send an event until it is answered otherwise; return status and code."""
    answer = 0, ""

    async def other() -> bool:
        nonlocal answer
        status, body = await run.client.one(event, run.platform.address("ingest"))
        answer = status, str(body.get("code", ""))
        return status not in unwanted | {0}

    await until(other, seconds=NOTICED_S, what="the guard notices")
    return answer


@contextlib.asynccontextmanager
async def _filled(place: Path, *, leave: int) -> AsyncGenerator[None]:
    """Take all but so many bytes of a volume for the time of a `with`."""
    filler = place / "filler"
    try:
        await asyncio.to_thread(_fill, filler, leave)
        yield
    finally:
        filler.unlink()


def _fill(filler: Path, leave: int) -> None:
    """Take what is left of a volume but so many bytes."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(filler.parent).free > leave:
            file.write(bytes(FILL_BYTES))


def _small_volume(part: str, below: str) -> Callable[[State], None]:
    """Return what mounts a small volume where a server will keep its files."""

    def prepare(state: State) -> None:
        account = server_account()
        if account is None:
            raise NotHereError("mounting a small volume needs root")
        owner = account.uid, account.gid
        (state.folder / part).mkdir(mode=0o700)
        os.chown(state.folder / part, *owner)
        mount_tmpfs(state.folder / part / below, VOLUME_MIB, owner)

    return prepare


FAULTS = (
    Fault(
        "F18",
        "log directory full (tmpfs)",
        "broker halts; after space ok",
        log_full,
        alone=True,
        prepare=_small_volume("kafka", "log"),
    ),
    Fault(
        "F28",
        "PG volume full (400 MiB tmpfs)",
        "503 `storage` before 53100 by the guard; with the guard off: 53100 → 503, then down, "
        "then recovery; no half row",
        volume_full,
        alone=True,
        prepare=_small_volume("postgres", "."),
    ),
)

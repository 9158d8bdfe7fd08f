"""F12-F14, F17, F18 and F26-F28: what may befall Kafka and PostgreSQL."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import string
import time
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from campaign import workload
from campaign.checker.checks import ACCEPTED, Allowed
from campaign.checker.content import canonical
from campaign.client import Load
from campaign.faults.watching import memory_of, relay_lag
from campaign.platform import NotHereError, mount_tmpfs, say, until
from campaign.run import Fault, Run
from deploy.embedded.files import server_account
from deploy.state import State

PAUSED_S = 60.0
AWAY_S = 600.0
CATCH_UP_S = 300.0
DRAINED_S = 60.0
BACK_S = 240.0
GROWTH_MIB = 64.0
GOES_ON_MIB = 32.0  # once ingest's newest keys are full, which takes 131,072 events
UNAVAILABLE_S = 5.0
FULL_S = 8.0
VOLUME_MIB = 400
FLOOR_BYTES = 64 << 20
FILL_BYTES = 1 << 16
NOTICED_S = 30.0
PARTITIONS = 16
MORE_THAN_BEFORE = 2
RATE_PROBE_EVENTS = 20_000
PAUSED_DRAWN = 100_000  # nearly half of them are levies
NOTE_CHARACTERS = 2_000
LAG_RECORDS = 100
SETTINGS = {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": "1048588"}


async def kafka_killed(run: Run) -> None:
    """F12."""
    since = time.monotonic()
    async with run.load(rate=run.result.events / 12) as load, relay_lag(run.platform) as lag:
        await load.reached(0.2)
        await run.kill("kafka")
    _only_lost_by_kafka(run, since)
    _lag_grew(run, lag)
    took_s = await run.platform.drained()
    run.see("drained in 60 s after the return", took_s <= DRAINED_S, f"{took_s:.1f} s", timed=True)


async def kafka_paused(run: Run) -> None:
    """F13: with events so large that a service that kept them would grow by far more than it may."""
    await Load(run.client, run.events()).run()  # what a service keeps for good is there before it is measured
    await run.platform.drained()
    since, made = time.monotonic(), _large(run.events(PAUSED_DRAWN))
    accepted_mib = 0.0
    async with asyncio.TaskGroup() as group:
        load = Load(run.client, made, rate=len(made) / PAUSED_S)
        group.create_task(load.run())
        await load.reached(0.02)
        run.platform.signal("kafka", signal.SIGSTOP)
        try:
            begun = load.done
            async with memory_of(run.platform) as memory, relay_lag(run.platform) as lag:
                await asyncio.sleep(PAUSED_S)
            accepted_mib = sum(len(canonical(event)) for event in made[begun : load.done]) / (1 << 20)
        finally:
            run.platform.signal("kafka", signal.SIGCONT)
    _only_lost_by_kafka(run, since)
    _lag_grew(run, lag)
    took_s = await run.platform.drained()
    run.see("drained in 60 s after the return", took_s <= DRAINED_S, f"{took_s:.1f} s", timed=True)
    enough = accepted_mib > GROWTH_MIB
    run.see("more was accepted meanwhile than 64 MiB", enough, f"{accepted_mib:.0f} MiB", timed=True)
    run.see("no service grew by 64 MiB", max(memory.grown.values()) < GROWTH_MIB, memory.grown)


async def kafka_away(run: Run) -> None:
    """F14: at a quarter of the rate at which this machine takes events by HTTP while nothing is wrong."""
    probe = run.events(RATE_PROBE_EVENTS)
    started = time.monotonic()
    await Load(run.client, probe).run()
    await run.platform.drained()
    sustained = len(probe) / (time.monotonic() - started)
    rate = sustained / 4
    say(f"  {sustained:.0f} events/s from HTTP to standing here, so {rate:.0f}/s for {AWAY_S:.0f} s")
    since = time.monotonic()
    run.platform.change({"kafka": {"process.roles": "none"}})
    run.platform.signal("kafka", signal.SIGKILL)
    load = Load(run.client, run.events(int(rate * AWAY_S)), rate=rate)
    async with memory_of(run.platform) as memory, relay_lag(run.platform) as lag:
        await load.run()
    away_s = time.monotonic() - since
    run.platform.change({})
    _only_lost_by_kafka(run, since)

    async def back() -> bool:
        return run.platform.record.part("kafka").state == "ready"

    back_s = await until(back, seconds=BACK_S, what="Kafka is back")
    took_s = await run.platform.drained(seconds=2 * CATCH_UP_S)
    run.see(f"{load.done} events went on while Kafka was away", load.done == load.total, f"{away_s:.0f} s")
    _lag_grew(run, lag)
    flat = max(memory.went_on.values()) < GOES_ON_MIB
    run.see("memory did not go on growing in the second half", flat, f"{memory.went_on} after {memory.grown}")
    run.see(
        "caught up in 5 min",
        took_s <= CATCH_UP_S,
        f"{took_s:.1f} s after {back_s:.1f} s to return",
        timed=True,
    )


async def topic_recreated(run: Run, *, grown: bool = False) -> None:
    """F17, and F17G: where it has `grown` longer than it was, an old offset is one of other records."""
    async with run.load():
        pass
    await run.platform.drained()
    run.platform.signal("scoring", signal.SIGSTOP)
    await run.client.send(run.events(500))
    await run.platform.drained(but=("scoring",))
    database = await run.platform.database()
    heads = await database.fetch(
        "SELECT shard, number FROM ingest.stream_shards WHERE stream = $1 ORDER BY shard", ACCEPTED
    )
    await database.close()
    async with _admin(run) as admin:
        await admin.delete_topics([ACCEPTED])

        async def gone() -> bool:
            return ACCEPTED not in await admin.list_topics()

        await until(gone, seconds=DRAINED_S, what="the topic is gone")
        await admin.create_topics([NewTopic(ACCEPTED, PARTITIONS, 1, topic_configs=SETTINGS)])
    if grown:
        await Load(run.client, run.events(MORE_THAN_BEFORE * run.result.events)).run()
        await run.platform.drained(but=("scoring",))
    run.platform.signal("scoring", signal.SIGCONT)
    run.allowed = Allowed(lost={(ACCEPTED, row["shard"]): row["number"] for row in heads})
    async with run.load():
        pass
    await run.platform.drained()
    gaps = run.platform.logged("scoring", "GAP")
    gaps += 0 if grown else run.platform.logged("scoring", "out of range")
    run.see("what went with the topic came from the archive", gaps, gaps)


async def log_full(run: Run) -> None:
    """F18."""
    since, old = time.monotonic(), run.platform.pid("kafka")

    async def halted() -> bool:
        part = run.platform.record.part("kafka")
        return part.state != "ready" or (part.process is not None and part.process.pid != old)

    async with run.load(rate=run.result.events / 20) as load:
        await load.reached(0.2)
        async with _filled(run.platform.state.folder / "kafka" / "log", leave=0):
            await until(halted, seconds=DRAINED_S, what="the broker halts")
            run.see("the broker halts", held=True)
        await run.comes_back("kafka", old)
    _only_lost_by_kafka(run, since)


async def postmaster_killed(run: Run) -> None:
    """F26."""
    await _database_ends(run, lambda: run.platform.pid("postgres"))


async def backend_killed(run: Run) -> None:
    """F27."""
    since, before = time.monotonic(), await _sessions(run)
    run.client.slowest_s = 0.0
    async with run.load(rate=run.result.events / 12) as load:
        await load.reached(0.2)
        os.kill(run.draw.choice(before), signal.SIGKILL)
    _answered_in_5_s(run, since)
    kept = set(before) & set(await _sessions(run))
    run.see("all sessions were reset", not kept, f"{len(kept)} of {len(before)} kept")


async def _sessions(run: Run) -> list[int]:
    rows = await run.platform.fetch(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'dukao-ingest' ORDER BY pid"
    )
    return [row["pid"] for row in rows]


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
    """Fill the volume whole under load: PostgreSQL refuses, and may go down."""
    since, old = time.monotonic(), run.platform.pid("postgres")
    async with run.load(rate=run.result.events / 30) as load:
        await load.reached(0.1)
        async with _filled(place, leave=0):
            await asyncio.sleep(FULL_S)
        now = run.platform.record.part("postgres").process
        if now is None or now.pid != old:
            await run.comes_back("postgres", old)
    full = run.platform.logged("postgres", "No space left on device")
    run.see("without the guard PostgreSQL meets the end of its volume", full, full)
    refused = run.lost(since).count("503")
    run.see("what was not taken was answered with 503", refused, f"{refused} times")


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


async def _database_ends(run: Run, victim: Callable[[], int]) -> None:
    since = time.monotonic()
    run.client.slowest_s = 0.0
    async with run.load(rate=run.result.events / 12) as load:
        await load.reached(0.2)
        old = victim()
        os.kill(old, signal.SIGKILL)
        await run.comes_back("postgres", old)
    _answered_in_5_s(run, since)


def _answered_in_5_s(run: Run, since: float) -> None:
    """See that each request had an answer, and soon."""
    unanswered = sorted({why for why in run.lost(since) if not why.isdecimal()})
    run.see("each request was answered", not unanswered, unanswered or "")
    slowest_s = run.client.slowest_s
    run.see("an answer, or 503, in 5 s", slowest_s <= UNAVAILABLE_S, f"{slowest_s:.1f} s", timed=True)


def _lag_grew(run: Run, lag: list[int]) -> None:
    """See that what waits for Kafka was more and more, up to its return."""
    grew = len(lag) > 1 and max(lag) > max(lag[0], LAG_RECORDS)
    run.see("the relay's lag grew meanwhile", grew, f"{lag[0]} at first, {max(lag)} at most" if lag else "")


def _large(drawn: list[workload.Event]) -> list[workload.Event]:
    """Return the levies of what was drawn, each with a note of the greatest length."""
    note = "".join(random.Random(len(drawn)).choices(string.ascii_letters, k=NOTE_CHARACTERS))
    levies = [event for event in drawn if "amount" in event.get("data", {})]
    return [event | {"data": event["data"] | {"note": note}} for event in levies]


def _only_lost_by_kafka(run: Run, since: float) -> None:
    """See that HTTP went on: nothing was asked again but by producers into the inbound topic."""
    lost = [why for why in run.lost(since) if not why.startswith("kafka")]
    run.see("HTTP goes on, nothing is refused", not lost, lost[:3] or "")


def _fill(filler: Path, leave: int) -> None:
    """Take what is left of a volume but so many bytes."""
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while shutil.disk_usage(filler.parent).free > leave:
            file.write(bytes(FILL_BYTES))


@contextlib.asynccontextmanager
async def _admin(run: Run) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=run.platform.kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


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
        "F12", "Kafka SIGKILL", "HTTP ingest keeps 201; lag grows; drained ≤ 60 s after return", kafka_killed
    ),
    Fault("F13", "Kafka SIGSTOP 60 s", "as F12; no unbounded memory (RSS +< 64 MiB)", kafka_paused),
    Fault(
        "F17",
        "topic deleted and recreated",
        "consumer falls back to the archive; ok",
        topic_recreated,
        alone=True,
    ),
    Fault(
        "F17G",
        "topic deleted and recreated, and longer than before when it is read again",
        "consumer does not go on at the old offset in silence; ok",
        partial(topic_recreated, grown=True),
        alone=True,
    ),
    Fault(
        "F18",
        "log directory full (tmpfs)",
        "broker halts; after space ok",
        log_full,
        alone=True,
        prepare=_small_volume("kafka", "log"),
    ),
    Fault("F26", "postmaster SIGKILL under load", "503 ≤ 5 s; acked all there", postmaster_killed),
    Fault("F27", "one backend SIGKILL", "all sessions reset; as F26", backend_killed),
    Fault(
        "F28",
        "PG volume full (400 MiB tmpfs)",
        "503 `storage` before 53100 by the guard; with the guard off: 53100 → 503, then down, "
        "then recovery; no half row",
        volume_full,
        alone=True,
        prepare=_small_volume("postgres", "."),
    ),
    Fault(
        "F14",
        "Kafka away 10 min at a quarter of the sustained rate",
        "0 × 5xx on HTTP; catch-up ≤ 5 min",
        kafka_away,
        alone=True,
    ),
)

"""F12-F14, F17, F26 and F27: what may befall Kafka and PostgreSQL."""

import asyncio
import contextlib
import os
import random
import signal
import string
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import partial

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from campaign import workload
from campaign.checker.checks import ACCEPTED, Allowed
from campaign.checker.content import canonical
from campaign.client import Load
from campaign.faults.watching import memory_of, only_lost_by_kafka, relay_lag, sessions
from campaign.platform import SERVICE_NAMES, say, until
from campaign.run import Fault, Run

PAUSED_S = 60.0
AWAY_S = 600.0
CATCH_UP_S = 300.0
DRAINED_S = 60.0
BACK_S = 240.0
GROWTH_MIB = 64.0
GOES_ON_MIB = 32.0  # once ingest's newest keys are full, which takes 131,072 events
UNAVAILABLE_S = 5.0
PARTITIONS = 16
MORE_THAN_BEFORE = 2
RATE_PROBE_EVENTS = 20_000
PAUSED_DRAWN = 100_000  # nearly half of them are levies
NOTE_CHARACTERS = 2_000
LAG_RECORDS = 100
OUT_OF_RANGE = "offset out of range, reading what is left"
SETTINGS = {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": "1048588"}


async def kafka_killed(run: Run) -> None:
    """F12."""
    since = time.monotonic()
    async with run.load(rate=run.result.events / 12) as load, relay_lag(run.platform) as lag:
        await load.reached(0.2)
        await run.kill("kafka")
        returned = time.monotonic()
    only_lost_by_kafka(run, since)
    _lag_grew(run, lag)
    await _drained_since(run, returned)


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
            returned = time.monotonic()
    only_lost_by_kafka(run, since)
    _lag_grew(run, lag)
    await _drained_since(run, returned)
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
    only_lost_by_kafka(run, since)

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
    """F17, and F17G: where it has `grown` longer than it was, an old offset is one of other records.

    An answer to what scoring asked before it was stopped waits for it in its socket, so that what is sent
    first may reach it yet; what is sent then goes with the topic.
    """
    async with run.load():
        pass
    await run.platform.drained()
    run.platform.signal("scoring", signal.SIGSTOP)
    for _ in range(2):
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
    if not grown:
        places = {one["partition"] for one in run.platform.told("scoring", OUT_OF_RANGE)}
        raised = sum(place.startswith(f"{ACCEPTED}/") for place in places)
        run.see("the consumer was told that its offsets are out of range", raised, f"{raised} partitions")
    came = _from_archive(run, {row["shard"]: row["number"] for row in heads})
    run.see("what went with the topic came from the archive", came, f"{came} records")


def _from_archive(run: Run, heads: Mapping[int, int]) -> int:
    """Count the records up to these numbers of each shard that stage A told to be missing in Kafka."""
    first: dict[int, int] = {}
    for one in run.platform.told("scoring", "GAP"):
        if (one["consumer"], one["stream"]) == ("scoring-a", ACCEPTED):
            first[one["shard"]] = min(one["first"], first.get(one["shard"], one["first"]))
    return sum(max(0, heads[shard] + 1 - number) for shard, number in first.items())


async def postmaster_killed(run: Run) -> None:
    """F26."""
    await _database_ends(run, lambda: run.platform.pid("postgres"))


async def backend_killed(run: Run) -> None:
    """F27."""
    since, before = time.monotonic(), await sessions(run.platform)
    run.client.slowest_s = 0.0
    async with run.load(rate=run.result.events / 12) as load:
        await load.reached(0.2)
        os.kill(run.draw.choice(sorted(before)), signal.SIGKILL)
    _answered_in_5_s(run, since)
    of_each = Counter(before.values())
    everybody = of_each.keys() == {f"dukao-{name}" for name in SERVICE_NAMES}
    run.see("every service had sessions", everybody, dict(of_each))
    kept = before.keys() & (await sessions(run.platform)).keys()
    run.see("all sessions were reset", not kept, f"{len(kept)} of {len(before)} kept")


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


async def _drained_since(run: Run, returned: float) -> None:
    """See all at its end in time after the broker's return, with what was sent since then."""
    await run.platform.drained()
    took_s = time.monotonic() - returned
    run.see("drained in 60 s after the return", took_s <= DRAINED_S, f"{took_s:.1f} s", timed=True)


def _lag_grew(run: Run, lag: list[int]) -> None:
    """See that what waits for Kafka was more and more, up to its return."""
    grew = len(lag) > 1 and max(lag) > max(lag[0], LAG_RECORDS)
    run.see("the relay's lag grew meanwhile", grew, f"{lag[0]} at first, {max(lag)} at most" if lag else "")


def _large(drawn: list[workload.Event]) -> list[workload.Event]:
    """Return the levies of what was drawn, each with a note of the greatest length."""
    note = "".join(random.Random(len(drawn)).choices(string.ascii_letters, k=NOTE_CHARACTERS))
    levies = [event for event in drawn if "amount" in event.get("data", {})]
    return [event | {"data": event["data"] | {"note": note}} for event in levies]


@contextlib.asynccontextmanager
async def _admin(run: Run) -> AsyncGenerator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=run.platform.kafka)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


FAULTS = (
    Fault(
        "F12", "Kafka SIGKILL", "HTTP ingest keeps 201; lag grows; drained ≤ 60 s after return", kafka_killed
    ),
    Fault("F13", "Kafka SIGSTOP 60 s", "as F12; no unbounded memory (RSS +< 64 MiB)", kafka_paused),
    Fault(
        "F17",
        "topic deleted and recreated",
        "consumer raises out-of-range, falls back to the archive; ok",
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
    Fault("F26", "postmaster SIGKILL under load", "503 ≤ 5 s; acked all there", postmaster_killed),
    Fault("F27", "one backend SIGKILL", "all sessions reset; as F26", backend_killed),
    Fault(
        "F14",
        "Kafka away 10 min at a quarter of the sustained rate",
        "0 × 5xx on HTTP; catch-up ≤ 5 min",
        kafka_away,
        alone=True,
    ),
)

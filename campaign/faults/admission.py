"""F1-F7: what may befall ingest around its commit."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from campaign import workload
from campaign.checker import journal
from campaign.checker.content import shard_of
from campaign.client import Load
from campaign.faults.watching import SAMPLED_S, beside
from campaign.platform import Platform, until
from campaign.run import Fault, Run

HELD_S = 20.0
ANSWERED_S = 15.0
UNDER_LOAD_S = 6.0
OTHER_ANSWERS_S = 2.0
SESSION_ENDS_S = 6.0
OTHER_GOES_ON_S = 7.5  # the lock is free at 5 s, and a try waits for it 1.5 s
SEEN_S = 30.0
ENDED = {"ReadError", "RemoteProtocolError"}
_SLOW = """
    CREATE FUNCTION ingest.campaign_waits() RETURNS trigger LANGUAGE plpgsql AS
        $$BEGIN
            IF current_setting('campaign.waited', true) IS DISTINCT FROM 'yes'
                AND position('"type":"dukao.'::bytea IN NEW.bodies) = 0
            THEN
                PERFORM set_config('campaign.waited', 'yes', true), pg_sleep(3);
            END IF;
            RETURN NULL;
        END$$;
    CREATE CONSTRAINT TRIGGER campaign_waits AFTER INSERT ON ingest.outbox DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION ingest.campaign_waits()"""
_NO_LONGER_SLOW = "DROP FUNCTION IF EXISTS ingest.campaign_waits() CASCADE"
_COMMITTING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'dukao-ingest' AND wait_event = 'PgSleep' AND query ILIKE 'COMMIT%'"""
_OPEN = "SELECT pid FROM pg_stat_activity WHERE application_name = 'dukao-ingest'"
_IDLE = """
    SELECT pid FROM pg_stat_activity WHERE pid = ANY($1) AND state LIKE 'idle in transaction%'
      AND clock_timestamp() - state_change > interval '1 s'"""
_HELD = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dukao-ingest'
      AND state LIKE 'idle in transaction%' AND clock_timestamp() - state_change > interval '1 s'"""


async def _killed_at(run: Run, point: str) -> None:
    """Kill ingest at a point in the middle of a load and see it back and everything answered."""
    since, old = time.monotonic(), run.platform.pid("ingest")
    async with run.load(rate=run.result.events / UNDER_LOAD_S) as load:
        await load.reached(0.2)
        run.platform.arm("ingest", point, f"kill@{run.draw.randrange(1, 6)}")
        await run.platform.acted("ingest", point)
        await run.comes_back("ingest", old)
    run.see("the client lost its connection and asked again", run.lost(since), len(run.lost(since)))


async def _retried_after(run: Run, point: str) -> tuple[workload.Event, int, dict[str, Any]]:
    """Kill ingest at a point under one event alone; return the event and what its retry is answered."""
    old, address = run.platform.pid("ingest"), run.platform.address("ingest")
    run.platform.arm("ingest", point, "kill")
    event = workload.levy(f"{run.result.fault}-{time.monotonic_ns()}", "u1", workload.START)
    _, body = await run.client.one(event, address)
    await run.platform.acted("ingest", point)
    await run.comes_back("ingest", old)
    run.see("the client saw its connection end without an answer", body.get("why") in ENDED, body)
    again, body = await run.client.one(event, address)
    return event, again, body


async def before_lock(run: Run) -> None:
    """F1: nothing of the event was there."""
    _, again, body = await _retried_after(run, "ingest.before_lock")
    run.see("the retry is 201 new", again == 201, body)
    await _killed_at(run, "ingest.before_lock")


async def before_commit(run: Run) -> None:
    """F2: nothing of the event stayed, so that its number is the next one's."""
    _, again, body = await _retried_after(run, "ingest.after_insert")
    run.see("the retry is 201 new", again == 201, body)
    await _killed_at(run, "ingest.after_insert")


async def before_answer(run: Run) -> None:
    """F3: what was committed and not answered is a duplicate at its first receipt."""
    event, again, body = await _retried_after(run, "ingest.after_commit")
    run.see("the retry is 200 duplicate", (again, body.get("duplicate")) == (200, True), body)
    later, other = await run.client.one(event, run.platform.address("ingest"))
    run.see("with the same receipt each time", (later, other.get("receipt")) == (200, body.get("receipt")))
    await _killed_at(run, "ingest.after_commit")


async def ended_while_committing(run: Run) -> None:
    """F4: a deferred trigger makes each COMMIT of the door last longer than the grace."""
    run.platform.change({"ingest": {"DUKAO_SHUTDOWN_GRACE_S": "1"}})
    await run.kill("ingest")
    before, made = journal.read(run.client.journal.path), run.events()
    database = await run.platform.database()
    try:
        async with asyncio.TaskGroup() as group:
            load = Load(run.client, made, rate=len(made) / UNDER_LOAD_S)
            group.create_task(load.run())
            await load.reached(0.2)
            await database.execute(_SLOW)
            await until(lambda: _commits(database), seconds=SEEN_S, what="ingest is in COMMIT")
            async with _idle_of(run.platform) as idle:
                since, old = time.monotonic(), run.platform.signal("ingest", signal.SIGTERM)
                await run.comes_back("ingest", old)
            await database.execute(_NO_LONGER_SLOW)
    finally:
        await database.execute(_NO_LONGER_SLOW)
        await database.close()
        run.platform.change({})
    cut_off = Counter(why for why in run.lost(since) if why in {*ENDED, "503"})
    run.see("what was within COMMIT was cut off, its client knows nothing", cut_off, dict(cut_off))
    again = journal.read(run.client.journal.path).count("duplicate") - before.count("duplicate")
    run.see("its retry tells that it is there", again, f"{again} duplicates")
    looks = f"{max(idle)} at most, {len(idle)} looks"
    run.see("no session of it idled in a transaction for 1 s", not max(idle), looks)
    await run.kill("ingest")


@asynccontextmanager
async def _idle_of(platform: Platform) -> AsyncGenerator[list[int]]:
    """Count twenty times a second, within a `with`, which sessions ingest has now idle in a transaction."""
    database = await platform.database()
    sessions = [row["pid"] for row in await database.fetch(_OPEN)]
    idle = [len(await database.fetch(_IDLE, sessions))]

    async def look() -> None:
        while True:
            await asyncio.sleep(SAMPLED_S)
            idle.append(len(await database.fetch(_IDLE, sessions)))

    try:
        async with beside(look()):
            yield idle
    finally:
        await database.close()


async def _commits(database: asyncpg.Connection) -> bool:
    return bool(await database.fetchval(_COMMITTING))


async def stopped_with_the_lock(run: Run) -> None:
    """F5."""
    event = workload.levy(f"F5-{time.monotonic_ns()}", "u1", workload.START)
    other = event | {"id": event["id"] + "-other"}
    address = run.platform.address("ingest")
    async with run.platform.second("ingest") as second, asyncio.TaskGroup() as group:
        run.platform.arm("ingest", "ingest.after_insert", "stop")
        own = group.create_task(run.client.one(event, address, patience_s=HELD_S + ANSWERED_S))
        await run.platform.acted("ingest", "ingest.after_insert")
        stopped_at = time.monotonic()
        ended = group.create_task(_session_ends(run, stopped_at))
        try:
            await _other_goes_on(run, other, second.address, stopped_at)
            ended_s = await ended
            run.see("its session is ended at 5 s", ended_s <= SESSION_ENDS_S, f"{ended_s:.1f} s", timed=True)
            run.see("it was still stopped then", not own.done())
            await asyncio.sleep(max(0.0, HELD_S - (time.monotonic() - stopped_at)))
        finally:
            run.platform.signal("ingest", signal.SIGCONT)
    status, body = own.result()
    run.see("the process that goes on answers 503 to what it held", status == 503, (status, body.get("code")))
    again, body = await run.client.one(event, address)
    run.see("nothing of it was written: the retry is 201 new", again == 201, body)
    async with run.load():
        pass


async def _other_goes_on(run: Run, event: workload.Event, address: str, stopped_at: float) -> None:
    """See that another process waits no longer than it may, and takes an event of the shard afterwards."""
    status, _ = await run.client.one(event, address)
    took_s = time.monotonic() - stopped_at
    run.see("another process answers 503", status == 503, status)
    run.see("within 2 s", took_s <= OTHER_ANSWERS_S, f"{took_s:.2f} s", timed=True)
    while status == 503 and time.monotonic() - stopped_at < HELD_S:
        status, _ = await run.client.one(event, address)
    free_s = time.monotonic() - stopped_at
    run.see("the lock is free, the other process goes on", status == 201, status)
    run.see("at its next try", free_s <= OTHER_GOES_ON_S, f"{free_s:.1f} s", timed=True)


async def _session_ends(run: Run, stopped_at: float) -> float:
    """Wait until no session of ingest is left in a transaction; return how long it was held."""
    database = await run.platform.database()

    async def held() -> bool:
        return bool(await database.fetchval(_HELD))

    async def ended() -> bool:
        return not await held()

    try:
        await until(held, seconds=HELD_S, what="the stopped process holds its transaction")
        await until(ended, seconds=HELD_S, what="its session is ended")
    finally:
        await database.close()
    return time.monotonic() - stopped_at


async def same_ids_at_once(run: Run) -> None:
    """F6."""
    async with run.platform.second("ingest") as second:
        made = run.events(min(run.result.events, 200))
        pairs = [await _both(run, event, event, second.address) for event in made]
    good = sum(sorted(pair) == [200, 201] for pair in pairs)
    run.see("of each pair one is 201 and one 200", good == len(pairs), f"{good} of {len(pairs)}")


async def same_id_two_subjects(run: Run) -> None:
    """F7."""
    ((before,),) = await run.platform.fetch("SELECT count(*) FROM ingest.conflicts")
    pairs: list[tuple[int, int]] = []
    async with run.platform.second("ingest") as second:
        for number in range(100):
            one = workload.levy(f"F7-{time.monotonic_ns()}-{number}", "u1", workload.START)
            other = one | {"subject": "u2"}
            assert shard_of(one) != shard_of(other), "two shards are meant"
            pairs.append(await _both(run, one, other, second.address))
    ((after,),) = await run.platform.fetch("SELECT count(*) FROM ingest.conflicts")
    good = sum(sorted(pair) == [201, 409] for pair in pairs)
    run.see("of each pair one is 201 and one 409", good == len(pairs), f"{good} of {len(pairs)}")
    run.see("each conflict is on record", after - before == len(pairs), after - before)


async def _both(run: Run, one: workload.Event, other: workload.Event, second: str) -> tuple[int, int]:
    async with asyncio.TaskGroup() as group:
        here = group.create_task(run.client.one(one, run.platform.address("ingest")))
        there = group.create_task(run.client.one(other, second))
    return here.result()[0], there.result()[0]


FAULTS = (
    Fault(
        "F1",
        "SIGKILL ingest before lock",
        "no row; client sees reset; retry → 201 new",
        before_lock,
    ),
    Fault(
        "F2",
        "SIGKILL ingest after INSERT, before COMMIT",
        "no row, number not used; next event takes it; C2 ok",
        before_commit,
    ),
    Fault(
        "F3",
        "SIGKILL ingest after COMMIT, before reply",
        "row there; retry → 200 `duplicate:true`, same receipt",
        before_answer,
    ),
    Fault(
        "F4",
        "SIGTERM ingest in COMMIT, with a grace of 1 s",
        "unknown to client; retry gives the one truth; idle-in-transaction 0",
        ended_while_committing,
    ),
    Fault(
        "F5",
        "SIGSTOP ingest 20 s holding the shard lock",
        "others 503 within 2 s; session ended at 5 s; lock free; "
        "resumed process gets an error, nothing half written",
        stopped_with_the_lock,
    ),
    Fault(
        "F6", "two ingest processes, same ids, same instant", "one 201, one 200; one row", same_ids_at_once
    ),
    Fault(
        "F7",
        "same id, other subject (other shard), same instant",
        "one 201, one 409 + conflict row",
        same_id_two_subjects,
    ),
)

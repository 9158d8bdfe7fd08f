"""A real log of fourteen years through Kafka twice while parts are killed: every figure of its oracle."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import asyncpg
from aiokafka.errors import KafkaError

from campaign.checker import archive
from campaign.client import Client
from campaign.faults.kills import comes_back, were_in_time
from campaign.fines import AUTHORITY, DESKS, EVENTS, SCHEME, TOPIC, YEARS, Answers, Fines, differences, months
from campaign.platform import SERVICE_NAMES, NotHereError, say
from campaign.run import Fault, Run
from campaign.workload import Event

CODE = "FINES"
GROUPS = ("authority", DESKS)
SERVERS = ("postgres", "kafka")
PARTS = (*SERVICE_NAMES, *SERVERS)
EVERY_S = 10.0
PASS_S = 3_600.0
LOOK_S = 2.0
LOOKED_S = 30.0
AT_ONCE_EVENTS = 1_000
READS_AT_ONCE = 8
SHOWN = 5
_POSTED = "SELECT count(*), max(id) FROM scoring.entries"


async def twice_under_kills(run: Run, last: int) -> None:
    """Feed the log twice, each time while parts are killed; compare after each time."""
    fines = Fines.here(last)
    if fines is None:
        raise NotHereError("DUKAO_DATA names no folder that holds road_traffic_fines")
    run.scored = False
    events = await asyncio.to_thread(fines.events)
    run.result.events = len(events)
    run.see("the log is whole", last < YEARS[-1] or len(events) == EVENTS, f"{len(events)} events")
    await run.client.adopt(fines.types, fines.schemes())
    await _drained(run)  # a scheme that comes after its events folds every shard anew
    found: list[Answers] = []
    for name in ("first", "second"):
        started = time.monotonic()
        killed = await _passed(run, events)
        took_s = time.monotonic() - started
        each = set(killed) == set(PARTS)
        run.see(f"{name} pass: each part was killed", each, f"{len(killed)} kills in {took_s:.0f} s")
        found.append(await _answers(run, fines))
        compared, wrong = differences(fines, found[-1])
        run.see(f"{name} pass: {compared} figures are the oracle's", not wrong, wrong[:SHOWN] or "")
    were_in_time(run)
    first, second = found
    run.see("each event is kept once", second.kept[0] == len(events), second.kept[0])
    same = first.kept == second.kept
    run.see("the second pass kept nothing and posted nothing", same, (first.kept, second.kept))
    run.see("the second pass altered no measure", first.measures == second.measures, len(second.measures))
    run.see("the second pass altered no standing", first.standings == second.standings, len(second.standings))


async def _passed(run: Run, events: Sequence[Event]) -> list[str]:
    """Feed once and wait until all is drained, under kills; return who was killed."""
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        killing = group.create_task(_kill_in_turn(run, over))
        await run.client.produce(events, TOPIC, AT_ONCE_EVENTS)
        say(f"  {len(events)} events are in the topic")
        await _drained(run)
        over.set()
    await run.platform.ready()
    await _drained(run)
    return killing.result()


async def _kill_in_turn(run: Run, over: asyncio.Event) -> list[str]:
    """Kill a part every ten seconds until the pass is over and each had its turn."""
    started, killed = time.monotonic(), list[str]()
    async with asyncio.TaskGroup() as group:
        for number, part in enumerate(_victims(run), 1):
            if over.is_set() and number > len(PARTS):
                break
            await asyncio.sleep(max(0.0, started + number * EVERY_S - time.monotonic()))
            if run.platform.record.part(part).process is not None:
                say(f"  kill {number}: {part}")
                killed.append(part)
                group.create_task(comes_back(run, part))
    return killed


def _victims(run: Run) -> Iterator[str]:
    """Yield the services in turn; the two servers once, somewhere in the first turn."""
    first = [*SERVICE_NAMES]
    for server in SERVERS:
        first.insert(run.draw.randint(1, len(first)), server)
    return itertools.chain(first, itertools.cycle(SERVICE_NAMES))


async def _drained(run: Run) -> None:
    """Wait until nothing is left, whoever is killed meanwhile."""
    give_up = time.monotonic() + PASS_S
    while not await _nothing_left(run):
        if time.monotonic() > give_up:
            raise TimeoutError(f"all is drained: not in {PASS_S:.0f} s")
        await asyncio.sleep(LOOK_S)


async def _nothing_left(run: Run) -> bool:
    """Look once; what cannot be looked at now is not drained."""
    with contextlib.suppress(
        OSError, TimeoutError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError
    ):
        async with asyncio.timeout(LOOKED_S):
            await run.platform.drained(seconds=0, topic=TOPIC)
            return True
    return False


async def _answers(run: Run, fines: Fines) -> Answers:
    """Read by HTTP: the desks of each year, the authority also by month, the standings of each period."""
    started = time.monotonic()
    gate = asyncio.Semaphore(READS_AT_ONCE)

    async def get(service: str, path: str) -> dict[str, Any]:
        async with gate:
            return await run.client.get(service, path)

    asked = {(row["year"], f"desk:{row['unit']}") for row in fines.table("oracle/by_unit_year.csv")}
    asked |= {(period, AUTHORITY) for year in fines.years for period in (str(year), *months(year))}
    async with asyncio.TaskGroup() as group:
        measures = {
            (period, unit): group.create_task(
                get("scoring", f"/v1/measures/{SCHEME}/{period[:4]}/{period}/{unit}")
            )
            for period, unit in sorted(asked)
        }
        standings = {
            (name, period): group.create_task(get("ranking", f"/v1/standings/{SCHEME}/{name}/{period}"))
            for name in GROUPS
            for year in fines.years
            for period in (str(year), *months(year))
        }
    say(f"  {len(measures) + len(standings)} answers read in {time.monotonic() - started:.0f} s")
    return Answers(
        {key: task.result()["measures"] for key, task in measures.items()},
        {key: task.result()["units"] for key, task in standings.items()},
        await _kept(run),
    )


async def _kept(run: Run) -> tuple[int, ...]:
    """Count the events in the archive, and the entries posted to the ledger."""
    database = await run.platform.database()
    try:
        events = sum([1 async for _ in archive.events(database)])
        (posted,) = await database.fetch(_POSTED)
        return events, *(int(value or 0) for value in posted)
    finally:
        await database.close()


def fault(last: int = YEARS[-1]) -> Fault:
    """Return the row, with the fines written up to the end of a year."""
    return Fault(
        CODE,
        "`road_traffic_fines` through Kafka twice; every 10 s a service in turn is SIGKILLed, PostgreSQL and "
        "Kafka once a pass",
        "every figure of the oracle after each pass; C1–C5, C11 ok",
        partial(twice_under_kills, last=last),
        alone=True,
        events=EVENTS,
        adopt=_nothing,
    )


async def _nothing(_client: Client) -> None:
    """Adopt nothing: without the data set there is nothing to adopt, and the row says so."""

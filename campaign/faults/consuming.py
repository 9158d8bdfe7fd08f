"""F19-F22 and F50: what may befall a consumer around its commit."""

import asyncio
import hashlib
import json
import signal
import time
from collections.abc import Mapping

from campaign.checker import archive
from campaign.checker.checks import ACCEPTED
from campaign.faults.watching import shared_by_two
from campaign.platform import until
from campaign.run import Fault, Run
from deploy.embedded.files import CHECKOUT

ZOMBIE_S = 30.0
BLOCKED_S = 20
SEEN_S = 60.0
READERS = {"scoring": ("scoring-a", "scoring-b", "scoring-incidents"), "ranking": ("ranking",)}
DEPLOYED = CHECKOUT / "campaign" / "deployed"
UNKNOWN = "dukao.future.v2"


async def killed_before_commit(run: Run) -> None:
    """F19: of stage A, stage B and ranking, whichever comes first."""
    await _killed_at(run, "consumer.before_commit")


async def killed_after_commit(run: Run) -> None:
    """F20: offsets are committed with positions, so that one that was not written is set back by hand."""
    await _killed_at(run, "consumer.after_commit")
    await run.platform.drained()
    for service, consumers in READERS.items():
        database = await run.platform.database()
        await database.execute(f'UPDATE {service}.positions SET "offset" = -1')
        await database.close()
        await run.kill(service)
        for consumer in consumers:
            await _skipped_by_number(run, service, consumer)


async def _skipped_by_number(run: Run, service: str, consumer: str) -> None:
    skipped = 0.0

    async def counted() -> bool:
        nonlocal skipped
        skipped = await run.client.metric(service, "dukao_records_duplicate_total", consumer=consumer)
        return skipped > 0

    await until(counted, seconds=SEEN_S, what=f"{consumer} meets records again")
    run.see(f"{consumer} skips by number what comes again", skipped, f"{skipped:.0f}")


async def zombie(run: Run) -> None:
    """F21."""
    async with run.platform.second("scoring"):
        await shared_by_two(run.platform, "scoring", "scoring-a")
        async with run.load(rate=run.result.events / ZOMBIE_S) as load:
            await load.reached(0.1)
            run.platform.arm("scoring", "consumer.before_lock", "stop@2")
            await run.platform.acted("scoring", "consumer.before_lock")
            await asyncio.sleep(ZOMBIE_S)
            run.platform.signal("scoring", signal.SIGCONT)
        await _fenced(run)
        await run.platform.drained()


async def blocked(run: Run) -> None:
    """F22."""
    async with run.platform.second("scoring"):
        await shared_by_two(run.platform, "scoring", "scoring-a")
        async with run.load(rate=run.result.events / ZOMBIE_S) as load:
            await load.reached(0.1)
            run.platform.arm("scoring", "consumer.before_lock", f"block:{BLOCKED_S}@2")
            await run.platform.acted("scoring", "consumer.before_lock")
            await asyncio.sleep(BLOCKED_S)
        await _fenced(run)
        lags = [one["lag_s"] for one in run.platform.told("scoring", "event loop blocked")]
        run.see("the log tells how long the loop was blocked", max(lags, default=0) >= BLOCKED_S - 1, lags)
        await run.platform.drained()


async def unknown_type(run: Run) -> None:
    """F50: a newer ingest writes what today's consumers do not know, until newer readers are deployed."""
    await run.platform.drained()
    readers = archive.readers_of(ACCEPTED)
    shard = run.draw.randrange(64)
    number = await _append(run, shard)

    async def halted(times: int = 1) -> bool:
        halts = [run.platform.logged(service, "HALT UNKNOWN_TYPE") for service in readers.values()]
        return min(halts) >= times

    await until(halted, seconds=SEEN_S, what="the shard stops in every reader")
    run.drain_but = tuple(f"{name} {ACCEPTED}/{shard}:" for name in readers)
    async with run.load():
        pass
    halts = {service: run.platform.logged(service, "HALT UNKNOWN_TYPE") for service in readers.values()}
    run.see("the shard stops with UNKNOWN_TYPE, no other", set(halts.values()) == {1}, halts)
    at = await _positions(run, readers, shard)
    run.see("nothing of it is skipped", set(at.values()) == {number - 1}, f"{at} before {number}")
    for service in readers.values():
        await run.kill(service)
    await until(lambda: halted(2), seconds=SEEN_S, what="the shard stops again")
    path = {"PYTHONPATH": f"{DEPLOYED}:{CHECKOUT}"}
    run.platform.change(dict.fromkeys(readers.values(), path))
    for service in readers.values():
        await run.kill(service)
    run.drain_but = ()
    await run.platform.drained()
    at = await _positions(run, readers, shard)
    run.see(
        "it goes on after a deploy that knows the type", min(at.values()) >= number, f"{at} from {number}"
    )
    run.platform.change({})


async def _positions(run: Run, readers: Mapping[str, str], shard: int) -> dict[str, int]:
    database = await run.platform.database()
    try:
        return {
            name: (await archive.reached(database, service, name))[ACCEPTED, shard]
            for name, service in readers.items()
        }
    finally:
        await database.close()


async def _killed_at(run: Run, point: str) -> None:
    for service in ("scoring", "ranking"):
        old = run.platform.pid(service)
        async with run.load(run.result.events // 2) as load:
            await load.reached(0.1)
            run.platform.arm(service, point, f"kill@{run.draw.randrange(1, 4)}")
            await run.platform.acted(service, point)
            await run.comes_back(service, old)


async def _fenced(run: Run) -> None:
    async def told() -> bool:
        return bool(run.platform.told("scoring", "FENCED"))

    await until(told, seconds=SEEN_S, what="the old worker is fenced off")
    logged = len(run.platform.told("scoring", "FENCED"))
    run.see("`FENCED` is logged", logged, f"{logged} times")
    counted = await run.client.metric("scoring", "dukao_fenced_total")
    run.see("the old worker is fenced off and drops its shards", counted, f"{counted:.0f} times")


async def _append(run: Run, shard: int) -> int:
    """Append a record to ingest's archive as another version of ingest would; return its number."""
    database = await run.platform.database()
    try:
        async with database.transaction():
            head = await database.fetchrow(
                "SELECT number, chain, received FROM ingest.stream_shards "
                "WHERE stream = $1 AND shard = $2 FOR UPDATE",
                ACCEPTED,
                shard,
            )
            assert head is not None, "the shard holds something"
            number = head["number"] + 1
            stamp = head["received"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            event = {
                "sequence": str(number),
                "partitionkey": str(shard),
                "received": stamp,
                "specversion": "1.0",
                "id": f"{ACCEPTED}/{shard}/{number}/{time.monotonic_ns()}",
                "source": "dukao/ingest",
                "type": UNKNOWN,
                "time": stamp,
                "subject": f"shard-{shard}",
                "data": {},
            }
            body = json.dumps(event, separators=(",", ":")).encode()
            chain = hashlib.sha256(head["chain"] + hashlib.sha256(body).digest()).digest()
            await database.execute(
                "INSERT INTO ingest.outbox (stream, shard, first, last, sizes, chains, bodies) "
                "VALUES ($1, $2, $3, $3, $4, $5, $6)",
                ACCEPTED,
                shard,
                number,
                len(body).to_bytes(4, "big"),
                chain,
                body,
            )
            await database.execute(
                "UPDATE ingest.stream_shards SET number = $3, chain = $4 WHERE stream = $1 AND shard = $2",
                ACCEPTED,
                shard,
                number,
                chain,
            )
    finally:
        await database.close()
    return number


FAULTS = (
    Fault("F19", "SIGKILL consumer before COMMIT", "redo; ok", killed_before_commit),
    Fault(
        "F20",
        "SIGKILL consumer after COMMIT, before offset",
        "duplicate skipped by number",
        killed_after_commit,
    ),
    Fault(
        "F21",
        "consumer zombie (SIGSTOP 30 s, lease lost)",
        "its UPDATE hits 0 rows; `FENCED` logged; process drops the shard; state unchanged",
        zombie,
    ),
    Fault("F22", "event loop blocked 20 s", "as F21 + loop-lag alarm", blocked),
    Fault(
        "F50",
        "schema v2 event reaches a v1 consumer",
        "shard stops with `UNKNOWN_TYPE`; nothing skipped; goes on after deploy",
        unknown_type,
        alone=True,
    ),
)

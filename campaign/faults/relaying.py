"""F8-F11 and F23-F25: what may befall a record between the archive and its reader."""

import asyncio
import random
import signal
import string
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from campaign import workload
from campaign.checker import archive, topics
from campaign.checker.checks import ACCEPTED, Allowed
from campaign.checker.content import shard_of
from campaign.client import Load
from campaign.faults.watching import shared_by_two
from campaign.platform import until
from campaign.run import Fault, Run
from campaign.toxiproxy import proxied

LEASE_PASSED_S = 8.0
SPOILT_S = 14.0  # about as long as the relay waits for an acknowledgement
SEEN_S = 60.0
LOW_LIMIT_BYTES = 1_500
SETTLED_S = 3.0
LARGEST_BATCH = 500
USUAL_LIMIT_BYTES = 1_048_588
STUBBED = "the broker refuses a record, a stub stands for it"
PARTITIONS = 16
_TAKE = """
    UPDATE ingest.leases SET owner = 'campaign', epoch = epoch + 1, expires = 'infinity'
    WHERE consumer = 'relay'"""
_STAMP = """
    UPDATE ingest.positions p SET epoch = l.epoch FROM ingest.leases l
    WHERE l.consumer = 'relay' AND p.consumer = 'relay' AND l.partition = p.shard % 16"""
_BEATS = "SELECT seen FROM ingest.workers WHERE consumer = 'relay' AND seen > $1"
_GIVE = "UPDATE ingest.leases SET owner = NULL, expires = '-infinity' WHERE consumer = 'relay'"


async def killed_before_cursor(run: Run) -> None:
    """F8."""
    before, old = await _doubled(run), run.platform.pid("ingest")
    async with run.load() as load:
        await load.reached(0.3)
        run.platform.arm("ingest", "relay.after_send", "kill@2")
        await run.platform.acted("ingest", "relay.after_send")
        await run.comes_back("ingest", old)
    await run.platform.drained()
    doubled = await _doubled(run) - before
    run.see("Kafka holds records twice", doubled, doubled)


async def acknowledgement_lost(run: Run) -> None:
    """F9: the broker tells clients to come through the proxy, which resets connections.

    A client that outlives the broker's restart keeps the address it knew, so that ingest is started anew too,
    at the end as well: the next row would begin with a relay that waits for a proxy which is gone.
    """
    port = run.platform.record.part("kafka").port

    def given_up() -> int:
        return run.platform.logged("ingest", "Kafka did not acknowledge")

    async with proxied(run.platform.state.folder, port) as proxy:
        try:
            run.platform.change({"kafka": {"advertised.listeners": f"BROKER://127.0.0.1:{proxy.port}"}})
            await run.kill("kafka")
            await run.kill("ingest")
            once = await _doubled(run)
            async with run.load(rate=run.result.events / (2 * SPOILT_S)) as load:
                await load.reached(0.2)
                before = given_up()

                async def refused() -> bool:
                    return given_up() > before

                async with proxy.toxic("reset_peer", "downstream", timeout=0):
                    await until(refused, seconds=SEEN_S, what="the relay gives up its producer")
            await run.platform.drained()
            doubled = await _doubled(run) - once
        finally:
            run.platform.change({})
        times = given_up() - before
        run.see("the relay discarded its producer", times, times)
        run.see("Kafka held what was not acknowledged, and was sent it again", doubled, doubled)
        await run.kill("kafka")
        await run.kill("ingest")


async def two_relays(run: Run) -> None:
    """F10."""
    async with run.platform.second("ingest") as second:
        await shared_by_two(run.platform, "ingest", "relay")
        before = await _doubled(run)
        run.platform.arm("ingest", "relay.after_send", "stop")
        made = run.events()
        load = Load(run.client, made, rate=len(made) / (LEASE_PASSED_S + 6), address=second.address)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            await run.platform.acted("ingest", "relay.after_send")
            await asyncio.sleep(LEASE_PASSED_S)
            run.platform.signal("ingest", signal.SIGCONT)
        await run.platform.drained()
    fenced = [one for one in run.platform.told("ingest", "relay waits") if one["error"].startswith("Fenced")]
    run.see("the old relay was fenced off at its first cursor write", fenced, len(fenced))
    doubled = await _doubled(run) - before
    run.see("Kafka holds what both sent twice", doubled, doubled)


async def record_refused(run: Run) -> None:
    """F11."""
    await _limit(run, LOW_LIMIT_BYTES)
    try:
        draw = random.Random(run.result.seed)
        note = "".join(draw.choices(string.ascii_letters + string.digits, k=2_000))
        large = workload.levy(f"F11-{time.monotonic_ns()}", "u3", workload.START, note=note)
        (taken,) = await run.client.send([large])
        place, number = (ACCEPTED, shard_of(large)), taken["receipt"]["number"]
        async with run.load():
            pass
        await run.platform.drained()
        held = await topics.held(run.platform.kafka, [ACCEPTED])
        stubs = {
            (*at, one) for at, found in held.items() for one, (body, _) in found.records.items() if not body
        }
        run.see("one stub stands, at the number of what was refused", stubs == {(*place, number)}, stubs)
        run.allowed = Allowed(stubs=frozenset({(*place, number)}))
        later = [one for one, (body, _) in held[place].records.items() if one > number and body]
        run.see("its shard goes on in Kafka", later, f"{len(later)} records after {number}")
        told = run.platform.told("ingest", STUBBED)
        where = {(one["stream"], one["shard"], one["number"]) for one in told}
        run.see("the log tells of that record and no other", where == {(*place, number)}, where)
        counted = await run.client.metric("ingest", "dukao_stubs_total", stream=ACCEPTED)
        run.see("and the metric", counted == len(told), f"{counted:.0f}")
    finally:
        await _limit(run, USUAL_LIMIT_BYTES)


async def record_skipped(run: Run) -> None:
    """F23."""
    async with run.load() as load:
        await load.reached(0.2)
        run.platform.arm("ingest", "relay.skip_record", "skip@2")
        await run.platform.acted("ingest", "relay.skip_record")
    await run.platform.drained()
    left_out = await _not_in_kafka(run)
    run.see("one record was left out", len(left_out) == 1, left_out)
    for place, number in left_out:
        await _gap_is_told(run, place, number, number)
    run.allowed = Allowed(missing=1)


async def record_rewritten(run: Run) -> None:
    """F24."""
    readers = archive.readers_of(ACCEPTED)
    async with _relay_held(run):
        await run.client.send(run.events(LARGEST_BATCH))
        place, waiting = await _unpublished(run)
        number, body, digest = waiting[0]
        at = body.index(b'"received":"2') + 12
        rewritten = body[:at] + b"3" + body[at + 1 :]
        await _publish(run, place, [(number, rewritten, digest)])

        async def halted() -> bool:
            return all(run.platform.logged(service, "HALT rewritten") > 0 for service in readers.values())

        await until(halted, seconds=SEEN_S, what="the shard is halted in every reader")
    run.drain_but = tuple(f"{name} {ACCEPTED}/{place[1]}:" for name in readers)
    run.allowed = Allowed(foreign=frozenset({place}))
    async with run.load():
        pass
    halts = {service: run.platform.logged(service, "HALT") for service in readers.values()}
    one = all(count == 1 for count in halts.values())
    run.see("one shard is halted in each reader: rewritten", one, f"{place[0]}/{place[1]} at {number}")
    database = await run.platform.database()
    try:
        for name, service in readers.items():
            reached = (await archive.reached(database, service, name))[place]
            run.see(f"the position of {name} stays before the record", reached == number - 1, reached)
    finally:
        await database.close()


async def records_disordered(run: Run) -> None:
    """F25."""
    async with _relay_held(run):
        await run.client.send(run.events(LARGEST_BATCH))
        place, waiting = await _unpublished(run)
        run.see("several records of one shard are disordered", len(waiting) > 1, len(waiting))
        readers = archive.readers_of(place[0])
        before = {name: await _known_again(run, name) for name in readers}
        await _publish(run, place, waiting[::-1])
        await _gap_is_told(run, place, waiting[0][0], waiting[-1][0])
    run.allowed = Allowed(disordered=frozenset({place}))
    async with run.load():
        pass
    await run.platform.drained()
    for name in readers:
        again = await _known_again(run, name) - before[name]
        run.see(f"what comes later is a duplicate to {name}", again >= len(waiting) - 1, f"{again:.0f}")


async def _gap_is_told(run: Run, place: archive.Place, first: int, last: int) -> None:
    """See that each reader tells of the gap by its range in the log, and counts it in its metric."""
    stream, shard = place
    for name, service in archive.readers_of(stream).items():

        def ranges(name: str = name, service: str = service) -> list[tuple[int, int]]:
            return [
                (one["first"], one["last"])
                for one in run.platform.told(service, "GAP")
                if (one["consumer"], one["stream"], one["shard"]) == (name, stream, shard)
            ]

        async def told(of: Callable[[], list[tuple[int, int]]] = ranges) -> bool:
            return bool(of())

        await until(told, seconds=SEEN_S, what=f"{name} sees the gap")
        ((begins, ends), *_) = ranges()
        right = begins == first and ends >= last
        run.see(f"{name} tells GAP from {first} to {last} or beyond", right, f"GAP {begins}..{ends}")
        counted = await run.client.metric(service, "dukao_gaps_total", consumer=name, stream=stream)
        run.see(f"{name} counts it in its metric", counted, f"{counted:.0f}")


async def _known_again(run: Run, reader: str) -> float:
    service, _ = archive.READERS[reader]
    return await run.client.metric(service, "dukao_records_duplicate_total", consumer=reader)


async def _doubled(run: Run) -> int:
    """Count the records of accepted events that Kafka holds more than once."""
    held = await topics.held(run.platform.kafka, [ACCEPTED])
    return sum(of_shard.doubled for of_shard in held.values())


async def _not_in_kafka(run: Run) -> list[tuple[archive.Place, int]]:
    """Return what ingest has published by its own word and Kafka does not hold."""
    database = await run.platform.database()
    try:
        sent = await archive.reached(database, "ingest", "relay")
        held = await topics.held(run.platform.kafka, sorted({stream for stream, _ in sent}))
        return [
            (place, number)
            async for place, number, _, _ in archive.records(database, "ingest")
            if number <= sent.get(place, 0) and (place not in held or number not in held[place].records)
        ]
    finally:
        await database.close()


@asynccontextmanager
async def _relay_held(run: Run) -> AsyncGenerator[None]:
    """Be the relay of ingest for the time of a `with`, as a second one with a newer epoch would be.

    The old one is fenced at its cursor, after it has sent; so wait until it knows that it holds nothing.
    """
    await run.platform.drained()
    database = await run.platform.database()
    beats: set[datetime] = set()
    try:
        async with database.transaction():
            await database.execute(_TAKE)
            await database.execute(_STAMP)
        since = await database.fetchval("SELECT clock_timestamp()")

        async def beaten_twice() -> bool:
            beats.update(row["seen"] for row in await database.fetch(_BEATS, since))
            return len(beats) > 1  # the first beat finds the lease gone, the second comes after that

        await until(beaten_twice, seconds=SEEN_S, what="the relay sees that its lease is gone")
        yield
    finally:
        await database.execute(_GIVE)
        await database.close()


async def _unpublished(run: Run) -> tuple[archive.Place, list[tuple[int, bytes, bytes]]]:
    """Return the shard with most records that wait for the relay, and these."""
    database = await run.platform.database()
    try:
        sent = await archive.reached(database, "ingest", "relay")
        waiting: dict[archive.Place, list[tuple[int, bytes, bytes]]] = {}
        async for place, number, body, digest in archive.records(database, "ingest"):
            if number > sent.get(place, 0):
                waiting.setdefault(place, []).append((number, body, digest))
    finally:
        await database.close()
    return max(waiting.items(), key=lambda item: len(item[1]))


async def _publish(run: Run, place: archive.Place, records: list[tuple[int, bytes, bytes]]) -> None:
    """Write records into a topic as a relay does."""
    stream, shard = place
    producer = AIOKafkaProducer(bootstrap_servers=run.platform.kafka, acks="all")
    await producer.start()
    try:
        for number, body, digest in records:
            await producer.send_and_wait(
                stream,
                body,
                key=f"{shard}:{number}".encode(),
                partition=shard % PARTITIONS,
                headers=[("chain", digest)],
            )
    finally:
        await producer.stop()


async def _limit(run: Run, size: int) -> None:
    """Set how large a batch the topic of accepted events takes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=run.platform.kafka)
    await admin.start()
    try:
        changed = {"max.message.bytes": str(size), "retention.ms": "-1", "cleanup.policy": "delete"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, ACCEPTED, changed)])
        await asyncio.sleep(SETTLED_S)  # the broker hears of it a moment later
    finally:
        await admin.close()


FAULTS = (
    Fault(
        "F8",
        "SIGKILL relay after send, before cursor",
        "duplicates in Kafka, ledger once",
        killed_before_cursor,
    ),
    Fault(
        "F9",
        "broker ack lost (toxiproxy `reset_peer`)",
        "producer discarded, resend; ok",
        acknowledgement_lost,
    ),
    Fault(
        "F10",
        "two relays alive (SIGSTOP/CONT past the lease)",
        "interleaved duplicates; ok; old one stops at its first cursor write",
        two_relays,
    ),
    Fault(
        "F11",
        "broker refuses a record (topic limit lowered live)",
        "stub published at that number; order kept; alert; other shards unaffected",
        record_refused,
        alone=True,
    ),
    Fault(
        "F23",
        "gap injected (relay told to skip)",
        "`GAP a..b`, pulled from archive, ok, alert",
        record_skipped,
        alone=True,
    ),
    Fault(
        "F24",
        "record rewritten in Kafka (test producer with admin rights)",
        "HALT `rewritten`, shard stopped, others run",
        record_rewritten,
        alone=True,
    ),
    Fault(
        "F25",
        "records out of order within a shard",
        "gap pull, then duplicates; ok",
        records_disordered,
        alone=True,
    ),
)

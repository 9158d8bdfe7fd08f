"""Faults of the flow: zombies, rewritten records, mistakes of a handler, archives over HTTP."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from shared.kernel.errors import Fenced, Unavailable, UnknownType
from shared.kernel.records import Draft
from shared.kernel.shards import PARTITIONS
from shared.messaging import consumer as consuming
from shared.messaging.archive import HttpArchive, OwnArchive
from shared.messaging.broker import MemoryBroker, MemorySubscription
from shared.messaging.consumer import Consumer, Limits
from shared.messaging.leases import Leases
from shared.messaging.relay import Relay
from shared.web.app import create_app
from shared.web.archive import archive_router
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck
from tests.messaging.flow import (
    STREAM,
    Tally,
    applied,
    consumer_of,
    everything,
    fill,
    publish,
    reaches,
    running,
)
from tests.waiting import becomes


def rewrite(broker, shard, at):
    records = broker.records[STREAM, shard]
    records[at] = records[at]._replace(body=records[at].body.replace(b'"i"', b'"j"'))


class Unclear(MemoryBroker):
    """Takes what it is sent and, at first, does not say so."""

    def __init__(self):
        super().__init__()
        self.silent_times = 3

    async def send(self, records):
        await super().send(records)
        if self.silent_times:
            self.silent_times -= 1
            raise Unavailable("no acknowledgement")


async def test_an_acknowledgement_that_is_lost_doubles_records_and_no_effect(exchange):
    broker = Unclear()
    await fill(exchange, 60)
    async with running(Relay(exchange, broker, [STREAM], "w1"), consumer_of(exchange, broker)):
        await reaches(exchange, 60)

        async def sent():
            return sum(len(records) for records in broker.records.values()) == 240

        await becomes(sent)
    assert await applied(exchange) == everything(60)


async def halts(consumer, *reasons):
    async def there():
        return [(halt.shard, halt.reason) for halt in consumer.halts] == list(reasons)

    await becomes(there)


async def test_a_zombie_is_fenced_and_leaves_nothing(exchange, broker):
    await publish(exchange, broker, 60)
    zombie = consumer_of(exchange, broker, "w1")
    await zombie.leases.beat()
    stale = dict(zombie.leases.held)
    successor = consumer_of(exchange, broker, "w1")
    async with running(successor):
        await reaches(exchange, 60)
        await fill(exchange, 65, start=60)
        records = await OwnArchive(exchange).read(STREAM, 0, 0, 100)
        assert zombie.leases.held == stale
        with pytest.raises(Fenced):
            await zombie.apply(records)
    assert await applied(exchange) == everything(60)


class TakenOver(MemoryBroker):
    """At the first records that come, another worker takes every partition over."""

    def __init__(self, exchange):
        super().__init__()
        self.other = Leases(exchange, "tally", [STREAM], "w1")

    async def poll(self, limit):
        found = await self.inner.poll(limit)
        if found and not self.other.held:
            await self.other.beat()
        return found

    def subscribe(self):
        self.inner = MemorySubscription(self)
        self.assign = self.inner.assign
        return self


async def test_a_worker_that_is_fenced_off_logs_it_by_that_word_once_and_drops_its_shards(exchange, caplog):
    broker = TakenOver(exchange)
    await publish(exchange, broker, 60)
    handler = Tally()
    async with running(consumer_of(exchange, broker, handler=handler)):
        await reaches(exchange, 60)
    told = [record.msg for record in caplog.records if record.name == consuming.__name__]
    assert [(one["event"], one["consumer"]) for one in told] == [("FENCED", "tally")]
    assert list(range(PARTITIONS)) in handler.forgotten


class HalfTaken(TakenOver):
    """When it is told to, another worker takes half of the partitions for good, while records come."""

    taken = False

    def __init__(self, exchange):
        super().__init__(exchange)
        self.exchange = exchange
        self.other = Leases(exchange, "tally", [STREAM], "w2")

    async def poll(self, limit):
        found = await self.inner.poll(limit)
        if found and self.taken and not self.other.held:
            await self.expires("-infinity")
            await self.other.beat()
            await self.expires("infinity", owner="w2")
        return found

    async def expires(self, when, owner="w1"):
        async with self.exchange.begin(actor="test", action="expire") as tx:
            await tx.many("UPDATE leases SET expires = $1::text::timestamptz WHERE owner = $2", when, owner)


async def test_a_halt_does_not_outlive_the_lease_of_a_worker_that_was_fenced_off(exchange):
    broker = HalfTaken(exchange)
    await publish(exchange, broker, 60)
    consumer = consumer_of(exchange, broker, handler=Tally(fails_at=[2]))
    async with running(consumer):
        await halts(consumer, (2, "failed: LookupError"))
        broker.taken = True
        await publish(exchange, broker, 65)
        await becomes(lambda: sorted(consumer.leases.held) == list(range(8, 16)))
        await halts(consumer)


async def test_the_same_records_twice_change_nothing(exchange, broker):
    await publish(exchange, broker, 60)
    consumer = consumer_of(exchange, broker)
    await consumer.leases.beat()
    records = [record for kept in broker.records.values() for record in kept]
    assert await consumer.apply(records) == 60
    assert await consumer.apply(records) == 0
    assert await applied(exchange) == everything(60)


async def test_a_rewritten_record_halts_its_shard_and_no_other_also_after_a_restart(exchange, broker):
    await publish(exchange, broker, 60)
    rewrite(broker, 2, at=3)
    for _ in range(2):
        consumer = consumer_of(exchange, broker)
        async with running(consumer):
            await halts(consumer, (2, "rewritten"))
            await reaches_but(exchange, 60, shard=2, upto=3)
        assert [(halt.stream, halt.number) for halt in consumer.halts] == [(STREAM, 4)]


async def reaches_but(exchange, count, *, shard, upto):
    expected = [place for place in everything(count) if place[0] != shard or place[1] <= upto]

    async def there():
        return await applied(exchange) == expected

    await becomes(there)


async def test_a_rewritten_archive_halts_too(exchange, broker):
    await publish(exchange, broker, 60)
    del broker.records[STREAM, 2][3:5]

    class Rewritten(OwnArchive):
        async def read(self, stream, shard, after, limit):
            return [r._replace(body=b"{}") for r in await super().read(stream, shard, after, limit)]

    consumer = consumer_of(exchange, broker, archive=Rewritten(exchange))
    async with running(consumer):
        await halts(consumer, (2, "rewritten"))
        await reaches_but(exchange, 60, shard=2, upto=3)


async def test_a_hole_in_the_archive_halts_its_shard(exchange, broker):
    await publish(exchange, broker, 60)
    del broker.records[STREAM, 2][3:5]

    class Torn(OwnArchive):
        async def read(self, stream, shard, after, limit):
            return await super().read(stream, shard, after + 1, limit)

    consumer = consumer_of(exchange, broker, archive=Torn(exchange))
    async with running(consumer):
        await halts(consumer, (2, "not in the archive"))
        await reaches_but(exchange, 60, shard=2, upto=3)


async def test_a_mistake_of_ours_stops_only_the_shards_that_it_meets(exchange, broker):
    await publish(exchange, broker, 60)
    broken = consumer_of(exchange, broker, handler=Tally(fails_at=[1, 3]))
    async with running(broken):
        await halts(broken, (1, "failed: LookupError"), (3, "failed: LookupError"))
        await reaches(exchange, 60, without=[1, 3])
    async with running(consumer_of(exchange, broker)):
        await reaches(exchange, 60)


async def test_a_gap_longer_than_a_page_is_filled_while_others_go_on(exchange, broker):
    await publish(exchange, broker, 300)
    del broker.records[STREAM, 2][5:50]
    asked = []

    class Shy(OwnArchive):
        """Away at first."""

        async def read(self, stream, shard, after, limit):
            asked.append(after)
            if len(asked) == 1:
                raise Unavailable("not yet")
            return await super().read(stream, shard, after, limit)

    async with running(consumer_of(exchange, broker, archive=Shy(exchange), limits=Limits(gap_records=7))):
        await reaches(exchange, 300)
    assert asked == [5, *range(5, 60, 7)]


class Away(OwnArchive):
    """The archive of a producer that is away."""

    async def read(self, stream, shard, after, limit):
        raise Unavailable("away")


async def test_a_gap_of_one_producer_is_filled_while_another_is_away(exchange):
    away, there, broker = "test.aside", STREAM, MemoryBroker()
    async with exchange.begin(actor="test", action="fill") as tx:
        for stream in (away, there):
            await tx.append(stream, [Draft(0, b"{}") for _ in range(3)])
    records = [one for stream in (away, there) for one in await OwnArchive(exchange).read(stream, 0, 0, 9)]
    await broker.send([record for record in records if record.number != 2])
    consumer = Consumer(
        "tally",
        inputs=[away, there],
        handler=Tally(),
        exchange=exchange,
        subscription=broker.subscribe(),
        archives={away: Away(exchange), there: OwnArchive(exchange)},
        worker="w1",
    )
    async with running(consumer):
        await until_applied(exchange, [(0, 1), (0, 1), (0, 2), (0, 3)])


@asynccontextmanager
async def served(exchange, tokens):
    async def ready():
        return {}

    routers = [archive_router(OwnArchive(exchange), [STREAM])]
    app = create_app(title="t", service="ingest", routers=routers, readiness=ready, tokens=tokens)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="off"))
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve())

        async def started():
            return server.started

        await becomes(started)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True


async def test_lost_records_are_pulled_from_another_service_over_http(exchange, broker, tmp_path):
    issuer = DevelopmentIssuer(tmp_path, environment="test")
    check = TokenCheck(issuer=ISSUER, audience="dukao/ingest", keys=KeyFile(issuer.jwks_file))
    await publish(exchange, broker, 60)
    for records in broker.records.values():
        del records[1:9]
    async with served(exchange, check) as address:
        archive = HttpArchive(address, lambda: issuer.mint("scoring", ["service"], ["dukao/ingest"]))
        try:
            assert await archive.read(STREAM, 2, 3, 5) == await OwnArchive(exchange).read(STREAM, 2, 3, 5)
            async with running(consumer_of(exchange, broker, archive=archive)):
                await reaches(exchange, 60)
        finally:
            await archive.close()
        stranger = HttpArchive(address, lambda: "no token")
        with pytest.raises(Unavailable, match="HTTPStatusError"):
            await stranger.read(STREAM, 2, 0, 5)
        await stranger.close()
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{address}/livez")
    gone = HttpArchive(address, lambda: "any")
    with pytest.raises(Unavailable, match="ConnectError"):
        await gone.read(STREAM, 2, 0, 5)
    await gone.close()


@pytest.mark.parametrize("taken", [8, 16])
async def test_a_gap_is_left_to_the_worker_that_took_its_partition(exchange, broker, taken):
    await publish(exchange, broker, 60)
    slow, quick = consumer_of(exchange, broker, "w1"), consumer_of(exchange, broker, "w2")
    await slow._beat()
    await slow.apply([record for kept in broker.records.values() for record in kept if record.number > 2])
    async with exchange.begin(actor="test", action="expire") as tx:
        await tx.execute("UPDATE leases SET expires = '-infinity' WHERE partition < :taken", taken=taken)
        await tx.execute("UPDATE workers SET seen = '-infinity'")
    await quick.leases.beat()
    await slow._start_over()
    await slow._beat()
    assert sorted(slow.leases.held) == list(range(taken, 16))
    await slow._work_until_next_beat()
    assert await applied(exchange) == []


async def test_a_gap_that_was_not_filled_is_met_again_after_a_restart(exchange, broker):
    async with exchange.begin(actor="test", action="fill") as tx:
        await tx.append(STREAM, [Draft(shard, b"{}") for shard in (0, 0, 0, 16, 16)])
    records = [
        *await OwnArchive(exchange).read(STREAM, 0, 0, 9),
        *await OwnArchive(exchange).read(STREAM, 16, 0, 9),
    ]
    await broker.send([record for record in records if (record.shard, record.number) != (0, 2)])
    before = consumer_of(exchange, broker)
    await before._beat()
    assert await before.apply(await before._subscription.poll(100)) == 3
    async with running(consumer_of(exchange, broker)):
        await until_applied(exchange, [(0, 1), (0, 2), (0, 3), (16, 1), (16, 2)])


async def until_applied(exchange, expected):
    async def there():
        return await applied(exchange) == expected

    await becomes(there)


async def test_an_event_of_a_newer_version_stops_its_shard_until_this_program_knows_it(exchange, broker):
    class Old(Tally):
        """Knows nothing of what is numbered 4."""

        async def __call__(self, tx, batch):
            for record in batch:
                if (record.shard, record.number) == (2, 4):
                    raise UnknownType("dukao.tick.v2", record.number)
            return await super().__call__(tx, batch)

    await publish(exchange, broker, 60)
    old = consumer_of(exchange, broker, handler=Old())
    async with running(old):
        await halts(old, (2, "UNKNOWN_TYPE dukao.tick.v2 at 4"))
    async with running(consumer_of(exchange, broker)):
        await reaches(exchange, 60)

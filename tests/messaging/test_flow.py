"""From an outbox through a broker into a state: nothing lost, doubled or altered, whatever the broker does."""

import asyncio

from shared.kernel.records import Draft
from shared.messaging.relay import Batch, Relay
from tests.messaging.flow import (
    STREAM,
    applied,
    consumer_of,
    everything,
    fill,
    publish,
    reaches,
    running,
)
from tests.waiting import becomes


async def test_every_record_is_applied_once(exchange, broker):
    await fill(exchange, 100)
    async with running(Relay(exchange, broker, [STREAM], "w1"), consumer_of(exchange, broker)):
        await reaches(exchange, 100)
        await fill(exchange, 130, start=100)
        await reaches(exchange, 130)


async def test_doubles_and_disorder_in_the_broker_change_nothing(exchange, broker):
    await publish(exchange, broker, 60)
    for records in broker.records.values():
        records[:] = [*reversed(records), *records]
    async with running(consumer_of(exchange, broker)):
        await reaches(exchange, 60)


async def test_a_broker_that_is_away_only_delays(exchange, broker):
    broker.away = True
    await fill(exchange, 60)
    async with running(Relay(exchange, broker, [STREAM], "w1"), consumer_of(exchange, broker)):
        await asyncio.sleep(0)
        broker.away = False
        await reaches(exchange, 60)


async def test_a_relay_sends_a_bounded_batch_and_lets_every_shard_have_its_turn(exchange, broker):
    await fill(exchange, 60)
    relay = Relay(exchange, broker, [STREAM], "w1", Batch(size_bytes=1))
    await relay.leases.beat()
    assert [await relay.send_once() for _ in range(2)] == [12, 12]
    await fill(exchange, 65, start=60)
    assert [await relay.send_once() for _ in range(9)] == [12, 12, 12, 1, 1, 1, 1, 1, 0]
    assert sorted((r.shard, r.number) for kept in broker.records.values() for r in kept) == everything(65)


async def test_what_the_relay_sent_is_one_audit_row_a_batch_with_the_count_of_each_stream(exchange, broker):
    await fill(exchange, 60)
    async with exchange.begin(actor="test", action="fill") as tx:
        await tx.append("test.others", [Draft(7, b"{}")])
    relay = Relay(exchange, broker, [STREAM, "test.others"], "w1")
    await relay.leases.beat()
    assert [await relay.send_once() for _ in range(2)] == [61, 0]
    async with exchange.reading() as tx:
        rows = await tx.execute("SELECT detail FROM audit WHERE action = 'published'")
    assert [row.detail for row in rows] == ["test.others 1, test.things 60"]


async def test_a_gap_is_filled_from_the_archive(exchange, broker):
    await publish(exchange, broker, 60)
    for records in broker.records.values():
        del records[2:5]
    async with running(consumer_of(exchange, broker)):
        await reaches(exchange, 60)


async def test_the_content_of_a_stub_is_read_from_the_archive_though_nothing_follows(exchange, broker):
    await publish(exchange, broker, 60)
    for records in broker.records.values():
        records[1] = records[1]._replace(body=b"")
        records[-1] = records[-1]._replace(body=b"")
    async with running(consumer_of(exchange, broker)):
        await reaches(exchange, 60)


async def test_a_second_worker_takes_its_share_and_what_the_first_leaves(exchange, broker):
    first, second = consumer_of(exchange, broker, "w1"), consumer_of(exchange, broker, "w2")
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first.run())
        two = group.create_task(second.run())

        async def shared():
            return len(first.leases.held) == len(second.leases.held) == 8

        await becomes(shared)
        assert not first.leases.held.keys() & second.leases.held.keys()
        one.cancel()

        async def taken():
            return len(second.leases.held) == 16

        await becomes(taken)
        two.cancel()


async def test_an_idle_heartbeat_leaves_no_audit_row(exchange, broker):
    consumer = consumer_of(exchange, broker)
    await consumer.leases.beat()
    await consumer.leases.beat()
    held = dict(consumer.leases.held)
    assert await consumer.leases.beat() == set()
    assert consumer.leases.held == held
    async with exchange.reading() as tx:
        assert [row.action for row in await tx.execute("SELECT action FROM audit")] == ["lease"]
    assert await applied(exchange) == []

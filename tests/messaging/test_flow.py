"""From an outbox through a broker into a state: nothing lost, doubled or altered, whatever the broker does."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from shared.kernel.records import Draft
from shared.messaging.archive import OwnArchive
from shared.messaging.broker import MemoryBroker
from shared.messaging.consumer import Consumer
from shared.messaging.relay import Relay

STREAM = "test.things"


class Tally:
    """A handler that counts what it applied, in the same transaction."""

    def __init__(self):
        self.forgotten = []

    async def __call__(self, tx, batch):
        await tx.execute("CREATE TABLE IF NOT EXISTS tally (shard int, number bigint)")
        await tx.copy("tally", ("shard", "number"), [(record.shard, record.number) for record in batch])
        return [("test.answers", Draft(record.shard, b"{}")) for record in batch]

    def forget(self, partitions):
        self.forgotten.append(list(partitions))


@pytest.fixture
def broker():
    return MemoryBroker()


def consumer_of(exchange, broker, worker="w1"):
    return Consumer(
        "tally",
        inputs=[STREAM],
        handler=Tally(),
        exchange=exchange,
        subscription=broker.subscribe(),
        archives={STREAM: OwnArchive(exchange)},
        worker=worker,
    )


@asynccontextmanager
async def running(*parts):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part.run()) for part in parts]
        yield
        for task in tasks:
            task.cancel()


async def fill(exchange, count):
    async with exchange.begin(actor="test", action="fill") as tx:
        await tx.append(STREAM, [Draft(i % 5, b'{"i":%d}' % i) for i in range(count)])


async def applied(exchange):
    async with exchange.reading() as tx:
        if not (await tx.execute("SELECT to_regclass('tally')"))[0][0]:
            return []
        return sorted(tuple(row) for row in await tx.execute("SELECT shard, number FROM tally"))


async def until(condition):
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.02)


def everything(count):
    return sorted((i % 5, i // 5 + 1) for i in range(count))


async def reaches(exchange, count):
    async def there():
        return len(await applied(exchange)) >= count

    await until(there)
    assert await applied(exchange) == everything(count)


async def test_every_record_is_applied_once(exchange, broker):
    await fill(exchange, 100)
    async with running(Relay(exchange, broker, [STREAM], "w1"), consumer_of(exchange, broker)):
        await reaches(exchange, 100)
        await fill_more(exchange, 100, 130)
        await reaches(exchange, 130)


async def fill_more(exchange, start, stop):
    async with exchange.begin(actor="test", action="fill") as tx:
        await tx.append(STREAM, [Draft(i % 5, b'{"i":%d}' % i) for i in range(start, stop)])


async def publish(exchange, broker, count):
    await fill(exchange, count)

    async def sent():
        return sum(len(records) for records in broker.records.values()) >= count

    async with running(Relay(exchange, broker, [STREAM], "w1")):
        await until(sent)


async def test_doubles_and_disorder_in_the_broker_change_nothing(exchange, broker):
    await publish(exchange, broker, 60)
    for records in broker.records.values():
        records[:] = [*reversed(records), *records]
    async with running(consumer_of(exchange, broker)):
        await reaches(exchange, 60)


async def test_a_gap_is_filled_from_the_archive(exchange, broker):
    await publish(exchange, broker, 60)
    for records in broker.records.values():
        del records[2:5]
    async with running(consumer_of(exchange, broker)):
        await reaches(exchange, 60)


async def test_a_rewritten_record_halts_its_shard_and_no_other(exchange, broker):
    await publish(exchange, broker, 60)
    records = broker.records[STREAM, 2]
    records[3] = records[3]._replace(body=records[3].body.replace(b'"i"', b'"j"'))
    consumer = consumer_of(exchange, broker)

    async def halted():
        return len(await applied(exchange)) == 51 and (STREAM, 2) in consumer.halts.reasons

    async with running(consumer):
        await until(halted)
    assert [number for shard, number in await applied(exchange) if shard == 2] == [1, 2, 3]


async def test_a_second_worker_takes_its_share_and_what_the_first_leaves(exchange, broker):
    first, second = consumer_of(exchange, broker, "w1"), consumer_of(exchange, broker, "w2")
    async with asyncio.TaskGroup() as group:
        one = group.create_task(first.run())
        two = group.create_task(second.run())

        async def shared():
            return len(first.leases.held) == len(second.leases.held) == 8

        await until(shared)
        assert not first.leases.held.keys() & second.leases.held.keys()
        one.cancel()

        async def taken():
            return len(second.leases.held) == 16

        await until(taken)
        two.cancel()

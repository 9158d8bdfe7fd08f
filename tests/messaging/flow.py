"""What the tests of the flow work with: a counting handler, its consumer, waiting with a bound."""

import asyncio
from contextlib import asynccontextmanager

from shared.kernel.records import Draft
from shared.messaging.archive import OwnArchive
from shared.messaging.consumer import LIMITS, Consumer
from shared.messaging.relay import Relay
from tests.waiting import becomes

STREAM = "test.things"
CONSUMER = "tally"
SHARDS = 5


class Tally:
    """A handler that counts what it applied, in the same transaction; it fails at the shards named."""

    def __init__(self, fails_at=()):
        self.forgotten = []
        self.fails_at = set(fails_at)

    async def __call__(self, tx, batch):
        await tx.execute("CREATE TABLE IF NOT EXISTS tally (shard int, number bigint)")
        await tx.copy("tally", ("shard", "number"), [(record.shard, record.number) for record in batch])
        if self.fails_at & {record.shard for record in batch}:
            raise LookupError("a mistake of ours")
        return [("test.answers", Draft(record.shard, b"{}")) for record in batch]

    def forget(self, partitions):
        self.forgotten.append(list(partitions))


def consumer_of(exchange, broker, worker="w1", *, handler=None, archive=None, limits=LIMITS):
    return Consumer(
        CONSUMER,
        inputs=[STREAM],
        handler=handler or Tally(),
        exchange=exchange,
        subscription=broker.subscribe(),
        archives={STREAM: archive or OwnArchive(exchange)},
        worker=worker,
        limits=limits,
    )


@asynccontextmanager
async def running(*parts):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part.run()) for part in parts]
        yield
        for task in tasks:
            task.cancel()


async def fill(exchange, stop, start=0):
    async with exchange.begin(actor="test", action="fill") as tx:
        await tx.append(STREAM, [Draft(i % SHARDS, b'{"i":%d}' % i) for i in range(start, stop)])


async def applied(exchange):
    async with exchange.reading() as tx:
        if not (await tx.execute("SELECT to_regclass('tally')"))[0][0]:
            return []
        return sorted(tuple(row) for row in await tx.execute("SELECT shard, number FROM tally"))


def everything(count, *, without=()):
    return sorted((i % SHARDS, i // SHARDS + 1) for i in range(count) if i % SHARDS not in without)


async def reaches(exchange, count, *, without=()):
    """Wait until all records but those of some shards are applied, each once."""
    expected = everything(count, without=without)

    async def there():
        return len(await applied(exchange)) >= len(expected)

    await becomes(there)
    assert await applied(exchange) == expected


async def publish(exchange, broker, count):
    """Fill the outbox and let a relay send it all."""
    await fill(exchange, count)

    async def sent():
        return sum(len(records) for records in broker.records.values()) >= count

    async with running(Relay(exchange, broker, [STREAM], "w1")):
        await becomes(sent)

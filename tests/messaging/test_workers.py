"""Workers of one service share its partitions when each has a name of its own (DUKAO_WORKER)."""

from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from shared.messaging.broker import MemoryBroker
from shared.runtime.service import Frame
from shared.runtime.settings import ServiceSettings
from tests.messaging.flow import STREAM, Tally, consumer_of, running
from tests.waiting import becomes


@asynccontextmanager
async def workers(exchange, url, *names):
    """The same consumer in processes of these names, over one schema."""
    async with exchange.reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    settings = [
        ServiceSettings(
            database_url=SecretStr(url),
            kafka="127.0.0.1:9",
            port=0,
            jwks_file=Path("none"),
            issuer="test",
            worker=name,
        )
        for name in names
    ]
    frames = [Frame(schema, one) for one in settings]
    yield [frame.consumer("tally", [STREAM], Tally).leases for frame in frames]
    for frame in frames:
        await frame.engine.dispose()


async def beat(*leases):
    for one in leases * 2:
        await one.beat()
    return [sorted(one.held) for one in leases]


async def test_workers_of_two_names_share_the_partitions(exchange, postgres_url):
    async with workers(exchange, postgres_url, "1", "2") as (one, two):
        first, second = await beat(one, two)
    assert len(first) == len(second) == 8
    assert sorted(first + second) == list(range(16))


async def test_workers_of_one_name_take_all_from_each_other(exchange, postgres_url):
    async with workers(exchange, postgres_url, "1", "1") as (one, two):
        epochs = []
        for worker in (one, two, one):
            await worker.beat()
            epochs.append(dict(worker.held))
    assert [len(held) for held in epochs] == [16, 16, 16]
    assert all(epochs[0][p] < epochs[1][p] < epochs[2][p] for p in range(16))


async def owners(exchange):
    async with exchange.reading() as tx:
        return {row.owner for row in await tx.execute("SELECT owner FROM leases")}


async def test_a_worker_that_ends_in_good_order_leaves_its_partitions_to_others_at_once(exchange):
    consumer = consumer_of(exchange, MemoryBroker(), "w1")

    async def owned():
        return len(consumer.leases.held) == 16

    async with running(consumer):
        await becomes(owned)
        assert await owners(exchange) == {"w1"}
    assert await owners(exchange) == {None}
    async with exchange.reading() as tx:
        assert await tx.execute("SELECT 1 FROM workers") == []

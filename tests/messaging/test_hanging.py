"""A server process that gives no answer, which the server's own bounds cannot end: nobody waits for ever."""

import asyncio
import os
import signal
import time
from contextlib import contextmanager

import pytest

from shared.messaging.broker import MemoryBroker
from shared.storage import transaction
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.failures import may_pass
from tests.messaging.flow import Tally, consumer_of, publish, reaches, running
from tests.waiting import becomes

STATEMENT_TIMEOUT_MS = 300
SOON_S = 9.0
ASK = "SELECT 1"
ROWS = [("x" * 1_000_000, "", "") for _ in range(60)]


pytestmark = pytest.mark.long


@pytest.fixture
async def impatient(engine, postgres_url):
    """An exchange over the same schema whose statements may take 0.3 s."""
    async with Exchange(engine, "test").reading() as tx:
        ((schema,),) = await tx.execute("SHOW search_path")
    opened = open_engine(postgres_url, schema, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
    yield Exchange(opened, "test")
    await opened.dispose()


class Stopping:
    """Stops the server's process of a transaction; whatever happens, it goes on in the end."""

    def __init__(self):
        self.pids = []

    async def __call__(self, tx):
        ((pid,),) = await tx.execute("SELECT pg_backend_pid()")
        os.kill(pid, signal.SIGSTOP)
        self.pids.append(pid)

    def end(self):
        while self.pids:
            os.kill(self.pids.pop(), signal.SIGCONT)


@pytest.fixture
def stopping():
    made = Stopping()
    yield made
    made.end()


@contextmanager
def fails_soon():
    started = time.monotonic()
    with pytest.raises(TimeoutError) as raised:
        yield
    assert may_pass(raised.value)
    assert time.monotonic() - started < SOON_S


async def by_driver(tx):
    await tx.many(ASK)


async def by_name(tx):
    await tx.execute(ASK)


async def by_copy(tx):
    await tx.copy("audit", ("actor", "action", "detail"), ROWS)


async def test_a_statement_without_an_answer_may_pass_and_its_connection_is_given_up(
    impatient, stopping, monkeypatch
):
    monkeypatch.setattr(transaction, "COPY_TIMEOUT_S", 6.0)

    async def hangs(opened, wait):
        with fails_soon():
            async with opened() as tx:
                await stopping(tx)
                await wait(tx)

    async with asyncio.timeout(2 * SOON_S):
        await asyncio.gather(
            hangs(impatient.reading, by_driver),
            hangs(impatient.reading, by_copy),
            hangs(impatient.beating, by_name),
            hangs(impatient.snapshot, by_driver),
            hangs(impatient.snapshot, by_name),
        )
        async with impatient.reading() as tx:
            assert await tx.many(ASK)


async def test_a_cancelled_transaction_does_not_wait_for_its_rollback(impatient, stopping):
    async with asyncio.timeout(2 * SOON_S):
        with fails_soon():
            async with asyncio.timeout(1.0), impatient.reading() as tx:
                await stopping(tx)
                await tx.many(ASK)


async def test_a_connection_that_hangs_in_the_pool_is_found_and_replaced(impatient, stopping):
    async with impatient.reading() as tx:
        ((pid,),) = await tx.execute("SELECT pg_backend_pid()")
    os.kill(pid, signal.SIGSTOP)
    stopping.pids.append(pid)
    async with asyncio.timeout(2 * SOON_S):
        with fails_soon():
            async with impatient.reading():
                pass
        async with impatient.reading() as tx:
            assert await tx.many(ASK)


async def test_a_consumer_goes_on_without_a_halt(exchange, impatient, stopping):
    broker, stopped = MemoryBroker(), []

    class Once(Tally):
        async def __call__(self, tx, batch):
            if not stopped:
                stopped.append((await tx.connection.get_raw_connection()).driver_connection)
                await stopping(tx)
            return await super().__call__(tx, batch)

    await publish(exchange, broker, 60)
    consumer = consumer_of(impatient, broker, handler=Once())
    async with running(consumer):

        async def given_up():
            return bool(stopped) and stopped[0].is_closed()

        await becomes(given_up)
        stopping.end()
        await reaches(exchange, 60)
        assert not list(consumer.halts)

"""What becomes of a connection whose transaction failed, was cut short, or whose server has left."""

import asyncio

import pytest

from shared.storage.failures import STORAGE_ERRORS, may_pass

ACTORS = "SELECT actor FROM audit ORDER BY id"
OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"""


async def actors(exchange):
    async with exchange.reading() as tx:
        return [row["actor"] for row in await tx.many(ACTORS)]


async def change(exchange, actor):
    async with exchange.begin(actor=actor, action="change"):
        pass


async def test_what_raises_leaves_nothing_and_the_next_transaction_is_whole(exchange):
    with pytest.raises(LookupError):
        async with exchange.begin(actor="first", action="change") as tx:
            await tx.many("INSERT INTO audit (actor, action, detail) VALUES ('inside', '', '')")
            raise LookupError
    await change(exchange, "second")
    assert await actors(exchange) == ["second"]


async def test_a_transaction_that_is_cancelled_in_a_statement_leaves_nothing(exchange):
    begun = asyncio.Event()

    async def slow():
        async with exchange.begin(actor="first", action="change") as tx:
            await tx.many("INSERT INTO audit (actor, action, detail) VALUES ('inside', '', '')")
            begun.set()
            await tx.many("SELECT pg_sleep(9)")

    for _ in range(3):
        begun.clear()
        task = asyncio.create_task(slow())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await change(exchange, "second")
    assert await actors(exchange) == ["second"]


async def test_what_only_reads_keeps_nothing(exchange):
    async with exchange.reading() as tx:
        await tx.many("INSERT INTO audit (actor, action, detail) VALUES ('inside', '', '')")
    assert await actors(exchange) == []


async def test_connections_that_the_server_ended_are_replaced_without_an_error(exchange):
    async with exchange.reading() as first, exchange.reading() as second:
        assert first.connection is not second.connection
    async with exchange.reading() as tx:
        await tx.many(OTHERS)
    await asyncio.gather(*(change(exchange, "any") for _ in range(8)))
    assert await actors(exchange) == ["any"] * 8


async def test_a_session_that_ends_between_two_statements_is_a_failure_that_passes(exchange):
    """As when the loop was blocked past the time that a transaction may idle."""
    with pytest.raises(STORAGE_ERRORS) as failed:
        async with exchange.begin(actor="first", action="change") as tx:
            async with exchange.reading() as other:
                await other.many(OTHERS)
            await tx.many(ACTORS)
    assert may_pass(failed.value)
    await change(exchange, "second")
    assert await actors(exchange) == ["second"]

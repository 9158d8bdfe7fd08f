"""The one place that commits: a transaction with its audit row, and a wake-up for the relay."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.storage.database import CONNECT_TIMEOUT_S, POOL_SIZE
from shared.storage.failures import STORAGE_ERRORS
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

ROLLBACK_TIMEOUT_S = 2
_LOG = logger(__name__)

_OPEN = text("SELECT 1")
_AUDIT = "INSERT INTO audit (actor, action, detail) VALUES ($1, $2, $3)"


class Exchange:
    """Opens transactions over a service's schema.

    A transaction that ends without an exception commits with one audit row; one that raises leaves nothing.
    """

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self.service = service
        self._engine = engine
        self._plain = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._present: set[tuple[str, int]] = set()
        self.appended = asyncio.Event()

    @asynccontextmanager
    async def begin(
        self, *, actor: str, action: str, detail: str = ""
    ) -> AsyncGenerator[PostgresTransaction]:
        """Open a transaction that changes state; its remarks are added to the detail of its audit row."""
        started = time.perf_counter()
        async with self.beating() as tx:
            yield tx
            noted = "; ".join([detail, *tx.remarks])
            await tx.many(_AUDIT, actor, action, noted)
        self._present |= tx.opened
        METRICS.observe("dukao_commit_seconds", time.perf_counter() - started, action=action)
        for stream, count in tx.appended.items():
            METRICS.count("dukao_records_appended_total", count, stream=stream)
        if tx.appended:
            self.appended.set()

    async def denied(self, person: str, asked: str) -> None:
        """Put on record that somebody asked for what is not for them; nobody waits for it."""
        try:
            async with self.begin(actor=person, action="denied", detail=asked):
                pass
        except STORAGE_ERRORS as error:
            _LOG.warning("denied without a record", person=person, asked=asked, error=type(error).__name__)

    @asynccontextmanager
    async def beating(self) -> AsyncGenerator[PostgresTransaction]:
        """Open a transaction for a heartbeat alone: it commits, but what expires by itself is no change."""
        async with self._opened() as (tx, transaction):
            yield tx
            await transaction.commit()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[PostgresTransaction]:
        """Open a transaction that only reads; each of its statements sees what is committed by then."""
        async with self._opened() as (tx, transaction):
            yield tx
            await transaction.rollback()

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[PostgresTransaction]:
        """Open a transaction that only reads, all of it as of one moment, as an answer with `as_of` must."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            driver = await _driver_of(connection)
            try:
                transaction = await connection.begin()
                await connection.execute(_OPEN)  # SQLAlchemy sends BEGIN with its first statement
                yield PostgresTransaction(connection, driver, self._present)
                await transaction.rollback()
            except (asyncio.CancelledError, *STORAGE_ERRORS):
                driver.terminate()
                await connection.invalidate()
                raise

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[tuple[PostgresTransaction, Any]]:
        """Open a transaction of the driver's own, one call of the server; what fails is rolled back.

        A connection of which it is unclear whether its transaction has ended is never used again.
        """
        async with AsyncExitStack() as stack:
            connection, driver, transaction = await self._begun(stack)
            ended = False
            try:
                yield PostgresTransaction(connection, driver, self._present), transaction
                ended = True
            except BaseException:
                with suppress(*STORAGE_ERRORS):
                    async with asyncio.timeout(ROLLBACK_TIMEOUT_S):
                        await transaction.rollback()
                    ended = True
                raise
            finally:
                if not ended:
                    driver.terminate()

    async def _begun(self, stack: AsyncExitStack) -> tuple[AsyncConnection, Any, Any]:
        """Begin on a connection of the pool; the server may have ended each of them while it lay there.

        One that gives no answer is given up too, but no other is waited for.
        """
        for left in reversed(range(1 + POOL_SIZE)):
            connection = await stack.enter_async_context(self._plain.connect())
            driver = await _driver_of(connection)
            transaction = driver.transaction()
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await transaction.start()
            except BaseException as error:
                driver.terminate()
                hangs = isinstance(error, TimeoutError)
                if left == 0 or hangs or not isinstance(error, STORAGE_ERRORS):
                    raise
                await connection.close()
            else:
                return connection, driver, transaction
        raise AssertionError("the last try returns or raises")


async def _driver_of(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection

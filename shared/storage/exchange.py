"""The one place that commits: a transaction with its audit row, and a wake-up for the relay."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.storage.transaction import PostgresTransaction
from shared.telemetry.metrics import METRICS

_OPEN = text("SELECT 1")
_AUDIT = "INSERT INTO audit (actor, action, detail) VALUES ($1, $2, $3)"


class Exchange:
    """Opens transactions over a service's schema.

    A transaction that ends without an exception commits with one audit row; one that raises leaves nothing.
    """

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self.service = service
        self._engine = engine
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

    @asynccontextmanager
    async def beating(self) -> AsyncGenerator[PostgresTransaction]:
        """Open a transaction for a heartbeat alone: it commits, but what expires by itself is no change."""
        async with self._engine.connect() as connection, connection.begin():
            yield await _transaction(connection, self._present)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[PostgresTransaction]:
        """Open a transaction that only reads; each of its statements sees what is committed by then."""
        async with self._engine.connect() as connection:
            transaction = await connection.begin()
            yield await _transaction(connection, self._present)
            await transaction.rollback()

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[PostgresTransaction]:
        """Open a transaction that only reads, all of it as of one moment, as an answer with `as_of` must."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            transaction = await connection.begin()
            yield await _transaction(connection, self._present)
            await transaction.rollback()


async def _transaction(connection: AsyncConnection, present: set[tuple[str, int]]) -> PostgresTransaction:
    """Open it for real: SQLAlchemy sends BEGIN with its first statement, asyncpg alone would commit each."""
    await connection.execute(_OPEN)
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    return PostgresTransaction(connection, driver, present)

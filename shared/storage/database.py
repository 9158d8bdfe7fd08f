"""Opens the pool of a service: its own schema first in the path, and bounds on every wait."""

from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

LOCK_TIMEOUT_MS = 1_500
STATEMENT_TIMEOUT_MS = 10_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 5
ANSWER_MARGIN_S = 5  # a server that does not keep its own bound on a statement hangs
POOL_SIZE = 8
POOL_WAIT_S = 5


def open_engine(
    url: str,
    schema: str,
    *,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    idle_timeout_ms: int = IDLE_IN_TRANSACTION_TIMEOUT_MS,
) -> AsyncEngine:
    """Return an engine for `postgresql+asyncpg://…`; the caller closes it.

    A statement that the server neither answers nor ends raises TimeoutError.
    """
    settings = {
        "search_path": schema,
        "application_name": f"dukao-{schema}",
        "lock_timeout": str(LOCK_TIMEOUT_MS),
        "statement_timeout": str(statement_timeout_ms),
        "idle_in_transaction_session_timeout": str(idle_timeout_ms),
    }
    engine = create_async_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=POOL_WAIT_S,
        connect_args={
            "server_settings": settings,
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": statement_timeout_ms / 1000 + ANSWER_MARGIN_S,
        },
    )
    event.listen(engine.sync_engine, "checkout", _check_open)
    return engine


def _check_open(connection: Any, _record: object, _proxy: object) -> None:
    """Let the pool replace what the server has closed; asking it each time would cost three calls."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError

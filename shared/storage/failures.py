"""What the storage raises, and whether the same may succeed later."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

STORAGE_ERRORS = (
    DBAPIError,
    PoolTimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server has said that it ends, and has not ended yet
    ConnectionError,
    TimeoutError,
    OSError,
)

# Connection, ended session, rollback, resources, lock not there, operator, system.
_PASSING_STATES = ("08", "25", "40", "53", "55P03", "57", "58")


def may_pass(error: BaseException) -> bool:
    """Tell whether the storage is away or busy; any other error of it is a mistake of ours."""
    if not isinstance(error, STORAGE_ERRORS):
        return False
    cause = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__ or error.orig
    if isinstance(cause, asyncpg.PostgresError):
        return str(getattr(cause, "sqlstate", "")).startswith(_PASSING_STATES)
    return not isinstance(cause, ValueError)

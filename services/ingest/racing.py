"""A transaction that lost a race over a key is rolled back and redone from the start, never skipped."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from shared.kernel.errors import Unavailable

RACES = 5
LOST_RACES = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)

Result = TypeVar("Result")


class Raced(Unavailable):
    """As many races were lost in a row as are run; what was to be done may be asked for again."""


async def redone(once: Callable[[], Awaitable[Result]]) -> Result:
    """Run a transaction, and again when it lost a race; raise Raced after RACES of them."""
    for _ in range(RACES - 1):
        try:
            return await once()
        except LOST_RACES:
            continue
    try:
        return await once()
    except LOST_RACES as error:
        raise Raced(f"{RACES} races were lost in a row") from error

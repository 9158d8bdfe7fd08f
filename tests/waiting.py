"""Waiting for a condition, with a bound: a test sleeps nowhere else for something to come about."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any

LIMIT_S = 120.0
POLL_S = 0.05


def until(
    condition: Callable[[], Any],
    limit_s: float = LIMIT_S,
    *,
    every_s: float = POLL_S,
    why: Callable[[], object] = lambda: "",
) -> Any:
    """Ask until the answer is true, and return it; `why` is asked when it did not come."""
    end = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {limit_s:.0f} s: {why()}"
        time.sleep(every_s)
    return found


async def becomes(
    condition: Callable[[], Awaitable[Any] | Any], limit_s: float = LIMIT_S, *, every_s: float = POLL_S
) -> Any:
    """Ask until the answer is true while others go on, and return it."""
    async with asyncio.timeout(limit_s):
        while not (found := await _answer(condition())):
            await asyncio.sleep(every_s)
    return found


async def _answer(asked: Awaitable[Any] | Any) -> Any:
    return await asked if isawaitable(asked) else asked

"""Runs what must not be cancelled half way to its own end."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def whole(work: Coroutine[Any, Any, Result], limit_s: float) -> asyncio.Task[Result]:
    """Run work to its end within the limit; if we are cancelled meanwhile, that waits for it.

    Returns the task; one that is not done by then is cancelled.
    """
    task = asyncio.ensure_future(work)
    task.add_done_callback(_seen)
    try:
        await asyncio.wait({task}, timeout=limit_s)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=limit_s)
        raise
    finally:
        task.cancel()
    return task


def _seen(task: asyncio.Task[Any]) -> None:
    """Take note of the error of a task that nobody may wait for any more."""
    if not task.cancelled():
        task.exception()

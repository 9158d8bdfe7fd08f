"""Starts and ends aiokafka's clients whole: cancelled half way they leave connections open behind them.

A start that is cancelled loses the connection it bootstraps by; a stop may raise the CancelledError of one
of its own tasks and then closes nothing. Each runs in a task of its own, and our cancellation waits for it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from shared.kernel.errors import Unavailable
from shared.telemetry.logs import logger

REQUEST_TIMEOUT_MS = 5_000
WHOLE_LIMIT_S = 12.0

_LOG = logger(__name__)


class Connections(Protocol):
    """The inner client that holds the connections."""

    async def close(self) -> None: ...


async def start(starting: Coroutine[Any, Any, None]) -> None:
    """Start a client; Unavailable when it does not come up in time."""
    if not await _whole(starting):
        raise Unavailable("a Kafka client did not start")


async def stop(stopping: Coroutine[Any, Any, None], connections: Connections) -> None:
    """Stop a client whose broker may be away; its connections are closed however that ends."""
    try:
        if not await _whole(stopping):
            _LOG.warning("a Kafka client did not stop by itself")
    except (KafkaError, OSError) as error:
        _LOG.warning("a Kafka client stopped with an error", error=type(error).__name__)
    finally:
        await _whole(connections.close())


async def _whole(work: Coroutine[Any, Any, None]) -> bool:
    """Run work to its own end within the limit, even if we are cancelled meanwhile; tell if it got there."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(_seen)
    try:
        await asyncio.wait({task}, timeout=WHOLE_LIMIT_S)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=WHOLE_LIMIT_S)
        raise
    finally:
        task.cancel()
    if not task.done() or task.cancelled():
        return False
    task.result()
    return True


def _seen(task: asyncio.Task[None]) -> None:
    """Take note of the error of a task that nobody may wait for any more."""
    if not task.cancelled():
        task.exception()

"""Starts and ends aiokafka's clients whole: cancelled half way they leave connections open behind them.

A start that is cancelled loses the connection it bootstraps by; a stop may raise the CancelledError of one
of its own tasks and then closes nothing. Each runs in a task of its own, and our cancellation waits for it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

from aiokafka.errors import KafkaError

from shared.kernel.errors import Unavailable
from shared.messaging.whole import whole
from shared.telemetry.logs import logger

REQUEST_TIMEOUT_MS = 5_000
WHOLE_LIMIT_S = 12.0

_LOG = logger(__name__)


class Connections(Protocol):
    """The inner client that holds the connections."""

    def close(self) -> Coroutine[Any, Any, None]: ...


async def start(starting: Coroutine[Any, Any, None]) -> None:
    """Start a client; Unavailable when it does not come up in time."""
    if not _came_to_its_end(await whole(starting, WHOLE_LIMIT_S)):
        raise Unavailable("a Kafka client did not start")


async def stop(stopping: Coroutine[Any, Any, None], connections: Connections) -> None:
    """Stop a client whose broker may be away; its connections are closed however that ends."""
    try:
        if not _came_to_its_end(await whole(stopping, WHOLE_LIMIT_S)):
            _LOG.warning("a Kafka client did not stop by itself")
    except (KafkaError, OSError) as error:
        _LOG.warning("a Kafka client stopped with an error", error=type(error).__name__)
    finally:
        await whole(connections.close(), WHOLE_LIMIT_S)


def _came_to_its_end(task: asyncio.Task[None]) -> bool:
    """Tell whether a client's task did; raise what it raised."""
    if not task.done() or task.cancelled():
        return False
    task.result()
    return True

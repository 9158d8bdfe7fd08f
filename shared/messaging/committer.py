"""Group commit: takes what is queued when the last commit returned; no timer, nobody can cancel a commit."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeAlias, TypeVar

from shared.kernel.errors import Unavailable
from shared.messaging.whole import whole
from shared.telemetry.metrics import METRICS

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

BATCH_ITEMS = 10_000
QUEUE_ITEMS = 40_000
COMMIT_LIMIT_S = 30.0

Waiting: TypeAlias = tuple[Sequence[Item], asyncio.Future[Sequence[Outcome]]]
Group: TypeAlias = Sequence[Waiting[Item, Outcome]]


class Committer(Generic[Item, Outcome]):
    """Commits groups of items by one function that returns an outcome for each, in order."""

    def __init__(self, commit: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]]) -> None:
        self._commit = commit
        self._queue: deque[Waiting[Item, Outcome]] = deque()
        self._queued = 0
        self._arrived = asyncio.Event()

    @property
    def full(self) -> bool:
        """Tell whether not even one more item would be taken now."""
        return self._queued >= QUEUE_ITEMS

    async def submit(self, items: Sequence[Item]) -> Sequence[Outcome]:
        """Wait until the items are committed; raise Unavailable at once when too much is queued."""
        if self._queued + len(items) > QUEUE_ITEMS:
            raise Unavailable("too many events are waiting to be committed")
        waiting: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
        self._queue.append((items, waiting))
        self._queued += len(items)
        METRICS.set("dukao_commit_queue_events", self._queued)
        self._arrived.set()
        return await asyncio.shield(waiting)

    async def run(self) -> None:
        """Commit until cancelled; then the commit under way ends, and what still waits is told to retry."""
        try:
            while True:
                await self._arrived.wait()
                await whole(self._commit_group(self._take()), COMMIT_LIMIT_S)
        finally:
            _fail(self._queue, Unavailable("the service is shutting down"))

    async def _commit_group(self, group: Group[Item, Outcome]) -> None:
        """Commit a group; a failure goes to those who wait for it."""
        items = [item for submitted, _ in group for item in submitted]
        try:
            outcomes = await self._commit(items)
        except Exception as error:  # noqa: BLE001 - whoever waits decides what it means
            _fail(group, error)
        except asyncio.CancelledError:
            _fail(group, Unavailable("the commit took too long"))
            raise
        else:
            _answer(group, outcomes)

    def _take(self) -> Group[Item, Outcome]:
        group = [self._queue.popleft()]
        count = len(group[0][0])
        while self._queue and count + len(self._queue[0][0]) <= BATCH_ITEMS:
            group.append(self._queue.popleft())
            count += len(group[-1][0])
        self._queued -= count
        METRICS.set("dukao_commit_queue_events", self._queued)
        if not self._queue:
            self._arrived.clear()
        return group


def _fail(group: Iterable[Waiting[Item, Outcome]], error: Exception) -> None:
    for _, waiting in group:
        if not waiting.done():
            waiting.set_exception(error)


def _answer(group: Group[Item, Outcome], outcomes: Sequence[Outcome]) -> None:
    start = 0
    for items, waiting in group:
        if not waiting.done():
            waiting.set_result(outcomes[start : start + len(items)])
        start += len(items)

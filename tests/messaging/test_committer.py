"""Group commit: in order, bounded, and nobody who goes away takes a commit with him."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from shared.kernel.errors import Unavailable
from shared.messaging import committer as committing
from shared.messaging.committer import Committer


class Log:
    """Commits when it is let; answers each item with the group it came in."""

    def __init__(self):
        self.groups = []
        self.started = asyncio.Event()
        self.go = asyncio.Event()

    async def commit(self, items):
        self.started.set()
        await self.go.wait()
        if "bad" in items:
            raise ZeroDivisionError
        self.groups.append(list(items))
        return [(len(self.groups), item) for item in items]


@asynccontextmanager
async def running(log):
    committer = Committer(log.commit)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(committer.run())
        yield committer, group, task
        task.cancel()


async def under_way(log, group, committer, *items):
    """Submit and wait until that commit is under way."""
    task = group.create_task(committer.submit(items))
    await log.started.wait()
    return task


async def test_what_waits_is_committed_together_and_answered_in_order():
    log = Log()
    async with running(log) as (committer, group, _):
        first = await under_way(log, group, committer, "a")
        others = [group.create_task(committer.submit(items)) for items in (["b", "c"], ["d"])]
        await asyncio.sleep(0)
        log.go.set()
        assert await first == [(1, "a")]
        assert [await other for other in others] == [[(2, "b"), (2, "c")], [(2, "d")]]
    assert log.groups == [["a"], ["b", "c", "d"]]


async def test_a_group_stays_within_its_bound(monkeypatch):
    monkeypatch.setattr(committing, "BATCH_ITEMS", 3)
    log = Log()
    async with running(log) as (committer, group, _):
        await under_way(log, group, committer, "a")
        others = [group.create_task(committer.submit(items)) for items in ("bc", "de", "f", "ghij")]
        await asyncio.sleep(0)
        log.go.set()
        for other in others:
            await other
    assert log.groups == [["a"], ["b", "c"], ["d", "e", "f"], ["g", "h", "i", "j"]]


async def test_a_full_queue_refuses_at_once(monkeypatch):
    monkeypatch.setattr(committing, "QUEUE_ITEMS", 2)
    log = Log()
    async with running(log) as (committer, group, _):
        await under_way(log, group, committer, "a")
        waiting = group.create_task(committer.submit(["b", "c"]))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await committer.submit(["d"])
        log.go.set()
        assert len(await waiting) == 2


async def test_a_failure_reaches_only_those_of_its_group():
    log = Log()
    async with running(log) as (committer, group, _):
        await under_way(log, group, committer, "a")
        failing = asyncio.ensure_future(committer.submit(["bad"]))
        await asyncio.sleep(0)
        log.go.set()
        with pytest.raises(ZeroDivisionError):
            await failing
        assert await committer.submit(["c"]) == [(2, "c")]


async def test_a_client_that_goes_away_does_not_cancel_a_commit():
    log = Log()
    async with running(log) as (committer, group, _):
        first = await under_way(log, group, committer, "a")
        beside = group.create_task(committer.submit(["b"]))
        first.cancel()
        await asyncio.sleep(0)
        log.go.set()
        assert await beside == [(2, "b")]
    assert log.groups == [["a"], ["b"]]


async def test_a_shutdown_lets_the_commit_under_way_end_and_tells_the_others_to_retry():
    log = Log()
    async with running(log) as (committer, group, run):
        first = await under_way(log, group, committer, "a")
        queued = asyncio.ensure_future(committer.submit(["b"]))
        await asyncio.sleep(0)
        run.cancel()
        await asyncio.sleep(0)
        log.go.set()
        assert await first == [(1, "a")]
        with pytest.raises(Unavailable, match="shutting down"):
            await queued
    assert log.groups == [["a"]]

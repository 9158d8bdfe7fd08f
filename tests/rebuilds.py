"""What tests of rebuilds share: a producer's archive of records made here, and a rebuild to its end."""

import asyncio

from tests.waiting import becomes


class Kept:
    """The archive of a producer: what was made here."""

    def __init__(self):
        self.records = []

    async def read(self, stream, shard, after, limit):
        found = [r for r in self.records if (r.stream, r.shard) == (stream, shard) and r.number > after]
        return found[:limit]

    async def reached(self, stream):
        raise NotImplementedError


async def rebuilt(rebuilds):
    """Rebuild once and return how that ended."""
    run = await rebuilds.start("olga")
    task = asyncio.ensure_future(rebuilds.run())
    await becomes(lambda: run.state in {"same", "differs", "failed"})
    task.cancel()
    await asyncio.wait({task})
    assert run.state != "failed", run.detail
    return run

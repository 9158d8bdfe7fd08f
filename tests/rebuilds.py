"""What tests of rebuilds share: a producer's archive of records made here, where a consumer begins, a rebuild."""

import asyncio

from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.shards import SHARDS
from tests.waiting import becomes

_BEGIN = """
    INSERT INTO positions (consumer, stream, shard, number, chain)
    SELECT $1, $2, s, 0, $3 FROM generate_series(0, $4::int - 1) s"""


class Kept:
    """The archive of a producer: what was made here."""

    def __init__(self):
        self.records = []

    async def read(self, stream, shard, after, limit):
        found = [r for r in self.records if (r.stream, r.shard) == (stream, shard) and r.number > after]
        return found[:limit]

    async def reached(self, stream):
        raise NotImplementedError


async def begin(exchange, consumer, streams):
    """Let a consumer be at the beginning of its inputs."""
    async with exchange.begin(actor="test", action="begin") as tx:
        for stream in streams:
            await tx.many(_BEGIN, consumer, stream, EMPTY_CHAIN, SHARDS)


async def rebuilt(rebuilds):
    """Rebuild once and return how that ended."""
    run = await rebuilds.start("olga")
    task = asyncio.ensure_future(rebuilds.run())
    await becomes(lambda: run.state in {"same", "differs", "failed"})
    task.cancel()
    await asyncio.wait({task})
    assert run.state != "failed", run.detail
    return run

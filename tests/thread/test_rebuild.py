"""A service is rebuilt from the archives of its inputs: the same tables, the same outbox; what was damaged is found."""

import asyncio

import pytest

from services.ranking.handlers import Ranking
from services.scoring.ledger import NAMED_ENTRIES
from services.scoring.stage_a import StageA
from services.scoring.stage_b import StageB
from shared.kernel.errors import Refused
from shared.messaging.archive import OwnArchive
from shared.messaging.broker import MemoryBroker
from shared.messaging.desk import Desk
from shared.runtime.rebuilding import Commanded, Fold, Rebuilds
from shared.storage import runs
from tests.rebuilds import rebuilt
from tests.thread.test_event_to_standing import EVENTS, EXPECTED, platform
from tests.waiting import becomes

__all__ = ["platform"]

SCHEMES = Commanded(
    tables=("schemes",),
    streams=("scoring.schemes",),
    named={"entries": NAMED_ENTRIES},
)


class Forgetful(StageA):
    """A later version of the program that makes less of the same events."""

    async def __call__(self, tx, batch):
        return (await super().__call__(tx, batch))[:-1]


@pytest.fixture
def broker():
    memory = MemoryBroker()
    return (lambda: memory), memory.subscribe


async def fed(platform):
    async with platform.running():
        await platform.adopt()
        for start in range(0, len(EVENTS), 20):
            await platform.send(EVENTS[start : start + 20])

        async def there():
            return await platform.march() == EXPECTED and await drained(platform)

        await becomes(there)


async def drained(platform):
    for service, inputs, _ in platform.parts.values():
        for stream in inputs:
            async with platform.exchanges[stream.partition(".")[0]].reading() as tx:
                heads = {s: at.number for s, at in (await tx.reached(stream)).items()}
            async with platform.exchanges[service].reading() as tx:
                rows = await tx.many("SELECT shard, number, stream FROM positions WHERE consumer <> 'relay'")
            at = {row["shard"]: row["number"] for row in rows if row["stream"] == stream}
            if any(at.get(shard, 0) < number for shard, number in heads.items()):
                return False
    return True


async def rebuilds_of(platform, service, url, **handlers):
    folds = [
        Fold(
            name,
            handlers.get(name.replace("-", "_"), handler),
            {stream: OwnArchive(platform.exchanges[stream.partition(".")[0]]) for stream in inputs},
        )
        for name, (of, inputs, handler) in platform.parts.items()
        if of == service
    ]
    async with platform.exchanges[service].reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    commanded = SCHEMES if service == "scoring" else Commanded()
    return Rebuilds(service, url, folds, commanded, schema=schema)


async def entries_of(exchange):
    async with exchange.reading() as tx:
        return [tuple(row.values()) for row in await tx.many("SELECT * FROM entries ORDER BY id")]


async def refused(awaited, code):
    with pytest.raises(Refused) as caught:
        await awaited
    assert (caught.value.problem.status, caught.value.problem.code) == (409, code)


async def test_a_rebuild_ends_at_the_same_tables_and_the_same_outbox(platform, postgres_url):
    await fed(platform)
    for service, handlers in (("scoring", (StageA, StageB)), ("ranking", (Ranking,))):
        rebuilds = await rebuilds_of(platform, service, postgres_url)
        run = await rebuilt(rebuilds)
        assert (run.state, run.different, run.chains) == ("same", [], [])
        assert run.applied == run.total > 0
        assert sum(one.rows for one in run.tables) > 10, handlers
        await refused(rebuilds.swap(run.id, "why", "olga"), "nothing_to_swap")


async def test_one_worker_rebuilds_at_a_time_and_every_worker_knows_of_each_rebuild(platform, postgres_url):
    one, other = [await rebuilds_of(platform, "ranking", postgres_url) for _ in "ab"]
    exchange = platform.exchanges["ranking"]
    async with exchange.begin(actor="test", action="a third worker rebuilds") as tx:
        assert await runs.alone(tx)
        await refused(one.start("olga"), "rebuilding")
    run = await rebuilt(one)
    seen = await other.find(run.id)
    assert (seen, seen.reached) == (run, run.reached)
    await refused(other.swap(run.id, "why", "olga"), "nothing_to_swap")

    late = await other.start("pia")
    async with exchange.begin(actor="test", action="a third worker rebuilds") as tx:
        assert await runs.alone(tx)
        task = asyncio.ensure_future(other.run())
        await becomes(lambda: late.state == "failed")
        assert late.detail == "Another worker rebuilds."
        task.cancel()
        await asyncio.wait({task})
        await runs.keep(
            tx,
            run.id,
            '{"state": "folding", "applied": 1, "total": 2, "detail": "", '
            '"tables": [], "chains": [], "reached": []}',
        )
        assert (await other.find(run.id)).state == "same", "what is not committed is not told"
    assert (await other.find(run.id)).state == "failed", "its worker has ended"


async def test_what_was_damaged_is_found_and_replaced_when_all_rests(platform, postgres_url):
    await fed(platform)
    exchange = platform.exchanges["scoring"]
    before = await entries_of(exchange)
    async with exchange.begin(actor="test", action="damage") as tx:
        await tx.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        await tx.execute("DELETE FROM entries WHERE id = (SELECT min(id) FROM entries)")
        await tx.execute("UPDATE entries SET new = new - 1 WHERE id = (SELECT max(id) FROM entries)")
        await tx.execute("ALTER TABLE entries ENABLE TRIGGER USER")
        await tx.execute("UPDATE cells SET value = value - 0.000000000001 WHERE unit = 'b2'")
    rebuilds = await rebuilds_of(platform, "scoring", postgres_url)
    run = await rebuilt(rebuilds)
    found = {one.table: (one.only_live, one.only_shadow) for one in run.different}
    assert found.keys() == {"cells", "entries"}
    assert found["cells"][0] == found["cells"][1] > 0
    assert found["entries"] == (1, 2)
    assert run.chains == []
    await refused(rebuilds.swap(run.id, "a disk lied", "olga"), "not_paused")

    desk = Desk(exchange, {"scoring-a": {}, "scoring-b": {}})
    for consumer in ("scoring-a", "scoring-b"):
        await desk.pause(consumer, range(16), "rebuild", "olga")
    assert (await rebuilds.swap(run.id, "a disk lied", "olga")).state == "swapped"
    assert await entries_of(exchange) == before, "what reviews and replies name keeps its number"
    assert (await rebuilt(rebuilds)).state == "same"
    for consumer in ("scoring-a", "scoring-b"):
        await desk.resume(consumer, range(16), "rebuilt", "olga")
    async with platform.running():

        async def there():
            return await platform.march() == EXPECTED

        await becomes(there)


async def test_a_program_that_would_have_published_otherwise_is_not_swapped(platform, postgres_url):
    await fed(platform)
    rebuilds = await rebuilds_of(platform, "scoring", postgres_url, scoring_a=Forgetful)
    run = await rebuilt(rebuilds)
    assert run.state == "differs"
    assert {one.stream for one in run.chains} == {"scoring.partials"}
    assert all(1 <= one.number <= one.live for one in run.chains)
    await refused(rebuilds.swap(run.id, "why", "olga"), "chain_parts")

"""Notify folded anew from its inputs is the same, bit for bit; what persons did stays theirs."""

from services.notify.contract import CONSUMER
from services.notify.handlers import Notify
from services.notify.wiring import COMMANDED
from shared.runtime.rebuilding import Fold, Rebuilds
from tests.notify.facts import ASSIGNED, OVERDUE, RULES, Feed
from tests.notify.rig import INPUTS
from tests.rebuilds import Kept, rebuilt


async def test_a_rebuild_ends_at_the_same_notices_and_sends_nothing(service, postgres_url):
    kept, feed = Kept(), Feed(shard=0)

    async def fed(*records):
        kept.records += records
        await service.apply(*records)

    await service.begin()
    await service.adopt(RULES)
    await fed(feed.adopted(), feed.item(), feed.tier())
    await fed(feed.item(state="signed", late=1), feed.item(state="signed", late=3))
    archive = ASSIGNED | {"code": "archive", "to": ["webhook:archive"], "when": {"state": ["submitted"]}}
    await service.adopt({"rules": [OVERDUE, archive]})
    async with service.door() as door:
        entry = (await door.entries(unit="b1"))[0]
        assert (await door.ask("POST", f"/v1/inbox/{entry['id']}:sign", "zhao")).status_code == 200
    await fed(feed.item(state="submitted", late=3), feed.item("i2", late=1))
    before = await service.state()

    async with service.exchange.reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    folds = [Fold(CONSUMER, Notify, dict.fromkeys(INPUTS, kept))]
    rebuilds = Rebuilds("notify", postgres_url, folds, COMMANDED, schema=schema)
    run = await rebuilt(rebuilds)
    assert (run.state, run.different, run.chains) == ("same", [], [])
    rows = {one.table: one.rows for one in run.tables}
    assert rows == {"items": 2, "notices": 6, "units": 4, "schemes": 1}
    assert await service.state() == before

    async with service.exchange.begin(actor="test", action="damage") as tx:
        await tx.execute("DELETE FROM notices WHERE item = 'i2'")
        await tx.execute("UPDATE items SET late = 9 WHERE item = 'i1'")
    run = await rebuilt(rebuilds)
    assert {one.table for one in run.different} == {"notices", "items"}

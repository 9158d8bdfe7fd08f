"""Supervision folded anew from its inputs is the same, bit for bit, persons' acts included."""

from services.supervision.contract import ACCEPTED, ACTS, CALENDARS, CONSUMER, ITEMS, SCHEMES
from services.supervision.handlers import Supervision
from shared.kernel.records import Position
from shared.messaging.archive import OwnArchive
from shared.runtime.rebuilding import Commanded, Fold, Rebuilds
from tests.rebuilds import Kept, begin, rebuilt
from tests.supervision.facts import Feed, calendar, scheme

PAPER = {"evidence": [{"name": "report.pdf", "sha256": "a" * 64}]}


async def consume(service, *records):
    """Apply a batch as a consumer does: its positions beside its effects."""
    async with service.exchange.begin(actor=CONSUMER, action="applied") as tx:
        await tx.lock(ITEMS, [record.shard for record in records])
        answers = await service.handler(tx, records)
        await tx.append(ITEMS, [draft for _, draft in answers])
        last = {(record.stream, record.shard): record for record in records}
        await tx.advance(CONSUMER, [Position(r.stream, r.shard, r.number, r.chain) for r in last.values()])


async def consume_acts(service, shard):
    async with service.exchange.reading() as tx:
        rows = await tx.many("SELECT number FROM positions WHERE stream = $1 AND shard = $2", ACTS, shard)
        records = await tx.read(ACTS, shard, rows[0]["number"], 100)
    await consume(service, *records)


async def lived_through(service, kept, feed):
    """Apply a scheme, events, ticks and acts of persons in several batches."""
    await begin(service.exchange, CONSUMER, (ACCEPTED, SCHEMES, ACTS))

    async def fed(*records):
        kept.records += records
        await consume(service, *records)

    await fed(feed.types(), feed.adopted(scheme()), feed.tick("2021-04-20 09:00"))
    await fed(feed.given(), feed.tick("2021-04-30 00:00"))
    async with service.door() as door:
        ((item, *_),) = await service.state()
        for act, person, body in (("sign", "unit", {}), ("submit", "unit", PAPER), ("send-back", "li", {})):
            assert (await door.act(item, act, person, **body)).status_code == 200
        await consume_acts(service, feed.shard)
        opened = {
            "item": "by-hand",
            "kind": "decision",
            "title": "t",
            "unit": "b2",
            "due": {"working_days": 2},
            "case": feed.case,
        }
        assert (await door.ask("POST", "/v1/items", "issuer", json=opened)).status_code == 201
        given = await door.ask("POST", "/v1/items/by-hand:assign", "issuer", json={"unit": "b2"})
        assert given.status_code == 200
        await fed(feed.tick("2021-05-07 00:00"), feed.done())
        await consume_acts(service, feed.shard)
        await fed(feed.tick("2021-05-11 00:00"), feed.adopted(scheme(2)))
        assert await service.adopt(calendar(2, days={"2021-05-08": "rest"})) != {}


async def test_a_rebuild_ends_at_the_same_items_and_the_same_outbox(service, postgres_url):
    kept, feed = Kept(), Feed()
    await lived_through(service, kept, feed)
    async with service.exchange.reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    own = OwnArchive(service.exchange)
    archives = {ACCEPTED: kept, SCHEMES: kept, ACTS: own, CALENDARS: own}
    folds = [Fold(CONSUMER, Supervision, archives)]
    commanded = Commanded(tables=("calendars",), streams=(ACTS, CALENDARS))
    rebuilds = Rebuilds("supervision", postgres_url, folds, commanded, schema=schema)
    run = await rebuilt(rebuilds)
    assert (run.state, run.different, run.chains) == ("same", [], [])
    rows = {one.table: one.rows for one in run.tables}
    assert (rows["items"], rows["acts"], rows["cases"]) == (2, 5, 1)

    async with service.exchange.begin(actor="test", action="damage") as tx:
        await tx.execute("UPDATE items SET light = 'green' WHERE kind = 'decision'")
        await tx.execute("DELETE FROM acts WHERE number = 2")
    run = await rebuilt(rebuilds)
    assert {one.table for one in run.different} == {"items", "acts"}

"""What persons are to know of sources is told once, in a stream of its own, whatever every shard is told."""

import json
from datetime import timedelta

from services.ingest.contract import (
    ACCEPTED,
    CONFLICT_FOUND,
    DAY_TURNED,
    DIFFERENCE_MOVED,
    FEED_TURNED,
    MISMATCH_OPENED,
    NOTICES,
)
from shared.contracts.envelope import decode
from shared.kernel.shards import SHARDS, shard_of
from tests.ingest import test_feeds, test_manifests, test_worklists
from tests.ingest.rig import event, outcome, send, serving
from tests.ingest.test_feeds import BEGIN


async def noticed(rig):
    """Return what was told: the type, the shard and the data."""
    found = []
    async with rig.exchange.reading() as tx:
        for shard in range(SHARDS):
            for record in await tx.read(NOTICES, shard, 0, 1000):
                told = decode(record.body)
                found.append((told.type, shard, json.loads(bytes(told.data)), told.received))
    return found


async def test_a_feed_that_goes_stale_and_fresh_is_told_once_each_time(exchange, tmp_path):
    async with serving(exchange, tmp_path, test_feeds.DOCUMENT, replay=True) as rig:
        await test_feeds.bring(rig, 1)
        await test_feeds.bring(rig, 2, source="other", minutes=90)
        await test_feeds.bring(rig, 3, minutes=101)
        await test_feeds.bring(rig, 4, source="other", minutes=102)
        found = await noticed(rig)
    assert [(kind, shard, data["feed"], data["state"]) for kind, shard, data, _ in found] == [
        (FEED_TURNED, shard_of("desk"), "done", "stale"),
        (FEED_TURNED, shard_of("desk"), "done", "fresh"),
    ]
    assert found[0][3].startswith((BEGIN + timedelta(minutes=90)).isoformat()[:16])


async def test_a_conflict_is_told_once_however_often_it_is_sent(exchange, tmp_path):
    document = {"types": test_worklists.TYPES, "sources": test_worklists.SOURCES}
    async with serving(exchange, tmp_path, document) as rig:
        desk = await rig.as_("desk", "integrator")
        await send(desk, event())
        for _ in range(2):
            assert await outcome(desk, event(amount="9.00")) == (409, "id_conflict")
        await send(desk, [event(amount="9.00"), event(amount="8.00"), event(amount="8.00"), event()])
        found = await noticed(rig)
    assert [(kind, shard) for kind, shard, _, _ in found] == [(CONFLICT_FOUND, shard_of("1101"))] * 2
    first, second = (data for _, _, data, _ in found)
    assert (first["source"], first["id"], first["unit"], first["why"]) == (
        "desk",
        "e1",
        "1101",
        "id_conflict",
    )
    assert first["content"] != second["content"]


async def test_a_day_that_differs_and_agrees_again_is_told_once_each_time(exchange, tmp_path):
    async with serving(exchange, tmp_path, test_manifests.DOCUMENT) as rig:
        desk = await rig.as_("desk", "integrator", account="desk-account")
        await send(desk, test_manifests.done("a"))
        await test_manifests.put(desk, ids=["a", "b"])
        await send(desk, test_manifests.done("b"))
        await rig.admission.tick()
        found = await noticed(rig)
    assert [(kind, data["day"], data["state"]) for kind, _, data, _ in found] == [
        (DAY_TURNED, test_manifests.DAY, "missing"),
        (DAY_TURNED, test_manifests.DAY, "agreed"),
    ]
    assert [len(data["difference"] or "") for _, _, data, _ in found] == [64, 0]


async def test_a_day_that_differs_otherwise_is_told_in_its_shard_alone_whenever_the_difference_moves(
    exchange, tmp_path
):
    async with serving(exchange, tmp_path, test_manifests.DOCUMENT) as rig:
        desk = await rig.as_("desk", "integrator", account="desk-account")
        await test_manifests.put(desk, ids=["a", "b"])
        await send(desk, test_manifests.done("a"))
        await rig.admission.tick()
        for one in ("x", "y"):
            await send(desk, test_manifests.done(one))
            await test_manifests.put(desk, ids=["a", "b"])
            await test_manifests.put(desk, ids=["a", "b"])
        await test_manifests.put(desk, ids=["a", "c"])
        found = await noticed(rig)
        async with rig.exchange.reading() as tx:
            every = [decode(one.body).type for one in await tx.read(ACCEPTED, 0, 0, 1000)]
    assert [(kind, shard, data["revision"], data["state"]) for kind, shard, data, _ in found] == [
        (DAY_TURNED, shard_of("desk"), 1, "missing"),
        (DIFFERENCE_MOVED, shard_of("desk"), 1, "missing"),
        (DIFFERENCE_MOVED, shard_of("desk"), 1, "different"),
        (DIFFERENCE_MOVED, shard_of("desk"), 1, "surplus"),
        (DIFFERENCE_MOVED, shard_of("desk"), 2, "surplus"),
    ]
    assert len({data["difference"] for _, _, data, _ in found}) == len(found)
    assert every.count(MISMATCH_OPENED) == 1
    assert DIFFERENCE_MOVED not in every, "no shard of what is accepted pays for it"

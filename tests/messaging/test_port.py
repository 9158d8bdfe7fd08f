"""One suite for the port: PostgreSQL and memory keep the same rules."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.kernel.digests import EMPTY_CHAIN, chain
from shared.kernel.errors import Fenced
from shared.kernel.numbering import received_of
from shared.kernel.records import Draft, Known, Position
from shared.messaging.memory import MemoryExchange
from shared.storage.exchange import Exchange

STREAM = "test.things"


@pytest.fixture(params=["memory", "postgres"])
def store(request):
    return MemoryExchange() if request.param == "memory" else request.getfixturevalue("exchange")


def begin(store):
    return store.begin(actor="test", action="append")


async def append(store, *drafts):
    async with begin(store) as tx:
        return await tx.append(STREAM, drafts)


async def read(store, shard, after=0, limit=100):
    async with begin(store) as tx:
        return await tx.read(STREAM, shard, after, limit)


async def test_numbers_are_dense_in_every_shard(store):
    assert await append(store, Draft(3, b"{}"), Draft(1, b"{}"), Draft(3, b"{}")) == [(3, 1), (1, 1), (3, 2)]
    assert await append(store, Draft(3, b"{}")) == [(3, 3)]
    assert [record.number for record in await read(store, 3)] == [1, 2, 3]


async def test_the_running_digest_continues_over_batches(store):
    await append(store, Draft(5, b'{"a":1}'), Draft(5, b'{"a":2}'))
    await append(store, Draft(5, b'{"a":3}'))
    digest = EMPTY_CHAIN
    for record in await read(store, 5):
        digest = chain(digest, record.body)
        assert record.chain == digest


async def test_reading_starts_within_a_batch_and_stops_at_the_limit(store):
    await append(store, *(Draft(0, b'{"i":%d}' % i) for i in range(5)))
    await append(store, *(Draft(0, b'{"i":%d}' % i) for i in range(5, 9)))
    assert [record.number for record in await read(store, 0, after=3, limit=4)] == [4, 5, 6, 7]
    assert await read(store, 0, after=9) == []


async def test_a_read_within_many_small_batches_returns_as_much_as_asked_for(store):
    for i in range(12):
        await append(store, Draft(0, b'{"i":%d}' % i), Draft(0, b"{}"), Draft(1, b"{}"))
    for after, limit in ((0, 1), (0, 5), (1, 4), (7, 6), (22, 9), (23, 1), (24, 3)):
        expected = list(range(after + 1, min(after + limit, 24) + 1))
        assert [record.number for record in await read(store, 0, after, limit)] == expected


async def test_a_stream_splices_its_own_fields_at_the_front(store):
    await append(store, Draft(7, b'{"type":"t"}'), Draft(7, b'{"id":"theirs"}', own=False))
    own, theirs = await read(store, 7)
    assert own.body.startswith(b'{"sequence":"1","partitionkey":"7","received":"')
    assert b'"id":"test.things/7/1"' in own.body
    assert theirs.body.count(b'"id"') == 1


async def test_received_never_falls_within_a_shard(store):
    async with begin(store) as tx:
        await tx.lock(STREAM, [2])
        late = tx.now + timedelta(days=1)
        await tx.append(STREAM, [Draft(2, b"{}", received=late)])
    await append(store, Draft(2, b"{}", received=late - timedelta(days=9)))
    first, second = (record.body[45:72] for record in await read(store, 2))
    assert first == second


async def test_a_transaction_that_fails_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError):
        async with begin(store) as tx:
            await tx.append(STREAM, [Draft(0, b"{}")])
            await tx.remember({b"k" * 16: Known(0, 1, b"c")})
            _ = 1 / 0
    assert await append(store, Draft(0, b"{}")) == [(0, 1)]
    async with begin(store) as tx:
        assert await tx.known([b"k" * 16]) == {}


async def test_a_key_is_known_once_remembered(store):
    async with begin(store) as tx:
        await tx.remember({b"a" * 16: Known(4, 9, b"content")})
    async with begin(store) as tx:
        assert await tx.known([b"a" * 16, b"b" * 16]) == {b"a" * 16: Known(4, 9, b"content")}


async def test_concurrent_appends_share_no_number(store):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(append(store, Draft(i % 2, b"{}"), Draft(9, b"{}"))) for i in range(12)]
    receipts = [receipt for task in tasks for receipt in task.result()]
    assert len(set(receipts)) == len(receipts) == 24
    assert sorted(number for shard, number in receipts if shard == 9) == list(range(1, 13))


async def own(store, epoch):
    if isinstance(store, MemoryExchange):
        store.own("reader", [STREAM], 3, epoch)
        return
    async with begin(store) as tx:
        await tx.execute(
            "INSERT INTO positions (consumer, stream, shard, chain, epoch) "
            "SELECT 'reader', :stream, s, :chain, :epoch FROM generate_series(3, 63, 16) s "
            "ON CONFLICT (consumer, stream, shard) DO UPDATE SET epoch = excluded.epoch",
            stream=STREAM,
            chain=EMPTY_CHAIN,
            epoch=epoch,
        )


async def test_positions_move_under_the_epoch_that_is_mine(store):
    await own(store, 1)
    moved = Position(STREAM, 19, 4, b"x" * 32, 17)
    async with begin(store) as tx:
        positions = await tx.fence("reader", {3: 1})
        assert sorted(positions) == [(STREAM, shard) for shard in (3, 19, 35, 51)]
        await tx.advance("reader", [moved])
    async with begin(store) as tx:
        assert (await tx.fence("reader", {3: 1}))[STREAM, 19] == moved


async def test_an_older_epoch_is_fenced(store):
    await own(store, 1)
    await own(store, 2)
    with pytest.raises(Fenced):
        async with begin(store) as tx:
            await tx.fence("reader", {3: 1})


async def test_who_holds_nothing_is_fenced(store):
    await own(store, 1)
    with pytest.raises(Fenced):
        async with begin(store) as tx:
            await tx.fence("reader", {})


async def audit(store):
    if isinstance(store, MemoryExchange):
        return [(actor, action) for actor, action, _ in store.state.audit]
    async with store.reading() as tx:
        return [tuple(row) for row in await tx.execute("SELECT actor, action FROM audit ORDER BY id")]


async def test_every_change_has_one_audit_row_and_a_failed_one_has_none(store):
    await append(store, Draft(0, b"{}"))
    with pytest.raises(ZeroDivisionError):
        async with store.begin(actor="test", action="fail") as tx:
            await tx.append(STREAM, [Draft(0, b"{}")])
            _ = 1 / 0
    async with store.begin(actor="other", action="nothing"):
        pass
    assert await audit(store) == [("test", "append"), ("other", "nothing")]


async def test_reading_and_beating_leave_no_audit_row(exchange: Exchange):
    async with exchange.reading() as tx:
        await tx.append(STREAM, [Draft(0, b"{}")])
    async with exchange.beating() as tx:
        await tx.execute("INSERT INTO workers VALUES ('c', 'w', now())")
    assert await audit(exchange) == []
    assert await read(exchange, 0) == []


async def test_a_stamp_from_the_feed_holds_from_the_first_record_on(store):
    early = datetime(2011, 3, 1, tzinfo=UTC)
    await append(store, Draft(2, b"{}", received=early), Draft(2, b"{}", received=early - timedelta(days=1)))
    await append(store, Draft(2, b"{}", received=early + timedelta(days=1)))
    stamps = [received_of(record) for record in await read(store, 2)]
    assert stamps == [early, early, early + timedelta(days=1)]

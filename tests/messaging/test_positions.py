"""An answer's `as_of` moves with every position that it stands on, and with no other."""

from shared.kernel.digests import EMPTY_CHAIN
from shared.storage.positions import positions_digest

PLACES = [("a", "s.one", 3, 1), ("a", "s.two", 0, 7), ("b", "s.one", 3, 2)]


async def reach(exchange, *places):
    async with exchange.begin(actor="test", action="reach") as tx:
        for consumer, stream, shard, number in places:
            await tx.many(
                "INSERT INTO positions (consumer, stream, shard, number, chain) VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (consumer, stream, shard) DO UPDATE SET number = excluded.number",
                consumer, stream, shard, number, EMPTY_CHAIN,
            )  # fmt: skip


async def digest(exchange, *consumers):
    async with exchange.reading() as tx:
        return await positions_digest(tx, consumers)


async def test_the_digest_moves_with_each_position_of_its_consumers(exchange):
    await reach(exchange, *PLACES)
    seen = {await digest(exchange, "a", "b")}
    for consumer, stream, shard, number in PLACES:
        await reach(exchange, (consumer, stream, shard, number + 1))
        seen.add(await digest(exchange, "a", "b"))
    assert len(seen) == 4


async def test_other_consumers_and_shards_without_a_record_do_not_move_it(exchange):
    await reach(exchange, *PLACES)
    before = await digest(exchange, "a")
    await reach(exchange, ("b", "s.one", 3, 9), ("a", "s.one", 5, 0))
    assert await digest(exchange, "a") == before
    assert await digest(exchange, "b", "a") == await digest(exchange, "a", "b")

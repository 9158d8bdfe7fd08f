"""What stage B posts on a real PostgreSQL: entries that go on from each other, name what moved them, and figures."""

import json
from decimal import Decimal

from services.scoring.contract import ACCEPTED, ENTRIES, SCHEMES, EntriesPosted
from shared.contracts import envelope
from shared.kernel.shards import shard_of
from tests.scoring.test_stages import (
    EVENTS,
    HELD,
    MARCH,
    accept,
    apply_each,
    begun,
    kept_cells,
    levy,
    scoring,
    state,
)

__all__ = ["scoring"]


async def test_entries_telescope_and_sum_to_their_cells(scoring):
    exchange, _ = await state(scoring, EVENTS)
    async with exchange.reading() as tx:
        rows = await tx.execute("SELECT month, unit, indicator, old, new FROM entries ORDER BY id")
        kept = await kept_cells(tx)
    last, total = {}, {}
    for row in rows:
        key = row.month, row.unit, row.indicator
        assert row.old == last.get(key)
        last[key] = row.new
        total[key] = total.get(key, Decimal(0)) + (row.new or 0) - (row.old or 0)
    assert total == kept


async def test_the_figures_of_every_period_around_a_month_are_published(scoring):
    exchange, _ = await state(scoring, EVENTS)
    shard = shard_of("mini/bureaus")
    async with exchange.reading() as tx:
        records = await tx.read(ENTRIES, shard, 0, 1000)
    figures = {}
    for record in records:
        posted = envelope.decode_data(envelope.decode(record.body), EntriesPosted)
        figures |= {(f.period, f.unit, i): value for f in posted.figures for i, value in f.values.items()}
    assert {p for p, u, i in figures if u == "b1" and i == "ontime"} >= {
        "2021-03",
        "2021-Q1",
        "2021-H1",
        "2021",
    }
    assert figures["2021-Q1", "b2", "ontime"] == "10.000000000000"
    assert figures["2021-05", "b2", "ontime"] is None


async def test_an_entry_names_the_records_that_moved_its_month_and_no_others(scoring):
    exchange, driver = await begun(scoring)
    await accept(exchange, [levy(1), levy(2), levy(3, unit="b2"), levy(4, time="2021-05-01T00:00:00Z")])
    await driver.run()
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT unit, month, indicator, ranges AS cause FROM entries e JOIN causes c ON c.digest = e.cause ORDER BY e.id"
        )
    b1, b2, bureaus = shard_of("b1"), shard_of("b2"), shard_of("mini/bureaus")
    first = {json.dumps(row.cause) for row in rows if row.indicator == "missed"}
    assert first == {json.dumps([{"last": 1, "first": 1, "shard": bureaus, "stream": SCHEMES}])}
    moved = {(row.unit, row.month): row.cause for row in rows if row.indicator == "ontime"}
    assert moved[("b1", MARCH)] == [{"stream": ACCEPTED, "shard": b1, "first": 2, "last": 4}]
    assert [(one["shard"], one["stream"]) for one in moved[("b2", MARCH)]] == [(b2, ACCEPTED)]


async def test_what_is_held_in_memory_is_what_was_committed(scoring):
    """Batch by batch with what is held, forgotten, or rolled back and then forgotten: the same entries."""
    found = []
    for how in HELD:
        exchange, driver = await begun(scoring)
        await apply_each(exchange, driver, EVENTS, how)
        async with exchange.reading() as tx:
            entries = await tx.execute(
                "SELECT month, unit, indicator, old, new, cause FROM entries ORDER BY id"
            )
            sent = await tx.execute("SELECT chain FROM stream_shards WHERE stream = :stream", stream=ENTRIES)
            kept = await kept_cells(tx)
        found.append(([tuple(row) for row in entries], len(sent), kept))
    assert found[0] == found[1] == found[2]
    assert found[0][2][MARCH, "b2", "ontime"] == 10

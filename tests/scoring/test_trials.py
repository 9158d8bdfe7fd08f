"""Trials on a real PostgreSQL: what adoption would have given, beside what is in force and without a trace in it."""

import random
from decimal import Decimal

import pytest

from services.scoring.contract import ENTRIES, PARTIALS, SCHEMES, TRIAL_PARTIALS, TRIALS
from shared.kernel.periods import Month
from shared.storage.comparing import domain_tables
from tests.scoring.test_stages import levy
from tests.scoring.test_verify import proof, settled
from tests.scoring.trials import (
    ALL,
    SAID_OF_UNITS,
    batched,
    decided_under,
    end,
    feed,
    first,
    fresh,
    given_of,
    in_force,
    start,
    stricter,
    told,
    tried,
    with_persons,
)

__all__ = ["fresh"]


@pytest.mark.parametrize(
    ("seed", "at"),
    [(2, 2), *(pytest.param(*more, marks=pytest.mark.long) for more in ((1, 0), (4, 9)))],
)
async def test_a_trial_on_past_and_coming_events_equals_what_adoption_would_have_given(fresh, seed, at):
    facts = [*ALL, *SAID_OF_UNITS]
    order = random.Random(seed).sample(facts, len(facts))
    driver = await fresh(with_persons(first()))
    for place, batch in enumerate([*batched(order, [4, 1, 6, 2, 5, 3])]):
        if place == at:
            await start(driver.exchange, with_persons(stricter()))
        await feed(driver.exchange, batch)
        await driver.run()
    if at > place:
        await start(driver.exchange, with_persons(stricter()))
        await driver.run()
    expected = await given_of(fresh, with_persons(stricter()), decided_under("mini@2", order))
    assert await tried(driver.exchange) == expected
    for code in ("late", "conduct", "marks", "audit", "reliability", "ontime", "missed"):
        assert len({value for (_, _, one), value in expected.items() if one == code}) > 1, code


async def kept(exchange):
    """Return a digest of every table and stream but those of trials, and of the rows of trials in them."""
    ours = ("trials", "trial_cells", "audit", "in_force", "schemes", "stream_shards", "outbox")
    async with exchange.reading() as tx:
        found = {}
        for table, columns in (await domain_tables(tx, ours)).items():
            row = f"ROW({', '.join(columns)})::text"
            lines = [one.line for one in await tx.execute(f"SELECT {row} AS line FROM {table} ORDER BY 1")]
            found[table] = [line for line in lines if "mini~" not in line]
        rows = await tx.many("SELECT stream, shard, number, chain FROM stream_shards WHERE number > 0")
        streams = {(one["stream"], one["shard"]): (one["number"], one["chain"]) for one in rows}
        ids = await tx.many("SELECT id, unit, month, indicator, old, new, at FROM entries ORDER BY id")
    return found, streams, [tuple(one.values()) for one in ids]


async def test_without_a_trace_in_ledger_sums_facts_suspense_and_streams(fresh):
    """The same batches, with a trial that begins, runs and ends, and without: equal bit for bit."""
    order = random.Random(5).sample(ALL, len(ALL))
    held = []
    for trying in (False, True):
        driver = await fresh(first())
        for place, batch in enumerate(batched(order, [3, 4, 5, 2, 3])):
            if trying and place == 1:
                await start(driver.exchange)
            if trying and place == 4:
                await end(driver.exchange)
            await feed(driver.exchange, batch)
            await driver.run()
        held.append(await kept(driver.exchange))
    (plain, streams, entries), (beside, more, same) = held
    assert plain == beside
    assert len(plain["suspense"]) > 2
    assert entries == same
    of_trials = {TRIALS, TRIAL_PARTIALS}
    assert {key for key in more if key[0] in of_trials}
    assert {key: value for key, value in more.items() if key[0] not in {*of_trials, SCHEMES}} == {
        key: value for key, value in streams.items() if key[0] != SCHEMES
    }
    assert {ENTRIES, PARTIALS} <= {stream for stream, _ in streams}


@pytest.mark.long
async def test_entries_of_a_trial_telescope_and_sum_to_its_cells(fresh):
    driver = await fresh(first())
    await start(driver.exchange)
    for batch in batched(ALL, [5, 5, 5]):
        await feed(driver.exchange, batch)
        await driver.run()
    last = {}
    for posted in await told(driver.exchange):
        for row in posted.entries:
            for code, (old, new) in row.cells.items():
                key = row.month, row.unit, code
                assert old == last.get(key)
                last[key] = new
    cells = await tried(driver.exchange)
    named = {
        (str(Month.of_ordinal(month)), unit, code): value for (month, unit, code), value in cells.items()
    }
    assert named == {key: Decimal(value) for key, value in last.items() if value is not None}


@pytest.mark.long
async def test_a_trial_of_one_indicator_differs_in_it_alone(fresh):
    driver = await fresh(first())
    await feed(driver.exchange, [*ALL, levy(60, unit="b2", ontime=False)])
    one = first(2)
    one["indicators"][0]["method"] = {"target": {"target": "1"}}
    await start(driver.exchange, one)
    await driver.run()
    tried_cells, real = await tried(driver.exchange), await in_force(driver.exchange, 1)
    assert {key[2] for key in real if tried_cells[key] != real[key]} == {"ontime"}
    assert tried_cells.keys() == real.keys()


@pytest.mark.long
async def test_a_proof_of_the_ledger_finds_nothing_beside_a_trial(fresh):
    driver = await fresh(first())
    await start(driver.exchange)
    for batch in batched(ALL, [7, 7]):
        await feed(driver.exchange, batch)
        await driver.run()
    await settled(driver.exchange, driver)
    assert await proof(driver.exchange) == []

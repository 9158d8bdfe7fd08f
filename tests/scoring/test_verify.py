"""A proof of the ledger: a healthy state gives no finding, every tampering is found and named."""

import asyncio
from contextlib import suppress

import pytest

from services.scoring.contract import (
    ACCEPTED,
    ENTRIES,
    ENTRIES_POSTED,
    ITEMS,
    PARTIALS,
    SCHEMES,
    SOURCE,
    EntriesPosted,
)
from services.scoring.domain.proof import Scope, Wrong
from services.scoring.proving import prove
from services.scoring.verifying import Verifications
from shared.contracts import envelope
from shared.contracts.scoring import PeriodFigures
from shared.kernel.errors import Refused
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from tests.scoring.test_derived import WithItems, item, tell
from tests.scoring.test_stages import EVENTS, MARCH, accept, adopt, levy, missed, scoring, teach
from tests.scoring_domain.late_days import scheme
from tests.waiting import becomes

__all__ = ["scoring"]
STREAMS = {"a": (ACCEPTED, ITEMS, SCHEMES), "b": (PARTIALS, SCHEMES)}
BUREAUS = shard_of("mini/bureaus")
MORE = [levy(20 + at, unit=f"b{1 + at % 2}", day=1 + at % 28, ontime=at % 3 > 0) for at in range(30)]


class Ahead:
    """Counts the steps of a proof."""

    def __init__(self):
        self.phases = []

    def begin(self, phase, total):
        self.phases.append([phase, 0, total])

    def step(self, count):
        self.phases[-1][1] += count


async def settled(exchange, driver):
    """Write positions where the consumers would have written them."""
    async with exchange.begin(actor="test", action="positions") as tx:
        for (stage, stream, shard), number in driver.done.items():
            await tx.many(
                "INSERT INTO positions (consumer, stream, shard, number, chain) VALUES ($1, $2, $3, $4, '') "
                "ON CONFLICT (consumer, stream, shard) DO UPDATE SET number = excluded.number",
                f"scoring-{stage}",
                stream,
                shard,
                number,
            )


async def lived(scoring):
    """A scheme with late days, events in several batches, cases, corrections, an item that moved."""
    exchange = await scoring()
    driver = WithItems(exchange)
    await teach(exchange)
    await driver.run()
    await adopt(exchange, scheme())
    await driver.run()
    for part in (EVENTS, MORE, [missed(9, "2021-05-02T08:00:00+08:00", unit="b2")]):
        await accept(exchange, part)
        await driver.run()
    await tell(exchange, item(), item(name="i2", unit="b2"))
    await driver.run()
    await settled(exchange, driver)
    return exchange, driver


async def proof(exchange, scope=None):
    async with exchange.snapshot() as tx:
        return [one async for one in prove(tx, scope or Scope(), Ahead())]


async def changed(exchange, *statements):
    async with exchange.begin(actor="mallory", action="tamper") as tx:
        await tamper(tx, *statements)


async def tamper(tx, *statements):
    for table in ("entries", "causes", "outbox"):
        await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        await tx.many(statement) if isinstance(statement, str) else await statement(tx)


async def tell_wrong(exchange, **told):
    """Tell ranking of the bureaus what nothing has come to."""
    posted = EntriesPosted(
        scheme="mini",
        version=1,
        group="bureaus",
        cause=(),
        fresh_at="2021-12-31T00:00:00.000000Z",
        day="2021-12-31",
        **told,
    )
    body = envelope.encode(ENTRIES_POSTED, SOURCE, "mini/bureaus", posted)
    async with exchange.begin(actor="mallory", action="tamper") as tx:
        await tx.append(ENTRIES, [Draft(BUREAUS, body)])


def named(findings):
    return {str(cell) for one in findings for cell in one.cells}


async def test_a_healthy_state_gives_no_finding_and_tells_how_far_it_is(scoring):
    exchange, _ = await lived(scoring)
    ahead = Ahead()
    async with exchange.snapshot() as tx:
        assert [one async for one in prove(tx, Scope(), ahead)] == []
    assert [phase for phase, _, _ in ahead.phases] == ["facts", "ledger", "cells"]
    assert all(done == total > 0 for _, done, total in ahead.phases)


async def test_a_quarter_that_was_told_wrong_is_found(scoring):
    exchange, _ = await lived(scoring)
    wrong = PeriodFigures(unit="b1", period="2021-Q1", values={"missed": "7.000000000000"})
    await tell_wrong(exchange, figures=(wrong,))
    (found,) = await proof(exchange)
    assert (found.what, found.where, str(found.cells[0])) == (
        "figure",
        "figures 2021-Q1",
        "mini@1 2021-03 b1 missed",
    )
    assert await proof(exchange, Scope(period="2021-05")) == []


async def test_what_is_on_its_way_between_the_stages_is_no_finding(scoring):
    exchange, driver = await lived(scoring)
    for number in range(3):
        await accept(
            exchange,
            [levy(f"w{number}{at}", unit="b1", ontime=at > 0) for at in range(4)]
            + [levy(f"c{number}", ontime=False, revision=number + 1, correctssource="s", correctsid="l21")],
        )
        await driver.run_stage("a")
        await settled(exchange, driver)
        assert await proof(exchange) == []
    await tell(exchange, item(version=2, days=("2021-04-30",)))
    await driver.run_stage("a")
    await settled(exchange, driver)
    assert await proof(exchange) == []
    await driver.run_stage("b", limit=1)
    await settled(exchange, driver)
    assert await proof(exchange) == []


async def test_a_scheme_that_only_some_have_heard_of_is_no_finding(scoring):
    exchange, driver = await lived(scoring)
    again = scheme()
    again["scheme"]["version"] = 2
    await adopt(exchange, again)
    await driver.run_stage("a")
    await settled(exchange, driver)
    assert await proof(exchange) == []
    await driver.run_stage("b", only=BUREAUS, limit=3)
    await settled(exchange, driver)
    assert await proof(exchange) == []
    await driver.run()
    await settled(exchange, driver)
    assert await proof(exchange) == []


async def test_what_came_in_one_batch_with_a_scheme_is_no_finding(scoring):
    exchange, driver = await lived(scoring)
    again = scheme()
    again["scheme"]["version"] = 2
    await accept(exchange, [levy("w1", ontime=False)])
    await adopt(exchange, again)
    await driver.run_stage("a")
    await settled(exchange, driver)
    assert await proof(exchange) == []
    await driver.run()
    await settled(exchange, driver)
    assert await proof(exchange) == []


async def test_a_sum_that_is_on_its_way_is_still_judged_by_what_was_told_before(scoring):
    exchange, driver = await lived(scoring)
    await accept(exchange, [levy("w1", ontime=False)])
    await driver.run_stage("a")
    await settled(exchange, driver)
    await changed(
        exchange,
        f"UPDATE inputs SET numbers = '[7,7,7]' WHERE unit = 'b1' AND month = {MARCH} AND over = 'levy.done.v1'",
    )
    findings = await proof(exchange)
    assert Wrong.INPUT in {one.what for one in findings}
    assert "mini@1 2021-03 b1 ontime" in named(findings)


async def _flip_a_fact(tx):
    (row,) = await tx.many("SELECT * FROM facts WHERE position('\"m9\"'::bytea in bodies) > 0")
    body = row["bodies"].replace(b"2021-05-02T", b"2021-06-02T")
    await tx.many(
        "UPDATE facts SET bodies = $1 WHERE shard = $2 AND first = $3", body, row["shard"], row["first"]
    )


async def _lose_facts(tx):
    await tx.many("DELETE FROM facts WHERE position('\"m9\"'::bytea in bodies) > 0")


async def _flip_a_case(tx):
    (row,) = await tx.many("SELECT * FROM cases WHERE position('\"l5\"'::bytea in events) > 0")
    events = row["events"].replace(b'"ontime": false', b'"ontime": true')
    await tx.many(
        "UPDATE cases SET events = $1 WHERE shard = $2 AND grp = $3", events, row["shard"], row["grp"]
    )


async def _spare_a_late_day(tx):
    (row,) = await tx.many("SELECT * FROM derived WHERE key = 'i1'")
    body = row["body"].replace(b'"2021-05-06",', b"")
    await tx.many("UPDATE derived SET body = $1 WHERE key = 'i1'", body)


async def _rewrite_a_record(tx):
    rows = await tx.many("SELECT * FROM outbox WHERE stream = $1 ORDER BY first", ENTRIES)
    row = next(one for one in rows if b'"10.000000000000"' in one["bodies"])
    bodies = row["bodies"].replace(b'"10.000000000000"', b'"10.000000000001"', 1)
    await tx.many(
        "UPDATE outbox SET bodies = $1 WHERE stream = $2 AND shard = $3 AND first = $4",
        bodies,
        ENTRIES,
        row["shard"],
        row["first"],
    )


B1_ONTIME = f"unit = 'b1' AND month = {MARCH} AND indicator = 'ontime'"
LAST = f"id = (SELECT max(id) FROM entries WHERE {B1_ONTIME})"
TAMPERINGS = {
    "a stored fact is turned": ([_flip_a_fact], {Wrong.PARTIAL, Wrong.CELL}, "2021-05 b2 missed"),
    "a stored fact is lost": ([_lose_facts], {Wrong.PARTIAL, Wrong.CELL}, "2021-05 b2 missed"),
    "an event of a case is turned": ([_flip_a_case], {Wrong.PARTIAL, Wrong.CELL}, "2021-03 b1 ontime"),
    "a late day is taken from an item": ([_spare_a_late_day], {Wrong.PARTIAL, Wrong.CELL}, "2021-05 b1 late"),
    "a sum of stage A is another": (
        [f"UPDATE partials SET numbers = '[5,5,5]' WHERE unit = 'b1' AND month = {MARCH} AND over = 'levy.done.v1'"],
        {Wrong.PARTIAL},
        "2021-03 b1 ontime",
    ),
    "a sum of stage B is another": (
        [f"UPDATE inputs SET numbers = '[5,5,5]' WHERE unit = 'b1' AND month = {MARCH} AND over = 'levy.done.v1'"],
        {Wrong.INPUT},
        "2021-03 b1 ontime",
    ),
    "a sum of stage B is lost": (
        [f"DELETE FROM inputs WHERE unit = 'b2' AND month = {MARCH} AND over = 'levy.done.v1'"],
        {Wrong.INPUT},
        "2021-03 b2 ontime",
    ),
    "a cell is raised by the least there is": (
        [f"UPDATE cells SET value = value + 0.000000000001 WHERE {B1_ONTIME}"],
        {Wrong.CELL, Wrong.ENTRIES},
        "2021-03 b1 ontime",
    ),
    "a cell is lost": (
        [f"DELETE FROM cells WHERE {B1_ONTIME}"],
        {Wrong.CELL, Wrong.ENTRIES},
        "2021-03 b1 ontime",
    ),
    "a cell is invented": (
        ["INSERT INTO cells VALUES ('mini', 1, 'bureaus', 'b1', 24255, 'ontime', 10)"],
        {Wrong.CELL, Wrong.ENTRIES},
        "2021-04 b1 ontime",
    ),
    "a cell and its last entry are raised alike": (
        [
            f"UPDATE cells SET value = 10 WHERE {B1_ONTIME}",
            f"UPDATE entries SET new = 10 WHERE {LAST}",
        ],
        {Wrong.CELL, Wrong.PUBLISHED},
        "2021-03 b1 ontime",
    ),
    "an entry is another": (
        [f"UPDATE entries SET old = 1 WHERE {LAST}"],
        {Wrong.ENTRIES, Wrong.PUBLISHED},
        "2021-03 b1 ontime",
    ),
    "an entry is lost": (
        [f"DELETE FROM entries WHERE id = (SELECT min(id) FROM entries WHERE {B1_ONTIME})"],
        {Wrong.ENTRIES, Wrong.PUBLISHED},
        "2021-03 b1 ontime",
    ),
    "entries are invented that cancel": (
        [
            ("INSERT INTO entries (scheme, version, grp, month, unit, indicator, old, new, cause, at) "
            f"SELECT scheme, version, grp, month, unit, indicator, new, 1, cause, at FROM entries WHERE {LAST}"),
            ("INSERT INTO entries (scheme, version, grp, month, unit, indicator, old, new, cause, at) "
            f"SELECT scheme, version, grp, month, unit, indicator, new, old, cause, at FROM entries WHERE {LAST}"),
        ],
        {Wrong.PUBLISHED},
        "2021-03 b1 ontime",
    ),
    "an entry names other numbers": (
        [f"UPDATE entries SET cause = (SELECT cause FROM entries WHERE unit = 'b2' AND old IS NOT NULL LIMIT 1) WHERE {LAST}"],
        {Wrong.CAUSE},
        "2021-03 b1 ontime",
    ),
    "the numbers that an entry names are widened": (
        [
            ("UPDATE causes SET ranges = jsonb_set(ranges, '{0,first}', '1') WHERE digest = "
            f"(SELECT cause FROM entries WHERE {LAST})")
        ],
        {Wrong.CAUSE},
        "2021-03 b1 ontime",
    ),
    "a published record is rewritten": ([_rewrite_a_record], {Wrong.CHAIN, Wrong.PUBLISHED}, "b"),
    "the end of the published ledger is cut": (
        [f"DELETE FROM outbox WHERE stream = '{ENTRIES}' AND last = (SELECT max(number) FROM stream_shards WHERE stream = '{ENTRIES}')"],
        {Wrong.CHAIN, Wrong.PUBLISHED},
        "b",
    ),
}  # fmt: skip


class UndoneError(Exception):
    """Takes a tampering back."""


async def test_every_tampering_is_found_and_named(scoring):
    exchange, _ = await lived(scoring)
    for case, (statements, kinds, cell) in TAMPERINGS.items():
        with suppress(UndoneError):
            async with exchange.begin(actor="mallory", action="tamper") as tx:
                await tamper(tx, *statements)
                findings = [one async for one in prove(tx, Scope(), Ahead())]
                assert kinds <= {one.what for one in findings}, case
                assert any(cell in name for name in named(findings)), (case, named(findings))
                raise UndoneError
    assert await proof(exchange) == []


async def test_a_scope_narrows_what_is_proved(scoring):
    exchange, _ = await lived(scoring)
    await changed(exchange, f"UPDATE cells SET value = 1 WHERE unit = 'b1' AND month = {MARCH}")
    assert await proof(exchange, Scope("mini", "b1", "2021-03"))
    for scope in (Scope("other"), Scope(unit="b2"), Scope(period="2021-04")):
        assert await proof(exchange, scope) == []


async def test_a_proof_is_asked_for_followed_and_one_at_a_time(scoring, postgres_url):
    exchange, _ = await lived(scoring)
    async with exchange.reading() as tx:
        (row,) = await tx.many("SELECT current_schema() AS name")
    verifications = Verifications(postgres_url, row["name"])
    running = asyncio.create_task(verifications.run())
    run = verifications.start("ada", Scope())
    with pytest.raises(Refused, match="under way"):
        verifications.start("bob", Scope())
    await becomes(lambda: verifications.find(run.id).state not in {"waiting", "proving"})
    assert (run.state, run.findings, len(run.as_of)) == ("proved", [], 64)
    await changed(exchange, f"UPDATE cells SET value = 1 WHERE unit = 'b1' AND month = {MARCH}")
    run = verifications.start("ada", Scope())
    await becomes(lambda: verifications.find(run.id).state not in {"waiting", "proving"})
    assert run.state == "broken"
    assert run.found[Wrong.CELL] == len([one for one in run.findings if one.what is Wrong.CELL])
    running.cancel()
    with pytest.raises(Refused, match="no such proof"):
        verifications.find(99)

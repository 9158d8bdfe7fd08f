"""The cut of a period passes when all that was received before it is in the figures, and is told once."""

import json
from datetime import timedelta

import pytest
from msgspec import structs

from services.scoring import handlers
from services.scoring.contract import (
    ACCEPTED,
    CONSUMER_A,
    CONSUMER_B,
    CUT_PASSED,
    CUTS,
    DEDUCTION_DECIDED,
    DEDUCTIONS,
    ENTRIES_POSTED,
    ITEM_CHANGED,
    ITEMS,
    PARTIALS,
    SCHEMES,
    SOURCE,
    DeductionDecided,
    IncidentName,
)
from services.scoring.stage_a import StageA
from services.scoring.stage_b import Ledger, StageB
from shared.contracts import envelope, partials
from shared.kernel import instants
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS, shard_of
from shared.messaging.archive import OwnArchive
from shared.runtime.rebuilding import Commanded, Fold, Rebuilds
from tests.rebuilds import rebuilt
from tests.scoring.cuts import GROUP_SHARD, T, WithCuts, begun, counted, made, records, risk, scheme
from tests.scoring.test_derived import item
from tests.scoring.test_stages import scoring, teach

__all__ = ["scoring"]

A_SECOND = timedelta(seconds=1)
BEFORE = {"2100-01", "2100-02", "2100-03", "2100-Q1"}


def data(event):
    return json.loads(bytes(event.data))


async def passed(exchange):
    return [data(one)["period"] for one in await records(exchange) if one.type == CUT_PASSED]


async def test_what_was_received_before_t_and_is_under_way_when_clocks_pass_is_told_before_the_cut(scoring):
    exchange, driver = await begun(scoring)
    await driver.receive(made(1, T - A_SECOND))
    await driver.tick(T - A_SECOND)
    await driver.run()
    assert await driver.settle() > 0
    await driver.run()
    assert set(await passed(exchange)) == {"2100-01", "2100-02"}
    await driver.receive(made(2, T - A_SECOND, ontime=False))
    await driver.tick(T, range(1, SHARDS))
    await driver.run_stage("a")
    assert await driver.settle() == 0
    await driver.tick(T, [0])
    await driver.run_stage("a")
    assert await driver.settle() > 0
    async with exchange.reading() as tx:
        assert "2100-03" not in str([one.body for one in await tx.read(CUTS, GROUP_SHARD, 0, 10)])
    await driver.run_stage("b")
    await driver.settle()
    await driver.run_stage("b")
    assert set(await passed(exchange)) == BEFORE
    told = await records(exchange)
    march = next(
        at for at, one in enumerate(told) if (one.type, data(one).get("period")) == (CUT_PASSED, "2100-03")
    )
    assert data(told[march]) == {
        "scheme": "mini",
        "group": "bureaus",
        "period": "2100-03",
        "cut": "2100-03-31T16:00:00.000000Z",
        "day": "2100-03-31",
        "exact": True,
    }
    last = max(at for at, one in enumerate(told) if one.type == ENTRIES_POSTED)
    assert last < march
    assert [row["values"]["ontime"] for row in data(told[last])["figures"] if row["period"] == "2100-03"] == [
        "5.102040816327"
    ]


async def test_a_cut_is_told_once_whoever_takes_its_steps(scoring):
    exchange, driver = await begun(scoring)
    await driver.tick(T)
    await driver.run()
    assert await driver.settle(workers=3) > 0
    await driver.run()
    await driver.tick(T + A_SECOND)
    await driver.run()
    assert await driver.settle(workers=3) == 0
    await driver.run()
    assert sorted(await passed(exchange)) == sorted(BEFORE)


async def test_without_grace_nothing_is_cut(scoring):
    _, driver = await begun(scoring, scheme(grace_days=None))
    await driver.tick(T)
    await driver.run()
    assert await driver.settle() == 0


async def test_a_batch_over_t_is_told_day_by_day_and_what_comes_behind_says_so(scoring):
    exchange, driver = await begun(scoring)
    await driver.receive(made(1, T - A_SECOND), made(2, T, ontime=False))
    await driver.run()
    days = [(data(one)["day"], data(one).get("brought")) for one in await records(exchange)]
    assert days[-2:] == [("2100-03-31", None), ("2100-04-01", None)]
    await driver.receive(made(3, T - A_SECOND, unit="b2"))
    await driver.run()
    behind = data((await records(exchange))[-1])
    assert (behind["day"], behind["brought"]) == ("2100-04-01", "2100-03-31")
    assert behind["behind"] == {"b2": ["2100", "2100-03", "2100-H1", "2100-Q1"]}


async def test_what_a_shard_tells_last_stands_though_it_was_received_earlier(scoring):
    """Sums are absolute: of one shard of stage A none is put over a later one, whatever its day."""
    exchange, driver = await begun(scoring)
    await driver.receive(made(1, T))
    await driver.run_stage("a")
    async with exchange.begin(actor="test", action="told behind") as tx:
        last = envelope.decode((await tx.read(PARTIALS, GROUP_SHARD, 0, 100))[-1].body)
        changed = partials.read(last.data)
        row = changed.blocks[0].rows[0]
        numbers = [0, *row.numbers[1:]]
        blocks = [structs.replace(changed.blocks[0], rows=[structs.replace(row, numbers=numbers)])]
        behind = structs.replace(changed, received=instants.text(T - A_SECOND), blocks=blocks)
        body = envelope.encode_written(last.type, last.source, last.subject, partials.written(behind))
        await tx.append(PARTIALS, [Draft(GROUP_SHARD, body)])
    await driver.run_stage("b")
    async with exchange.reading() as tx:
        found = await tx.many("SELECT numbers FROM inputs WHERE unit = $1", row.unit)
    assert [json.loads(one["numbers"]) for one in found] == [numbers]
    assert data((await records(exchange))[-1])["brought"] == "2100-03-31"


async def test_the_figures_of_a_cut_are_those_of_what_was_received_before_t_whatever_overtook_it(scoring):
    """A late risk of the same unit and month is told before one that came in time by another shard."""
    early, late = risk(1, T - A_SECOND, case="c1"), risk(2, T, case="c2")
    found = []
    for events in ([early], [early, late]):
        exchange, driver = await begun(scoring)
        await driver.receive(made(1, T - A_SECOND), *events)
        for event, _ in reversed(events):
            await driver.run_stage("a", only=shard_of(event["case"]))
            await driver.run_stage("b")
        await driver.cut()
        found.append(await counted(exchange))
    assert found[0] == found[1]
    figures, exact = found[1]
    assert exact == [True]
    assert figures["b1"] == {"missed": "9.500000000000", "ontime": "10.000000000000"}
    assert figures["b2"] == {"missed": "10.000000000000", "ontime": None}


def decision(version, received, newest=None):
    """Return what is told of an incident that cost nobody anything."""
    told = DeductionDecided(
        key="k",
        version=version,
        incident=IncidentName(object="t1", content="vat", year=2099),
        unit="b1",
        deductions=(),
        received=instants.text(received),
        cause=(),
        newest=newest and instants.text(newest),
    )
    return DEDUCTIONS, envelope.encode(DEDUCTION_DECIDED, SOURCE, "k", told)


def changed_item(version, received):
    told = item(version=version, received=instants.text(received), days=())
    return ITEMS, envelope.encode(ITEM_CHANGED, SOURCE, "i1", told)


@pytest.mark.parametrize(
    ("told", "exact"),
    [
        ([decision(1, T - A_SECOND), decision(2, T)], True),
        ([decision(1, T - A_SECOND, newest=T)], False),
        ([decision(1, T - A_SECOND, newest=T), decision(2, T)], False),
        ([changed_item(1, T)], True),
        ([changed_item(1, T - A_SECOND)], True),
        ([changed_item(1, T - A_SECOND), changed_item(2, T)], False),
    ],
)
async def test_figures_at_t_are_told_only_where_every_fact_is_known_as_it_was(scoring, told, exact):
    exchange, driver = await begun(scoring)
    for stream, body in told:
        async with exchange.begin(actor="test", action="tell") as tx:
            await tx.append(stream, [Draft(shard_of("b1"), body)])
    await driver.cut()
    figures, said = await counted(exchange)
    assert (said, set(figures)) == ([exact], {"b1", "b2"} if exact else set())


async def test_a_rebuild_repeats_what_was_told_of_cuts_and_decides_nothing_anew(scoring, postgres_url):
    exchange, driver = await begun(scoring)
    await driver.receive(made(1, T - A_SECOND), made(2, T, ontime=False))
    await driver.tick(T)
    await driver.run_stage("a")
    await driver.settle()
    await driver.run_stage("b")
    await driver.settle()
    await driver.receive(made(3, T - A_SECOND, unit="b2"))
    await driver.run()
    assert sorted(await passed(exchange)) == sorted(BEFORE)
    async with exchange.reading() as tx:
        ((schema,),) = await tx.execute("SELECT current_schema()")
    archive = OwnArchive(exchange)
    folds = [
        Fold(CONSUMER_A, StageA, dict.fromkeys((ACCEPTED, SCHEMES, ITEMS), archive)),
        Fold(CONSUMER_B, StageB, dict.fromkeys((PARTIALS, SCHEMES, CUTS), archive)),
    ]
    commanded = Commanded(tables=("schemes", "cuts"), streams=(ACCEPTED, SCHEMES, ITEMS, CUTS))
    run = await rebuilt(Rebuilds("scoring", postgres_url, folds, commanded, schema=schema))
    assert (run.state, [one.table for one in run.different], run.chains) == ("same", [], [])


async def test_in_a_replay_what_an_adoption_moves_is_of_the_day_of_the_feed(scoring):
    """The database's day, which is that of an adoption there, would be that of its group for ever."""
    exchange = await scoring()
    driver = WithCuts(exchange)
    driver.stages = [
        ("a", StageA(replay=True), (ACCEPTED, SCHEMES, ITEMS)),
        ("b", StageB(book=Ledger(replay=True)), (PARTIALS, SCHEMES, CUTS)),
    ]
    await teach(exchange)
    await driver.receive(made(1, T - A_SECOND))
    await driver.tick(T - A_SECOND)
    await driver.run()
    async with exchange.begin(actor="ada", action="adopt") as tx:
        tx.replay_at(T + timedelta(days=9000))
        await handlers.draft_scheme(tx, scheme(), "ada")
        await handlers.adopt_scheme(tx, "mini", 1, "bob")
    await driver.run()
    await driver.receive(made(2, T))
    await driver.run()
    days = [data(one)["day"] for one in await records(exchange)]
    assert (days[0], days[-1]) == ("2100-03-31", "2100-04-01")
    assert {data(one).get("brought") for one in await records(exchange)} == {None}


async def test_the_batch_in_which_a_scheme_first_comes_is_told_day_by_day_too(scoring):
    exchange = await scoring()
    driver = WithCuts(exchange)
    await teach(exchange)
    await driver.run()
    await driver.receive(made(1, T - A_SECOND))
    async with exchange.begin(actor="ada", action="adopt") as tx:
        tx.replay_at(T - A_SECOND)
        await handlers.draft_scheme(tx, scheme(), "ada")
        await handlers.adopt_scheme(tx, "mini", 1, "bob")
    await driver.receive(made(2, T, ontime=False))
    await driver.run()
    told = [data(one) for one in await records(exchange)]
    march = [
        (one["day"], row["values"]["ontime"])
        for one in told
        for row in one["figures"]
        if (row["unit"], row["period"]) == ("b1", "2100-03")
    ]
    assert march == [("2100-03-31", "10.000000000000"), ("2100-04-01", "5.102040816327")]
    assert {one.get("brought") for one in told} == {None}

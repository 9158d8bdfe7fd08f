"""Trials on a real PostgreSQL: what adoption would have given, beside what is in force and without a trace in it."""

import itertools
import random
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from services.scoring import handlers, trial_cells, trialling, trials
from services.scoring.contract import (
    ACCEPTED,
    ENTRIES,
    ITEMS,
    PARTIALS,
    SCHEMES,
    TRIAL_PARTIALS,
    TRIALS,
    TrialEntriesPosted,
)
from services.scoring.stage_a import StageA
from services.scoring.trial_answers import TrialAsked
from services.scoring.trial_stage import TrialStage
from shared.contracts import envelope
from shared.kernel.errors import Refused
from shared.kernel.instants import parse
from shared.kernel.periods import Month
from shared.kernel.points import of_parts
from shared.kernel.shards import shard_of
from shared.migrations.runner import migrate
from shared.storage.comparing import domain_tables
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.scoring.test_comparing import UNITS
from tests.scoring.test_comparing import scheme as compared
from tests.scoring.test_derived import item, tell
from tests.scoring.test_stages import EVENTS, MARCH, Driver, accept, adopt, kept_cells, levy, missed, teach
from tests.scoring.test_verify import proof, settled

NAMES = itertools.count(1)
NOON = parse("2021-04-01T04:00:00.000000Z")
ODD = [
    levy(30, unit="zz"),
    levy(31, time="2020-12-31T08:00:00+08:00"),
    missed(32, "2021-03-05T08:00:00+08:00", unit="b3") | {"case": "c1"},
    missed(33, "2021-02-05T08:00:00+08:00", unit="b3") | {"case": "c1"},
    levy(34, unit="b4", voucher="v34", revision=1, correctssource="s", correctsid="l35", ontime=False),
    levy(35, unit="b4", voucher="v35"),
    levy(36, unit="b3", time="2021-02-05T08:00:00+08:00"),
    missed(37, "2021-02-05T08:00:00+08:00", unit="b4"),
]


class Still(Exchange):
    """An exchange in which it is always noon, so that what two of them hold may be equal bit for bit."""

    @asynccontextmanager
    async def begin(self, *, actor, action, detail=""):
        async with super().begin(actor=actor, action=action, detail=detail) as tx:
            tx.replay_at(NOON)
            yield tx


class Trying(Driver):
    def __init__(self, exchange):
        super().__init__(exchange)
        self.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, ITEMS)
        self.stages.append(("t", TrialStage(), (TRIAL_PARTIALS, SCHEMES)))

    async def hear(self, *streams):
        """Let stage A take of some streams only."""
        kept = self.stages[0]
        self.stages[0] = "a", kept[1], streams
        await self.run_stage("a")
        self.stages[0] = kept


@pytest.fixture
async def fresh(postgres_url):
    """A driver over a fresh schema of scoring, with types and, where it is given, a scheme in force."""
    opened = []

    async def make(document=None):
        schema = f"trials_{next(NAMES)}"
        engine = open_engine(postgres_url, schema)
        opened.append(engine)
        await migrate(engine, schema, "services.scoring.migrations")
        driver = Trying(Still(engine, "scoring"))
        await teach(driver.exchange)
        await driver.run()
        if document is not None:
            await adopt(driver.exchange, document)
            await driver.run()
        return driver

    yield make
    for engine in opened:
        await engine.dispose()


def first(version=1):
    """Return the scheme in force: methods that compare, a bonus, and points for late days."""
    document = compared(version)
    document["scheme"]["total"] = document["boards"][0]["points"] = "63"
    document["measures"]["late"] = {"items": "decision", "per_day": "0.2", "cap": "2"}
    late = {"code": "late", "name": "Late", "points": "3", "measure": "late", "method": {"deduct": {}}}
    document["indicators"].append({"board": "work", "groups": ["bureaus"]} | late)
    return document


def stricter(version=2):
    """Return a draft with another target, another step, another price of a late day, and a row more counted."""
    document = first(version)
    by_code = {one["code"]: one for one in document["indicators"]}
    by_code["ontime"]["method"] = {"target": {"target": "1"}}
    by_code["rank"]["method"] = {"rank": {"step": "0.2"}}
    document["measures"]["late"] |= {"per_day": "0.5", "version": 2}
    document["measures"]["made"] |= {"numerator": "count(*) FILTER (WHERE ontime)", "version": 2}
    return document


async def start(exchange, document=None, name="strict", **asked):
    document = document or stricter()
    async with exchange.begin(actor="ada", action="draft") as tx:
        await handlers.draft_scheme(tx, document, "ada")
    return await start_drafted(exchange, document["scheme"]["version"], name, **asked)


async def start_drafted(exchange, version=2, name="strict", **asked):
    async with exchange.begin(actor="ada", action="start") as tx:
        listed = await tx.many("SELECT digest FROM schemes WHERE version = $1::int", version)
        told = {"scheme": "mini", "version": version, "trial": name, "reason": "to see", **asked}
        return await trialling.start(tx, TrialAsked(**({"digest": listed[0]["digest"]} | told)), "ada")


async def end(exchange, name="strict"):
    async with exchange.begin(actor="ada", action="end") as tx:
        return await trialling.end(tx, "mini", name, "ada", "seen enough")


async def tried(exchange, name="strict", version=2):
    async with exchange.reading() as tx:
        found = await trial_cells.cells(tx, (f"mini~{name}", version, "bureaus"), UNITS)
    return {
        (month, unit, code): of_parts(value)
        for unit, kept in found.items()
        for (month, code), value in kept.items()
    }


async def in_force(exchange, version):
    async with exchange.reading() as tx:
        return await kept_cells(tx, version, UNITS)


async def given_of(fresh, document, events):
    """Return the cells that adoption of a document gives."""
    driver = await fresh(document)
    await feed(driver.exchange, events)
    await driver.run()
    return await in_force(driver.exchange, document["scheme"]["version"])


async def feed(exchange, batch):
    happened = [one for one in batch if isinstance(one, dict)]
    if happened:
        await accept(exchange, happened)
    if len(batch) > len(happened):
        await tell(exchange, *[one for one in batch if not isinstance(one, dict)])


def batched(events, sizes):
    left = list(events)
    for size in sizes:
        if left:
            yield left[:size]
        left = left[size:]
    if left:
        yield left


ALL = [*EVENTS, *ODD, item(), item(version=2, days=("2021-05-08", "2021-05-10")), item(name="i2", unit="b2")]


@pytest.mark.parametrize(
    ("seed", "at"),
    [(2, 2), *(pytest.param(*more, marks=pytest.mark.long) for more in ((1, 0), (3, 4), (4, 9)))],
)
async def test_a_trial_on_past_and_coming_events_equals_what_adoption_would_have_given(fresh, seed, at):
    order = random.Random(seed).sample(ALL, len(ALL))
    driver = await fresh(first())
    for place, batch in enumerate([*batched(order, [4, 1, 6, 2, 5, 3])]):
        if place == at:
            await start(driver.exchange)
        await feed(driver.exchange, batch)
        await driver.run()
    if at > place:
        await start(driver.exchange)
        await driver.run()
    expected = await given_of(fresh, stricter(), order)
    assert await tried(driver.exchange) == expected
    assert len({value for (_, _, code), value in expected.items() if code == "late"}) > 1


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


async def left(exchange):
    """Return how many rows of trials each table holds."""
    async with exchange.reading() as tx:
        counts = {}
        for table in ("partials", "inputs", "trial_cells"):
            statement = f"SELECT count(*) AS rows FROM {table} WHERE scheme LIKE '%~%'"
            counts[table] = (await tx.many(statement))[0]["rows"]
        running = "SELECT count(*) AS rows FROM in_force WHERE code LIKE '%~%' AND stage <> 'trial-over'"
        counts["in_force"] = (await tx.many(running))[0]["rows"]
        return counts


async def told(exchange):
    """Return what was told of trials, in order."""
    async with exchange.reading() as tx:
        records = await tx.read(TRIALS, shard_of("mini~strict/bureaus"), 0, 1000)
    return [envelope.decode_data(envelope.decode(one.body), TrialEntriesPosted) for one in records]


async def test_the_end_of_a_trial_leaves_nothing_behind_and_is_told(fresh):
    driver = await fresh(first())
    await feed(driver.exchange, ALL)
    await start(driver.exchange)
    await driver.run()
    assert all((await left(driver.exchange)).values())
    await end(driver.exchange)
    await accept(driver.exchange, [levy(50)])
    await driver.run()
    assert not any((await left(driver.exchange)).values())
    last = (await told(driver.exchange))[-1]
    assert (last.trial, last.ended, last.figures) == ("strict", True, ())
    assert not any(one.ended for one in (await told(driver.exchange))[:-1])


@pytest.mark.long
async def test_what_is_told_of_a_trial_after_its_end_is_dropped(fresh):
    """Stage B hears of the end before a shard of stage A does, which goes on telling for a while."""
    driver = await fresh(first())
    await start(driver.exchange)
    await driver.run()
    await end(driver.exchange)
    await driver.run_stage("t")
    await accept(driver.exchange, [levy(50)])
    await driver.hear(ACCEPTED)
    await driver.run_stage("t")
    await driver.run()
    assert not any((await left(driver.exchange)).values())
    assert (await told(driver.exchange))[-1].ended


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


async def test_adoption_scores_from_the_first_month_of_the_draft_alone_and_ends_its_trial(fresh):
    """Tried on 2021, in force from 2022: March 2021 stays with version 1."""
    driver = await fresh(first())
    await feed(driver.exchange, ALL)
    await driver.run()
    before = await in_force(driver.exchange, 1)
    draft = stricter()
    draft["scheme"] |= {"effective": "2022-01", "until": "2022-12"}
    await start(driver.exchange, draft, first="2021-01", last="2021-12")
    await driver.run()
    assert (await tried(driver.exchange))[MARCH, "b1", "ontime"] is not None
    async with driver.exchange.begin(actor="bob", action="adopt") as tx:
        await handlers.adopt_scheme(tx, "mini", 2, "bob")
    await driver.run()
    assert not any((await left(driver.exchange)).values())
    assert await in_force(driver.exchange, 1) == before
    assert {month // 12 for month, _, _ in await in_force(driver.exchange, 2)} == {2022}
    async with driver.exchange.reading() as tx:
        found = await trials.show(tx, "mini", "strict")
    assert (found.adopted, found.ended_by, found.why_ended) == (True, "bob", "adopted")


@pytest.mark.long
async def test_a_redraft_does_not_change_what_runs_and_its_adoption_does_not_end_it(fresh):
    driver = await fresh(first())
    await feed(driver.exchange, ALL)
    await start(driver.exchange)
    await driver.run()
    running = await tried(driver.exchange)
    await adopt(driver.exchange, first(2))
    await driver.run()
    assert await tried(driver.exchange) == running
    async with driver.exchange.reading() as tx:
        assert (await trials.show(tx, "mini", "strict")).ended is None


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


async def test_a_trial_over_other_months_takes_no_doubt_away(fresh):
    """An event of 2020 waits for a scheme; a trial of 2020 scores it and it goes on waiting."""
    driver = await fresh(first())
    await accept(driver.exchange, [levy(31, time="2020-12-31T08:00:00+08:00")])
    await start(driver.exchange, first="2020-01", last="2020-12")
    await accept(driver.exchange, [levy(32, time="2020-11-30T08:00:00+08:00")])
    await driver.run()
    async with driver.exchange.reading() as tx:
        waiting = await tx.many("SELECT what FROM suspense WHERE settled IS NULL ORDER BY what")
    assert [one["what"] for one in waiting] == ["2020-11", "2020-12"]
    months = {
        (month, unit) for (month, unit, code), _ in (await tried(driver.exchange)).items() if code == "ontime"
    }
    assert {(2020 * 12 + 10, "b1"), (2020 * 12 + 11, "b1")} == months


async def refused(acting):
    with pytest.raises(Refused) as found:
        await acting
    return found.value.problem.code


async def test_what_cannot_be_tried_is_refused_with_a_reason(fresh):
    driver = await fresh(first())
    exchange = driver.exchange
    await start(exchange)
    assert await refused(start_drafted(exchange)) == "trial_exists"
    assert await refused(start_drafted(exchange, name="other", digest="0" * 64)) == "digest_changed"
    assert await refused(start_drafted(exchange, version=1, name="other")) == "already_adopted"
    assert (
        await refused(start_drafted(exchange, name="other", first="2021-11", last="2022-02"))
        == "scheme_refused"
    )
    await start_drafted(exchange, name="second")
    await start_drafted(exchange, name="third")
    assert await refused(start_drafted(exchange, name="fourth")) == "too_many_trials"
    await end(exchange)
    assert await refused(end(exchange)) == "trial_over"
    assert await refused(end(exchange, "none")) == "not_found"
    await start_drafted(exchange, name="fourth")


@pytest.mark.long
async def test_a_proof_of_the_ledger_finds_nothing_beside_a_trial(fresh):
    driver = await fresh(first())
    await start(driver.exchange)
    for batch in batched(ALL, [7, 7]):
        await feed(driver.exchange, batch)
        await driver.run()
    await settled(driver.exchange, driver)
    assert await proof(driver.exchange) == []


@pytest.mark.long
async def test_a_draft_from_july_is_tried_as_it_would_be_adopted_beside_the_version_before(fresh):
    autumn = [
        *(levy(70 + at, unit=f"b{1 + at % 4}", day=1, ontime=at % 3 > 0) for at in range(6)),
        missed(80, "2021-08-03T08:00:00+08:00", unit="b2"),
        missed(81, "2021-06-03T08:00:00+08:00", unit="b3"),
    ]
    autumn = [*ALL, *(one | {"time": "2021-08-10T08:00:00+08:00"} for one in autumn[:6]), *autumn[6:]]
    draft = stricter()
    draft["scheme"]["effective"] = "2021-07"
    adopted, tries = await fresh(first()), await fresh(first())
    await adopt(adopted.exchange, draft)
    await start(tries.exchange, draft)
    for driver in (adopted, tries):
        await feed(driver.exchange, autumn)
        await driver.run()
    july = 2021 * 12 + 6
    expected = await in_force(adopted.exchange, 2)
    assert {month for month, _, _ in expected} == set(range(july, july + 6))
    assert await tried(tries.exchange) == expected
    assert len({value for (_, _, code), value in expected.items() if code == "ontime"}) > 2

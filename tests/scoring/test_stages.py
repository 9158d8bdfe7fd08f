"""Stages A and B on a real PostgreSQL: one state whatever the order, the doubles and the moment of adoption."""

import copy
import itertools
import json
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec import structs

from services.scoring import handlers, inputs, ledger
from services.scoring.contract import ACCEPTED, PARTIALS, SCHEMES
from services.scoring.domain.document import SchemeDocument
from services.scoring.stage_a import StageA
from services.scoring.stage_b import StageB
from shared.contracts import catalogue, envelope
from shared.contracts.ingest import TYPES_ADOPTED, TypesAdopted
from shared.kernel.errors import UnknownType
from shared.kernel.periods import JANUARY
from shared.kernel.points import cell, of_parts
from shared.kernel.records import Draft
from shared.kernel.shards import PARTITIONS, SHARDS, shard_of
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.schemas import make_schema

NAMES = itertools.count(1)
TYPES = {
    "types": {
        "levy.done.v1": {
            "title": "A levy was made",
            "business_key": ["voucher"],
            "fields": {"voucher": {"type": "text", "required": True}, "ontime": {"type": "boolean"}},
        },
        "risk.missed.v1": {"title": "A risk was not answered", "case": "optional", "fields": {}},
    },
    "sources": {"s": {"title": "S"}},
}
SCHEME = {
    "scheme": {
        "code": "mini",
        "version": 1,
        "effective": "2021-01",
        "until": "2021-12",
        "zone": "Asia/Shanghai",
        "total": "20",
        "title": "Mini",
    },
    "units": [
        {"code": "hq", "name": "HQ", "level": "headquarters"},
        {"code": "b1", "parent": "hq", "name": "B1", "level": "bureau"},
        {"code": "b2", "parent": "hq", "name": "B2", "level": "bureau"},
    ],
    "trees": {"organisation": "unit"},
    "groups": {"bureaus": {"level": "bureau", "title": "Bureaus"}},
    "boards": [{"code": "work", "title": "Work", "points": "20"}],
    "measures": {
        "ontime": {
            "over": "levy.done.v1",
            "period_by": "time",
            "numerator": "count(*) FILTER (WHERE ontime)",
            "denominator": "count(*)",
        },
        "missed": {"over": "risk.missed.v1", "period_by": "time", "numerator": "count(*)"},
    },
    "indicators": [
        {
            "code": "ontime",
            "name": "On time",
            "board": "work",
            "points": "10",
            "assessor": "hq",
            "source": {"document": "本方案设定"},
            "groups": ["bureaus"],
            "measure": "ontime",
            "method": {"target": {"target": "0.98"}},
        },
        {
            "code": "missed",
            "name": "Missed",
            "board": "work",
            "points": "10",
            "assessor": "hq",
            "source": {"document": "本方案设定"},
            "groups": ["bureaus"],
            "measure": "missed",
            "method": {"deduct": {"each": "0.5"}},
        },
    ],
}


@pytest.fixture
async def scoring(postgres_url):
    """A fresh schema of scoring each time it is asked for."""
    opened = []

    async def fresh():
        schema = f"scoring_{next(NAMES)}"
        engine = open_engine(postgres_url, schema)
        opened.append(engine)
        await make_schema(engine, schema, "services.scoring.migrations")
        return Exchange(engine, "scoring")

    yield fresh
    for engine in opened:
        await engine.dispose()


def levy(number, *, unit="b1", ontime=True, voucher=None, day=10, **more):
    event = {
        "specversion": "1.0",
        "source": "s",
        "id": f"l{number}",
        "type": "levy.done.v1",
        "subject": unit,
        "time": f"2021-03-{day:02d}T08:00:00+08:00",
        "data": {"voucher": voucher or f"v{number}", "ontime": ontime},
    } | more
    return {name: value for name, value in event.items() if value is not None}


def missed(number, time, unit="b1"):
    return {
        "specversion": "1.0",
        "source": "s",
        "id": f"m{number}",
        "type": "risk.missed.v1",
        "subject": unit,
        "time": time,
        "data": {},
    }


async def accept(exchange, events, *, received=None):
    """Put events into the stream as ingest does, now or at an instant to come."""
    async with exchange.begin(actor="test", action="accept") as tx:
        shards = {shard_of(event.get("case") or event["subject"]) for event in events}
        before = [record for shard in shards for record in await tx.read(ACCEPTED, shard, 0, 100_000)]
        heads = {shard: head.number for shard, head in (await tx.lock(ACCEPTED, list(shards))).items()}
        drafts = drafts_of(events, [json.loads(record.body) for record in before], heads)
        await tx.append(ACCEPTED, [structs.replace(one, received=received) for one in drafts])


def drafts_of(events, before, last):
    """Return drafts in which, of an original and its correction, the later tells the number of the other."""
    originals = {(e["source"], e["id"]): e["sequence"] for e in before}
    corrections = {}
    for event in before:
        corrections.setdefault((event.get("correctssource"), event.get("correctsid")), event["sequence"])
    drafts = []
    for event in events:
        shard = shard_of(event.get("case") or event["subject"])
        last[shard] += 1
        number, name = str(last[shard]), (event["source"], event["id"])
        corrected = event.get("correctssource"), event.get("correctsid")
        told = {"correctsnumber": originals[corrected]} if corrected in originals else {}
        told |= {"correctedby": corrections[name]} if name in corrections else {}
        originals[name] = number
        corrections.setdefault(corrected, number)
        drafts.append(Draft(shard, json.dumps(event | told).encode(), own=False))
    return drafts


async def teach(exchange, version=1, document=TYPES):
    told = TypesAdopted(version=version, document=document)
    async with exchange.begin(actor="test", action="types") as tx:
        body = envelope.encode(TYPES_ADOPTED, "dukao/ingest", "shard-0", told)
        await tx.append(ACCEPTED, [Draft(shard, body) for shard in range(SHARDS)])


async def adopt(exchange, scheme=SCHEME):
    async with exchange.begin(actor="ada", action="draft") as tx:
        await handlers.draft_scheme(tx, scheme, "ada")
    async with exchange.begin(actor="bob", action="adopt") as tx:
        head = scheme["scheme"]
        await handlers.adopt_scheme(tx, head["code"], head["version"], "bob")


class Driver:
    """Runs the stages over what the streams hold, one transaction a batch, as the consumer does."""

    def __init__(self, exchange, done=()):
        self.exchange = exchange
        self.done = dict(done)
        self.stages = [("a", StageA(), (ACCEPTED, SCHEMES)), ("b", StageB(), (PARTIALS, SCHEMES))]

    async def run(self):
        for name, _, _ in self.stages:
            await self.run_stage(name)

    async def unread(self, tx, name, inputs, *, only=None, limit=1000):
        """Return what a stage has not read of its inputs, in the order of shards, and take it as read."""
        batch = []
        for stream in inputs:
            for shard, reached in sorted((await tx.reached(stream)).items()):
                after = self.done.get((name, stream, shard), 0)
                if only in {None, shard} and reached.number > after:
                    batch += await tx.read(stream, shard, after, limit)
        self.done |= {(name, one.stream, one.shard): one.number for one in batch}
        return batch

    async def run_stage(self, wanted, *, only=None, limit=1000, fail=None):
        ((name, stage, inputs),) = [one for one in self.stages if one[0] == wanted]
        async with self.exchange.begin(actor=name, action="applied") as tx:
            batch = await self.unread(tx, name, inputs, only=only, limit=limit)
            answers = await stage(tx, batch)
            for stream in sorted({stream for stream, _ in answers}):
                await tx.append(stream, [draft for to, draft in answers if to == stream])
            if fail is not None:
                raise fail


async def cells(exchange, version=1, units=("b1", "b2")):
    async with exchange.reading() as tx:
        found = await kept_cells(tx, version, units)
    return {key: value for key, value in found.items() if key[0] in {2021 * 12 + 1, 2021 * 12 + 2}}


async def kept_cells(tx, version=1, units=("b1", "b2")):
    found = await ledger.cells(tx, ("mini", version, "bureaus"), units)
    return {
        (month, unit, code): of_parts(value)
        for unit, kept in found.items()
        for (month, code), value in kept.items()
    }


HELD = ("held", "forgotten", "rolled back")


async def begun(scoring, document=SCHEME, *, driven=Driver, types=TYPES):
    """Return an exchange on which types are known and a scheme, if any, is adopted, and its driver."""
    exchange = await scoring()
    driver = driven(exchange)
    await teach(exchange, document=types)
    await driver.run()
    if document is not None:
        await adopt(exchange, document)
        await driver.run()
    return exchange, driver


async def apply_each(exchange, driver, events, how):
    """Apply events one by one; stage B keeps what it holds, forgets it, or is rolled back and then forgets it."""
    _, stage_b, _ = driver.stages[1]
    for event in events:
        await accept(exchange, [event])
        await driver.run_stage("a")
        done = dict(driver.done)
        if how == "rolled back":
            with pytest.raises(LookupError):
                await driver.run_stage("b", fail=LookupError)
            driver.done = done
        if how != "held":
            stage_b.forget(range(PARTITIONS))
        await driver.run_stage("b")


async def state(scoring, events, *, adopt_after=0):
    exchange, driver = await begun(scoring, None)
    for place, event in enumerate(events):
        if place == adopt_after:
            await adopt(exchange)
        await accept(exchange, [event])
        await driver.run()
    if adopt_after >= len(events):
        await adopt(exchange)
        await driver.run()
    return exchange, await cells(exchange)


MARCH = 2021 * 12 + 2
EVENTS = [
    levy(1),
    levy(2, ontime=False),
    levy(3, unit="b2"),
    levy(4, voucher="v3", unit="b2"),
    levy(5, ontime=False, revision=1, correctssource="s", correctsid="l1"),
    levy(6, unit="b2"),
    levy(7, unit="b2", revision=1, correctssource="s", correctsid="l6", data=None),
    missed(1, "2021-03-31T23:59:59+08:00"),
    missed(2, "2021-03-31T16:00:00Z"),
]


async def test_a_thread_from_events_to_cells(scoring):
    _, found = await state(scoring, EVENTS)
    assert found[MARCH, "b1", "ontime"] == Decimal(0)
    assert found[MARCH, "b2", "ontime"] == Decimal(10)
    assert found[MARCH, "b1", "missed"] == Decimal("9.5")
    assert found[MARCH, "b2", "missed"] == Decimal(10)


async def test_order_and_the_moment_of_adoption_leave_no_trace(scoring):
    _, expected = await state(scoring, EVENTS)
    for seed in range(3):
        shuffled = random.Random(seed).sample(EVENTS, len(EVENTS))
        _, found = await state(scoring, shuffled, adopt_after=seed * 5)
        assert found == expected


REPEATED = [
    levy(3, unit="b2"),
    levy("4c", unit="b2", ontime=False, revision=1, correctssource="s", correctsid="l4"),
    levy(4, voucher="v3", unit="b2"),
    levy(5, unit="b2"),
]


async def test_a_correction_before_its_original_joins_the_fact_that_another_report_has_made(scoring):
    """l3 and l4 report one fact; l4 is corrected to late before it arrives: one fact of two is late."""
    for order in (REPEATED, [REPEATED[at] for at in (1, 0, 3, 2)], REPEATED[::-1]):
        _, found = await state(scoring, list(order))
        assert found[MARCH, "b2", "ontime"] == cell(10 * Fraction(1, 2) / Fraction("0.98"))


async def test_two_groups_of_one_level_keep_their_inputs_apart(scoring):
    """The second group's shard reads an older partial after the first has read a newer one."""
    twice = json.loads(json.dumps(SCHEME))
    twice["groups"]["again"] = {"level": "bureau", "title": "The same bureaus"}
    for indicator in twice["indicators"]:
        indicator["groups"] = ["bureaus", "again"]
    exchange, driver = await begun(scoring, twice)
    for number in range(2):
        await accept(exchange, [levy(number, ontime=number == 0)])
        await driver.run_stage("a")
    ahead, behind = shard_of("mini/bureaus"), shard_of("mini/again")
    assert ahead != behind
    await driver.run_stage("b", only=ahead)
    await driver.run_stage("b", only=behind, limit=1)
    async with exchange.reading() as tx:
        sums = (await inputs.load(tx, ahead, "mini@1", ["b1"], JANUARY))["b1"]
    document = SchemeDocument.model_validate(twice)
    assert inputs.by_month(document, sums, "ontime")[MARCH].denominator == 2_000_000


async def test_a_type_that_is_withdrawn_is_still_read_where_it_was_accepted(scoring):
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await driver.run()
    await adopt(exchange)
    await accept(exchange, EVENTS)
    await driver.run()
    before = await cells(exchange)
    fewer = TYPES | {"types": {"risk.missed.v1": TYPES["types"]["risk.missed.v1"]}}
    await teach(exchange, 2, fewer)
    await accept(exchange, [levy(9, voucher="v2", ontime=False), levy(8, voucher="v3", unit="b2")])
    await driver.run()
    assert await cells(exchange) == before
    again = copy.deepcopy(SCHEME)
    again["scheme"]["version"] = 2
    await adopt(exchange, again)
    await Driver(exchange, driver.done).run()
    assert await cells(exchange, 2) == before


async def test_what_ingest_tells_of_feeds_and_manifests_is_passed_over_and_what_is_newer_stops_the_stage(
    scoring,
):
    exchange = await scoring()
    await teach(exchange)
    golden = Path(catalogue.__file__).parent / "golden"
    own = ("tick", "feed-stale", "feed-fresh", "mismatch-opened", "mismatch-settled")
    bodies = [json.loads((golden / f"dukao.{name}.v1.json").read_text("utf-8")) for name in own]
    spliced = {"sequence", "partitionkey", "received", "id", "time"}
    bodies = [{key: value for key, value in body.items() if key not in spliced} for body in bodies]

    async def told(*events):
        async with exchange.begin(actor="test", action="told") as tx:
            await tx.append(ACCEPTED, [Draft(12, json.dumps(event).encode()) for event in events])

    driver = Driver(exchange)
    await told(*bodies)
    await driver.run()
    await told(bodies[0] | {"type": "dukao.tick.v2"})
    with pytest.raises(UnknownType):
        await driver.run()

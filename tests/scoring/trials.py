"""Schemes that are tried on a real PostgreSQL: drafts, all that can be told of units, and the stages with trials."""

import copy
import itertools
from contextlib import asynccontextmanager

import pytest

from services.scoring import handlers, trial_cells, trialling
from services.scoring.contract import (
    ACCEPTED,
    DEDUCTION_DECIDED,
    DEDUCTIONS,
    ITEMS,
    POINTS,
    POINTS_GIVEN,
    REVIEW_DECIDED,
    SCHEMES,
    SURVEY_COUNTED,
    SURVEYS,
    TRIAL_ENTRIES_POSTED,
    TRIAL_PARTIALS,
    TRIALS,
    DeductionDecided,
    PointsGiven,
    ReviewDecided,
    SurveyCounted,
    TrialEntriesPosted,
)
from services.scoring.stage_a import StageA
from services.scoring.trial_answers import TrialAsked
from services.scoring.trial_stage import TrialStage
from shared.contracts import envelope
from shared.contracts.supervision import ItemChanged
from shared.kernel.errors import Refused
from shared.kernel.instants import parse
from shared.kernel.points import of_parts
from shared.kernel.records import Draft
from shared.kernel.shards import shard_of
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.schemas import make_schema
from tests.scoring.surveys import METHOD, ROUND
from tests.scoring.test_comparing import UNITS
from tests.scoring.test_comparing import scheme as compared
from tests.scoring.test_derived import item, tell
from tests.scoring.test_stages import EVENTS, Driver, accept, adopt, kept_cells, levy, missed, teach

NAMES = itertools.count(1)
NOON = parse("2021-04-01T04:00:00.000000Z")
OF_WORK = {"board": "work", "groups": ["bureaus"], "assessor": "hq", "source": {"document": "本方案设定"}}
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
        self.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, ITEMS, DEDUCTIONS, POINTS, SURVEYS)
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
        await make_schema(engine, schema, "services.scoring.migrations")
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
    document["indicators"].append(OF_WORK | late)
    return document


def with_persons(document):
    """Return a scheme in which persons, incidents and raters say something of a unit, too."""
    document = copy.deepcopy(document)
    document["scheme"]["total"] = document["boards"][0]["points"] = "96"
    document["measures"] |= {
        "conduct": {"manual": "points"},
        "marks": {"manual": "value"},
        "audit": {"decided": "incidents"},
        "reliability": {"survey": "ratings"},
    }
    manual = {"collection": "manual"}
    document["indicators"] += [
        OF_WORK | {"name": one["code"], "measure": one["code"]} | one
        for one in (
            manual | {"code": "conduct", "points": "4", "method": {"deduct": {}}},
            manual | {"code": "marks", "points": "4", "method": {"target": {"target": "90"}}},
            {"code": "audit", "points": "5", "method": {"deduct": {}}},
            {
                "code": "reliability",
                "points": "20",
                "collection": "system",
                "method": {"survey": copy.deepcopy(METHOD)},
            },
        )
    ]
    document["surveys"] = {
        "ratings": {
            "title": "多维测评",
            "raters": {"leaders": "上级领导", "public": "服务对象"},
            "rounds": [copy.deepcopy(ROUND)],
        }
    }
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
    """Put events, items and what others said of units into their streams."""
    happened = [one for one in batch if isinstance(one, dict)]
    if happened:
        await accept(exchange, happened)
    items = [one for one in batch if isinstance(one, ItemChanged)]
    if items:
        await tell(exchange, *items)
    async with exchange.begin(actor="test", action="say") as tx:
        for one in batch:
            if type(one) in SAID:
                stream, kind = SAID[type(one)]
                body = envelope.encode(kind, "dukao/scoring", one.key, one)
                await tx.append(stream, [Draft(shard_of(one.unit), body)])


def batched(events, sizes):
    left = list(events)
    for size in sizes:
        if left:
            yield left[:size]
        left = left[size:]
    if left:
        yield left


ALL = [*EVENTS, *ODD, item(), item(version=2, days=("2021-05-08", "2021-05-10")), item(name="i2", unit="b2")]


SAID = {
    PointsGiven: (POINTS, POINTS_GIVEN),
    ReviewDecided: (POINTS, REVIEW_DECIDED),
    DeductionDecided: (DEDUCTIONS, DEDUCTION_DECIDED),
    SurveyCounted: (SURVEYS, SURVEY_COUNTED),
}
CELL = {"scheme": "mini", "unit": "b1", "indicator": "conduct", "month": "2021-03"}


def given(key, *, version=1, state="approved", **more):
    told = {"key": key, "version": version, "state": state, "reason": "r", "asked_by": "zhao"}
    told |= {"approved_by": "qian", "evidence": {"name": "e", "sha256": "0" * 64}}
    return PointsGiven.model_validate(CELL | told | more)


def reviewed(key, **more):
    told = {"key": key, "version": 1, "entry": 1, "asked_by": "sun", "asked": "a", "decided_by": "li"}
    return ReviewDecided.model_validate(CELL | told | {"reason": "r"} | more)


def decided_under(scheme, facts):
    """Return what was said of units as if incidents had been decided to the same points under another version."""
    return [
        one.model_copy(
            update={
                "deductions": tuple(each.model_copy(update={"scheme": scheme}) for each in one.deductions)
            }
        )
        if isinstance(one, DeductionDecided)
        else one
        for one in facts
    ]


def deducted(key, *, version=1, state="counted", points="1.5", unit="b1"):
    one = {
        "finding": {"source": "s", "id": key},
        "role": "bureau",
        "indicator": "audit",
        "month": "2021-03",
        "points": points,
        "scheme": "mini@1",
        "state": state,
    }
    told = {
        "key": key,
        "version": version,
        "incident": {"object": "t1", "content": "vat", "year": 2020},
        "unit": unit,
        "deductions": [one],
        "received": "2021-03-20T00:00:00.000000Z",
        "cause": [],
    }
    return DeductionDecided.model_validate(told)


def counted(unit, leaders, public, *, short=()):
    classes = [
        {"rater": rater, "answers": 8, "kept": 8, "total": total}
        for rater, total in (("leaders", leaders), ("public", public))
        if rater not in short
    ]
    told = CELL | {"key": f"mini~ratings~2021-03~{unit}", "version": 1, "survey": "ratings"}
    told |= {"unit": unit, "indicator": "reliability", "scale": 100, "classes": classes, "short": short}
    return SurveyCounted.model_validate(told)


SAID_OF_UNITS = [
    given("g1", points="1.5"),
    given("g2", points="0.5", unit="b2"),
    given("g2", points="0.5", unit="b2", version=2, state="withdrawn"),
    given("g3", indicator="marks", value="81"),
    given("g4", indicator="marks", value="45", unit="b3"),
    reviewed("r1", points="1"),
    reviewed("r2", indicator="ontime", numerator="1"),
    reviewed("r3", indicator="missed", unit="b3"),
    deducted("d1"),
    deducted("d2", unit="b2"),
    deducted("d2", unit="b2", version=2, state="suppressed"),
    counted("b1", 640, 720),
    counted("b2", 800, 400),
    counted("b3", 0, 720, short=("leaders",)),
]


async def left(exchange):
    """Return how many rows of trials each table holds."""
    async with exchange.reading() as tx:
        counts = {}
        for table in ("partials", "inputs", "trial_cells", "trial_freshness", "trial_shards"):
            statement = f"SELECT count(*) AS rows FROM {table} WHERE scheme LIKE '%~%'"
            counts[table] = (await tx.many(statement))[0]["rows"]
        running = "SELECT count(*) AS rows FROM in_force WHERE code LIKE '%~%' AND stage <> 'trial-over'"
        counts["in_force"] = (await tx.many(running))[0]["rows"]
        return counts


async def told(exchange):
    """Return what was told of trials, in order."""
    return [
        envelope.decode_data(event, TrialEntriesPosted)
        for event in await events_of(exchange)
        if event.type == TRIAL_ENTRIES_POSTED
    ]


async def events_of(exchange):
    """Return every event that was told of trials, in order."""
    async with exchange.reading() as tx:
        records = await tx.read(TRIALS, shard_of("mini~strict/bureaus"), 0, 1000)
    return [envelope.decode(one.body) for one in records]


async def refused(acting):
    with pytest.raises(Refused) as found:
        await acting
    return found.value.problem.code

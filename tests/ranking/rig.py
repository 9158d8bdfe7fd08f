"""Ranking over a fresh schema of a real PostgreSQL, fed by hand, and its door."""

import itertools
import json

import pytest

from services.ranking.api import standings_router
from services.ranking.contract import (
    CUT_FIGURED,
    CUT_PASSED,
    ENTRIES,
    SCHEMES,
    STANDING_MOVED,
    STANDINGS,
    TIER_CHANGED,
    CutFigured,
    CutPassed,
    EntriesPosted,
    SchemeAdopted,
)
from services.ranking.handlers import Ranking
from shared.contracts import envelope
from shared.contracts.scoring import ENTRIES_POSTED, SCHEME_ADOPTED, SOURCE, PeriodFigures
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.instants import parse
from shared.kernel.numbering import number
from shared.kernel.records import Draft, Head
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.ranking.doors import door
from tests.schemas import make_schema

NAMES = itertools.count(1)
NOW = "2021-04-01T00:00:00.000000Z"
SHARD = 7
MARCH = "2021-03"


def indicator(code, *, points="10", **changes):
    method = {"target": {"target": "1"}}
    return {
        "code": code,
        "board": "work",
        "points": points,
        "groups": ["bureaus"],
        "method": method,
    } | changes


def scheme(version=1, **changes):
    units = changes.pop("units", ("b1", "b2", "b3"))
    return {
        "scheme": {
            "code": "mini",
            "version": version,
            "effective": "2021-01",
            "until": "2021-12",
            "places": 2,
        },
        "units": [{"code": unit, "name": unit.upper(), "level": "bureau"} for unit in units]
        + [{"code": "hq", "name": "HQ", "level": "headquarters"}],
        "groups": {"bureaus": {"level": "bureau", "title": "Bureaus"}},
        "indicators": [
            indicator("ontime", verified=True),
            indicator("missed", groups=["others"], verified=False),
        ],
        "tiers": [{"code": "first", "title": "第一段", "share": "0.5"}, {"code": "second", "share": "0.5"}],
        "ranking": {"minimum_volume": {"measure": "due", "at_least": 20}},
    } | changes


def figure(unit, value, *, indicator="ontime", period=MARCH, volume=20):
    return PeriodFigures(unit=unit, period=period, volume=volume, values={indicator: value})


def posted(*figures, version=1, fresh_at=NOW, day=None, cause=(), silent=(), group="bureaus", **more):
    told = EntriesPosted(
        scheme="mini",
        version=version,
        group=group,
        cause=tuple(cause),
        fresh_at=fresh_at,
        day=day or fresh_at[:10],
        figures=figures,
        silent=silent,
        **more,
    )
    return ENTRIES, envelope.encode(ENTRIES_POSTED, SOURCE, "mini/bureaus", told)


def cut_passed(period, *, group="bureaus", cut, day, exact=False):
    told = CutPassed(scheme="mini", group=group, period=period, cut=cut, day=day, exact=exact)
    return ENTRIES, envelope.encode(CUT_PASSED, SOURCE, f"mini/{group}/{period}", told)


def cut_figured(*figures, period=MARCH, version=1, group="bureaus"):
    told = CutFigured(scheme="mini", version=version, group=group, period=period, figures=figures)
    return ENTRIES, envelope.encode(CUT_FIGURED, SOURCE, f"mini/{group}/{period}", told)


def adopted(document):
    told = SchemeAdopted(
        code="mini",
        version=document["scheme"]["version"],
        digest="0" * 64,
        document=document,
        effective="2021-01",
    )
    return SCHEMES, envelope.encode(SCHEME_ADOPTED, SOURCE, "mini/1", told)


class Service:
    """Ranking over a fresh schema, fed by hand."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.ranking = Ranking()
        self.numbers = itertools.count(1)

    async def apply(self, *messages):
        """Apply messages as one batch; return the data of what is told, by type."""
        records = []
        for stream, body in messages:
            head = Head(next(self.numbers), EMPTY_CHAIN, None)
            records += number(stream, SHARD, head, [Draft(SHARD, body)], parse(NOW))
        async with self.exchange.begin(actor="test", action="apply") as tx:
            answers = await self.ranking(tx, records)
        assert all(stream == STANDINGS and draft.shard == SHARD for stream, draft in answers)
        told = [json.loads(draft.body) for _, draft in answers]
        return {
            kind: [one["data"] for one in told if one["type"] == kind]
            for kind in (STANDING_MOVED, TIER_CHANGED)
        }


@pytest.fixture
async def service(postgres_url):
    schema = f"ranking_{next(NAMES)}"
    engine = open_engine(postgres_url, schema)
    await make_schema(engine, schema, "services.ranking.migrations")
    yield Service(Exchange(engine, "ranking"))
    await engine.dispose()


@pytest.fixture
async def ask(service, tmp_path):
    async with door(tmp_path, standings_router(service.exchange)) as asked:
        yield asked


def places(told, period=MARCH):
    """Return (rank, tier, points) by unit as told for a period."""
    moved = [
        one for message in told[STANDING_MOVED] for one in message["standings"] if one["period"] == period
    ]
    return {p["unit"]: (p["rank"], p["tier"], p["points"]) for one in moved for p in one["places"]}

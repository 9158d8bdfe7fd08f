"""Ranking on a real PostgreSQL: what it keeps, what it tells, and what its door answers."""

import itertools
import json
from decimal import Decimal

import httpx
import pytest

from services.ranking import store
from services.ranking.api import standings_router
from services.ranking.contract import (
    ENTRIES,
    SCHEMES,
    STANDING_MOVED,
    STANDINGS,
    TIER_CHANGED,
    EntriesPosted,
    SchemeAdopted,
)
from services.ranking.handlers import Ranking
from shared.contracts import envelope
from shared.contracts.scoring import ENTRIES_POSTED, SCHEME_ADOPTED, SOURCE, Cause, PeriodFigures
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.instants import parse
from shared.kernel.numbering import number
from shared.kernel.records import Draft, Head
from shared.kernel.shards import PARTITIONS
from shared.migrations.runner import migrate
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck

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


def posted(*figures, version=1, fresh_at=NOW, cause=()):
    told = EntriesPosted(
        scheme="mini",
        version=version,
        group="bureaus",
        cause=tuple(cause),
        fresh_at=fresh_at,
        figures=figures,
    )
    return ENTRIES, envelope.encode(ENTRIES_POSTED, SOURCE, "mini/bureaus", told)


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
    await migrate(engine, schema, "services.ranking.migrations")
    yield Service(Exchange(engine, "ranking"))
    await engine.dispose()


def places(told, period=MARCH):
    """Return (rank, tier, points) by unit as told for a period."""
    moved = [
        one for message in told[STANDING_MOVED] for one in message["standings"] if one["period"] == period
    ]
    return {p["unit"]: (p["rank"], p["tier"], p["points"]) for one in moved for p in one["places"]}


async def test_a_batch_is_told_once_per_group_with_every_period_that_moved(service):
    await service.apply(adopted(scheme()))
    told = await service.apply(
        posted(figure("b1", "9"), figure("b1", "9", period="2021-Q1")),
        posted(figure("b2", "8"), figure("b2", "8", period="2021-Q1")),
        posted(figure("b1", "7"), fresh_at="2021-04-01T00:00:01.000000Z"),
    )
    assert len(told[STANDING_MOVED]) == 1
    message = told[STANDING_MOVED][0]
    assert [one["period"] for one in message["standings"]] == [MARCH, "2021-Q1"]
    assert message["fresh_at"] == "2021-04-01T00:00:01.000000Z"
    assert places(told) == {"b1": (2, "second", "7.00"), "b2": (1, "first", "8.00"), "b3": (None, None, None)}


async def test_a_message_stays_small_whatever_a_batch_brings(service):
    units = [f"u{i}" for i in range(1_200)]
    await service.apply(adopted(scheme(units=units)))
    causes = [Cause(shard=i % 3, first=i + 1, last=i + 2) for i in range(3_000)]
    figures = [figure(unit, "9", period=period) for unit in units for period in (MARCH, "2021-Q1")]
    told = await service.apply(
        *(posted(*figures, cause=(cause,)) for cause in causes[:1]), posted(cause=causes)
    )
    assert [len(message["cause"]) for message in told[STANDING_MOVED]] == [3, 0]
    assert told[STANDING_MOVED][0]["cause"][0] == {
        "stream": "ingest.accepted",
        "shard": 0,
        "first": 1,
        "last": 2_999,
    }
    counts = [sum(len(one["places"]) for one in message["standings"]) for message in told[STANDING_MOVED]]
    assert counts == [2_000, 400]


async def test_what_does_not_move_is_not_told(service):
    await service.apply(adopted(scheme()), posted(figure("b1", "9"), figure("b2", "8"), figure("b3", "7")))
    assert await service.apply(posted(figure("b1", "9.001"))) == {STANDING_MOVED: [], TIER_CHANGED: []}
    assert places(await service.apply(posted(figure("b1", "9.01")))) == {"b1": (1, "first", "9.01")}


async def test_a_tier_that_changed_is_told_for_each_unit(service):
    figures = [figure("b1", "9"), figure("b2", "8"), figure("b3", "7")]
    first = await service.apply(adopted(scheme()), posted(*figures))
    assert [(one["unit"], one["old"], one["new"]) for one in first[TIER_CHANGED]] == [
        ("b1", None, "first"),
        ("b2", None, "first"),
        ("b3", None, "second"),
    ]
    then = await service.apply(posted(figure("b3", "8.50")))
    assert [(one["unit"], one["old"], one["new"]) for one in then[TIER_CHANGED]] == [
        ("b2", "first", "second"),
        ("b3", "second", "first"),
    ]
    unranked = await service.apply(posted(figure("b1", "9", volume=19)))
    assert ("b1", "first", None) in [(o["unit"], o["old"], o["new"]) for o in unranked[TIER_CHANGED]]


async def test_figures_that_come_before_their_scheme_are_told_with_it(service):
    assert await service.apply(posted(figure("b1", "9"))) == {STANDING_MOVED: [], TIER_CHANGED: []}
    assert places(await service.apply(adopted(scheme())))["b1"] == (1, "first", "9.00")


IN_ORDER = [
    order
    for order in itertools.permutations(("scheme 1", "figures 1", "figures 2", "scheme 2"))
    if order.index("scheme 1") < order.index("scheme 2")
    and order.index("figures 1") < order.index("figures 2")
]


@pytest.mark.parametrize("order", IN_ORDER, ids=", ".join)
async def test_the_order_in_which_streams_merge_leaves_no_trace(service, order):
    messages = {
        "scheme 1": adopted(scheme()),
        "figures 1": posted(figure("b1", "9"), figure("b2", "8"), figure("b3", "1")),
        "figures 2": posted(figure("b1", "7"), figure("b2", "8"), version=2),
        "scheme 2": adopted(scheme(2, units=("b1", "b2"))),
    }
    known = {}
    for at in order:
        known |= places(await service.apply(messages[at]))
    known.setdefault("b3", (None, None, None))
    assert known == {"b1": (2, "second", "7.00"), "b2": (1, "first", "8.00"), "b3": (None, None, None)}


async def test_an_indicator_that_a_new_version_drops_counts_no_more(service):
    old = [figure("b1", "9"), figure("b1", "5", indicator="missed")]
    assert places(await service.apply(adopted(scheme()), posted(*old)))["b1"][2] == "14.00"
    told = await service.apply(adopted(scheme(2)), posted(figure("b1", "9"), version=2))
    assert places(told)["b1"][2] == "9.00"


async def test_a_version_ranks_the_periods_that_it_covers(service, ask):
    later = scheme(2)
    later["scheme"] |= {"effective": "2021-07"}
    await service.apply(adopted(scheme()), posted(figure("b1", "9"), figure("b1", "9", period="2021-08")))
    await service.apply(adopted(later), posted(figure("b1", "5", period="2021-08"), version=2))
    found = {
        period: (await ask(f"/v1/standings/mini/bureaus/{period}")).json() for period in (MARCH, "2021-08")
    }
    assert {period: (body["version"], body["units"][0]["points"]) for period, body in found.items()} == {
        MARCH: (1, "9.00"),
        "2021-08": (2, "5.00"),
    }


@pytest.fixture
async def ask(service, tmp_path):
    issuer = DevelopmentIssuer(tmp_path, environment="test")

    async def ready():
        return {}

    app = create_app(
        title="t",
        service="ranking",
        routers=[standings_router(service.exchange)],
        readiness=ready,
        tokens=TokenCheck(issuer=ISSUER, audience="dukao/ranking", keys=KeyFile(issuer.jwks_file)),
    )
    headers = {"authorization": f"Bearer {issuer.mint('eve', ['reader'], ['dukao/ranking'])}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://t", headers=headers
    ) as client:
        yield client.get


async def test_a_standing_shows_ranks_ranges_tiers_and_what_they_stand_on(service, ask):
    late = figure("b3", None, indicator="missed")
    await service.apply(
        adopted(scheme(units=("b1", "b2", "b3", "b4"))),
        posted(figure("b1", "9"), figure("b2", "9", volume=19), figure("b3", "8"), late),
    )
    answer = await ask(f"/v1/standings/mini/bureaus/{MARCH}")
    assert answer.status_code == 200
    body = answer.json()
    units = {line["unit"]: line for line in body.pop("units")}
    assert len(body.pop("as_of")) == 64
    assert body == {
        "scheme": "mini",
        "version": 1,
        "group": "bureaus",
        "period": MARCH,
        "state": "live",
        "simulated": False,
        "fixture_values": ["missed"],
        "fresh_at": NOW,
        "tiers": [
            {"code": "first", "title": "第一段", "share": "0.5", "planned": 1, "units": 1},
            {"code": "second", "title": None, "share": "0.5", "planned": 0, "units": 0},
        ],
    }
    assert list(units) == ["b1", "b2", "b3", "b4"]
    assert units["b1"] == {
        "unit": "b1",
        "name": "B1",
        "rank": 1,
        "points": "9.00",
        "range": None,
        "mark": None,
        "unranked": None,
        "covered": "10.00",
        "tier": "first",
        "gap": None,
        "volume": 20,
        "boards": {"work": "9.00"},
        "not_assessed": [],
        "not_due": [],
        "not_applicable": [],
        "carried": {},
    }
    assert (units["b2"]["rank"], units["b2"]["points"]) == (None, "9.00")
    assert units["b2"]["unranked"] == "below_minimum_volume"
    assert (units["b3"]["mark"], units["b3"]["range"]) == ("未考", ["8.00", "18.00"])
    assert units["b3"]["not_assessed"] == ["missed"]
    assert (units["b4"]["mark"], units["b4"]["points"]) == ("未考", None)
    assert (units["b4"]["range"], units["b4"]["not_assessed"]) == (["0.00", "10.00"], ["ontime"])


async def test_standings_are_listed_page_by_page(service, ask):
    await service.apply(adopted(scheme()))
    await service.apply(*(posted(figure("b1", "9", period=f"2021-{month:02d}")) for month in range(1, 6)))
    found, after = [], {}
    while True:
        page = (await ask("/v1/standings", params={"limit": 2} | after)).json()
        found += [item["period"] for item in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == [f"2021-{month:02d}" for month in range(1, 6)]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/none/bureaus/2021-03", 404, "not_found"),
        ("/mini/none/2021-03", 404, "not_found"),
        ("/mini/bureaus/2020-12", 404, "not_found"),
        ("/mini/bureaus/2022", 404, "not_found"),
        ("/mini/bureaus/2021-13", 422, "period"),
        ("/mini/bureaus/2021-3", 422, "period"),
        ("/mi%00ni/bureaus/2021-03", 400, "encoding"),
        ("/mini/%EF%BC%91/2021-03", 422, "invalid"),
        ("?limit=0", 422, "invalid"),
        ("?limit=201", 422, "invalid"),
        ("?limit=1e9", 422, "invalid"),
        ("?after=mini", 422, "invalid"),
        ("?after=mini/bureaus/2021;drop", 422, "invalid"),
    ],
)
async def test_what_is_not_there_or_not_written_well_is_a_problem(service, ask, path, status, code):
    await service.apply(adopted(scheme()), posted(figure("b1", "9")))
    answer = await ask(f"/v1/standings{path}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_period_of_the_scheme_without_figures_shows_every_unit_unassessed(service, ask):
    await service.apply(adopted(scheme()))
    body = (await ask("/v1/standings/mini/bureaus/2021-H1")).json()
    assert [(line["unit"], line["mark"]) for line in body["units"]] == [
        ("b1", "未考"),
        ("b2", "未考"),
        ("b3", "未考"),
    ]
    assert body["fresh_at"] is None


FULL = [
    indicator("ontime"),
    indicator("quarterly", points="7", cycle="quarter"),
    indicator("losses", points="3", cycle="year", method={"deduct": {"each": "1"}}),
    indicator("other", points="100", groups=["others"]),
]


@pytest.mark.parametrize(
    ("period", "full", "awaited"),
    [
        ("2021-02", "13.00", ["losses", "ontime"]),
        (MARCH, "20.00", ["losses", "ontime", "quarterly"]),
        ("2021-Q1", "20.00", ["losses", "ontime", "quarterly"]),
    ],
)
async def test_a_unit_whose_figures_have_not_come_ranges_from_zero_to_full(
    service, ask, period, full, awaited
):
    await service.apply(adopted(scheme(indicators=FULL)))
    line = (await ask(f"/v1/standings/mini/bureaus/{period}")).json()["units"][0]
    assert (line["range"], line["covered"], line["not_assessed"]) == (["0.00", full], full, awaited)


async def test_a_part_of_the_figures_is_no_score(service, ask):
    await service.apply(adopted(scheme(indicators=FULL)), posted(figure("b1", "9")))
    line = (await ask("/v1/standings/mini/bureaus/2021-03")).json()["units"][0]
    assert (line["rank"], line["points"], line["range"]) == (None, None, ["9.00", "19.00"])
    told = await service.apply(
        posted(figure("b1", "7", indicator="quarterly"), figure("b1", "3", indicator="losses"))
    )
    assert places(told)["b1"] == (1, "first", "19.00")


async def test_an_individual_indicator_is_due_from_its_unit_alone(service, ask):
    own = indicator("own", points="5", units=["b2"])
    await service.apply(adopted(scheme(indicators=[indicator("ontime"), own])))
    told = await service.apply(posted(figure("b1", "9"), figure("b2", "8")))
    assert places(told)["b1"] == (1, "first", "9.00")
    lines = {one["unit"]: one for one in (await ask("/v1/standings/mini/bureaus/2021-03")).json()["units"]}
    assert (lines["b1"]["points"], lines["b1"]["covered"]) == ("9.00", "10.00")
    assert (lines["b2"]["range"], lines["b2"]["not_assessed"]) == (["8.00", "13.00"], ["own"])


async def test_late_figures_of_a_version_that_was_replaced_are_not_counted(service):
    await service.apply(adopted(scheme()), adopted(scheme(2)), posted(figure("b1", "9"), version=2))
    late = [figure("b1", "5", indicator="missed"), figure("b1", "1"), figure("b4", "10")]
    assert await service.apply(posted(*late)) == {STANDING_MOVED: [], TIER_CHANGED: []}


async def test_what_is_read_for_an_answer_is_of_one_moment(service):
    await service.apply(adopted(scheme()), posted(figure("b1", "9")))
    group = "mini", "bureaus"
    async with service.exchange.snapshot() as tx:
        schemes = await store.in_force(tx, group, [MARCH])
        before = await store.figures(tx, group, schemes), await store.fresh_at(tx, group)
        await service.apply(posted(figure("b1", "5"), fresh_at="2021-04-02T00:00:00.000000Z"))
        assert (await store.figures(tx, group, schemes), await store.fresh_at(tx, group)) == before
    async with service.exchange.reading() as tx:
        assert await store.fresh_at(tx, group) == "2021-04-02T00:00:00.000000Z"


async def test_exact_sums_are_kept_and_rounded_once(service, ask):
    thirds = [figure("b1", "4.666666666667", indicator=code) for code in ("a", "b", "ontime")]
    three = scheme(indicators=[indicator(code, points="7") for code in ("a", "b", "ontime")])
    await service.apply(adopted(three), posted(*thirds))
    line = (await ask(f"/v1/standings/mini/bureaus/{MARCH}")).json()["units"][0]
    assert Decimal(line["points"]) == Decimal("14.00")


async def test_what_is_held_in_memory_is_what_is_kept(service):
    """A ranking that forgets between batches tells the same as one that remembers."""
    batches = [
        [adopted(scheme()), posted(figure("b1", "9"), figure("b2", "8"))],
        [posted(figure("b1", "9", volume=19), figure("b1", "7", period="2021-Q1"))],
        [posted(figure("b2", "9.5"), figure("b2", None, indicator="missed"))],
        [adopted(scheme(2, units=("b1", "b2"))), posted(figure("b2", "4"), version=2)],
        [posted(figure("b1", "10"), version=2), posted(figure("b1", "3"), version=1)],
    ]
    remembered = [await service.apply(*batch) for batch in batches]
    async with service.exchange.begin(actor="test", action="empty") as tx:
        for table in ("schemes", "groups", "figures", "places"):
            await tx.execute(f"DELETE FROM {table}")
    service.numbers = itertools.count(1)
    forgotten = []
    for batch in batches:
        service.ranking.forget(range(PARTITIONS))
        forgotten.append(await service.apply(*batch))
    assert remembered == forgotten
    assert places(remembered[-1])["b1"] == (1, "first", "10.00")


async def test_figures_that_stand_on_an_older_record_change_nothing(service):
    await service.apply(adopted(scheme()), posted(figure("b1", "9")))
    row = store.Row({"ontime": 1}, 20, 1)
    async with service.exchange.begin(actor="test", action="older") as tx:
        await store.save_rows(tx, ("mini", "bureaus"), {(1, MARCH, "b1"): row})
        found = await store.rows(tx, ("mini", "bureaus"), [(1, MARCH)])
    assert found[1, MARCH]["b1"].worth == {"ontime": 9 * 10**12}

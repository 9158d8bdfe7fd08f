"""Trials in ranking, on a real PostgreSQL: figures of their own, a diff for each unit, and nothing else."""

import pytest

from services.ranking.api import standings_router
from services.ranking.contract import TRIALS
from services.ranking.domain.trials import Tried, changed
from services.ranking.trial_api import trials_router
from services.ranking.trial_handlers import Trials
from shared.contracts import envelope
from shared.contracts.scoring import (
    SCHEMES,
    SOURCE,
    TRIAL_ENDED,
    TRIAL_ENTRIES_POSTED,
    TRIAL_SHARD_POSTED,
    TRIAL_STARTED,
    TrialEnded,
    TrialEntriesPosted,
    TrialShardPosted,
    TrialStarted,
    VersionBefore,
)
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.instants import parse
from shared.kernel.numbering import number
from shared.kernel.periods import JANUARY
from shared.kernel.records import Draft, Head
from shared.kernel.shards import SHARDS
from tests.ranking.doors import door
from tests.ranking.rig import MARCH, NOW, SHARD, adopted, figure, posted, scheme, service

__all__ = ["service"]
REAL = [figure("b1", "9"), figure("b2", "8"), figure("b3", "7")]
TRIED = [figure("b1", "6"), figure("b2", "8"), figure("b3", None)]


def draft():
    """Return a draft that takes an indicator otherwise."""
    document = scheme(2)
    document["indicators"][0]["method"] = {"target": {"target": "0.5"}}
    return document


def started(document=None, before=()):
    told = TrialStarted(
        code="mini",
        trial="strict",
        version=2,
        digest="0" * 64,
        document=document or draft(),
        effective="2021-01",
        until="2021-12",
        before=before,
    )
    return SCHEMES, envelope.encode(TRIAL_STARTED, SOURCE, "mini/strict", told)


def ended():
    told = TrialEnded(code="mini", trial="strict", version=2, adopted=False)
    return SCHEMES, envelope.encode(TRIAL_ENDED, SOURCE, "mini/strict", told)


def tried(*figures, ended=False, version=2):
    told = TrialEntriesPosted(
        scheme="mini",
        trial="strict",
        version=version,
        group="bureaus",
        cause=(),
        fresh_at=NOW,
        day=NOW[:10],
        figures=figures,
        ended=ended,
    )
    return TRIALS, envelope.encode(TRIAL_ENTRIES_POSTED, SOURCE, "mini/bureaus", told)


def folded(*shards):
    """Return that shards of stage A are in what was told."""
    told = [TrialShardPosted(code="mini", trial="strict", version=2, shard=one) for one in shards]
    return [(TRIALS, envelope.encode(TRIAL_SHARD_POSTED, SOURCE, "mini/strict", one)) for one in told]


ALL_SHARDS = folded(*range(SHARDS))


async def apply(service, handler, *messages):
    """Apply messages to ranking's handler of trials as one batch; it answers nothing."""
    records = []
    for stream, body in messages:
        head = Head(next(service.numbers), EMPTY_CHAIN, None)
        records += number(stream, SHARD, head, [Draft(SHARD, body)], parse(NOW))
    async with service.exchange.begin(actor="test", action="apply") as tx:
        assert await handler(tx, records) == []


@pytest.fixture
async def ask(service, tmp_path):
    routers = standings_router(service.exchange), trials_router(service.exchange)
    async with door(tmp_path, *routers) as asked:
        yield asked


async def rows(service):
    """Return the rows of ranking's tables, those of trials apart."""
    real, trial = {}, {}
    async with service.exchange.reading() as tx:
        for table in ("schemes", "figures", "groups", "places", "trial_shards"):
            lines = [
                one.line for one in await tx.execute(f"SELECT t::text AS line FROM {table} t ORDER BY 1")
            ]
            real[table] = [line for line in lines if "~" not in line]
            trial[table] = [line for line in lines if "~" in line]
    return real, trial


async def test_a_trial_shows_points_rank_tier_and_figures_beside_those_in_force(service, ask):
    await service.apply(adopted(scheme()), posted(*REAL))
    before, _ = await rows(service)
    standing = (await ask(f"/v1/standings/mini/bureaus/{MARCH}")).json()
    await apply(service, Trials(), started(), tried(*TRIED), *ALL_SHARDS)
    body = (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).json()
    assert {key: body[key] for key in ("mark", "state", "version", "real_version", "moved", "fresh_at")} == {
        "mark": "试考评",
        "state": "whole",
        "version": 2,
        "real_version": 1,
        "moved": {"points": 2, "rank": 3, "tier": 2},
        "fresh_at": NOW,
    }
    units = {one["unit"]: one for one in body["units"]}
    assert [one["unit"] for one in body["units"]] == ["b2", "b1", "b3"]
    assert (units["b1"]["points"], units["b1"]["places"], units["b1"]["tier_moves"]) == ("-3.00", -1, True)
    assert (units["b2"]["points"], units["b2"]["places"], units["b2"]["tier_moves"]) == ("0.00", 1, False)
    assert (units["b3"]["points"], units["b3"]["places"], units["b3"]["tier_moves"]) == (None, None, True)
    assert units["b3"]["trial"] == {"points": None, "range": ["0.00", "10.00"], "rank": None, "tier": None}
    assert units["b1"]["real"] == {"points": "9.00", "range": None, "rank": 1, "tier": "first"}
    assert body["indicators"] == ["ontime"]
    assert (await rows(service))[0] == before
    after = (await ask(f"/v1/standings/mini/bureaus/{MARCH}")).json()
    assert after == standing
    assert [one["scheme"] for one in (await ask("/v1/standings")).json()["items"]] == ["mini"]


@pytest.mark.parametrize("handlers", [1, 2])
async def test_of_a_trial_that_ended_nothing_is_left(service, ask, handlers):
    await service.apply(adopted(scheme()), posted(*REAL))
    trials = Trials()
    await apply(service, trials, started(), tried(*TRIED), *folded(1, 2))
    await apply(service, trials if handlers == 1 else Trials(), ended(), tried(*REAL), tried(ended=True))
    assert not any((await rows(service))[1].values())
    answer = await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_figures_that_come_before_the_trial_is_heard_of_wait_for_it(service, ask):
    trials = Trials()
    await apply(service, trials, tried(*TRIED))
    assert (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).status_code == 404
    await apply(service, trials, started())
    body = (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).json()
    assert (body["real_version"], body["units"][0]["real"], body["units"][0]["trial"]["points"]) == (
        None,
        None,
        "8.00",
    )


async def test_another_range_of_what_is_not_assessed_is_another_score(service, ask):
    await service.apply(adopted(scheme()), posted(figure("b1", None), figure("b2", None)))
    document = draft()
    document["indicators"][0]["points"] = "7"
    told = tried(figure("b1", None), figure("b2", None))
    await apply(service, Trials(), started(document), told, *ALL_SHARDS)
    body = (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).json()
    assert [one["trial"]["range"] for one in body["units"]] != [one["real"]["range"] for one in body["units"]]
    assert body["moved"] == {"points": 3, "rank": 0, "tier": 0}


async def test_until_all_shards_are_folded_there_are_points_so_far_and_no_places(service, ask):
    """Marks that come twice count once."""
    await service.apply(adopted(scheme()), posted(*REAL))
    trials = Trials()
    await apply(service, trials, started(), tried(*TRIED), *folded(*range(12), 3, 5))
    listed = (await ask("/v1/trials/mini/strict")).json()
    assert (listed["state"], listed["folded"], listed["shards"]) == ("running", 12, 64)
    body = (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).json()
    assert (body["state"], body["folded"], body["shards"], body["moved"]) == ("running", 12, 64, None)
    b1 = next(one for one in body["units"] if one["unit"] == "b1")
    assert (b1["points"], b1["places"], b1["tier_moves"]) == (None, None, None)
    assert b1["trial"] == {"points": "6.00", "range": None, "rank": None, "tier": None}
    assert b1["real"]["rank"] == 1
    await apply(service, trials, *folded(*range(12, 63)))
    assert (await ask("/v1/trials/mini/strict")).json()["state"] == "running"
    await apply(service, trials, *folded(63))
    whole = (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).json()
    assert (whole["state"], whole["folded"], whole["moved"]) == (
        "whole",
        64,
        {"points": 2, "rank": 3, "tier": 2},
    )


async def test_until_anything_is_told_of_a_trial_the_answer_is_to_come_again(service, ask):
    await service.apply(adopted(scheme()), posted(*REAL))
    trials = Trials()
    await apply(service, trials, started())
    refused = await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")
    assert (refused.status_code, refused.json()["code"]) == (503, "trial_begins")
    assert int(refused.headers["retry-after"]) > 0
    await apply(service, trials, tried())
    assert (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).json()["fresh_at"] == NOW


async def test_only_periods_that_end_in_the_months_of_a_trial_are_compared(service, ask):
    half = scheme(2)
    half["scheme"] |= {"effective": "2021-02", "until": "2021-06"}
    half["indicators"][0]["cycle"] = "quarter"
    told = [figure("b1", "5", period=period) for period in ("2021-01", MARCH, "2021-Q1", "2021-Q3", "2021")]
    await apply(service, Trials(), started(half), tried(*told))
    listed = (await ask("/v1/trials/mini/strict")).json()
    assert (listed["first"], listed["last"], listed["never_due"]) == ("2021-02", "2021-06", [])
    assert listed["items"] == [{"group": "bureaus", "period": period} for period in (MARCH, "2021-Q1")]
    for outside in ("2021-01", "2021-Q3", "2021"):
        refused = await ask(f"/v1/trials/mini/strict/bureaus/{outside}")
        assert (refused.status_code, refused.json()["code"]) == (422, "outside_trial")
    assert (await ask(f"/v1/trials/mini/strict/others/{MARCH}")).status_code == 404


async def test_a_trial_from_july_stands_on_the_months_of_the_version_before(service, ask):
    """The year by both versions, as their adoption one after another leaves it; of the first alone in March."""
    document = draft()
    document["scheme"]["effective"] = "2021-07"
    before = (VersionBefore(version=1, document=scheme()), VersionBefore(version=7))
    year = [figure(unit, "5", period="2021") for unit in ("b1", "b2", "b3")]
    trials = Trials()
    await apply(service, trials, started(document, before), tried(*year, *REAL, version=1))
    body = (await ask("/v1/trials/mini/strict/bureaus/2021")).json()
    assert (body["version"], body["before"]) == (2, []), "until its first figures of the year"
    await apply(service, trials, tried(*year))
    body = (await ask("/v1/trials/mini/strict/bureaus/2021")).json()
    assert (body["version"], body["before"]) == (2, [1])
    assert {one["trial"]["points"] for one in body["units"]} == {"5.00"}
    assert (await ask(f"/v1/trials/mini/strict/bureaus/{MARCH}")).json()["code"] == "outside_trial"


def of_months(first, last, **indicator):
    measures = {"m": {"over": "e", "kind": "flow"}, "s": {"over": "e", "kind": "stock"}}
    one = {"code": "one", "groups": ["bureaus"], "measure": "m", "method": {"target": {}}} | indicator
    overlays = [{"code": "o", "from": "2021-03", "until": "2021-08"}]
    head = {"effective": first, "until": last}
    return Tried({"scheme": head, "measures": measures, "overlays": overlays, "indicators": [one]})


@pytest.mark.parametrize(
    ("indicator", "never"),
    [
        ({"cycle": "year"}, False),
        ({"cycle": "month"}, False),
        ({"cycle": "year", "measure": "s"}, False),
        ({"cycle": "year", "method": {"deduct": {}}}, False),
        ({"overlay": "o", "cycle": "half-year"}, False),
    ],
)
def test_what_ends_in_a_trial_from_july_is_compared(indicator, never):
    tried_ = of_months("2021-07", "2021-12", **indicator)
    assert (tried_.never_due() == ("one",)) is never
    compared = [
        period
        for period in ("2021-06", "2021-11", "2021-Q3", "2021-H1", "2021")
        if tried_.compares(JANUARY.parse(period))
    ]
    assert compared == ["2021-11", "2021-Q3", "2021"]


@pytest.mark.parametrize(
    "indicator", [{"cycle": "year"}, {"cycle": "year", "measure": "s"}, {"overlay": "o"}]
)
def test_what_ends_outside_the_months_of_a_trial_is_never_due(indicator):
    assert of_months("2021-09", "2021-11", **indicator).never_due() == ("one",)


def test_of_a_group_only_its_own_indicators_are_never_due():
    yearly = of_months("2021-09", "2021-11", cycle="year")
    (group,) = yearly.document["indicators"][0]["groups"]
    assert (yearly.never_due(group), yearly.never_due("others")) == (("one",), ())


OLD = {
    "trees": {"organisation": "unit"},
    "views": {"v": {"events": ["e", "f"], "columns": {"a": 1, "b": 1, "unit": 1}}},
    "measures": {
        "m": {"over": "v", "owner": "x", "numerator": "count(*) FILTER (WHERE a > 1)", "period_by": "t"},
        "n": {"over": "e", "version": 1},
        "w": {"over": "e", "numerator": "count(*)", "source": {"document": "A"}, "verified": False},
    },
    "indicators": [
        {"code": "seen", "measure": "m"},
        {"code": "same", "measure": "n", "name": "Same", "assessor": "d1"},
        {"code": "gone", "measure": "n"},
        {"code": "won", "measure": "n", "method": {"deduct": {"bonus": {"measure": "w", "each": "1"}}}},
        {"code": "level", "measure": "n", "method": {"bonus": {"levels": [{"level": "1", "measure": "w"}]}}},
    ],
}


def viewed(**columns):
    view = OLD["views"]["v"]
    return {"v": view | {"columns": view["columns"] | columns}}


def redrafted(measures=None, **more):
    return OLD | more | {"measures": OLD["measures"] | (measures or {})}


@pytest.mark.parametrize(
    ("newer", "named"),
    [
        (redrafted(), ()),
        (redrafted(views=viewed(a=2)), ("seen",)),
        (redrafted(views=viewed(b=2, c=1)), ()),
        (redrafted(views=viewed(unit=2)), ("seen",)),
        (redrafted(views={"v": OLD["views"]["v"] | {"events": ["f", "e"]}}), ()),
        (redrafted(views={"v": OLD["views"]["v"] | {"events": ["e"]}}), ("seen",)),
        (redrafted({"n": {"over": "e", "version": 2, "owner": "y", "effective": "2021-01"}}), ()),
        (redrafted({"w": OLD["measures"]["w"] | {"source": {"document": "B"}, "verified": True}}), ()),
        (redrafted({"w": OLD["measures"]["w"] | {"numerator": "sum(a)"}}), ("level", "won")),
        (redrafted(trees={"organisation": "region"}), ("gone", "level", "same", "seen", "won")),
        (redrafted(indicators=[*OLD["indicators"][:2], *OLD["indicators"][3:]]), ("gone",)),
        (redrafted(indicators=[*OLD["indicators"], {"code": "new", "measure": "n"}]), ("new",)),
        (
            redrafted(
                indicators=[
                    OLD["indicators"][0] | {"source": {"document": "B"}, "verified": True},
                    OLD["indicators"][1] | {"name": "同", "assessor": "d2", "collection": "system"},
                    OLD["indicators"][2] | {"points": "3"},
                    *OLD["indicators"][3:],
                ]
            ),
            ("gone",),
        ),
    ],
)
def test_indicators_are_named_that_come_to_other_figures_whoever_answers_for_them(newer, named):
    assert changed(OLD, newer) == changed(newer, OLD) == named


def test_a_column_that_only_a_filter_names_decides_a_figure_too():
    filtered = {"count": "*", "where": "time > v.b"}
    real, other = (redrafted(views=viewed(a=filtered, b=b, c=1)) for b in (1, 2))
    assert changed(real, other) == ("seen",)
    assert changed(real, redrafted(views=viewed(a=filtered, c=2))) == ()


def test_a_column_may_be_called_as_what_says_where_values_come_from():
    measured = {"m": OLD["measures"]["m"] | {"numerator": "count(source) FILTER (WHERE verified)"}}
    one, other = (
        redrafted(measured, views=viewed(source={"first": field}, verified={"first": field}))
        for field in ("a", "b")
    )
    assert changed(one, other) == ("seen",)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ({"points": "10"}, {"points": "10.0"}, ()),
        ({"points": "10"}, {"points": "10.5"}, ("same",)),
        ({"method": {"target": {"target": "0.90"}}}, {"method": {"target": {"target": "0.9"}}}, ()),
        ({"board": "1"}, {"board": "1.0"}, ("same",)),
    ],
)
def test_a_number_that_is_written_otherwise_is_the_same(old, new, named):
    before, after = (redrafted(indicators=[OLD["indicators"][1] | more]) for more in (old, new))
    assert changed(before, after) == named

"""Ranking on a real PostgreSQL: what its door answers of standings."""

from decimal import Decimal

import pytest

from tests.ranking.rig import MARCH, NOW, adopted, ask, figure, indicator, places, posted, scheme, service

__all__ = ["ask", "service"]


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
        "known_on": None,
        "simulated": False,
        "fixture_values": ["missed"],
        "fresh_at": NOW,
        "tiers": [
            {"code": "first", "title": "第一段", "share": "0.5", "planned": 1, "units": 1},
            {"code": "second", "title": None, "share": "0.5", "planned": 0, "units": 0},
        ],
        "overlays": [],
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
        "stale": [],
        "carried": {},
        "overlays": {},
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


async def test_exact_sums_are_kept_and_rounded_once(service, ask):
    thirds = [figure("b1", "4.666666666667", indicator=code) for code in ("a", "b", "ontime")]
    three = scheme(indicators=[indicator(code, points="7") for code in ("a", "b", "ontime")])
    await service.apply(adopted(three), posted(*thirds))
    line = (await ask(f"/v1/standings/mini/bureaus/{MARCH}")).json()["units"][0]
    assert Decimal(line["points"]) == Decimal("14.00")

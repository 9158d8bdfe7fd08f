"""缺项折算: what does not apply to a unit is spread over its board; late data is a range, and zero is zero."""

from decimal import Decimal
from fractions import Fraction

import pytest

from services.ranking.domain.rows import Row
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import standing
from shared.contracts.scoring import PeriodFigures
from shared.kernel.points import PARTS, parts_of, published_parts
from tests.ranking.rig import MARCH, adopted, ask, figure, indicator, places, posted, scheme, service
from tests.ranking.test_totals import ask as ask_total

__all__ = ["ask", "ask_total", "service"]

NOT_HERE = [{"units": ["b1"], "reason": "本省无口岸"}]
BOARDS = [
    {"code": "party", "title": "党的全面领导", "points": "260"},
    {"code": "reform", "title": "税收改革发展", "points": "440"},
    {"code": "operation", "title": "工作运转保障", "points": "180"},
    {"code": "ratings", "title": "各方多维评价", "points": "120"},
]
RAW = {"party": "252.40", "rest": "408.00", "operation": "176.20", "ratings": "113.00"}
PORTS = {"ports": "12.00"}


def thousand(ports, **more):
    """The fixture of a thousand points; `ports` is the 15-point indicator of the reform board."""
    return scheme(
        units=("b1", "b2"),
        ranking={},
        boards=BOARDS,
        indicators=[
            indicator("party", board="party", points="260"),
            indicator("rest", board="reform", points="425"),
            indicator("ports", board="reform", points="15") | ports,
            indicator("operation", board="operation", points="180"),
            indicator("ratings", board="ratings", points="120"),
        ],
        **more,
    )


async def line_of(service, ask, document, unit="b1", period=MARCH, **values):
    told = await service.apply(
        adopted(document), posted(*[figure(unit, worth, indicator=code) for code, worth in values.items()])
    )
    body = (await ask(f"/v1/standings/mini/bureaus/{period}")).json()
    return next(one for one in body["units"] if one["unit"] == unit), places(told)[unit]


async def test_a_15_point_indicator_that_does_not_apply_makes_408_of_425_into_422_40_and_the_total_964_00(
    service, ask
):
    line, told = await line_of(service, ask, thousand({"not_applicable": NOT_HERE}), **RAW)
    assert line["boards"] == {
        "party": "252.40",
        "reform": "422.40",
        "operation": "176.20",
        "ratings": "113.00",
    }
    assert (line["points"], line["covered"], line["mark"]) == ("964.00", "1000.00", None)
    assert line["points"] not in {"949.60", "964.06", "964.60"}
    assert (line["not_applicable"], line["carried"]) == (["ports"], {})
    assert told == (1, "first", "964.00")


async def test_the_same_feed_merely_late_is_a_range_from_949_60_to_964_60_without_a_tier(service, ask):
    line, told = await line_of(service, ask, thousand({}), **RAW)
    assert (line["range"], line["mark"], line["points"]) == (["949.60", "964.60"], "未考", None)
    assert (line["tier"], line["rank"], line["not_assessed"]) == (None, None, ["ports"])
    assert line["boards"]["reform"] is None
    assert told == (None, None, None)


async def test_zero_is_no_missing_value_and_is_ranked(service, ask):
    line, told = await line_of(service, ask, thousand({}), **RAW, ports="0")
    assert (line["points"], line["range"], line["mark"]) == ("949.60", None, None)
    assert told == (1, "first", "949.60")


async def test_what_is_not_due_is_outside_points_and_total_and_rescales_nothing(service, ask):
    line, told = await line_of(service, ask, thousand({"cycle": "year"}), **RAW)
    assert (line["points"], line["covered"], line["not_due"]) == ("949.60", "985.00", ["ports"])
    assert told == (1, "first", "949.60")


async def test_what_does_not_apply_and_is_not_due_rescales_nothing(service, ask):
    ports = {"cycle": "year", "not_applicable": NOT_HERE}
    line, _ = await line_of(service, ask, thousand(ports), **RAW)
    assert (line["points"], line["covered"], line["boards"]["reform"]) == ("949.60", "985.00", "408.00")
    assert line["not_applicable"] == []


async def test_a_figure_that_came_of_what_does_not_apply_counts_for_nothing(service, ask):
    line, told = await line_of(service, ask, thousand({"not_applicable": NOT_HERE}), **RAW, ports="15")
    assert line["points"] == told[2] == "964.00"


async def test_a_unit_that_it_applies_to_is_not_rescaled(service, ask):
    document = thousand({"not_applicable": NOT_HERE})
    line, told = await line_of(service, ask, document, "b2", **RAW, ports="15")
    assert line["points"] == told[2] == "964.60"


@pytest.mark.parametrize(
    ("period", "points"), [("2021-01", "949.60"), ("2021-03", "964.00"), ("2021-Q1", "949.60")]
)
async def test_an_indicator_applies_in_a_period_if_it_does_in_one_of_its_months(service, ask, period, points):
    document = thousand({"not_applicable": [NOT_HERE[0] | {"from": "2021-02"}]})
    found = [
        figure("b1", worth, indicator=code, period=period) for code, worth in (RAW | {"ports": "0"}).items()
    ]
    await service.apply(adopted(document), posted(*found))
    body = (await ask(f"/v1/standings/mini/bureaus/{period}")).json()
    assert body["units"][0]["points"] == points


async def test_the_points_of_a_board_of_which_nothing_applies_go_to_the_others_and_the_standing_says_so(
    service, ask
):
    absent = {"not_applicable": NOT_HERE}
    document = thousand(absent)
    document["indicators"][1] |= absent
    line, told = await line_of(service, ask, document, party="252.40", operation="176.20", ratings="113.00")
    assert line["carried"] == {"reform": "440.00"}
    assert line["boards"] == {"party": "252.40", "operation": "176.20", "ratings": "113.00"}
    wanted = published_parts(round(Fraction(5416, 10) * Fraction(1000, 560) * PARTS))
    assert (line["points"], line["covered"]) == (str(wanted), "1000.00") == ("967.14", "1000.00")
    assert told == (1, "first", "967.14")


async def test_a_unit_with_nothing_due_but_a_bonus_is_not_ranked(service, ask, ask_total):
    document = scheme(
        ranking={},
        boards=[{"code": "work", "title": "W", "points": "1000"}],
        indicators=[
            indicator("m1", points="100", not_applicable=[{"units": ["b3"], "reason": "r"}]),
            indicator("y1", points="900", cycle="year"),
            {"code": "award", "points": "20", "groups": ["bureaus"], "method": {"bonus": {}}},
        ],
    )
    worth = {"b1": "97", "b2": "95"}
    posts = [figure(unit, value, indicator="m1") for unit, value in worth.items()]
    posts += [figure(unit, "0", indicator="award") for unit in ("b1", "b2", "b3")]
    told = await service.apply(adopted(document), posted(*posts))
    units = (await ask(f"/v1/standings/mini/bureaus/{MARCH}")).json()["units"]
    assert [(one["unit"], one["points"], one["rank"], one["unranked"]) for one in units] == [
        ("b1", "97.00", 1, None),
        ("b2", "95.00", 2, None),
        ("b3", None, None, "nothing_due"),
    ]
    assert places(told)["b3"] == (None, None, None)
    shown = await ask_total(unit="b3")
    assert (shown["ranked"], shown["published"]) == (2, None)
    assert shown["formula"] == "nothing is due that applies"


async def test_a_total_says_how_its_boards_were_rescaled_and_why(service, ask_total):
    await service.apply(
        adopted(thousand({"not_applicable": NOT_HERE})),
        posted(*[figure("b1", worth, indicator=code) for code, worth in RAW.items()]),
    )
    told = await ask_total()
    assert (told["published"], told["points"], told["lost"]) == ("964.00", "1000", "36.000000000000")
    (one,) = told["rescaled"]
    assert (one["board"], one["published"], one["not_applicable"]) == ("reform", "422.40", "15")
    assert one["formula"] == "408 · (425 + 15) / 425"
    ports = next(part for part in told["parts"] if part["indicator"] == "ports")
    assert (ports["state"], ports["reason"], ports["value"]) == ("not_applicable", "本省无口岸", None)
    board = await ask_total(board="reform")
    assert (board["published"], board["points"]) == ("422.40", "440")


async def test_a_total_says_the_reason_of_its_own_period_as_the_version_that_rules_it_has_it(
    service, ask_total
):
    def ports(*reasons):
        said = [
            {"units": ["b1"], "from": first, "until": last, "reason": why} for first, last, why in reasons
        ]
        return thousand({"not_applicable": said})

    first = ports(("2021-01", "2021-03", "筹建"), ("2021-04", "2021-12", "迁址"))
    second = ports(("2021-01", "2021-12", "撤并"))
    second["scheme"] |= {"version": 2, "effective": "2021-07"}
    periods = ["2021-02", "2021-05", "2021-08", "2021-Q2", "2021-H1", "2021"]
    posts = [figure("b1", RAW["rest"], indicator="rest", period=one) for one in periods]
    early, late = [
        [one for one in posts if (one.period in {"2021-08", "2021"}) is is_late] for is_late in (False, True)
    ]
    await service.apply(adopted(first), posted(*early))
    await service.apply(adopted(second), posted(*late, version=2))
    reasons = {}
    for period in periods:
        parts = (await ask_total(period=period))["parts"]
        reasons[period] = next(one["reason"] for one in parts if one["indicator"] == "ports")
    assert reasons == {
        "2021-02": "筹建",
        "2021-05": "迁址",
        "2021-08": "撤并",
        "2021-Q2": "迁址",
        "2021-H1": "筹建；迁址",
        "2021": "筹建；迁址；撤并",
    }


async def test_what_applies_in_no_version_of_a_year_is_spread_with_the_points_of_all_its_months(service, ask):
    first, second = (thousand({"points": points, "not_applicable": NOT_HERE}) for points in ("20", "30"))
    first["indicators"][1]["points"], second["indicators"][1]["points"] = "420", "410"
    second["scheme"] |= {"version": 2, "effective": "2021-07"}
    worth = {"party": "260", "rest": "415", "ports": None, "operation": "180", "ratings": "120"}
    points = {"rest": "415", "ports": "25"}
    told = PeriodFigures(unit="b1", period="2021", volume=20, values=worth, points=points)
    moved = await service.apply(adopted(first), adopted(second), posted(told, version=2))
    (line, _) = (await ask("/v1/standings/mini/bureaus/2021")).json()["units"]
    assert (line["points"], line["covered"]) == ("1000.00", "1000.00")
    assert line["boards"]["reform"] == "440.00"
    assert places(moved, "2021")["b1"] == (1, "first", "1000.00")


def of_reform(quarterly, period):
    """Return the reform board of a unit to which a 15-point indicator does not apply."""
    document = thousand({"not_applicable": NOT_HERE})
    document["indicators"][1]["points"] = "400"
    document["indicators"].append(indicator("quarterly", board="reform", points="25", cycle="quarter"))
    row = Row({"rest": 384 * PARTS} | ({"quarterly": parts_of(quarterly)} if quarterly else {}), 20, 1)
    found = Scheme(1, document).group_figures("bureaus", period, {"b1": row})
    return standing({"b1": found["b1"]}, Scheme(1, document).rules)[0].boards["reform"]


def test_a_board_has_only_the_points_that_are_due_in_the_period():
    assert of_reform(None, "2021-02") == Decimal("398.40")  # 384 · 415 / 400
    assert of_reform("25", "2021-03") == Decimal("423.44")  # 409 · 440 / 425


async def test_what_applied_in_the_first_month_of_a_quarter_under_the_version_before_is_assessed_at_its_end(
    service, ask
):
    """By the version from August it does not apply to b1; September ends the quarter, and July was under the other."""
    first, second = thousand({"cycle": "quarter"}), thousand({"cycle": "quarter", "not_applicable": NOT_HERE})
    first["scheme"]["until"] = "2021-07"
    second["scheme"] |= {"version": 2, "effective": "2021-08"}
    told = [figure("b1", worth, indicator=code, period="2021-09") for code, worth in (RAW | PORTS).items()]
    await service.apply(adopted(first), adopted(second), posted(*told, version=2))
    body = (await ask("/v1/standings/mini/bureaus/2021-09")).json()
    line = next(one for one in body["units"] if one["unit"] == "b1")
    assert (line["boards"]["reform"], line["points"], line["not_applicable"]) == ("420.00", "961.60", [])


def by_days_and_then_by_months(**more):
    """The 15 points are assessed on a day of March, not applicable to b1 there, and from July every month."""
    here = {"units": ["b1"], "from": "2021-03", "until": "2021-03", "reason": "筹建"}
    first = thousand({"cycle": "point", "dates": ["2021-03-31"], "not_applicable": [here], **more})
    second = thousand({"cycle": "month", "not_applicable": NOT_HERE, **more})
    second["scheme"] |= {"version": 2, "effective": "2021-07"}
    return first, second


def test_a_year_asks_of_a_version_that_named_days_whether_it_applies_in_their_months_alone():
    first, second = by_days_and_then_by_months()
    found = Scheme(2, second, (first,))
    assert found.absent("bureaus", "2021") == {"b1": {"ports"}}
    assert found.reason("ports", "bureaus", "b1", "2021") == "筹建；本省无口岸"
    first["indicators"][2]["dates"].append("2021-05-31")
    assert Scheme(2, second, (first,)).absent("bureaus", "2021") == {}


def test_of_an_overlay_each_version_names_its_own_days_whatever_the_newest_names():
    special = [{"code": "dyke", "name": "D", "from": "2021-01", "until": "2021-12", "counts": "added"}]
    first, second = by_days_and_then_by_months(overlay="dyke", board=None)
    for one in (first, second):
        one["overlays"] = special
    assert Scheme(2, second, (first,)).absent("bureaus", "2021") == {"b1": {"ports"}}
    first["indicators"][2] |= {"cycle": "month", "dates": []}
    second["indicators"][2] |= {"cycle": "point", "dates": ["2021-09-30"]}
    assert Scheme(2, second, (first,)).absent("bureaus", "2021") == {}

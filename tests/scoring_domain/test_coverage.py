"""How many points machines give: the sum of machine and system decides, what was not scored does not count."""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.check import findings
from services.scoring.domain.coverage import (
    Planned,
    Ruling,
    Scored,
    achieved,
    least,
    months_with_data,
    planned,
    planned_in,
)
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.reading import read
from shared.kernel.points import MILLIONTHS
from tests.scoring.test_stages import SCHEME, TYPES

TARGET = {"machine": "0.53", "system": "0.27"}


def of_classes(*points, target=TARGET):
    """A scheme of 100 points with an indicator of each class."""
    document = copy.deepcopy(SCHEME)
    document["scheme"]["total"] = document["boards"][0]["points"] = "100"
    document["coverage"] = target
    pattern = document["indicators"][0]
    document["indicators"] = [
        pattern | {"code": kind, "collection": kind, "points": str(points)}
        for kind, points in zip(("machine", "system", "manual"), points, strict=True)
        if points
    ]
    return document


def refused(document):
    return [(one.path, one.code, one.reason) for one in findings(read(document), TYPES)]


@pytest.mark.parametrize("points", [(53, 27, 20), (80, 0, 20), (1, 79, 20), (30, 55, 15), (100, 0, 0)])
def test_of_53_and_27_only_the_sum_decides(points):
    assert refused(of_classes(*points)) == []


def test_what_is_below_the_sum_is_refused_with_the_group_and_its_unit():
    ((path, code, reason),) = refused(of_classes(53, Decimal("26.999999"), Decimal("20.000001")))
    assert (path, code) == ("/coverage", "coverage_short")
    assert "bureaus, b1" in reason


def test_a_target_above_all_points_is_refused_and_none_is_asked_for_without_one():
    above = {"machine": "0.73", "system": "0.28"}
    assert [one[1] for one in refused(of_classes(80, 0, 20, target=above))] == ["coverage_above_one"]
    assert refused(of_classes(0, 0, 100, target=None)) == []


def test_an_individual_indicator_counts_for_its_unit_alone():
    document = of_classes(53, 27, 20)
    common, own = document["indicators"][:2], document["indicators"][2]
    document["indicators"] = [
        *common,
        own | {"code": "own-b1", "units": ["b1"]},
        own | {"code": "own-b2", "units": ["b2"], "collection": "machine"},
    ]
    units = planned(read(document))["bureaus"]
    assert units == {
        "b1": Planned(Decimal(53), Decimal(27), Decimal(20)),
        "b2": Planned(Decimal(73), Decimal(27)),
    }
    assert least(units)[0] == "b1"


YEAR = tuple(range(2021 * 12, 2022 * 12))
PLACES = [("bureaus", unit, code) for unit in ("b1", "b2") for code in ("machine", "system", "manual")]


def whole_year(document):
    return [Ruling(read(document), YEAR)]


def cells(*places, months=12, version=1):
    return {Scored(version, "bureaus", unit, code): months for unit, code in places}


def test_what_was_not_scored_in_every_month_was_not_achieved():
    scored = cells(("b1", "machine"), ("b2", "machine"), ("b2", "system"), ("b1", "manual"))
    scored |= cells(("b1", "system"), months=11)
    found = achieved(whole_year(of_classes(53, 27, 20)), scored)["bureaus"]
    assert (found["b1"].points, found["b1"].missing) == (Decimal(53), ("system",))
    assert (found["b2"].share(), found["b2"].missing) == (Fraction(80, 100), ())


def test_what_does_not_apply_is_neither_planned_nor_missing_in_its_months():
    document = of_classes(53, 27, 20)
    document["indicators"][1]["not_applicable"] = [
        {"units": ["b1"], "reason": "r"},
        {"units": ["b2"], "reason": "r", "until": "2021-06"},
    ]
    rulings = whole_year(document)
    scored = cells(("b1", "machine"), ("b2", "machine")) | cells(("b2", "system"), months=6)
    plan, found = planned_in(rulings)["bureaus"], achieved(rulings, scored)["bureaus"]
    assert plan["b1"] == Planned(Decimal(53), Decimal(0), Decimal(20))
    assert plan["b2"] == Planned(Decimal(53), Decimal("13.5"), Decimal(20))
    assert (found["b1"].points, found["b1"].total, found["b1"].missing) == (Decimal(53), Decimal(73), ())
    assert (found["b2"].points, found["b2"].total) == (Decimal("66.5"), Decimal("86.5"))
    late = achieved(rulings, scored | cells(("b2", "system"), months=5))["bureaus"]["b2"]
    assert (late.points, late.missing) == (Decimal(53), ("system",))


def test_in_a_year_of_two_versions_each_counts_its_own_months():
    first, second = of_classes(53, 27, 20), of_classes(60, 30, 10)
    second["scheme"] |= {"version": 2, "effective": "2021-10"}
    rulings = [Ruling(read(first), YEAR[:9]), Ruling(read(second), YEAR[9:])]
    both = [("b1", "machine"), ("b1", "system")]
    scored = cells(*both, months=9) | cells(*both, months=3, version=2)
    assert planned_in(rulings)["bureaus"]["b1"].share() == Fraction(3 * 80 + 90, 400)
    found = achieved(rulings, scored)["bureaus"]["b1"]
    assert (found.points, found.total, found.missing) == (Decimal("82.5"), Decimal(100), ())
    half = achieved(rulings, cells(*both, months=9))["bureaus"]["b1"]
    assert (half.points, half.missing) == (Decimal(0), ("machine", "system"))


def test_a_unit_that_changes_its_group_is_counted_in_that_of_the_last_day_with_all_its_months():
    """b1 has 80 of 100 by machines as a bureau and 90 of 100 from July as a city."""
    first, second = of_classes(53, 27, 20), of_classes(60, 30, 10)
    second["scheme"] |= {"version": 2, "effective": "2021-07"}
    second["groups"]["cities"] = {"level": "city", "title": "Cities"}
    next(one for one in second["units"] if one["code"] == "b1")["level"] = "city"
    for one in second["indicators"]:
        one["groups"] = ["bureaus", "cities"]
    rulings = [Ruling(read(first), YEAR[:6]), Ruling(read(second), YEAR[6:])]
    in_cities = {Scored(2, "cities", "b1", code): 6 for code in ("machine", "system")}
    scored = cells(("b1", "machine"), ("b1", "system"), months=6) | in_cities
    plan, found = planned_in(rulings[::-1]), achieved(rulings, scored)
    assert {group: sorted(units) for group, units in plan.items()} == {"bureaus": ["b2"], "cities": ["b1"]}
    assert plan["cities"]["b1"] == Planned(Decimal("56.5"), Decimal("28.5"), Decimal(15))
    assert (found["cities"]["b1"].points, found["cities"]["b1"].missing) == (Decimal(85), ())


def test_a_unit_that_the_last_version_does_not_have_is_counted_nowhere():
    """Closed in June, b1 is in no standing of the year, as in no group of its last day; its half-year stands."""
    first, second = of_classes(53, 27, 20), of_classes(60, 30, 10)
    second["scheme"] |= {"version": 2, "effective": "2021-07"}
    second["units"] = [one for one in second["units"] if one["code"] != "b1"]
    early, late = Ruling(read(first), YEAR[:6]), Ruling(read(second), YEAR[6:])
    for rulings in ([early, late], [late, early]):
        assert {group: sorted(units) for group, units in planned_in(rulings).items()} == {"bureaus": ["b2"]}
        assert sorted(achieved(rulings, {})["bureaus"]) == ["b2"]
    assert sorted(planned_in([early])["bureaus"]) == ["b1", "b2"]


BY_DAYS = {"cycle": "point", "dates": ["2021-01-31", "2021-03-31"]}
ABSENT = {"not_applicable": [{"units": ["b1"], "reason": "r", "from": "2021-02", "until": "2021-02"}]}
IN_SPRING = {"overlay": "spring", "board": None}


@pytest.mark.parametrize(("said", "having"), [({}, 3), (BY_DAYS, 2), (ABSENT, 2), (IN_SPRING, 1)])
def test_data_of_months_that_have_no_cell_stands_behind_none(said, having):
    """Data came in January to March; the days are of two of them, February does not apply, spring begins in March."""
    document = of_classes(53, 27, 20)
    months = {"from": "2021-03", "until": "2021-05"}
    document["overlays"] = [{"code": "spring", "name": "春季", "counts": "added", "points": "53"} | months]
    document["indicators"][0] |= {"no_data": "zero", **said}
    (ruling,) = whole_year(document)
    one = ruling.document.indicators[0]
    came = {YEAR[at]: Partials(MILLIONTHS, MILLIONTHS, 1) for at in range(3)}
    came[YEAR[3]] = Partials(0, 0, 1)
    assert months_with_data(ruling, one, "b1", came) == having
    assert months_with_data(ruling, one, "b1", {}) == 0


@given(st.sets(st.sampled_from(PLACES)))
def test_what_was_achieved_never_passes_what_is_planned_and_equals_it_where_everything_was_scored(scored):
    document = of_classes(53, 27, 20)
    rulings = whole_year(document)
    assert planned_in(rulings) == planned(read(document))
    done = cells(*((unit, code) for _, unit, code in scored))
    for unit, found in achieved(rulings, done)["bureaus"].items():
        plan = planned(read(document))["bureaus"][unit]
        assert found.points <= plan.by_machines
        assert (found.points == plan.by_machines) == (not found.missing)

"""How many points machines give: the sum of machine and system decides, what was not scored does not count."""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.check import findings
from services.scoring.domain.coverage import Planned, Scored, achieved, least, planned
from services.scoring.domain.reading import read
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


def test_what_was_not_scored_in_every_month_was_not_achieved():
    scored = [Scored("bureaus", "b1", "machine"), Scored("bureaus", "b2", "machine")]
    scored += [Scored("bureaus", "b2", "system"), Scored("bureaus", "b1", "manual")]
    found = achieved(read(of_classes(53, 27, 20)), scored)["bureaus"]
    assert (found["b1"].points, found["b1"].missing) == (Decimal(53), ("system",))
    assert (found["b2"].share(), found["b2"].missing) == (Fraction(80, 100), ())


@given(
    st.sets(
        st.sampled_from(
            [Scored("bureaus", u, i) for u in ("b1", "b2") for i in ("machine", "system", "manual")]
        )
    )
)
def test_what_was_achieved_never_passes_what_is_planned_and_equals_it_where_everything_was_scored(scored):
    document = read(of_classes(53, 27, 20))
    for unit, found in achieved(document, scored)["bureaus"].items():
        plan = planned(document)["bureaus"][unit]
        assert found.points <= plan.by_machines
        assert (found.points == plan.by_machines) == (not found.missing)

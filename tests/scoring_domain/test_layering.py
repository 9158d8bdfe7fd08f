"""A child scheme beside its parent: stricter is reported, equal is not, points are carried on by level."""

import copy
from decimal import Decimal

import pytest

from services.scoring.domain.layering import burdens, carried, reached
from services.scoring.domain.reading import read
from services.scoring.layer_answers import layers
from tests.scoring.test_stages import SCHEME


def nation(budget=None):
    document = copy.deepcopy(SCHEME)
    document["indicators"][1]["method"]["deduct"]["floor"] = "2"
    return document | ({"children": {"indicators": budget}} if budget else {})


def city(*, above="mini", code="city", **methods):
    """The scheme of b1 for its own units, of half the points, carrying on both indicators unless told otherwise."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"code": code, "total": "10"}
    document["parent"] = {"scheme": above, "version": 1, "unit": "b1"}
    document["boards"][0]["points"] = "10"
    ontime, missed = document["indicators"]
    ontime |= {"points": "5", "decomposes": "ontime"}
    missed |= {"points": "5", "decomposes": "missed", "method": {"deduct": {"each": "0.25", "floor": "1"}}}
    for one in document["indicators"]:
        one["method"] = methods.get(one["code"], one["method"])
    return document


def found(child, parent=None):
    return [
        (one.kind, one.path, one.above, one.here) for one in burdens(read(child), read(parent or nation()))
    ]


def test_equal_is_not_stricter_whatever_the_totals_are():
    assert found(city()) == []


@pytest.mark.parametrize(
    ("methods", "burden"),
    [
        ({"ontime": {"target": {"target": "0.99"}}}, ("stricter", "/indicators/0/method/target/target", "0.98", "0.99")),
        ({"missed": {"deduct": {"each": "0.26", "floor": "1"}}}, ("stricter", "/indicators/1/method/deduct/each", "0.5", "0.26")),
        ({"missed": {"deduct": {"each": "0.25"}}}, ("stricter", "/indicators/1/method/deduct/floor", "2", "0")),
        ({"ontime": {"deduct": {"each": "1"}}}, ("not_comparable", "/indicators/0/method", "target", "deduct")),
    ],
)  # fmt: skip
def test_what_is_stricter_is_reported_with_both_values(methods, burden):
    assert found(city(**methods)) == [burden]


@pytest.mark.parametrize(
    "methods",
    [{"ontime": {"target": {"target": "0.9"}}}, {"missed": {"deduct": {"each": "0.2", "floor": "1.5"}}}],
)
def test_what_is_easier_is_not_reported(methods):
    assert found(city(**methods)) == []


def test_a_reverse_target_is_stricter_where_it_is_lower():
    parent = nation()
    parent["indicators"][0]["method"] = {"target": {"target": "10", "direction": "down"}}
    for target, stricter in (("9", True), ("10", False), ("11", False)):
        child = city(ontime={"target": {"target": target, "direction": "down"}})
        assert bool(found(child, parent)) is stricter


@pytest.mark.parametrize(
    ("above", "here", "place"),
    [
        ({"low": "1", "high": "3", "tolerance": "1"}, {"low": "1.5", "high": "3", "tolerance": "1"}, "low"),
        ({"low": "1", "high": "3", "tolerance": "1"}, {"low": "1", "high": "2.5", "tolerance": "1"}, "high"),
        ({"low": "1", "high": "3", "tolerance": "1"}, {"low": "1", "high": "3", "tolerance": "0.5"}, "tolerance"),
        ({"low": "1", "high": "3", "tolerance": "1"}, {"low": "0", "high": "4", "tolerance": "2"}, None),
        ({"limit": "5", "step": "1"}, {"limit": "4", "step": "0.5"}, "limit"),
        ({"limit": "5", "step": "1"}, {"limit": "5", "step": "0.6"}, "step"),
        ({"limit": "5", "step": "1"}, {"limit": "5", "step": "0.5"}, None),
    ],
)  # fmt: skip
def test_every_parameter_that_is_stricter_is_named_by_itself(above, here, place):
    method = "within" if "low" in above else "excess"
    parent = nation()
    parent["indicators"][0]["method"] = {method: above}
    told = found(city(ontime={method: here}), parent)
    wanted = (
        []
        if place is None
        else [("stricter", f"/indicators/0/method/{method}/{place}", above[place], here[place])]
    )
    assert told == wanted


@pytest.mark.parametrize(
    ("above", "here", "stricter"),
    [
        ("not_assessed", "zero", True),
        ("full", "not_assessed", True),
        ("full", "zero", True),
        ("zero", "not_assessed", False),
        ("not_assessed", "full", False),
        ("zero", "zero", False),
    ],
)
def test_no_data_that_costs_more_than_above_is_stricter(above, here, stricter):
    """Of the range from zero to full that is told of what is not assessed zero is the lower end, full the upper."""
    parent, child = nation(), city()
    parent["indicators"][0]["no_data"], child["indicators"][0]["no_data"] = above, here
    told = found(child, parent)
    assert told == ([("stricter", "/indicators/0/no_data", above, here)] if stricter else [])


def test_what_a_method_makes_of_no_data_is_compared_by_the_method_alone():
    child = city(ontime={"deduct": {"each": "1"}})
    parent = nation()
    parent["indicators"][0]["no_data"] = "full"
    assert [one[0] for one in found(child, parent)] == ["not_comparable"]


def test_a_mean_of_months_and_a_ratio_of_sums_are_not_comparable():
    """9 of 10 and 100 of 100 are 0.95 and 109/110; with 10 of 10 and 90 of 100 it is the other way round."""
    child = city()
    child["measures"]["ontime"]["over_months"] = "mean"
    path = "/measures/ontime/over_months"
    assert found(child) == [("not_comparable", path, "sums", "mean")]
    parent = nation()
    parent["measures"]["ontime"]["over_months"] = "mean"
    assert found(child, parent) == []
    assert found(city(), parent) == [("not_comparable", path, "mean", "sums")]


def test_more_indicators_than_the_parent_allows_are_reported_and_as_many_are_not():
    assert found(city(), nation(budget=2)) == []
    assert found(city(), nation(budget=1)) == [("too_many", "/indicators", "1", "2")]


def test_what_the_parent_has_not_is_named():
    child = city()
    child["indicators"][0]["decomposes"] = "gone"
    child["parent"]["unit"] = "b9"
    assert [one[0] for one in found(child)] == ["unknown_parent_unit", "unknown_parent_indicator"]


def test_points_that_nobody_carries_on_are_missing():
    child = city()
    del child["indicators"][0]["decomposes"]
    whole = carried(read(child), read(nation()))
    assert (whole.points, whole.total, whole.missing) == (Decimal(10), Decimal(20), ("ontime",))


def test_each_level_is_measured_against_the_one_above_and_against_the_top():
    county = city(above="city", code="county")
    county["indicators"][1]["decomposes"] = "ontime"
    chain = [read(nation()), read(city()), read(county)]
    assert reached(chain) == [Decimal(20), Decimal(10)]
    told = layers(chain, "zh")
    assert [(one.scheme, one.share, one.first) for one in told.layers] == [
        ("city", "1.000000", "20"),
        ("county", "0.500000", "10"),
    ]


def test_it_is_told_in_both_languages():
    chain = [read(nation(budget=1)), read(city(ontime={"target": {"target": "0.99"}}))]
    for lang, words in (
        ("zh", ["层层加码：指标 2 个，超过上级限额 1 个", "层层加码：指标 ontime 为 0.99，严于上级的 0.98"]),
        (
            "en",
            [
                "layered on: 2 indicators, more than the 1 that are allowed",
                "layered on: ontime asks 0.99, stricter than 0.98 above",
            ],
        ),
    ):
        (layer,) = layers(chain, lang).layers
        assert [one.text for one in layer.burdens] == words

"""Late working days: so much a day until the cap, by shares, each in its month; the newest version counts."""

import itertools
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.decided import Decision, Deducted
from services.scoring.domain.derived import fold_derived, newest
from services.scoring.domain.explanation import Uncounted
from services.scoring.domain.late_days import Free, charges
from services.scoring.domain.measures import LATE_DAYS_TOLD, ItemKind
from shared.contracts import supervision
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, PARTS
from tests.scoring_domain.late_days import (
    APRIL,
    DONE_10_MAY,
    EXTENDED_TO_7_MAY,
    HANDED_ON,
    MAY,
    PLAN,
    folded,
    handed_on,
    item,
    lost,
    plan_of,
    refused,
    scheme,
    worth,
)


def test_an_item_done_on_10_may_loses_0_2_in_april_and_0_8_in_may_of_3_points():
    cells = folded(item(days=DONE_10_MAY))
    assert lost(cells) == {APRIL: Decimal("0.2"), MAY: Decimal("0.8")}
    assert worth(cells) == Decimal("2.0")


def test_extended_in_time_to_7_may_it_loses_0_4():
    cells = folded(item(days=EXTENDED_TO_7_MAY))
    assert lost(cells) == {MAY: Decimal("0.4")}
    assert worth(cells) == Decimal("2.6")


def test_the_cap_runs_over_the_life_of_the_item_in_the_order_of_the_days():
    days = [date(2021, 4, 20) + timedelta(days=step) for step in range(30)]
    assert lost(folded(item(days=days[::-1]))) == {APRIL: Decimal(2)}


def test_a_day_at_the_cap_costs_what_is_left():
    plan = plan_of(scheme(per_day="0.3", cap="0.8"))
    found = charges(item(days=DONE_10_MAY), "late", plan, "b1")
    assert [one.parts for one in found] == [
        int(Decimal(cost) * PARTS) for cost in ("0.3", "0.3", "0.2", 0, 0)
    ]
    assert [one.free for one in found] == [None, None, None, Free.BEYOND_CAP, Free.BEYOND_CAP]


def test_days_before_the_scheme_use_the_cap_up_and_cost_nothing():
    days = [date(2020, 12, 28) + timedelta(days=step) for step in range(6)]
    plan = plan_of(scheme(per_day="0.2", cap="1"))
    january = Month.parse("2021-01").ordinal
    assert lost(folded(item(days=days), plans=[plan])) == {january: Decimal("0.2")}


def test_shares_split_each_day_exactly():
    shares = {"b1": 333_333, "b2": 666_667}
    cells = folded(item(days=DONE_10_MAY, shares=shares))
    assert lost(cells, "b1") == {APRIL: Decimal("0.0666666"), MAY: Decimal("0.2666664")}
    assert lost(cells, "b2") == {APRIL: Decimal("0.1333334"), MAY: Decimal("0.5333336")}


def test_days_that_were_late_before_an_item_was_handed_on_stay_with_who_had_it():
    shares = [{"b1": MILLIONTHS}] * 2 + [{"b1": 400_000, "b2": 600_000}] * 2 + [{"b2": MILLIONTHS}]
    cells = folded(handed_on(*zip(DONE_10_MAY, shares, strict=True)))
    assert lost(cells, "b1") == {APRIL: Decimal("0.2"), MAY: Decimal("0.36")}
    assert lost(cells, "b2") == {MAY: Decimal("0.44")}


def test_handing_an_item_on_leaves_one_cap_over_its_life():
    plan = plan_of(scheme(per_day="0.5", cap="2"))
    shares = [{"b1": MILLIONTHS}] * 3 + [{"b2": MILLIONTHS}] * 2
    cells = folded(handed_on(*zip(DONE_10_MAY, shares, strict=True)), plans=[plan])
    assert sum(lost(cells, "b1").values()) == Decimal("1.5")
    assert lost(cells, "b2") == {MAY: Decimal("0.5")}


def test_what_two_units_below_one_lose_it_loses_together():
    document = scheme()
    document["units"] += [
        {"code": city, "parent": "b1", "name": city, "level": "city"} for city in ("c1", "c2")
    ]
    cells = folded(item(days=DONE_10_MAY, shares={"c1": 400_000, "c2": 600_000}), plans=[plan_of(document)])
    assert lost(cells) == {APRIL: Decimal("0.2"), MAY: Decimal("0.8")}


@pytest.mark.parametrize(
    "spared",
    [
        {"provisional": True},
        {"indicator": "missed"},
        {"scheme": "another"},
    ],
)
def test_a_provisional_item_and_one_of_another_indicator_or_scheme_cost_nothing(spared):
    assert folded(item(days=DONE_10_MAY, **spared)) == {}


def test_an_item_of_its_own_indicator_and_scheme_counts():
    assert lost(folded(item(days=DONE_10_MAY, scheme="mini", indicator="late"))) != {}


def test_an_unknown_unit_is_in_doubt_and_the_others_lose_their_share():
    cells = {}
    traces = fold_derived(cells, [PLAN], item(days=DONE_10_MAY, shares={"b1": 500_000, "nobody": 500_000}))
    assert traces.doubts == {("unknown_unit", "nobody")}
    assert lost(cells) == {APRIL: Decimal("0.1"), MAY: Decimal("0.4")}


def test_an_item_that_is_late_in_no_month_of_the_scheme_is_in_doubt():
    traces = fold_derived({}, [PLAN], item(days=[date(2022, 1, 4)]))
    assert traces.doubts == {("no_scheme", "2022-01")}


def test_a_decision_costs_the_unit_it_names_and_none_above():
    rows = (
        Deducted("b1", "bureau", "linked", MAY, 2 * MILLIONTHS),
        Deducted("b1", "own", "linked", APRIL, 3 * MILLIONTHS, why="suppressed"),
        Deducted("hq", "department", "linked", MAY, MILLIONTHS),
        Deducted("b2", "bureau", "ontime", MAY, MILLIONTHS),
    )
    cells = folded(Decision("incident/b1", 1, rows))
    assert lost(cells, over="decided:incidents") == {MAY: Decimal(2)}
    assert {unit for _, _, unit, _ in cells} == {"b1"}
    assert worth(cells, "linked") == Decimal(3)


VERSIONS = st.lists(
    HANDED_ON.map(lambda days: handed_on(*sorted(days.items(), key=lambda one: one[0]))),
    min_size=1,
    max_size=4,
)


def taken(cells, kept, fact):
    """Let a version take the place of an older one, as stage A does."""
    if kept is None or fact.version > kept.version:
        fold_derived(cells, [PLAN], kept, -1)
        fold_derived(cells, [PLAN], fact)
        return fact
    return kept


@given(VERSIONS)
def test_versions_in_every_order_and_twice_leave_what_the_newest_alone_does(told):
    versions = [replace(one, version=at) for at, one in enumerate(told, 1)]
    wanted = folded(newest(versions))
    for order in itertools.permutations(versions):
        cells, kept = {}, None
        for fact in (*order, *order[::-1]):
            kept = taken(cells, kept, fact)
        assert {cell: numbers for cell, numbers in cells.items() if any(numbers)} == wanted


@given(HANDED_ON, st.integers(1, 10**6), st.integers(1, 10**7))
def test_all_that_is_lost_is_the_days_or_the_cap_and_every_part_is_somebodys(days, per_day, cap):
    plan = plan_of(scheme(per_day=f"{per_day / 10**6:.6f}", cap=f"{cap / 10**6:.6f}"))
    found = charges(handed_on(*days.items()), "late", plan, "b1")
    assert sum(one.parts for one in found) == min(cap, per_day * len(days)) * MILLIONTHS
    assert [one.day for one in found] == sorted(one.day for one in found)


def test_kinds_and_the_days_that_are_told_are_those_of_the_contract():
    assert set(ItemKind.__args__) == {kind.value for kind in supervision.ItemKind}
    assert LATE_DAYS_TOLD == supervision.LATE_DAYS_TOLD
    assert {free.value for free in Free} <= {reason.value for reason in Uncounted}


def test_the_scheme_of_these_cases_is_taken():
    assert refused(scheme()) == set()


@pytest.mark.parametrize(
    ("path", "value", "finding"),
    [
        (("measures", "late", "cap"), "0", ("/measures/late/cap", "cap_zero")),
        (("measures", "late", "cap"), "0.1", ("/measures/late/per_day", "per_day_above_cap")),
        (("measures", "late", "cap"), "200.1", ("/measures/late/cap", "cap_out_of_reach")),
        (("measures", "late", "cap"), "-2", ("/measures/late/cap", "shape")),
        (("measures", "late", "per_day"), "0.000000", ("/measures/late/per_day", "per_day_zero")),
        (("measures", "late", "per_day"), "0.0000001", ("/measures/late/per_day", "shape")),
        (("measures", "late", "items"), "petition", ("/measures/late/items", "shape")),
        (("measures", "late", "numerator"), "count(*)", ("/measures/late/numerator", "shape")),
        (("measures", "linked", "decided"), "rumours", ("/measures/linked/decided", "shape")),
        (("measures", "linked", "cap"), "2", ("/measures/linked/cap", "shape")),
        (("indicators", 2, "method"), {"deduct": {"each": "1"}}, ("/indicators/2/method/deduct/each", "each_of_points")),
        (("indicators", 2, "method"), {"target": {"target": "1"}}, ("/indicators/2/method", "points_are_deducted")),
        (("indicators", 1, "method"), {"deduct": {}}, ("/indicators/1/method/deduct/each", "each_missing")),
        (("indicators", 2, "measure"), "linked", ("/indicators/3/measure", "measure_taken")),
        (("indicators", 3, "measure"), "late", ("/indicators/3/measure", "measure_taken")),
        (("ranking",), {"minimum_volume": {"measure": "late", "at_least": 1}}, ("/ranking/minimum_volume/measure", "points")),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_measure_in_points_is_refused_at_its_place(path, value, finding):
    document = scheme()
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert finding in refused(document)


def test_a_measure_without_per_day_or_cap_is_refused():
    document = scheme()
    del document["measures"]["late"]["per_day"], document["measures"]["late"]["cap"]
    assert refused(document) == {("/measures/late/per_day", "shape"), ("/measures/late/cap", "shape")}

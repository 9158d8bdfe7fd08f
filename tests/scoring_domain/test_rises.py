"""Whether the risk of a region rose: the chance of its count, corrected for many regions, and its minimum."""

from decimal import Decimal
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.incidents.rises import PLACES, Counted, holm, rises, tail

BY_SCIPY = [  # binomtest(x, x + b, e / (e + f), alternative="greater").pvalue of SciPy 1.17
    ((30, 1_000, 120, 12_000), 1.2124124928138536e-06),
    ((300, 13_001, 2_400, 120_007), 0.011577347247980872),
    ((3_000, 1_300_001, 24_000, 12_000_007), 2.1342750676437654e-13),
    ((12, 100, 30, 700), 0.004281109668125817),
    ((5, 100, 70, 700), 0.9654931121166657),
    ((0, 10, 3, 10), 1.0),
    ((40, 10, 0, 10), 9.094947017729282e-13),
]
COUNTS = st.builds(
    Counted,
    st.integers(0, 40),
    st.integers(1, 10_000),
    st.integers(0, 200),
    st.integers(1, 100_000),
)


@pytest.mark.parametrize(("told", "chance"), BY_SCIPY)
def test_the_chance_is_that_of_scipy(told, chance):
    assert tail(Counted(*told)) == Decimal(chance).quantize(PLACES)


@given(COUNTS)
def test_the_chance_is_the_exact_sum_at_12_places(one):
    n, q = one.count + one.before, Fraction(one.exposure, one.exposure + one.exposure_before)
    exact = sum(comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(one.count, n + 1))
    assert abs(Fraction(tail(one)) - exact) <= Fraction(1, 2 * 10**12)
    assert tail(one) == tail(one).quantize(PLACES)


@given(COUNTS, st.integers(2, 1_000))
def test_in_what_exposure_is_counted_says_nothing(one, factor):
    scaled = Counted(one.count, one.exposure * factor, one.before, one.exposure_before * factor)
    assert tail(scaled) == tail(one)


def test_holm_asks_more_of_the_first_and_never_less_of_the_next():
    told = {"a": Decimal("0.01"), "b": Decimal("0.04"), "c": Decimal("0.03"), "d": Decimal("0.005")}
    assert {name: str(p) for name, p in holm(told).items()} == {
        "d": "0.020",
        "a": "0.03",
        "c": "0.06",
        "b": "0.06",
    }
    assert holm({"a": Decimal("0.7"), "b": Decimal("0.8")}) == {"a": Decimal(1), "b": Decimal(1)}


ROSE = Counted(30, 1_000, 120, 12_000)
SAME = Counted(10, 1_000, 120, 12_000)


def significant(regions, *, minimum=10, alpha="0.01"):
    found = rises(regions, minimum=minimum, alpha=Decimal(alpha))
    return {name for name, one in found.items() if one.is_significant}


def test_a_region_with_thrice_its_own_rate_rose_and_one_with_the_same_did_not():
    assert significant({"b1": ROSE, "b2": SAME, "b3": SAME}) == {"b1"}


def test_below_the_minimum_nothing_is_significant_and_at_the_minimum_it_is():
    assert significant({"b1": ROSE}, minimum=31) == set()
    assert significant({"b1": ROSE}, minimum=30) == {"b1"}


def test_at_the_level_is_significant():
    p = tail(ROSE)
    assert significant({"b1": ROSE}, alpha=str(p)) == {"b1"}
    assert significant({"b1": ROSE}, alpha=str(p - PLACES)) == set()


def test_what_is_significant_alone_is_not_among_very_many_regions():
    once = Counted(12, 100, 30, 700)
    assert significant({"b1": once}) == {"b1"}
    assert significant({"b1": once, "b2": SAME, "b3": SAME}) == set()


def test_a_region_below_the_minimum_is_among_the_tested():
    once, few = Counted(12, 100, 30, 700), Counted(0, 1_000, 120, 12_000)
    assert significant({"b1": once, "b2": few, "b3": few}) == set()


def test_without_exposure_now_or_before_a_region_is_not_tested():
    regions = {"b1": ROSE, "b2": Counted(5, 0, 3, 10), "b3": Counted(50, 10, 0, 0)}
    assert rises(regions, minimum=1, alpha=Decimal("0.05")).keys() == {"b1"}


def adjusted(regions, **more):
    found = rises(regions, **{"minimum": 1, "alpha": Decimal("0.05")} | more)
    return {
        name: (f"{one.p:.12f}", f"{one.adjusted:.12f}", one.is_significant) for name, one in found.items()
    }


HALF = Counted(
    5, 100, 0, 100
)  # each event falls into either span by chance, and all five fell into the month


def test_of_a_baseline_without_events_the_chance_is_that_all_fell_into_the_month():
    assert tail(HALF) == Decimal("0.03125")
    assert tail(Counted(3, 100, 0, 300)) == Decimal("0.015625")
    assert tail(Counted(0, 100, 0, 300)) == Decimal(1), "nothing happened at all"


def test_one_region_alone_is_not_corrected():
    assert adjusted({"b1": HALF}) == {"b1": ("0.031250000000", "0.031250000000", True)}


def test_regions_that_are_equal_are_judged_equally_whatever_their_names():
    two = adjusted({"b2": HALF, "b1": HALF})
    assert set(two.values()) == {("0.031250000000", "0.062500000000", False)}
    lower = Counted(7, 100, 0, 100)
    three = adjusted({"b1": HALF, "b2": lower, "b3": HALF})
    assert three["b2"] == ("0.007812500000", "0.023437500000", True)
    assert three["b1"] == three["b3"] == ("0.031250000000", "0.062500000000", False)


def test_holm_goes_on_from_the_one_before_and_ends_at_one():
    told = {"a": "0.010", "b": "0.011", "c": "0.012", "d": "0.9"}
    found = {name: str(p) for name, p in holm({name: Decimal(p) for name, p in told.items()}).items()}
    assert found == {"a": "0.040", "b": "0.040", "c": "0.040", "d": "0.9"}, (
        "0.033 and 0.024 are not below 0.040"
    )
    assert holm({"a": Decimal(1), "b": Decimal(1)}) == {"a": 1, "b": 1}


def test_the_minimum_is_of_the_count_in_the_month_and_says_nothing_of_who_is_tested():
    regions = {"b1": HALF, "b2": Counted(4, 100, 0, 1_000_000)}
    found = adjusted(regions, minimum=5)
    assert found["b2"] == ("0.000000000000", "0.000000000000", False), "sure, and of four events"
    assert found["b1"] == ("0.031250000000", "0.031250000000", True)


def test_a_region_without_exposure_is_not_counted_among_the_many():
    regions = {
        "b1": HALF,
        "b2": Counted(9, 0, 0, 100),
        "b3": Counted(9, 100, 0, 0),
        "b4": Counted(0, 0, 0, 0),
    }
    assert adjusted(regions) == {"b1": ("0.031250000000", "0.031250000000", True)}


@given(st.dictionaries(st.sampled_from(["b1", "b2", "b3", "b4"]), COUNTS), st.randoms(use_true_random=False))
def test_any_order_of_regions_gives_the_same(regions, random):
    names = list(regions)
    random.shuffle(names)
    shuffled = {name: regions[name] for name in names}
    found = rises(regions, minimum=5, alpha=Decimal("0.05"))
    assert rises(shuffled, minimum=5, alpha=Decimal("0.05")) == found
    assert all(one.p <= one.adjusted <= 1 for one in found.values())

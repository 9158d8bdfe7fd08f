"""Ranks, tiers and lists as the practice counts them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranking.domain.tiers import Tier, backfill, bottom, place, ranks, sizes

TIERS = (Tier("first", Decimal("0.4")), Tier("second", Decimal("0.4")), Tier("third", Decimal("0.2")))
BY_RANK = {f"u{rank}": rank for rank in range(1, 37)}
BARRED = frozenset(f"u{rank}" for rank in {3, 20, 35, 36} | {12, 34, 35, 36})


def test_36_units_at_40_40_20_are_14_15_7():
    assert sizes(36, TIERS) == [14, 15, 7]


def count(placed):
    return [list(placed.values()).count(tier.code) for tier in TIERS]


def test_both_lists_bar_from_the_first_tier_once():
    assert count(place(BY_RANK, TIERS, BARRED)) == [12, 17, 7]


def test_backfill_moves_15_and_16_up():
    placed = backfill(BY_RANK, TIERS, BARRED)
    assert count(placed) == [14, 15, 7]
    assert placed["u15"] == placed["u16"] == "first"
    assert placed["u17"] == "second"


def test_a_tie_across_the_cut_goes_to_the_upper_tier():
    ranked = BY_RANK | {"u15": 14}
    assert place(ranked, TIERS)["u15"] == "first"


def test_a_group_of_one_has_no_first_tier():
    assert place({"only": 1}, TIERS) == {"only": "second"}


def test_equal_print_is_equal_rank():
    points = {"a": Decimal("9.5"), "b": Decimal("9.50"), "c": Decimal(9), "d": Decimal(10)}
    assert ranks(points) == {"d": 1, "a": 2, "b": 2, "c": 4}


PARTY = [Decimal(p) for p in ("236.10", "237.00", "238.50", "240.20", "240.20", "240.20")]
OTHERS = [Decimal("241.00") + i for i in range(30)]
PARTY_OF = {f"u{i}": value for i, value in enumerate(PARTY + OTHERS)}


def test_the_bottom_10_percent_includes_all_at_the_cut():
    assert len(bottom(PARTY_OF, Decimal("0.1"))) == 6
    assert len(bottom(PARTY_OF, Decimal("0.1"), ties=False)) == 3


@pytest.mark.parametrize(("units", "expected"), [(36, 4), (5, 1), (4, 0)])
def test_10_percent_is_rounded_half_up(units, expected):
    points = {str(i): Decimal(i) for i in range(units)}
    assert len(bottom(points, Decimal("0.1"))) == expected


@given(st.integers(0, 500), st.lists(st.integers(1, 100), min_size=1, max_size=6))
def test_sizes_sum_to_the_group(count, weights):
    tiers = [Tier(str(i), Decimal(w) / Decimal(sum(weights))) for i, w in enumerate(weights)]
    exact = [*tiers[:-1], Tier("last", 1 - sum((t.share for t in tiers[:-1]), Decimal(0)))]
    found = sizes(count, exact)
    assert sum(found) == count
    assert all(size >= 0 for size in found)


@given(st.dictionaries(st.text(min_size=1), st.decimals(0, 1000, places=2), min_size=1))
def test_who_has_more_never_stands_below(points):
    ranked = ranks(points)
    placed = place(ranked, TIERS)
    order = [tier.code for tier in TIERS]
    for one in points:
        for other in points:
            if points[one] >= points[other]:
                assert ranked[one] <= ranked[other]
                assert order.index(placed[one]) <= order.index(placed[other])

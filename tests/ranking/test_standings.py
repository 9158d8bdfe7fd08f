"""Totals are exact sums, rounded once; what is missing shows as a range."""

import random
from decimal import Decimal

from services.ranking.domain.standings import Figure, Rules, Unranked, line_of, standing
from services.ranking.domain.tiers import Tier
from shared.kernel.figures import FigureState
from shared.kernel.points import cell

TIERS = (Tier("first", Decimal("0.4")), Tier("second", Decimal("0.4")), Tier("third", Decimal("0.2")))
RULES = Rules(places=2, tiers=TIERS)


def figure(code, value, *, points="7", board="work", state=FigureState.SCORED, volume=0):
    worth = None if value is None else Decimal(value)
    return Figure(code, board, Decimal(points), worth, state, volume)


def test_three_7_point_indicators_at_two_thirds_are_14_00():
    third = cell(Decimal(14) / 3)
    assert line_of("u", [figure(c, third) for c in "abc"], RULES).total == Decimal("14.00")


def test_four_boards_sum_to_973_35():
    boards = {"party": "252.40", "reform": "431.75", "operation": "176.20", "ratings": "113.00"}
    line = line_of("u", [figure(b, v, board=b, points="300") for b, v in boards.items()], RULES)
    assert line.total == Decimal("973.35")
    assert line.boards["reform"] == Decimal("431.75")


def test_a_unit_without_data_has_a_range_and_neither_rank_nor_tier():
    missing = figure("late", None, points="15", state=FigureState.NOT_ASSESSED)
    lines = standing({"u": [figure("a", "949.60", points="985"), missing], "v": [figure("a", "900")]}, RULES)
    late = next(line for line in lines if line.unit == "u")
    assert (late.total, late.low, late.high) == (None, Decimal("949.60"), Decimal("964.60"))
    assert (late.rank, late.tier, late.not_assessed) == (None, None, ("late",))
    assert lines[0].unit == "v"


def test_what_is_not_due_lies_outside_points_and_total():
    year = figure("year", None, points="20", state=FigureState.NOT_DUE)
    line = line_of("u", [figure("a", "6.5"), year], RULES)
    assert (line.total, line.covered, line.not_due) == (Decimal("6.50"), Decimal(7), ("year",))


def test_below_the_minimum_volume_a_unit_follows_unranked():
    rules = Rules(places=2, tiers=TIERS, at_least=20)
    lines = standing({"big": [figure("a", "5", volume=20)], "small": [figure("a", "7", volume=19)]}, rules)
    assert [(line.unit, line.rank) for line in lines] == [("big", 1), ("small", None)]


def test_each_unranked_unit_says_why():
    year = figure("year", None, points="20", state=FigureState.NOT_DUE)
    late = figure("late", None, points="15", state=FigureState.NOT_ASSESSED)
    rules = Rules(places=2, tiers=TIERS, at_least=20)
    units = {"early": [year], "late": [late], "new": [], "small": [figure("a", "7", volume=19)]}
    lines = {line.unit: line for line in standing(units, rules)}
    assert {unit: line.unranked for unit, line in lines.items()} == {
        "early": Unranked.NOTHING_DUE,
        "late": Unranked.NOT_ASSESSED,
        "new": Unranked.NOT_ASSESSED,
        "small": Unranked.BELOW_MINIMUM_VOLUME,
    }
    assert lines["early"].total is None
    assert lines["small"].total == Decimal("7.00")
    assert all((line.rank, line.tier, line.gap) == (None, None, None) for line in lines.values())


def test_zero_is_a_score_and_is_ranked():
    lines = standing({"zero": [figure("a", "0")], "some": [figure("a", "1")]}, RULES)
    assert [(line.unit, line.total, line.rank) for line in lines] == [
        ("some", Decimal("1.00"), 1),
        ("zero", Decimal("0.00"), 2),
    ]


def test_units_without_a_full_score_are_outside_the_sizes_of_tiers():
    missing = figure("late", None, state=FigureState.NOT_ASSESSED)
    scored = {str(i): [figure("a", str(50 - i), points="50")] for i in range(36)}
    lines = standing(scored | {f"late{i}": [missing] for i in range(9)}, RULES)
    assert [[line.tier for line in lines].count(tier.code) for tier in TIERS] == [14, 15, 7]


def test_a_tie_at_the_cut_stands_in_the_upper_tier_with_the_gap_of_its_rank():
    worths = {"a": "9", "b": "8", "c": "8", "d": "7", "e": "6"}
    lines = standing({unit: [figure("x", worth, points="10")] for unit, worth in worths.items()}, RULES)
    assert [(line.unit, line.rank, line.tier) for line in lines] == [
        ("a", 1, "first"),
        ("b", 2, "first"),
        ("c", 2, "first"),
        ("d", 4, "second"),
        ("e", 5, "third"),
    ]
    assert [line.gap for line in lines] == [None, None, None, Decimal("1.00"), Decimal("1.00")]


def test_a_board_with_something_missing_has_no_sum():
    missing = figure("late", None, board="open", state=FigureState.NOT_ASSESSED)
    line = line_of("u", [figure("a", "5"), missing], RULES)
    assert line.boards == {"open": None, "work": Decimal("5.00")}
    assert line.covered == Decimal("14.00")


def test_the_gap_is_the_last_score_of_the_next_tier_less_ones_own():
    lines = standing({str(i): [figure("a", str(10 - i), points="10")] for i in range(5)}, RULES)
    assert [line.tier for line in lines] == ["first", "first", "second", "second", "third"]
    assert [line.gap for line in lines] == [None, None, Decimal(1), Decimal(2), Decimal(1)]


def test_the_order_of_figures_leaves_no_trace():
    figures = {str(i): [figure(c, f"{i}.{i}") for c in "abc"] for i in range(9)}
    shuffled = dict(random.Random(3).sample(list(figures.items()), 9))
    assert standing(shuffled, RULES) == standing(figures, RULES)


def test_a_group_of_one_has_no_first_tier_and_no_gap_to_it():
    (line,) = standing({"only": [figure("a", "6")]}, RULES)
    assert (line.rank, line.tier, line.gap) == (1, "second", None)

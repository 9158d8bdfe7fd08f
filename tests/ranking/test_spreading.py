"""What does not apply is spread over what does: decisions alone, without a service."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.ranking.domain.moves import Spot
from services.ranking.domain.rescaling import Part, Range, rescaled
from services.ranking.domain.rows import Row
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.scores import score, score_without, spots
from services.ranking.domain.standings import standing
from shared.kernel.points import PARTS, parts_of, published_parts
from tests.ranking.test_moves import spot_of


def part(board, points, value, *, deducts=False):
    return Part(board, points * PARTS, None if value is None else parts_of(value), deducts)


def totals(parts, *absent):
    found = rescaled(parts, [(board, points * PARTS) for board, points in absent])
    return tuple(str(published_parts(end)) for end in (found.total.low, found.total.high))


def test_deductions_are_not_scaled_up_but_the_points_are_spread_over_the_rest():
    parts = [part("a", 20, "17", deducts=True), part("a", 60, "45")]
    assert totals(parts, ("a", 20)) == ("77.00", "77.00")


def test_if_only_deductions_are_left_their_points_are_stretched_and_their_losses_are_not():
    parts = [part("a", 20, "17", deducts=True), part("a", 30, "-1", deducts=True)]
    assert totals(parts, ("a", 50)) == ("66.00", "66.00")


def test_a_deduction_that_waits_ranges_over_its_stretched_points():
    parts = [part("a", 20, "17", deducts=True), part("a", 30, None, deducts=True)]
    assert totals(parts, ("a", 50)) == ("37.00", "97.00")


def test_the_points_of_another_board_are_carried_by_what_is_no_deduction():
    parts = [part("a", 20, "17", deducts=True), part("a", 80, "40"), part("b", 300, "300")]
    found = rescaled(parts, [("c", 100 * PARTS)])
    assert found.boards["a"].own == Range(57 * PARTS, 57 * PARTS)
    assert found.boards["a"].gained == 25 * PARTS
    assert found.boards["a"].carrying.low == parts_of("69.5")
    assert found.boards["b"].carrying.low == 375 * PARTS
    assert found.carried == {"c": 100 * PARTS}


def test_every_board_that_applies_to_nobody_leaves_nothing():
    found = rescaled([], [("a", 100 * PARTS)])
    assert (found.total, found.points, found.carried) == (Range(0, 0), 0, {"a": 100 * PARTS})


def test_an_award_outside_the_boards_is_not_scaled():
    assert totals([part("a", 50, "25"), part(None, 0, "3")], ("a", 50)) == ("53.00", "53.00")


def test_a_quotient_is_rounded_once_at_12_places_half_even():
    found = rescaled([part("a", 3, "1")], [("a", 4 * PARTS)])
    assert found.total.low == parts_of("2.333333333333")


BOARD = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.none() | st.decimals(0, 1, places=3),
        st.booleans(),
        st.sampled_from("abc"),
        st.booleans(),
    ),
    min_size=1,
    max_size=9,
)


def spread_by_the_formula(parts, gone):
    """kept + rest · (board − deduct points) / (board − deduct points − not applicable), written anew."""
    points, absent = {}, {}
    for one in parts:
        points[one.board] = points.get(one.board, 0) + one.points
    for board, worth in gone:
        absent[board] = absent.get(board, 0) + worth
    there = sum(worth + absent.get(board, 0) for board, worth in points.items())
    carried = sum(worth for board, worth in absent.items() if board not in points)
    found = {}
    for board, applying in points.items():
        mine = [one for one in parts if one.board == board]
        own = applying + absent.get(board, 0)
        whole = own + Fraction(carried * own, there)
        deducts = sum(one.points for one in mine if one.deducts)
        kept = sum(one.value for one in mine if one.deducts)
        rest = sum(one.value for one in mine if not one.deducts)
        missing = whole - applying
        stretched = rest * (whole - deducts) / (whole - deducts - missing) if applying > deducts else missing
        found[board] = kept + stretched
    return found


@given(BOARD)
def test_whatever_does_not_apply_each_board_is_what_the_formula_says(drawn):
    parts = [
        Part(board, points * PARTS, parts_of((share or 0) * points), deducts)
        for points, share, deducts, board, applies in drawn
        if applies
    ]
    gone = [(board, points * PARTS) for points, _, _, board, applies in drawn if not applies]
    found = rescaled(parts, gone)
    due = spread_by_the_formula(parts, gone)
    assert {code: one.carrying.low for code, one in found.boards.items() if one.applies} == {
        board: round(value) for board, value in due.items()
    }
    assert found.total.low == found.total.high == sum(map(round, due.values()))


@given(BOARD)
def test_a_range_goes_from_zero_to_full_of_what_is_missing_and_reaches_both(drawn):
    def at(missing):
        parts = [
            Part(board, points * PARTS, parts_of((missing if share is None else share) * points), deducts)
            for points, share, deducts, board, applies in drawn
            if applies
        ]
        return rescaled(parts, gone).total.low

    gone = [(board, points * PARTS) for points, _, _, board, applies in drawn if not applies]
    known = rescaled(
        [
            Part(board, points * PARTS, None if share is None else parts_of(share * points), deducts)
            for points, share, deducts, board, applies in drawn
            if applies
        ],
        gone,
    )
    spread = {board for _, _, deducts, board, applies in drawn if applies and not deducts}
    stretched = [share for _, share, _, board, applies in drawn if applies and board not in spread]
    assert known.total.high == at(1)
    assert None in stretched or known.total.low == at(0)
    assert known.total.low <= at(Decimal("0.5")) <= known.total.high


INDICATORS = [
    ("a", "x", "7", "month", {"target": {}}, ["t", "u", "v"]),
    ("b", "x", "3.5", "quarter", {"target": {}}, ["v"]),
    ("c", "x", "2", "month", {"deduct": {}}, ["t", "w"]),
    ("d", "y", "5", "month", {"deduct": {}}, ["t"]),
    ("e", "z", "1", "month", {"target": {}}, ["t", "u", "v", "w"]),
    ("f", None, "3", "month", {"bonus": {}}, []),
]
WORTH = st.none() | st.decimals(-1, 10, allow_nan=False, allow_infinity=False, places=12).map(parts_of)
ROWS = st.dictionaries(
    st.sampled_from("tuvw"),
    st.builds(
        Row, st.dictionaries(st.sampled_from("abcdef"), WORTH), st.integers(0, 3), st.just(1), st.just({})
    ),
)


def drawn_scheme():
    return Scheme(
        1,
        {
            "scheme": {"places": 2, "effective": "2021-01", "until": "2021-12"},
            "units": [{"code": unit, "name": unit, "level": "bureau"} for unit in "tuvw"],
            "groups": {"g": {"level": "bureau"}},
            "indicators": [
                {
                    "code": code,
                    "points": points,
                    "groups": ["g"],
                    "cycle": cycle,
                    "method": method,
                    "not_applicable": [{"units": units, "reason": "r"}] if units else [],
                }
                | ({"board": board} if board else {})
                for code, board, points, cycle, method, units in INDICATORS
            ],
        },
    )


@given(ROWS, st.sampled_from(["2021-02", "2021-03", "2021-Q1"]))
def test_what_is_told_of_rescaled_units_is_what_the_whole_standing_says(rows, period):
    of = drawn_scheme()
    due, absent = of.due("g", period), of.absent("g", period)
    whole = standing(
        {unit: of.figures("g", unit, due[unit], rows.get(unit), absent.get(unit, ())) for unit in "tuvw"},
        of.rules,
    )
    scores = {}
    for unit in "tuvw":
        row = rows.get(unit)
        worth, volume = (row.worth, row.volume) if row else ({}, 0)
        if unit in absent:
            scores[unit] = score_without(absent[unit], due[unit], of.kinds, worth, volume, of.rules)
        else:
            scores[unit] = score(due[unit], of.points, worth, volume, of.rules)
    assert spots(scores, of.rules) == {line.unit: spot_of(line) for line in whole}
    assert spots(scores, of.rules).keys() == set("tuvw")
    assert all(isinstance(one, Spot) for one in spots(scores, of.rules).values())

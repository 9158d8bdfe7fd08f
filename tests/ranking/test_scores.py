"""What is told at little cost is what the whole standing says."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.ranking.domain.moves import Spot
from services.ranking.domain.rows import Row
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.scores import score, spots
from services.ranking.domain.standings import Rules, standing
from shared.kernel.points import parts_of
from tests.ranking.test_moves import spot_of
from tests.ranking.test_standings import TIERS

INDICATORS = {"a": ("month", "7"), "b": ("quarter", "3.5"), "c": ("year", "0.000001")}
UNITS = "uvwxyz"
INDIVIDUAL = {"code": "d", "board": "d", "points": "2", "groups": ["g"], "units": ["u", "v"], "method": {}}
WORTH = st.none() | st.decimals(-1, 10, allow_nan=False, allow_infinity=False, places=12).map(parts_of)
ROWS = st.dictionaries(
    st.sampled_from(UNITS),
    st.builds(
        Row, st.dictionaries(st.sampled_from("abc"), WORTH), st.integers(0, 3), st.just(1), st.just({})
    ),
)


def scheme(at_least):
    document = {
        "scheme": {"places": 2},
        "tiers": [{"code": tier.code, "share": str(tier.share)} for tier in TIERS],
        "ranking": {"minimum_volume": {"at_least": at_least}},
        "units": [{"code": unit, "name": unit, "level": "bureau"} for unit in UNITS],
        "groups": {"g": {"level": "bureau"}},
        "indicators": [INDIVIDUAL]
        + [
            {"code": code, "board": code, "points": points, "groups": ["g"], "cycle": cycle, "method": {}}
            for code, (cycle, points) in INDICATORS.items()
        ],
    }
    return Scheme(1, document)


@given(ROWS, st.sampled_from(["2021-02", "2021-03", "2021-Q1", "2021"]), st.integers(0, 3))
def test_spots_are_those_of_the_whole_standing(rows, period, at_least):
    of = scheme(at_least)
    due = of.due("g", period)
    whole = standing({unit: of.figures("g", unit, due[unit], rows.get(unit)) for unit in UNITS}, of.rules)
    scores = {
        unit: score(due[unit], of.points, row.worth if row else {}, row.volume if row else 0, of.rules)
        for unit in UNITS
        for row in [rows.get(unit)]
    }
    assert spots(scores, of.rules) == {line.unit: spot_of(line) for line in whole}


def test_a_range_is_told_until_everything_is_assessed():
    points = {"a": parts_of(Decimal(10)), "late": parts_of(Decimal(15))}
    found = score(points, points, {"a": parts_of(Decimal(5)), "late": None}, 0, Rules(places=2))
    assert spots({"u": found}, Rules(places=2)) == {"u": Spot(low=Decimal("5.00"), high=Decimal("20.00"))}


def test_nothing_due_is_neither_full_nor_ranked():
    found = score({}, {}, {}, 5, Rules(places=2))
    assert (found.low, found.full, found.ranked) == (Decimal("0.00"), False, False)


def test_a_bonus_alone_is_nothing_due():
    found = score({"w": 0}, {"w": 0}, {"w": parts_of("3")}, 5, Rules(places=2))
    assert (found.low, found.full, found.ranked) == (Decimal("3.00"), False, False)


def test_a_bonus_outside_the_boards_is_in_the_total_and_in_no_board_and_adds_no_points_to_reach():
    of = scheme(0)
    of.document["indicators"][1:] = [
        {"code": "a", "board": "a", "points": "7", "groups": ["g"], "method": {}},
        {"code": "w", "points": "5", "groups": ["g"], "cycle": "year", "method": {"bonus": {}}},
    ]
    due = of.due("g", "2021-02")["z"]
    row = Row({"a": parts_of("6.5"), "w": parts_of("2")}, 0, 1)
    (line,) = standing({"z": of.figures("g", "z", due, row)}, of.rules)
    assert (line.total, line.covered, line.boards) == (Decimal("8.50"), 7, {"a": Decimal("6.50")})
    assert score(due, of.points, row.worth, 0, of.rules).low == line.total
    assert score(due, of.points, {"w": row.worth["w"]}, 0, of.rules).high == Decimal("9.00")

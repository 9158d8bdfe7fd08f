"""What is told is the difference to what was told before, whatever lies between."""

from hypothesis import given
from hypothesis import strategies as st

from services.ranking.domain.moves import NOWHERE, Spot, moves
from services.ranking.domain.standings import standing
from tests.ranking.test_standings import RULES, figure


def lines(**points):
    return standing({unit: [figure("a", worth, points="10")] for unit, worth in points.items()}, RULES)


def spot_of(line):
    """Return what is told of a line."""
    if line.total is None:
        return Spot(line.rank, line.tier, low=line.low, high=line.high)
    return Spot(line.rank, line.tier, line.total)


def told_of(found):
    return {line.unit: spot_of(line) for line in found}


def test_only_units_whose_spot_differs_are_told():
    before, after = lines(a="9", b="8", c="7"), lines(a="9", b="6", c="7")
    found = {move.unit: (move.old.rank, move.new.rank) for move in moves(told_of(before), told_of(after))}
    assert found == {"b": (2, 3), "c": (3, 2)}


def test_a_change_that_does_not_reach_the_print_is_not_told():
    assert moves(told_of(lines(a="9")), told_of(lines(a="9.001"))) == []


def test_a_unit_that_left_stands_nowhere():
    gone = moves(told_of(lines(a="9", b="8", c="7")), told_of(lines(a="9", b="8")))
    assert ("c", NOWHERE) in [(move.unit, move.new) for move in gone]


WORTHS = st.dictionaries(st.sampled_from("abcdef"), st.decimals(0, 10, places=2), min_size=1)


@given(st.lists(WORTHS, min_size=1, max_size=4))
def test_moves_applied_in_turn_lead_to_the_last_standing(history):
    known = {}
    for points in history:
        for move in moves(known, told_of(lines(**{unit: str(worth) for unit, worth in points.items()}))):
            assert known.get(move.unit, NOWHERE) == move.old
            known[move.unit] = move.new
    present = {unit: spot for unit, spot in known.items() if spot != NOWHERE}
    assert present == told_of(lines(**{unit: str(worth) for unit, worth in history[-1].items()}))

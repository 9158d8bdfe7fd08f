"""A restated standing: what was closed and the difference come to what is restated, on each level by itself."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from services.ranking.domain.closing import Cut, Frozen, effect_digest, lacking
from services.ranking.domain.restating import Stood, differences

prints = st.decimals(min_value=0, max_value=1000, places=2)
boards = st.dictionaries(st.sampled_from("xyz"), st.none() | prints, max_size=3)
places = st.builds(
    Stood,
    points=st.none() | prints,
    span=st.none() | st.tuples(prints, prints),
    rank=st.none() | st.integers(1, 9),
    tier=st.none() | st.sampled_from(("first", "second")),
    boards=boards,
)
standings = st.dictionaries(st.sampled_from(("b1", "b2", "b3", "b4")), places)


@given(standings, standings)
def test_closed_and_difference_come_to_the_restated_on_each_level_and_who_is_not_named_is_as_before(
    closed: dict[str, Stood], restated: dict[str, Stood]
) -> None:
    found = {one.unit: one for one in differences(closed, restated)}
    for unit in closed.keys() | restated.keys():
        old, new = closed.get(unit), restated.get(unit)
        if unit not in found:
            assert old == new
            continue
        one = found[unit]
        assert (one.closed, one.restated) == (old, new)
        assert old != new
        if old is None or new is None or old.points is None or new.points is None:
            assert one.points is None
        else:
            assert old.points + (one.points or Decimal(0)) == new.points
        for board, difference in one.boards.items():
            assert old is not None and new is not None  # noqa: PT018 - both sides have it
            before = old.boards[board]
            assert before is not None
            assert before + difference == new.boards[board]


@given(standings)
def test_a_standing_that_nothing_changed_has_no_differences(closed: dict[str, Stood]) -> None:
    assert differences(closed, dict(closed)) == []


@given(st.permutations(("bureaus", "desks", "inspectorates")), st.binary(max_size=4))
def test_the_digest_of_an_effect_is_over_all_groups_in_any_order(order: list[str], content: bytes) -> None:
    frozen = [Frozen(1, Cut(name, 7, "2021-04-08T16:00:00Z", "2021-04-08"), content) for name in order]
    digest = effect_digest("mini", "2021-03", frozen)
    assert digest == effect_digest("mini", "2021-03", frozen[::-1])
    assert digest != effect_digest("mini", "2021-03", frozen[1:])
    assert digest != effect_digest("mini", "2021-Q1", frozen)
    other = Frozen(1, frozen[0].cut, content + b"x")
    assert digest != effect_digest("mini", "2021-03", [other, *frozen[1:]])


def test_a_group_without_its_cut_is_lacking() -> None:
    assert lacking({"desks", "bureaus"}, {"desks", "gone"}) == ("bureaus",)
    assert lacking({"desks"}, {"desks"}) == ()

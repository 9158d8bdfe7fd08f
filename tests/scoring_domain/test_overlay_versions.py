"""Special assessments (专项考评) that a newer version of the year keeps, moves, leaves out or brings."""

from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.scoring_domain.overlays import halves, with_overlay
from tests.scoring_domain.test_parts import DECEMBER, LEVY, figures, line, month, version

DONE = [("b1", LEVY, month(5), (882, 1000, 1000)), ("b1", LEVY, month(8), (931, 1000, 1000))]


def test_20_points_from_april_and_30_from_july_until_september_are_24_50_of_25_in_its_year():
    both = line(halves(1, "2021-01", "20", "0.90"), halves(2, "2021-07", "30", "0.95"))
    outside = [("b1", LEVY, month(2), (0, 1000, 1000)), ("b1", LEVY, month(11), (0, 1000, 1000))]
    found = figures(both, DONE + outside)
    assert found["b1", 2, "2021", "drill"] == (Decimal("24.5"), 25)
    assert ("b1", 2, "2021-H2", "drill") not in found


def test_an_overlay_that_a_newer_version_leaves_out_keeps_its_points_for_its_months_in_the_year():
    both = line(halves(1, "2021-01", "20", "0.90"), version(2, "2021-07"))
    assert figures(both, DONE)["b1", 2, "2021", "drill"] == (Decimal("19.6"), 20)


def test_an_overlay_that_had_not_begun_when_a_newer_version_left_it_out_is_nowhere():
    both = line(halves(1, "2021-01", "20", "0.90", **{"from": "2021-08"}), version(2, "2021-07"))
    assert not {key for key in figures(both, DONE) if key[3] == "drill"}


def moved(first, then, effective="2021-08", **said):
    """Return versions of which the second, from August, moves the months of an overlay."""
    months = ({"from": one[0], "until": one[1]} for one in (first, then))
    return line(
        halves(1, "2021-01", "20", "0.9", **next(months)), halves(2, effective, "20", "0.9", **next(months))
    )


JULY_AND_OCTOBER = [("b1", LEVY, month(7), (450, 1000, 1000)), ("b1", LEVY, month(10), (900, 1000, 1000))]


def test_an_overlay_that_a_newer_version_moves_keeps_its_months_under_the_one_before():
    """July gave 10 of 20: so does its quarter, though the version from August has it from October on."""
    found = figures(moved(("2021-06", "2021-07"), ("2021-10", "2021-12")), JULY_AND_OCTOBER, DECEMBER)
    assert found["b1", 2, "2021-Q3", "drill"] == (Decimal(10), None)
    assert found["b1", 2, "2021-H2", "drill"] == (Decimal(15), None)


def test_an_overlay_that_was_moved_before_it_began_has_no_month_in_the_periods_that_it_left():
    found = figures(moved(("2021-08", "2021-09"), ("2021-10", "2021-12")), JULY_AND_OCTOBER, DECEMBER)
    told = {key[2]: one for key, one in found.items() if key[3] == "drill"}
    assert told == {"2021-H2": (20, None), "2021": (20, None)}


@settings(max_examples=30)
@given(
    st.integers(9, 12).flatmap(lambda at: st.tuples(st.just(at), st.integers(at, 12))),
    st.none() | st.tuples(st.integers(9, 12), st.integers(9, 12)).map(sorted),
    st.sampled_from(["month", "quarter", "half-year", "year"]),
    st.integers(month(9), DECEMBER),
)
@example((9, 12), None, "half-year", month(9))
def test_an_overlay_that_had_not_begun_when_a_newer_version_moved_or_dropped_it_changes_nothing(
    then, last, cycle, clock
):
    """July gave 10 of 20 by the first of three versions, whatever the second had from September on."""

    def having(number, effective, months):
        base = version(number, effective)
        if months is None:
            return base
        ends = {"from": f"2021-{months[0]:02d}", "until": f"2021-{months[1]:02d}", "points": "20"}
        method = {"target": {"target": "0.9"}}
        return with_overlay(base, {"points": "20", "cycle": cycle, "method": method}, **ends)

    first, third = having(1, "2021-01", (6, 7)), having(3, "2021-09", last)
    found, without = (
        figures(line(first, having(2, "2021-08", months), third), JULY_AND_OCTOBER, clock)
        for months in (then, None)
    )
    assert found == without
    if last is None or last[0] > 9:
        assert found["b1", 3, "2021-Q3", "drill"][0] == 10


def test_an_overlay_that_no_version_changed_is_one_part_over_its_months():
    both = line(halves(1, "2021-01", "20", "0.90"), halves(2, "2021-07", "20", "0.90"))
    found = figures(both, DONE, DECEMBER)
    assert found["b1", 2, "2021", "drill"] == (20, None)


def test_the_year_of_an_overlay_that_begins_in_autumn_is_told_before_its_months_have_come():
    def later(one):
        return one | {"overlays": [one["overlays"][0] | {"from": "2021-10", "until": "2021-11"}]}

    both = line(later(halves(1, "2021-01", "20", "0.9")), later(halves(2, "2021-07", "30", "0.9")))
    assert figures(both, DONE, month(8))["b1", 2, "2021", "drill"] == (None, None)

"""Special assessments (专项考评) are scored in their own months, and change nothing outside them."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dukao import yamls
from services.scoring.domain.changes import Standing
from services.scoring.domain.figures import is_due, window
from services.scoring.domain.groups import group_plan
from services.scoring.domain.incidents.rules import rules_of
from services.scoring.domain.posting import everything, post
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import of_parts
from tests.hostile_schemes.corpus import BASE
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.assessments import MONTHS, ROWS, read, summed
from tests.scoring_domain.overlays import with_overlay
from tests.scoring_domain.test_parts import month


def scored(document, rows):
    """Return cells and figures of b1 by rows of (month, met, all)."""
    plan, standing = group_plan(read(document), "bureaus"), Standing()
    post(plan, "b1", summed(rows), standing, everything(plan))
    cells = {(at - month(1) + 1, code): of_parts(found) for (at, code), found in standing.cells.items()}
    return cells, {key: None if found is None else of_parts(found) for key, found in standing.figures.items()}


GIVEN = [(3, 900, 1000), (4, 500, 1000), (8, 700, 1000), (9, 0, 1000)]


def test_cells_of_an_overlay_from_april_to_august_are_those_of_april_and_august_alone():
    cells, _ = scored(with_overlay(), GIVEN)
    assert {key[0]: found for key, found in cells.items() if key[1] == "drill"} == {
        4: Decimal("3.0"),
        8: Decimal("4.2"),
    }


def test_its_third_quarter_is_july_and_august_and_its_year_is_1200_of_2000():
    _, found = scored(with_overlay(), GIVEN)
    drill = {
        period: value for (period, code), value in found.items() if code == "drill" and value is not None
    }
    assert drill == {
        "2021-04": 3,
        "2021-08": Decimal("4.2"),
        "2021-Q2": 3,
        "2021-Q3": Decimal("4.2"),
        "2021-H1": 3,
        "2021-H2": Decimal("4.2"),
        "2021": Decimal("3.6"),
    }
    assert found["2021", "ontime"] == Decimal("5.357142857143")


def test_its_last_cycle_ends_with_it():
    """Quarters end in June and, cut short, in August; a year that ends in August is due there."""
    document = read(with_overlay(indicator={"cycle": "quarter"}))
    (drill,) = [one for one in document.indicators if one.code == "drill"]
    due = [
        f"2021-{at:02d}" for at in range(1, 13) if is_due(document, drill, JANUARY.parse(f"2021-{at:02d}"))
    ]
    assert due == ["2021-06", "2021-08"]
    taken = window(document, drill, JANUARY.parse("2021-08"))
    assert [str(at) for at in taken] == ["2021-07", "2021-08"]
    yearly = read(with_overlay(indicator={"cycle": "year"}))
    assert [str(at) for at in window(yearly, yearly.indicators[-1], JANUARY.parse("2021-08"))] == [
        f"2021-{at:02d}" for at in range(4, 9)
    ]
    assert not is_due(yearly, yearly.indicators[-1], JANUARY.parse("2021-12"))
    assert is_due(yearly, yearly.indicators[-1], JANUARY.parse("2021"))


@given(ROWS, MONTHS, MONTHS, st.sampled_from(["month", "quarter", "half-year", "year"]))
def test_what_comes_outside_its_months_changes_nothing_of_it_and_it_nothing_of_the_rest(
    rows, one, other, cycle
):
    first, last = sorted((one, other))
    months = {"from": f"2021-{first:02d}", "until": f"2021-{last:02d}"}
    with_it = with_overlay(indicator={"cycle": cycle}, **months)
    cells, found = scored(with_it, rows)
    inside = scored(with_it, [row for row in rows if first <= row[0] <= last])
    without = scored(SCHEME, rows)
    for told, own, rest in ((cells, inside[0], without[0]), (found, inside[1], without[1])):
        assert {key: one for key, one in told.items() if key[1] == "drill"} == {
            key: one for key, one in own.items() if key[1] == "drill"
        }
        assert {key: one for key, one in told.items() if key[1] != "drill"} == rest
    there = {str(period) for at in range(first, last + 1) for period in JANUARY.around(Month(2021, at))}
    assert {period for period, code in found if code == "drill"} <= there


def test_a_month_in_which_it_does_not_apply_is_left_out_of_its_quarter_and_year():
    said = [{"units": ["b1"], "from": "2021-04", "until": "2021-05", "reason": "无此业务"}]
    rows = [(5, 0, 1000), (6, 500, 1000), (8, 700, 1000), (9, 0, 1000)]
    cells, found = scored(with_overlay(indicator={"not_applicable": said}), rows)
    assert {key[0] for key in cells if key[1] == "drill"} == {6, 8}
    assert [found[period, "drill"] for period in ("2021-Q2", "2021-Q3", "2021")] == [
        3,
        Decimal("4.2"),
        Decimal("3.6"),
    ]


def test_a_finding_outside_the_months_of_an_overlay_costs_nothing_on_it_and_suppresses_nothing():
    base = yamls.parse(BASE, "base").value
    linked = next(one for one in base["indicators"] if one["code"] == "linked")
    months = {"from": "2021-04", "until": "2021-08"}
    base["overlays"] = [{"code": "safety", "name": "安全", "counts": "beside", "points": "5"} | months]
    del linked["board"]
    linked["overlay"] = "safety"
    rules = rules_of(read(base))
    assert [rules.scores("b1", "linked", month(at)) for at in (3, 4, 8, 9)] == [False, True, True, False]

"""When an indicator is assessed: cycles, fixed dates and milestones, within a year of several versions."""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.checker import cycles as checker
from campaign.checker import years
from campaign.checker.totals import Versions
from dukao.telling.formulas import formula as in_chinese
from dukao.telling.languages import Lang
from services.ranking.domain import documents as ranking
from services.ranking.domain.trials import Tried
from services.scoring.domain.assessment_check import days_are_ruled, days_stay
from services.scoring.domain.coverage import Ruling, planned_in
from services.scoring.domain.coverage import Scored as Place
from services.scoring.domain.coverage import achieved as achieved_in
from services.scoring.domain.figures import is_due, merged, window, worth
from services.scoring.domain.formulas import put_in
from shared.kernel.periods import JANUARY
from shared.kernel.points import MILLIONTHS, cell
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.assessments import (
    MONTHS,
    ROWS,
    YEAR,
    from_july,
    point,
    read,
    refused,
    said,
    scored,
    target,
)
from tests.scoring_domain.test_parts import LEVY, figures, line, month, version

DAYS = [f"2021-{at:02d}-{day}" for at in range(1, 13) for day in ("01", "28")]


SPRING = [(3, 9, 10), (5, 1, 2), (6, 4, 5), (11, 1, 10)]


def test_at_a_fixed_date_its_month_is_assessed_and_no_other():
    cells, found = scored(said(indicator=point("06-30")), SPRING)
    assert cells == {6: Decimal("8.163265306122")}
    assert found == dict.fromkeys(("2021-06", "2021-Q2", "2021-H1", "2021"), Decimal("8.163265306122"))


def test_a_year_of_two_dates_is_a_ratio_of_the_sums_of_their_months():
    _, found = scored(said(indicator=point("06-30", "11-15")), SPRING)
    assert found["2021"] == target(Fraction(5, 15))
    assert found["2021-H1"] == target(Fraction(4, 5))
    mean = said(indicator=point("06-30", "11-15"), measure={"over_months": "mean"})
    assert scored(mean, SPRING)[1]["2021"] == target((Fraction(4, 5) + Fraction(1, 10)) / 2)


def test_milestones_make_it_due_in_the_months_in_which_they_fall_due():
    stones = [{"name": "方案印发", "due": "2021-04-30"}, {"name": "验收", "due": "2021-10-31"}]
    document = read(said(indicator={"cycle": "progress", "milestones": stones}))
    due = {str(at) for at in YEAR if is_due(document, document.indicators[0], at)}
    assert due == {"2021-04", "2021-Q2", "2021-H1", "2021-10", "2021-Q4", "2021-H2", "2021"}


def test_a_deduction_posts_at_once_and_is_due_in_every_period_whatever_its_dates():
    document = read(said(indicator=point("06-30", method={"deduct": {"each": "1"}}), measure={}))
    assert all(is_due(document, document.indicators[0], period) for period in YEAR)


@given(
    st.sampled_from(["month", "quarter", "half-year", "year", "point", "progress"]),
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True),
    st.booleans(),
)
def test_scoring_ranking_and_the_checker_agree_on_what_is_due_and_of_which_months(cycle, days, deducts):
    more = {"dates": days} if cycle == "point" else {}
    if cycle == "progress":
        more = {"milestones": [{"name": day, "due": day} for day in days]}
    method = {"deduct": {"each": "1"}} if deducts else {"target": {"target": "1"}}
    written = said(indicator={"cycle": cycle, "method": method, **more})
    document, one = read(written), read(written).indicators[0]
    stored = document.written()["indicators"][0]
    for period in YEAR:
        months = [at.ordinal for at in period.months()]
        due = is_due(document, one, period)
        assert ranking.is_due(written, stored, period) == due == checker.is_due(stored, months)
        if due:
            assert [at.ordinal for at in window(document, one, period)] == checker.window(stored, months)


@given(ROWS, st.sets(MONTHS, min_size=1, max_size=3))
def test_what_comes_in_months_without_a_date_changes_nothing_of_it(rows, days):
    document = said(indicator=point(*(f"{day:02d}-01" for day in sorted(days))))
    assert scored(document, rows) == scored(document, [row for row in rows if row[0] in days])


def test_dates_are_named_with_their_cycle_in_the_months_of_the_scheme_and_once():
    at = "/indicators/0"
    assert refused(said(indicator=point("06-30"))) == set()
    assert refused(said(indicator=point())) == {(f"{at}/dates", "no_days")}
    assert refused(said(indicator={"cycle": "progress"})) == {(f"{at}/milestones", "no_days")}
    assert refused(said(indicator={"dates": ["2021-06-30"]})) == {(f"{at}/dates", "other_cycle")}
    assert refused(said(indicator=point("06-30") | {"cycle": "progress"})) == {
        (f"{at}/dates", "other_cycle"),
        (f"{at}/milestones", "no_days"),
    }
    assert refused(said(indicator=point("06-30", "06-30"))) == {(f"{at}/dates/1", "duplicate")}
    for day in ("2020-12-31", "2022-01-01"):
        assert refused(said(indicator=point() | {"dates": [day]})) == {(f"{at}/dates/0", "dates")}
    assert refused(said(indicator=point() | {"dates": ["2021-02-30"]})) == {(f"{at}/dates/0", "shape")}
    short = said(indicator=point("06-30", "11-15"))
    short["scheme"]["until"] = "2021-10"
    assert refused(short) == {(f"{at}/dates/1", "dates")}


def test_dates_before_a_later_version_are_those_of_the_versions_before_it():
    later = from_july(said(indicator=point("03-31", "09-30")))
    assert refused(later) == set()
    assert refused(from_july(said(indicator=point("03-31", "09-30")), 1)) == {
        ("/indicators/0/dates/0", "dates")
    }
    both = line(said(indicator=point("03-31", "09-30")), later)
    rows = [("b1", LEVY, month(at), (met, 10, 10)) for at, met in ((3, 9), (4, 1), (9, 5), (10, 1))]
    assert figures(both, rows)["b1", 2, "2021", "ontime"] == (target(Fraction(14, 20)), None)


def test_months_that_dates_never_assessed_stay_out_of_a_year_that_a_later_version_assesses_by_months():
    """June at its date and July to September by months: 9 + 3 · 5 of 40; January was assessed by nobody."""
    dates, by_month = said(indicator=point("06-30")), from_july(said())
    rows = [(1, 0), (5, 1), (6, 9), (7, 5), (8, 5), (9, 5)]
    measured = [("b1", LEVY, month(at), (met, 10, 10)) for at, met in rows]
    found = figures(line(dates, by_month), measured, month(9))
    assert found["b1", 2, "2021", "ontime"] == (target(Fraction(24, 40)), None)
    versions = Versions({1: read(dates).written(), 2: read(by_month).written()})
    sums = {
        ("ontime", "b1", at): tuple(MILLIONTHS * one for one in numbers) for _, _, at, numbers in measured
    }
    worth_of, points = dict(years.figures(versions, "bureaus", "2021", "b1", sums))["ontime"]
    assert (worth_of, points) == (target(Fraction(24, 40)) * 10**12, 10**13)


def test_a_version_that_leaves_out_a_day_that_is_over_is_refused():
    before = read(said(indicator=point("06-30", "11-15")))

    def dropped(*days, adopted=(before,), begins="2021-07", number=2, **more):
        document = from_july(said(indicator=point(*days, **more)), number)
        document["scheme"]["effective"] = begins
        return [(one.path, one.code) for one in days_stay(read(document), adopted)]

    wanted = [("/indicators/0/dates", "days_dropped")]
    assert dropped("11-15") == wanted
    assert dropped("06-15", "11-15") == wanted
    assert dropped("06-30", "09-15") == []
    assert dropped("11-15", begins="2021-06") == []
    assert dropped("11-15", method={"deduct": {"each": "1"}}) == []
    moved = read(from_july(said(indicator=point("06-30", "09-15"))))
    third = {"adopted": (moved, before), "begins": "2021-12", "number": 3}
    assert dropped("06-30", "09-15", **third) == []
    assert dropped("06-30", "11-15", **third) == wanted
    without = from_july(said())
    without["indicators"] = without["indicators"][1:]
    assert dropped("11-15", adopted=(before, read(without)), begins="2021-09", number=3) == wanted
    last_year = said(indicator={"cycle": "point", "dates": ["2020-06-30"]})
    last_year["scheme"] |= {"effective": "2020-01", "until": "2020-12"}
    assert dropped("11-15", adopted=(read(last_year),), begins="2021-01") == []
    stones = {"cycle": "progress", "milestones": [{"name": "方案印发", "due": "2021-04-30"}]}
    assert dropped("11-15", adopted=(read(said(indicator=stones)),)) == []


def test_a_day_in_a_month_that_no_version_rules_is_refused_whatever_the_number_of_the_version():
    """Version 2 is in truth the first where version 1 was never adopted, or is one of another year."""
    draft = read(from_july(said(indicator=point("03-31", "06-30", "09-30"))))

    def found(*adopted):
        return [(one.path, one.code) for one in days_are_ruled(draft, adopted)]

    march, june = ("/indicators/0/dates/0", "dates"), ("/indicators/0/dates/1", "dates")
    assert found() == [march, june]
    last_year = said(indicator=point())
    last_year["scheme"] |= {"effective": "2020-01", "until": "2020-12"}
    assert found(read(last_year)) == [march, june]
    from_may = said(indicator=point("06-30"))
    from_may["scheme"]["effective"] = "2021-05"
    assert found(read(from_may)) == [march]
    assert found(read(said(indicator=point("03-31", "06-30")))) == []
    stones = {"cycle": "progress", "milestones": [{"name": "方案印发", "due": "2021-04-30"}]}
    (one,) = days_are_ruled(read(from_july(said(indicator=stones))), ())
    assert (one.path, "2021-04-30" in one.reason) == ("/indicators/0/milestones/0", True)


def test_days_weight_the_parts_of_an_indicator_and_all_months_its_points():
    old = version(1, ontime=point("03-31", points="20", method={"target": {"target": "1"}}))
    new = version(
        2, "2021-07", ontime=point("03-31", "09-30", "11-30", points="30", method={"target": {"target": "1"}})
    )
    rows = [("b1", LEVY, month(at), (met, 10, 10)) for at, met in ((3, 9), (4, 1), (9, 5), (11, 7))]
    assert figures(line(old, new), rows)["b1", 2, "2021", "ontime"] == (
        cell(Fraction(18 + 2 * 18, 20 + 2 * 30) * 25),
        25,
    )


@given(
    st.sets(MONTHS, min_size=1, max_size=4),
    st.sampled_from(["point", "month", "quarter", "half-year", "year"]),
    st.integers(2, 12),
    st.integers(1, 15),
    st.booleans(),
)
def test_points_sum_to_the_board_whatever_cycle_and_days_and_full_marks_are_all_of_them(
    days, cycle, begins, clock, overlaid
):
    """A board of 50: `ontime` has 20 of it and from the newer version on 30, `missed` the others."""
    named = point(*(f"{at:02d}-15" for at in days)) if cycle == "point" else {"cycle": cycle}
    named |= {"method": {"target": {"target": "1"}}}
    overlay = {"code": "o", "name": "o", "from": "2021-01", "until": "2021-12", "points": "50"}
    versions = [
        version(1, ontime=named | {"points": "20"}, missed={"points": "30"}),
        version(2, f"2021-{begins:02d}", ontime=named | {"points": "30"}, missed={"points": "20"}),
    ]
    for one in versions if overlaid else ():
        one["overlays"] = [overlay | {"counts": "added"}]
        for indicator in one["indicators"]:
            indicator |= {"overlay": "o", "board": None}
    rows = [("b1", LEVY, month(at), (10, 10, 10)) for at in range(1, 13)]
    found = figures(line(*versions), rows, month(clock))
    told_by = {period: number for _, number, period, code in found if code == "ontime"}
    assert "2021" in told_by
    for period, number in told_by.items():
        own = {1: {"ontime": 20, "missed": 30}, 2: {"ontime": 30, "missed": 20}}[number]
        all_of_it = {
            code: found.get(("b1", number, period, code), (worth_of, None)) for code, worth_of in own.items()
        }
        points = {code: own[code] if one[1] is None else one[1] for code, one in all_of_it.items()}
        assert sum(points.values()) == 50
        assert {code: one[0] for code, one in all_of_it.items()} == points


def test_what_a_version_brings_with_a_day_has_points_for_the_months_in_which_it_stands():
    old, new = version(1, missed={"points": "20"}), version(2, "2021-07", ontime=point("11-15"))
    old["indicators"] = old["indicators"][1:]
    new["indicators"][0]["method"] = {"target": {"target": "1"}}
    rows = [("b1", LEVY, month(11), (9, 10, 10))]
    assert figures(line(old, new), rows)["b1", 2, "2021", "ontime"] == (Decimal("4.5"), 5)


def test_it_says_which_dates_lie_outside_a_period_in_which_it_is_not_due():
    document = read(said(indicator=point("06-30")))
    at = JANUARY.parse("2021-Q1")
    found = worth(document, document.indicators[0], at, {})
    text = put_in(
        document.indicators[0],
        merged(at.months(), {}, document.measures["ontime"]),
        found,
        is_ratio=True,
        places=2,
    )
    assert text == "not due: none of its days (2021-06-30) lies in this period"
    assert in_chinese(text, Lang.ZH) == "未到期：所列日期（2021-06-30）不在本期内"


def test_coverage_asks_of_it_the_cells_of_its_dates_and_nothing_in_a_period_without():
    document = read(said(indicator=point("06-30")))
    year = Ruling(document, tuple(map(month, range(1, 13))))
    place = Place(1, "bureaus", "b1", "ontime")
    assert planned_in([year])["bureaus"]["b1"].machine == 20
    assert achieved_in([year], {place: 1})["bureaus"]["b1"].missing == ("missed",)
    assert achieved_in([year], {})["bureaus"]["b1"].missing == ("ontime", "missed")
    spring = Ruling(document, tuple(map(month, (1, 2, 3))))
    assert planned_in([spring])["bureaus"]["b1"].machine == 10


def test_a_trial_compares_what_has_a_date_in_its_months():
    for months, never in ((("2021-05", "2021-07"), ()), (("2021-07", "2021-09"), ("ontime",))):
        document = read(said(indicator=point("06-30"))).written()
        document["scheme"] |= dict(zip(("effective", "until"), months, strict=True))
        assert Tried(document).never_due() == never


@pytest.mark.parametrize(("word", "code"), [("assessor", "no_assessor"), ("source", "no_source")])
def test_every_indicator_says_who_assesses_it_and_where_it_comes_from(word, code):
    document = copy.deepcopy(SCHEME)
    del document["indicators"][1][word]
    assert refused(document) == {(f"/indicators/1/{word}", code)}

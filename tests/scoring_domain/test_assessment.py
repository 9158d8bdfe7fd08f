"""When an indicator is assessed, what several months come to, and what no data means."""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaign.checker import totals as checker
from campaign.checker import years
from dukao.telling.formulas import formula as in_chinese
from dukao.telling.languages import Lang
from services.ranking.domain import documents as ranking
from services.ranking.domain.trials import Tried
from services.scoring.domain.assessment_check import days_stay
from services.scoring.domain.cells import without_data
from services.scoring.domain.changes import Standing
from services.scoring.domain.check import findings
from services.scoring.domain.comparing import compare, compared_figures
from services.scoring.domain.coverage import Ruling, planned_in
from services.scoring.domain.coverage import Scored as Place
from services.scoring.domain.coverage import achieved as achieved_in
from services.scoring.domain.difference_words import in_words
from services.scoring.domain.differences import differences
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import compared_worth, is_due, merged, window, worth
from services.scoring.domain.formulas import put_in
from services.scoring.domain.groups import group_plan
from services.scoring.domain.parted import parted_figures, shares_of
from services.scoring.domain.parts import parted_of
from services.scoring.domain.posting import everything, post
from services.scoring.domain.reading import read as read_document
from services.scoring.domain.sums import STALE, UnitSums
from services.scoring.inputs import of_indicator
from shared.kernel.figures import FigureState
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import MILLIONTHS, cell, of_parts
from tests.scoring.test_stages import SCHEME, TYPES
from tests.scoring_domain.test_parts import DECEMBER, LEVY, figures, line, month, told, version

YEAR = list(dict.fromkeys(period for at in range(1, 13) for period in JANUARY.around(Month(2021, at))))
DAYS = [f"2021-{at:02d}-{day}" for at in range(1, 13) for day in ("01", "28")]
MONTHS = st.integers(1, 12)
ROWS = st.lists(
    st.tuples(MONTHS, st.integers(0, 9), st.integers(9, 12)), max_size=6, unique_by=lambda row: row[0]
)


def said(indicator=None, measure=None, document=SCHEME):
    """Return the mini scheme with its first indicator or measure said otherwise."""
    found = copy.deepcopy(document)
    found["indicators"][0] |= indicator or {}
    found["measures"]["ontime"] |= measure or {}
    return found


def point(*days, **more):
    return {"cycle": "point", "dates": [f"2021-{day}" for day in days], **more}


def read(document):
    return SchemeDocument.model_validate(document)


def refused(document):
    found = read_document(document)
    if isinstance(found, SchemeDocument):
        found = findings(found, TYPES)
    return {(one.path, one.code) for one in found if one.reason}


def summed(rows, over=LEVY, stale=()):
    """Return the sums of a unit by rows of (month, met, all), with the months in which the feed is silent."""
    sums = UnitSums()
    for at, met, total in rows:
        sums.take((over, month(at), 0), [number * MILLIONTHS for number in (met, total, total)])
    for at in stale:
        sums.take((f"{STALE}{over}", month(at), 0), [1])
    return sums


def posted(document, sums):
    """Return cells by month and figures by period of the first indicator of b1."""
    plan, standing = group_plan(read(document), "bureaus"), Standing()
    if plan.compared:
        compare(
            plan,
            {"b1": sums, "b2": UnitSums()},
            {"b1": standing, "b2": Standing()},
            dict.fromkeys(("b1", "b2"), everything(plan)),
            {},
        )
    post(plan, "b1", sums, standing, everything(plan))
    cells = {
        at - month(1) + 1: of_parts(found) for (at, code), found in standing.cells.items() if code == "ontime"
    }
    told = {
        period: None if found is None else of_parts(found)
        for (period, code), found in standing.figures.items()
        if code == "ontime"
    }
    return cells, told


def scored(document, rows):
    return posted(document, summed(rows))


MEAN = said(measure={"over_months": "mean"}, indicator={"method": {"target": {"target": "1"}}})


def test_a_quarter_of_a_mean_is_the_mean_of_the_months_that_have_data():
    """9 of 10 and 100 of 100 are 95 % as a mean of months, and 109 of 110 as a ratio of sums."""
    cells, found = scored(MEAN, [(1, 9, 10), (3, 100, 100)])
    assert cells == {1: 9, 3: 10}
    assert found["2021-Q1"] == found["2021"] == Decimal("9.5")
    sums = scored(said(indicator={"method": {"target": {"target": "1"}}}), [(1, 9, 10), (3, 100, 100)])
    assert sums[1]["2021-Q1"] == Decimal("9.909090909091")


def test_a_mean_of_thirds_is_exact_and_rounded_once():
    cells, found = scored(MEAN, [(1, 1, 3), (2, 1, 3), (3, 3, 3)])
    assert cells[1] == Decimal("3.333333333333")
    assert found["2021-Q1"] == Decimal("5.555555555556")


def test_a_sum_of_months_that_is_a_mean_leaves_out_months_without_any_event():
    amounts = said(
        measure={"denominator": None, "over_months": "mean"},
        indicator={"method": {"target": {"target": "10"}}},
    )
    del amounts["measures"]["ontime"]["denominator"]
    plan, sums, standing = group_plan(read(amounts), "bureaus"), UnitSums(), Standing()
    for at, count in ((1, 4), (4, 9)):
        sums.take((LEVY, month(at), 0), [count * MILLIONTHS, count * MILLIONTHS])
    post(plan, "b1", sums, standing, everything(plan))
    assert of_parts(standing.figures["2021", "ontime"]) == Decimal("6.5")
    assert of_parts(standing.figures["2021-H1", "ontime"]) == Decimal("6.5")
    assert of_parts(standing.figures["2021-Q2", "ontime"]) == 9


@given(ROWS, st.sampled_from(["month", "quarter", "year"]), st.sets(MONTHS, max_size=4), st.booleans())
def test_what_is_posted_is_what_is_read_and_what_fractions_come_to(rows, cycle, days, mean):
    """The live path, the reading path and plain fractions, for means and sums, cycles and days."""
    when = point(*(f"{day:02d}-15" for day in sorted(days))) if days else {"cycle": cycle}
    document = said(indicator=when, measure={"over_months": "mean"} if mean else {})
    scheme, sums = read(document), summed(rows)
    one, partials = scheme.indicators[0], of_indicator(scheme, sums, scheme.indicators[0])
    cells, found = posted(document, sums)
    assert set(cells) == {at for at, _, _ in rows if not days or at in days}
    for period in YEAR:
        known = worth(scheme, one, period, partials)
        if known.state is FigureState.NOT_DUE:
            assert str(period) not in found
            continue
        assert found.get(str(period)) == known.value
        months = {at.month for at in window(scheme, one, period)}
        ratios = [(met, total) for at, met, total in rows if at in months]
        if not ratios:
            assert known.value is None
        elif mean:
            value = sum(Fraction(*of) for of in ratios) / len(ratios)
            assert known.value == _target(value)
        else:
            assert known.value == _target(Fraction(sum(of[0] for of in ratios), sum(of[1] for of in ratios)))


def _target(value):
    worth = min(Fraction(1), value / Fraction("0.98")) * 10
    return cell(worth)


def test_versions_within_a_year_have_each_the_mean_of_its_own_months():
    old = version(1, ontime={"points": "20", "method": {"target": {"target": "1"}}})
    new = version(2, "2021-07", ontime={"points": "30", "method": {"target": {"target": "1"}}})
    for one in (old, new):
        one["measures"]["ontime"]["over_months"] = "mean"
    rows = [
        ("b1", LEVY, month(at), (met, total, total)) for at, met, total in ((2, 1, 2), (3, 10, 10), (9, 4, 5))
    ]
    assert figures(line(old, new), rows)["b1", 2, "2021", "ontime"] == (Decimal("19.5"), 25)


def test_a_version_that_changes_something_else_leaves_a_mean_over_all_its_months():
    old, new = version(1), version(2, "2021-07", missed={"points": "10", "name": "Not answered"})
    for one in (old, new):
        one["measures"]["ontime"]["over_months"] = "mean"
        one["indicators"][0]["method"] = {"target": {"target": "1"}}
    rows = [
        ("b1", LEVY, month(at), (met, total, total)) for at, met, total in ((2, 1, 2), (3, 10, 10), (9, 3, 5))
    ]
    assert figures(line(old, new), rows)["b1", 2, "2021", "ontime"] == (7, None)


def test_the_formula_of_a_mean_names_the_values_of_its_months():
    scheme, sums = read(MEAN), summed([(1, 9, 10), (2, 0, 0), (3, 19, 20)])
    one, partials = scheme.indicators[0], of_indicator(read(MEAN), sums, read(MEAN).indicators[0])
    for period, wanted in (
        ("2021-Q1", "10 · min(1, ((9/10 + 19/20)/2) / 1) = 9.25"),
        ("2021-01", "10 · min(1, (9/10) / 1) = 9.00"),
    ):
        at = JANUARY.parse(period)
        found, total = (
            worth(scheme, one, at, partials),
            merged(at.months(), partials, scheme.measures["ontime"]),
        )
        assert put_in(one, total, found, is_ratio=True, places=2) == wanted
        assert total.summed.rows == total.rows


def test_a_mean_of_a_stock_of_a_deduction_and_of_a_volume_is_refused():
    stock = said(measure={"kind": "stock", "period_by": {"from": "time", "until": "time"}})
    stock["measures"]["ontime"]["over_months"] = "mean"
    assert ("/measures/ontime", "shape") in refused(stock)
    lost = said()
    lost["measures"]["missed"]["over_months"] = "mean"
    assert refused(lost) == {("/indicators/1/measure", "mean")}
    volume = copy.deepcopy(MEAN)
    del volume["measures"]["ontime"]["denominator"]
    volume["ranking"] = {"minimum_volume": {"measure": "ontime", "at_least": 1}}
    assert refused(volume) == {("/ranking/minimum_volume/measure", "mean")}
    assert refused(MEAN) == set()


def test_another_way_over_months_is_told_by_diff_and_splits():
    (found,) = differences(read(said(indicator={"method": {"target": {"target": "1"}}})), read(MEAN))
    assert in_words(found, "zh") == "取数口径 ontime：跨月取值由 无 改为 mean"
    made = parted_of(line(version(1), _from_july(MEAN)), "b1", DECEMBER)
    (one,) = [one for one in made if one.code == "ontime"]
    assert len(one.parts) == 2


def _from_july(document, number=2):
    found = copy.deepcopy(document)
    found["scheme"] |= {"version": number, "effective": "2021-07"}
    return found


SPRING = [(3, 9, 10), (5, 1, 2), (6, 4, 5), (11, 1, 10)]


def test_at_a_fixed_date_its_month_is_assessed_and_no_other():
    cells, found = scored(said(indicator=point("06-30")), SPRING)
    assert cells == {6: Decimal("8.163265306122")}
    assert found == dict.fromkeys(("2021-06", "2021-Q2", "2021-H1", "2021"), Decimal("8.163265306122"))


def test_a_year_of_two_dates_is_a_ratio_of_the_sums_of_their_months():
    _, found = scored(said(indicator=point("06-30", "11-15")), SPRING)
    assert found["2021"] == _target(Fraction(5, 15))
    assert found["2021-H1"] == _target(Fraction(4, 5))
    mean = said(indicator=point("06-30", "11-15"), measure={"over_months": "mean"})
    assert scored(mean, SPRING)[1]["2021"] == _target((Fraction(4, 5) + Fraction(1, 10)) / 2)


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
    later = _from_july(said(indicator=point("03-31", "09-30")))
    assert refused(later) == set()
    assert refused(_from_july(said(indicator=point("03-31", "09-30")), 1)) == {
        ("/indicators/0/dates/0", "dates")
    }
    both = line(said(indicator=point("03-31", "09-30")), later)
    rows = [("b1", LEVY, month(at), (met, 10, 10)) for at, met in ((3, 9), (4, 1), (9, 5), (10, 1))]
    assert figures(both, rows)["b1", 2, "2021", "ontime"] == (_target(Fraction(14, 20)), None)


def test_a_version_that_leaves_out_a_day_that_is_over_is_refused():
    before = read(said(indicator=point("06-30", "11-15")))

    def dropped(*days, adopted=(before,), begins="2021-07", number=2, **more):
        document = _from_july(said(indicator=point(*days, **more)), number)
        document["scheme"]["effective"] = begins
        return [(one.path, one.code) for one in days_stay(read(document), adopted)]

    wanted = [("/indicators/0/dates", "days_dropped")]
    assert dropped("11-15") == wanted
    assert dropped("06-15", "11-15") == wanted
    assert dropped("06-30", "09-15") == []
    assert dropped("11-15", begins="2021-06") == []
    assert dropped("11-15", method={"deduct": {"each": "1"}}) == []
    moved = read(_from_july(said(indicator=point("06-30", "09-15"))))
    third = {"adopted": (moved, before), "begins": "2021-12", "number": 3}
    assert dropped("06-30", "09-15", **third) == []
    assert dropped("06-30", "11-15", **third) == wanted
    without = _from_july(said())
    without["indicators"] = without["indicators"][1:]
    assert dropped("11-15", adopted=(before, read(without)), begins="2021-09", number=3) == wanted
    last_year = said(indicator={"cycle": "point", "dates": ["2020-06-30"]})
    last_year["scheme"] |= {"effective": "2020-01", "until": "2020-12"}
    assert dropped("11-15", adopted=(read(last_year),), begins="2021-01") == []
    stones = {"cycle": "progress", "milestones": [{"name": "方案印发", "due": "2021-04-30"}]}
    assert dropped("11-15", adopted=(read(said(indicator=stones)),)) == []


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


@pytest.mark.parametrize(("word", "value"), [("zero", 0), ("full", 10), ("not_assessed", None)])
def test_no_data_is_what_the_scheme_says(word, value):
    cells, found = scored(said(indicator={"no_data": word}), [(3, 1, 2)])
    assert cells == {at: value for at in range(1, 13) if value is not None} | {3: _target(Fraction(1, 2))}
    assert found["2021-Q1"] == _target(Fraction(1, 2))
    assert found["2021-Q2"] == value


def test_a_zero_denominator_is_no_data_for_the_word_too():
    assert scored(said(indicator={"no_data": "full"}), [(3, 0, 0)])[1]["2021-03"] == 10


def test_a_silent_feed_is_never_a_zero_and_never_all_points():
    for word in ("zero", "full"):
        document = said(indicator={"no_data": word})
        _, found = posted(document, summed([(3, 1, 2)], stale=(4, 5)))
        assert found["2021-04"] is None
        assert found["2021-Q2"] is None
        assert found["2021-H1"] == _target(Fraction(1, 2))
        assert found["2021-06"] is not None


def test_units_without_data_are_compared_with_none_and_have_what_the_scheme_says():
    for word, value in (("zero", 0), ("full", 10), ("not_assessed", None)):
        document = said(indicator={"no_data": word, "method": {"rank": {"floor": "4"}}})
        plan = group_plan(read(document), "bureaus")
        found = compared_figures(plan, {"b1": summed([(3, 1, 2)]), "b2": UnitSums()})
        assert found["b1"]["2021-03", "ontime"] == 10 * 10**12
        assert found["b2"]["2021-03", "ontime"] == (None if value is None else value * 10**12)
        silent = compared_figures(plan, {"b1": summed([(3, 1, 2)]), "b2": summed([], stale=(3,))})
        assert silent["b2"]["2021-03", "ontime"] is None
        scheme = read(document)
        partials = {
            unit: of_indicator(scheme, sums, scheme.indicators[0])
            for unit, sums in (("b1", summed([(3, 1, 2)])), ("b2", UnitSums()))
        }
        told = compared_worth(scheme, scheme.indicators[0], JANUARY.parse("2021-03"), partials)["b2"]
        assert told.value == value
        assert told.state == (FigureState.NOT_ASSESSED if value is None else FigureState.SCORED)


def test_a_feed_that_falls_silent_moves_what_no_data_means_of_a_compared_unit():
    document = said(indicator={"no_data": "zero", "method": {"rank": {"floor": "4"}}})
    plan = group_plan(read(document), "bureaus")
    standings, sums = (
        {unit: Standing() for unit in ("b1", "b2")},
        {"b1": summed([(3, 1, 2)]), "b2": UnitSums()},
    )
    compare(plan, sums, standings, dict.fromkeys(sums, everything(plan)), {})
    assert standings["b2"].cells[month(3), "ontime"] == 0
    sums["b2"].take((f"{STALE}{LEVY}", month(3), 0), [1])
    compare(plan, sums, standings, {"b2": {(f"{STALE}{LEVY}", month(3)): {0}}}, {})
    assert (month(3), "ontime") not in standings["b2"].cells


def test_a_part_without_data_is_what_its_scheme_says():
    old = version(1, ontime={"points": "20", "no_data": "full"})
    new = version(
        2, "2021-07", ontime={"points": "30", "no_data": "full", "method": {"target": {"target": "1"}}}
    )
    rows = [("b1", LEVY, month(9), (1, 2, 2))]
    assert figures(line(old, new), rows)["b1", 2, "2021", "ontime"] == (Decimal("17.5"), 25)
    both = line(old, new)
    sums = told(both, rows)
    sums["mini@1", "b1"].take((f"{STALE}{LEVY}", month(2), 0), [1])
    (made,) = [
        one for one in parted_of(both, "b1", DECEMBER) if one.code == "ontime" and str(one.period) == "2021"
    ]
    assert [one.value is None for one in shares_of(made, "b1", sums)] == [True, False]


def test_what_no_data_meant_in_months_that_are_over_stays_as_it_was():
    old, new = (
        version(number, first, ontime={"no_data": word})
        for number, first, word in ((1, "2021-01", "zero"), (2, "2021-07", "full"))
    )
    assert figures(line(old, new), [])["b1", 2, "2021", "ontime"] == (Decimal(5), None)


WORDS = st.sampled_from(["zero", "full", "not_assessed"])


@given(ROWS, st.sets(MONTHS, max_size=3), st.booleans(), st.sampled_from(["20", "30"]), WORDS, WORDS)
def test_the_checker_makes_a_year_of_two_versions_anew(rows, days, mean, worth_before, word_before, word):
    when = point(*(f"{day:02d}-20" for day in sorted(days))) if days else {}
    old = version(1, ontime=when | {"points": worth_before, "no_data": word_before})
    new = version(2, "2021-07", ontime=when | {"points": "30", "no_data": word})
    for one in (old, new):
        one["measures"]["ontime"] |= {"over_months": "mean"} if mean else {}
    both = line(old, new)
    sums = told(both, [("b1", LEVY, month(at), (met, total, total)) for at, met, total in rows])
    made = parted_figures(both, ["b1"], sums, both.clock(sums))["b1"]
    ((number, figure),) = [(key[0], one) for key, one in made.items() if key[1:] == ("2021", "ontime")]
    versions = checker.Versions({1: read(old).written(), 2: read(new).written()})
    amounts = {
        ("ontime", "b1", month(at)): tuple(number * MILLIONTHS for number in (met, total, total))
        for at, met, total in rows
    }
    worth_of, points = dict(years.figures(versions, "bureaus", "2021", "b1", amounts))["ontime"]
    own = {1: int(worth_before), 2: 30}[number] * 10**12
    assert (worth_of, points) == (figure.value, own if figure.points is None else figure.points)


@pytest.mark.parametrize("word", ["zero", "full"])
def test_what_a_method_makes_of_no_data_is_said_a_second_time_by_nobody(word):
    lost = copy.deepcopy(SCHEME)
    lost["indicators"][1]["no_data"] = word
    assert refused(lost) == {("/indicators/1/no_data", "no_data")}


@pytest.mark.parametrize(
    ("word", "english", "chinese"),
    [
        ("zero", "no data, which counts as zero, = 0.00", "无数据，方案规定计零分 = 0.00"),
        ("full", "no data, which counts as full, = 10.00", "无数据，方案规定计满分 = 10.00"),
        ("not_assessed", "no data yet", "尚无数据"),
    ],
)
def test_the_formula_says_what_no_data_means(word, english, chinese):
    document, at = read(said(indicator={"no_data": word})), JANUARY.parse("2021-03")
    one = document.indicators[0]
    total = merged(at.months(), {}, document.measures["ontime"])
    found = put_in(one, total, worth(document, one, at, {}), is_ratio=True, places=2)
    assert found == f"10 · min(1, (0/0) / 0.98): {english}"
    assert in_chinese(found, Lang.ZH).endswith(f"：{chinese}")
    assert without_data(one) == {"zero": 0, "full": 10 * 10**12}.get(word)


@pytest.mark.parametrize(("word", "code"), [("assessor", "no_assessor"), ("source", "no_source")])
def test_every_indicator_says_who_assesses_it_and_where_it_comes_from(word, code):
    document = copy.deepcopy(SCHEME)
    del document["indicators"][1][word]
    assert refused(document) == {(f"/indicators/1/{word}", code)}

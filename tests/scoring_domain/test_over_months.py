"""What several months come to: a mean or a ratio of sums, live, read and made anew."""

import copy
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.changes import Standing
from services.scoring.domain.difference_words import in_words
from services.scoring.domain.differences import differences
from services.scoring.domain.figures import merged, window, worth
from services.scoring.domain.formulas import put_in
from services.scoring.domain.groups import group_plan
from services.scoring.domain.parts import parted_of
from services.scoring.domain.posting import everything, post
from services.scoring.domain.sums import UnitSums
from services.scoring.inputs import of_indicator
from shared.kernel.figures import FigureState
from shared.kernel.periods import JANUARY
from shared.kernel.points import MILLIONTHS, of_parts
from tests.scoring_domain.assessments import (
    MONTHS,
    ROWS,
    YEAR,
    from_july,
    point,
    posted,
    read,
    refused,
    said,
    scored,
    summed,
    target,
)
from tests.scoring_domain.test_parts import DECEMBER, LEVY, figures, line, month, version

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
            assert known.value == target(value)
        else:
            assert known.value == target(Fraction(sum(of[0] for of in ratios), sum(of[1] for of in ratios)))


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
    made = parted_of(line(version(1), from_july(MEAN)), "b1", DECEMBER)
    (one,) = [one for one in made if one.code == "ontime"]
    assert len(one.parts) == 2

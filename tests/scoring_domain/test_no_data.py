"""What no data means: nothing, zero or all points, and what a silent feed never is."""

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
from services.scoring.domain.cells import without_data
from services.scoring.domain.changes import Standing
from services.scoring.domain.comparing import compare, compared_figures
from services.scoring.domain.figures import compared_worth, merged, worth
from services.scoring.domain.formulas import put_in
from services.scoring.domain.groups import group_plan
from services.scoring.domain.parted import parted_figures, shares_of
from services.scoring.domain.parts import parted_of
from services.scoring.domain.posting import everything
from services.scoring.domain.sums import STALE, UnitSums
from services.scoring.inputs import of_indicator
from shared.kernel.figures import FigureState
from shared.kernel.periods import JANUARY
from shared.kernel.points import MILLIONTHS
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.assessments import (
    MONTHS,
    ROWS,
    point,
    posted,
    read,
    refused,
    said,
    scored,
    summed,
    target,
)
from tests.scoring_domain.test_parts import DECEMBER, LEVY, figures, line, month, told, version


@pytest.mark.parametrize(("word", "value"), [("zero", 0), ("full", 10), ("not_assessed", None)])
def test_no_data_is_what_the_scheme_says(word, value):
    cells, found = scored(said(indicator={"no_data": word}), [(3, 1, 2)])
    assert cells == {at: value for at in range(1, 13) if value is not None} | {3: target(Fraction(1, 2))}
    assert found["2021-Q1"] == target(Fraction(1, 2))
    assert found["2021-Q2"] == value


def test_a_zero_denominator_is_no_data_for_the_word_too():
    assert scored(said(indicator={"no_data": "full"}), [(3, 0, 0)])[1]["2021-03"] == 10


def test_a_silent_feed_is_never_a_zero_and_never_all_points():
    for word in ("zero", "full"):
        document = said(indicator={"no_data": word})
        _, found = posted(document, summed([(3, 1, 2)], stale=(4, 5)))
        assert found["2021-04"] is None
        assert found["2021-Q2"] is None
        assert found["2021-H1"] == target(Fraction(1, 2))
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

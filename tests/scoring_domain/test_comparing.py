"""The methods that compare a group: their formulas, what always holds, and what one value moves."""

import copy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.cells import compare as scores_of
from services.scoring.domain.changes import Standing
from services.scoring.domain.check import findings
from services.scoring.domain.comparing import compare, compared_figures
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import Worth, compared_worth
from services.scoring.domain.formulas import put_in, symbolic
from services.scoring.domain.groups import group_plan
from services.scoring.domain.layout import layout_of
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.posting import everything, post, posted
from services.scoring.domain.reading import read
from services.scoring.domain.sums import UnitSums
from services.scoring.inputs import of_indicator
from shared.kernel.figures import FigureState
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import MILLIONTHS, PARTS, of_parts
from tests.scoring.test_stages import SCHEME, TYPES
from tests.scoring_domain.test_methods import indicator

BENCHMARK, EFFICACY = {"benchmark": {}}, {"efficacy": {}}
STEPS, SPREAD = {"rank": {"step": "0.1", "floor": "5"}}, {"rank": {"floor": "4"}}
FEWEST = {"rank": {"step": "0.2", "best": "low"}}
METHODS = [BENCHMARK, EFFICACY, STEPS, SPREAD, FEWEST]


def scored(method, *values):
    """Return the points of values in their order; `None` has no value."""
    known = {str(at): Fraction(value) for at, value in enumerate(values) if value is not None}
    found = scores_of(indicator(**method), known)
    return [
        str(of_parts(found[str(at)]).normalize()) if str(at) in found else None for at in range(len(values))
    ]


@pytest.mark.parametrize(
    ("method", "values", "points"),
    [
        (BENCHMARK, ("0.98", "0.49", "0"), ["1E+1", "5", "0"]),
        (BENCHMARK, ("3", "2", None, "1"), ["1E+1", "6.666666666667", None, "3.333333333333"]),
        (BENCHMARK, ("4", "-1"), ["1E+1", "0"]),
        (BENCHMARK, ("0", "-1"), ["0", "0"]),
        (BENCHMARK, ("-2", "-1"), ["0", "0"]),
        (EFFICACY, ("100", "50", "75"), ["1E+1", "6", "8"]),
        (EFFICACY, ("100", None, "50"), ["1E+1", None, "6"]),
        (EFFICACY, ("-1", "2", "0"), ["6", "1E+1", "7.333333333333"]),
        (EFFICACY, ("7", "7"), ["1E+1", "1E+1"]),
        (EFFICACY, ("7", None), ["1E+1", None]),
        (STEPS, ("9", "8", "8", "7", "1", "0", "-1"), ["1E+1", "9", "9", "7", "6", "5", "5"]),
        (FEWEST, ("0", "3", "3", "9"), ["1E+1", "8", "8", "4"]),
        (SPREAD, ("9", "8", "8", "7"), ["1E+1", "8", "8", "4"]),
        (SPREAD, ("9", None, "8", "7"), ["1E+1", None, "7", "4"]),
        (SPREAD, ("3", None), ["1E+1", None]),
        (SPREAD, (None, None), [None, None]),
    ],
)
def test_units_without_a_value_are_outside_and_ties_share_the_better_rank(method, values, points):
    assert scored(method, *values) == points


GROUPS = st.dictionaries(st.sampled_from("abcdefgh"), st.fractions(-5, 5, max_denominator=9))


@pytest.mark.parametrize("method", METHODS)
@given(values=GROUPS, shuffled=st.randoms(use_true_random=False))
def test_comparing_is_bounded_monotone_and_free_of_order(method, values, shuffled):
    found = scores_of(indicator(**method), values)
    again = scores_of(indicator(**method), dict(shuffled.sample(sorted(values.items()), len(values))))
    assert found == again
    assert found.keys() == values.keys()
    low = method.get("rank", {}).get("best") == "low"
    for unit, value in values.items():
        assert 0 <= found[unit] <= 10 * PARTS
        for other in values:
            better = value > values[other] if not low else value < values[other]
            assert found[unit] >= found[other] if better else True
            assert found[unit] == found[other] or value != values[other]


@pytest.mark.parametrize(
    ("method", "in_symbols", "with_numbers"),
    [
        (
            BENCHMARK,
            "w · actual / best of the group, and 0 where one of them is not above 0",
            "10 · 8 / 9 = 8.89",
        ),
        (
            EFFICACY,
            "w · (base + (1 − base) · (actual − min)/(max − min)), and w where max = min",
            "10 · (0.60 + (1 − 0.60) · (8 − (1/3))/(9 − (1/3))) = 9.54",
        ),
        (
            STEPS,
            "max(floor, w · (1 − step · (rank − 1)))",
            "max(5, 10 · (1 − 0.1 · (2 − 1))), as 8 is rank 2 of 4, = 9.00",
        ),
        (
            SPREAD,
            "w − (w − floor) · (rank − 1)/(n − 1), and w where n = 1",
            "10 − (10 − 4) · (2 − 1)/(4 − 1), as 8 is rank 2 of 4, = 8.00",
        ),
    ],
)
def test_a_comparison_is_told_with_what_it_was_compared_with(method, in_symbols, with_numbers):
    one, values = (
        indicator(**method),
        {"a": Fraction(9), "b": Fraction(8), "c": Fraction(8), "d": Fraction(1, 3)},
    )
    points = of_parts(scores_of(one, values)["b"])
    found, measured = (
        Worth(points, FigureState.SCORED, tuple(values.values())),
        Partials(8 * MILLIONTHS, 0, 1),
    )
    assert symbolic(one, is_ratio=False) == in_symbols
    assert put_in(one, measured, found, is_ratio=False, places=2) == with_numbers
    nothing = put_in(one, Partials(), Worth(None, FigureState.NOT_ASSESSED), is_ratio=False, places=2)
    assert nothing == f"{in_symbols}: no data yet"


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ({"efficacy": {"base": "1"}}, "/efficacy/base", "base"),
        ({"efficacy": {"base": "-0.1"}}, "/efficacy/base", "shape"),
        ({"rank": {"step": "0"}}, "/rank/step", "rank_step"),
        ({"rank": {"step": "1.1"}}, "/rank/step", "rank_step"),
        ({"rank": {"floor": "10"}}, "/rank/floor", "floor"),
        ({"rank": {"best": "middle"}}, "/rank/best", "shape"),
        ({"benchmark": {"base": "1"}}, "/benchmark/base", "shape"),
    ],
)
def test_a_comparison_that_cannot_be_is_refused_where_it_is_wrong(method, path, code):
    document = copy.deepcopy(SCHEME)
    document["indicators"][0]["method"] = method
    found = read(document)
    found = findings(found, TYPES) if isinstance(found, SchemeDocument) else found
    assert (f"/indicators/0/method{path}", code) in {(one.path, one.code) for one in found}


def scheme():
    """Return a scheme of five bureaus that are compared by months and quarters, by a stock, and some of them."""
    document = copy.deepcopy(SCHEME)
    ontime, missed = document["indicators"]
    document["units"] += [
        {"code": f"b{at}", "parent": "hq", "name": f"B{at}", "level": "bureau"} for at in (3, 4, 5)
    ]
    document["measures"]["backlog"] = {
        "over": "risk.missed.v1",
        "kind": "stock",
        "period_by": {"from": "time", "until": "time"},
        "numerator": "count(*)",
    }
    document["indicators"] = [
        ontime,
        ontime | {"code": "benchmark", "method": BENCHMARK},
        ontime | {"code": "quarterly", "method": EFFICACY, "cycle": "quarter"},
        ontime | {"code": "some", "method": SPREAD, "units": ["b1", "b2", "b4"]},
        missed | {"code": "counted", "method": FEWEST},
        missed | {"code": "stock", "method": STEPS, "measure": "backlog"},
    ]
    document["ranking"] = {"minimum_volume": {"measure": "missed", "at_least": 1}}
    return SchemeDocument.model_validate(document)


DOCUMENT = scheme()
PLAN = group_plan(DOCUMENT, "bureaus")
UNITS = sorted(PLAN.units)
WIDTHS = {over: layout_of(DOCUMENT, over).width for over in ("levy.done.v1", "risk.missed.v1")}
ROWS = st.sampled_from(sorted(WIDTHS)).flatmap(
    lambda over: st.tuples(
        st.sampled_from(UNITS),
        st.tuples(st.just(over), st.sampled_from(PLAN.months[1:5]), st.integers(0, 1)),
        st.lists(
            st.integers(0, 3).map(lambda one: one * MILLIONTHS), min_size=WIDTHS[over], max_size=WIDTHS[over]
        ),
    )
)


def told(sums, standings, rows):
    """Take rows in and post what became another in any unit, as stage B does."""
    moved = {}
    for unit, source, numbers in rows:
        moved.setdefault(unit, {}).setdefault(source[:2], set()).update(sums[unit].take(source, numbers))
    changed = {unit: post(PLAN, unit, sums[unit], standings[unit], moved[unit]) for unit in sorted(moved)}
    return changed, compare(PLAN, sums, standings, moved, changed)


def begun():
    sums, standings = {unit: UnitSums() for unit in UNITS}, {unit: Standing() for unit in UNITS}
    whole = dict.fromkeys(UNITS, everything(PLAN))
    changed = {unit: post(PLAN, unit, sums[unit], standings[unit], whole[unit]) for unit in UNITS}
    compare(PLAN, sums, standings, whole, changed)
    return sums, standings


@given(st.lists(st.lists(ROWS, max_size=3), max_size=5))
def test_a_group_scored_anew_batch_by_batch_is_the_group_scored_from_scratch(batches):
    sums, standings = begun()
    for rows in batches:
        before = copy.deepcopy(standings)
        changed, movers = told(sums, standings, rows)
        for unit, changes in changed.items():
            assert changes.volumes.keys() == changes.figures.keys()
            for month, cells in changes.cells.items():
                for code, (old, new) in cells.items():
                    assert old != new
                    assert old == before[unit].cells.get((month, code))
                    assert code == "ontime" or movers[code]
    for one in DOCUMENT.indicators:
        if one.method.comparing is not None:
            is_from_scratch(one, sums, standings)
    figures = compared_figures(PLAN, sums)
    for unit in UNITS:
        again = posted(PLAN, unit, sums[unit], standings[unit].cells)
        assert again.figures | figures[unit] == standings[unit].figures


def is_from_scratch(one, sums, standings):
    """Compare cells and figures of an indicator with what its values come to, all at once."""
    partials = {unit: of_indicator(DOCUMENT, sums[unit], one) for unit in UNITS if one.is_for(unit)}
    monthly = one.model_copy(update={"cycle": "month"})
    for month in PLAN.months:
        found = compared_worth(DOCUMENT, monthly, JANUARY.parse(str(Month.of_ordinal(month))), partials)
        for unit, worth in found.items():
            assert value(standings[unit].cells.get((month, one.code))) == worth.value
    for period in ("2021-02", "2021-03", "2021-Q1", "2021-H1", "2021"):
        found = compared_worth(DOCUMENT, one, JANUARY.parse(period), partials)
        for unit, worth in found.items():
            assert value(standings[unit].figures.get((period, one.code))) == worth.value
            is_due = worth.state is not FigureState.NOT_DUE
            assert ((period, one.code) in standings[unit].figures) == is_due


def value(parts):
    return None if parts is None else of_parts(parts)


def test_one_value_that_moves_moves_every_unit_and_names_who_moved_it():
    sums, standings = begun()
    slots = layout_of(DOCUMENT, "levy.done.v1").slots["ontime"]

    def row(ontime, of):
        numbers = [0] * WIDTHS["levy.done.v1"]
        numbers[slots.numerator], numbers[slots.denominator], numbers[slots.rows] = (
            ontime * MILLIONTHS,
            of * MILLIONTHS,
            of,
        )
        return numbers

    month = PLAN.months[2]
    source = "levy.done.v1", month, 7
    told(
        sums, standings, [("b1", source, row(4, 10)), ("b2", source, row(8, 10)), ("b3", source, row(2, 10))]
    )
    cells = {unit: standings[unit].cells.get((month, "benchmark")) for unit in UNITS}
    assert cells == {"b1": 5 * PARTS, "b2": 10 * PARTS, "b3": PARTS * 5 // 2, "b4": None, "b5": None}
    changed, movers = told(sums, standings, [("b2", source, row(10, 10))])
    moved = {
        unit: changes.cells[month]["benchmark"]
        for unit, changes in changed.items()
        if "benchmark" in changes.cells.get(month, {})
    }
    assert moved == {"b1": (5 * PARTS, 4 * PARTS), "b3": (PARTS * 5 // 2, 2 * PARTS)}
    anew = {"benchmark", "quarterly", "some"}
    assert movers == {code: {month: {"b2"}} for code in anew}, "nothing else is scored anew"

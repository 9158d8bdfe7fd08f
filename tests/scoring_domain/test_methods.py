"""The methods that score a unit by its own sums: what the domain says of each, and what always holds."""

import copy
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.cells import compute
from services.scoring.domain.check import findings
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import Worth
from services.scoring.domain.formulas import put_in, symbolic
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.methods.spec import MethodSpec
from services.scoring.domain.reading import read
from shared.kernel.figures import FigureState
from shared.kernel.points import MILLIONTHS, cell
from tests.scoring.test_stages import SCHEME, TYPES

THREE_BANDS = {
    "table": [
        {"below": "0.8", "points": "0"},
        {"from": "0.8", "to": "0.95", "points": "6"},
        {"above": "0.95", "points": "10"},
    ]
}
AROUND = {"low": "0.9", "high": "1.1", "tolerance": "0.2"}
SPENT = {"limit": "3", "step": "0.5"}
WON = {"each": "0.5", "floor": "-2", "bonus": {"measure": "praised", "each": "1.5", "cap": "3"}}
AWARDS = {
    "levels": [
        {"level": "国家级", "measure": "national", "each": "5"},
        {"level": "省级", "measure": "provincial", "each": "2"},
    ]
}


def indicator(points="10", **method):
    return IndicatorSpec.model_validate(
        {"code": "i", "name": "I", "board": "b", "points": points, "groups": ["g"], "measure": "m"}
        | {"method": method}
    )


def sums(value, *more):
    """Return a value as sums of a row, and whole numbers of further measures."""
    return Partials(int(Decimal(value) * MILLIONTHS), 0, 1, tuple(one * MILLIONTHS for one in more))


def worth(found, *more, points="10", **method):
    return compute(indicator(points, **method), sums(found, *more), is_ratio=False)


@pytest.mark.parametrize(
    ("method", "actual", "points"),
    [
        ({"within": AROUND}, "0.9", "10"),
        ({"within": AROUND}, "1.0", "10"),
        ({"within": AROUND}, "1.1", "10"),
        ({"within": AROUND}, "0.8", "5"),
        ({"within": AROUND}, "1.15", "7.5"),
        ({"within": AROUND}, "0.7", "0"),
        ({"within": AROUND}, "1.3", "0"),
        ({"within": AROUND}, "9", "0"),
        ({"within": {"low": "-0.1", "high": "0.1", "tolerance": "0.3"}}, "-0.2", "6.666666666667"),
        ({"bands": THREE_BANDS}, "-5", "0"),
        ({"bands": THREE_BANDS}, "0.799999", "0"),
        ({"bands": THREE_BANDS}, "0.8", "6"),
        ({"bands": THREE_BANDS}, "0.95", "6"),
        ({"bands": THREE_BANDS}, "0.950001", "10"),
        ({"bands": THREE_BANDS}, "1000000", "10"),
        ({"excess": SPENT}, "-1", "10"),
        ({"excess": SPENT}, "3", "10"),
        ({"excess": SPENT}, "3.5", "9.75"),
        ({"excess": SPENT}, "22.999998", "0.000001"),
        ({"excess": SPENT}, "23", "0"),
        ({"excess": SPENT}, "1000", "0"),
    ],
)
def test_a_method_gives_the_points_of_its_formula(method, actual, points):
    assert worth(actual, **method) == Decimal(points)


@pytest.mark.parametrize(
    ("events", "praised", "points"),
    [(0, 0, "10"), (4, 0, "8"), (4, 1, "9.5"), (0, 1, "11.5"), (0, 9, "13"), (24, 0, "-2"), (100, 2, "-2")],
)
def test_a_deduction_with_a_bonus_may_exceed_its_points_and_falls_to_its_floor(events, praised, points):
    """max(floor, w - Σ deductions + min(cap, Σ bonus))."""
    assert worth(events, praised, deduct=WON) == Decimal(points)


def test_a_bonus_without_any_event_is_w_and_without_data_of_its_own_adds_nothing():
    assert compute(indicator(deduct=WON), Partials(), is_ratio=False) == 10
    assert compute(indicator(bonus=AWARDS), Partials(), is_ratio=False) == 0


@pytest.mark.parametrize(("national", "provincial", "points"), [(0, 0, 0), (1, 0, 5), (1, 2, 9), (2, 1, 10)])
def test_awards_win_by_their_level_and_no_more_than_the_cap(national, provincial, points):
    assert worth(0, national, provincial, bonus=AWARDS) == points


NUMBERS = st.decimals(-1000, 1000, places=6).map(lambda found: f"{found:f}")
ABOVE = st.decimals(0, 1000, places=6).filter(bool).map(lambda found: f"{found:f}")


@st.composite
def tables(draw):
    """Return rising bands whose ends are open or closed at random, with points that rise too."""
    ends = sorted(draw(st.sets(st.decimals(-100, 100, places=3), min_size=1, max_size=5)))
    worth_of = sorted(
        draw(st.lists(st.decimals(0, 10, places=2), min_size=len(ends) + 1, max_size=len(ends) + 1))
    )
    bands = [{"points": f"{one:f}"} for one in worth_of]
    for at, end in enumerate(ends):
        begins, ends_with = draw(st.sampled_from([("from", "below"), ("above", "to")]))
        bands[at][ends_with] = bands[at + 1][begins] = f"{end:f}"
    return {"bands": {"table": bands}}


RISING = st.one_of(
    tables(),
    st.fixed_dictionaries({"target": st.fixed_dictionaries({"target": ABOVE})}),
)
FALLING = st.one_of(
    st.fixed_dictionaries({"excess": st.fixed_dictionaries({"limit": ABOVE, "step": ABOVE})}),
    st.fixed_dictionaries({"target": st.fixed_dictionaries({"target": ABOVE, "direction": st.just("down")})}),
    st.fixed_dictionaries({"deduct": st.fixed_dictionaries({"each": ABOVE})}),
)


@given(RISING, NUMBERS, NUMBERS)
def test_a_better_value_never_has_fewer_points_and_none_leaves_zero_to_w(method, one, other):
    low, high = sorted((Decimal(one), Decimal(other)))
    assert 0 <= worth(low, **method) <= worth(high, **method) <= 10


@given(FALLING, NUMBERS, NUMBERS)
def test_a_higher_loss_never_has_more_points_and_none_leaves_zero_to_w(method, one, other):
    low, high = sorted((Decimal(one), Decimal(other)))
    assert 0 <= worth(high, **method) <= worth(low, **method) <= 10


@given(NUMBERS, NUMBERS, ABOVE, NUMBERS, NUMBERS)
def test_two_sided_falls_with_the_distance_on_both_sides(low, high, tolerance, one, other):
    low, high = sorted((Decimal(low), Decimal(high)))
    method = {"within": {"low": f"{low:f}", "high": f"{high:f}", "tolerance": tolerance}}
    near, far = sorted((Decimal(one), Decimal(other)), key=lambda x: max(0, low - x, x - high))
    assert 0 <= worth(far, **method) <= worth(near, **method) <= 10
    assert worth(near, **method) == 10 or not low <= near <= high


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=5), st.randoms(use_true_random=False)
)
def test_sums_in_any_order_come_to_one_cell(rows, shuffled):
    parts = [Partials(a * MILLIONTHS, 0, 1, (b * MILLIONTHS, a * MILLIONTHS)) for a, b in rows]
    other = shuffled.sample(parts, len(parts))
    for method in ({"deduct": WON}, {"bonus": AWARDS}, {"within": AROUND}, {"excess": SPENT}):
        found = [
            compute(indicator(**method), sum(some, Partials()), is_ratio=False) for some in (parts, other)
        ]
        assert found[0] == found[1]


@given(st.integers(0, 99), st.integers(0, 99))
def test_more_awards_and_fewer_deductions_are_never_worth_less(events, praised):
    assert worth(events, praised, deduct=WON) <= worth(events, praised + 1, deduct=WON) <= 13
    assert -2 <= worth(events + 1, praised, deduct=WON) <= worth(events, praised, deduct=WON)
    assert 0 <= worth(0, events, praised, bonus=AWARDS) <= worth(0, events + 1, praised, bonus=AWARDS) <= 10


@given(tables(), st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_bands_are_read_in_fractions_as_they_are_written(method, numerator, denominator):
    value = Fraction(numerator, denominator)

    def holds(band):
        return (
            ("from" not in band or value >= Fraction(band["from"]))
            and ("above" not in band or value > Fraction(band["above"]))
            and ("to" not in band or value <= Fraction(band["to"]))
            and ("below" not in band or value < Fraction(band["below"]))
        )

    (held,) = [band for band in method["bands"]["table"] if holds(band)]
    found = compute(indicator(**method), Partials(numerator, denominator, 1), is_ratio=True)
    assert found == cell(Decimal(held["points"]))


@pytest.mark.parametrize(
    ("method", "found", "in_symbols", "with_numbers"),
    [
        (
            {"within": AROUND},
            sums("0.8"),
            "w · max(0, 1 − max(0, low − actual, actual − high) / tolerance)",
            "10 · max(0, 1 − max(0, 0.9 − 0.8, 0.8 − 1.1) / 0.2) = 5.00",
        ),
        (
            {"bands": THREE_BANDS},
            sums("0.9"),
            "0 if actual < 0.8; 6 if 0.8 ≤ actual ≤ 0.95; 10 if 0.95 < actual",
            "6, as 0.8 ≤ 0.9 ≤ 0.95, = 6.00",
        ),
        (
            {"excess": SPENT},
            sums("3.5"),
            "max(0, w − step · max(0, actual − limit))",
            "max(0, 10 − 0.5 · max(0, 3.5 − 3)) = 9.75",
        ),
        (
            {"deduct": WON},
            sums(4, 1),
            "max(floor, w − each · events + min(cap, each · bonus events))",
            "max(-2, 10 − 0.5 · 4 + min(3, 1.5 · 1)) = 9.50",
        ),
        (
            {"bonus": AWARDS},
            sums(1, 1, 2),
            "min(w, 5 · 国家级 + 2 · 省级)",
            "min(10, 5 · 1 + 2 · 2) = 9.00",
        ),
    ],
)
def test_a_formula_is_told_in_symbols_and_with_its_numbers(method, found, in_symbols, with_numbers):
    one = indicator(**method)
    value = Worth(compute(one, found, is_ratio=False), FigureState.SCORED)
    assert symbolic(one, is_ratio=False) == in_symbols
    assert put_in(one, found, value, is_ratio=False, places=2) == with_numbers


def test_a_formula_without_data_says_so():
    for method in ({"within": AROUND}, {"bands": THREE_BANDS}, {"excess": SPENT}):
        one = indicator(**method)
        left = put_in(one, Partials(), Worth(None, FigureState.NOT_ASSESSED), is_ratio=False, places=2)
        assert left.endswith(": no data yet")


def scheme(method, **more):
    document = copy.deepcopy(SCHEME)
    document["measures"]["ended"] = document["measures"]["missed"] | {
        "kind": "stock",
        "period_by": {"from": "time", "until": "time"},
    }
    document["measures"]["weighed"] = document["measures"]["ontime"] | {"denominator": None}
    document["indicators"][1] |= {"method": method} | more
    return document


def refused(document):
    found = read(document)
    return [
        (one.path.removeprefix("/indicators/1/method"), one.code)
        for one in (findings(found, TYPES) if isinstance(found, SchemeDocument) else found)
        if one.reason
    ]


def bands(*table):
    return {"bands": {"table": list(table)}}


BELOW, FROM, LAST = (
    {"below": "1", "points": "0"},
    {"from": "1", "below": "2", "points": "5"},
    {"from": "2", "points": "10"},
)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ({"target": {"target": "0"}}, "/target/target", "target_zero"),
        ({"within": AROUND | {"low": "1.2"}}, "/within/low", "range_empty"),
        ({"within": AROUND | {"tolerance": "0"}}, "/within/tolerance", "tolerance_zero"),
        ({"within": {"low": "1", "high": "2"}}, "/within/tolerance", "shape"),
        ({"excess": SPENT | {"step": "0"}}, "/excess/step", "step_zero"),
        ({"excess": {"limit": "3"}}, "/excess/step", "shape"),
        ({"excess": SPENT | {"limits": "3"}}, "/excess/limits", "shape"),
        ({"deduct": {"each": "0"}}, "/deduct/each", "each_zero"),
        ({"deduct": {"each": "1", "floor": "10"}}, "/deduct/floor", "floor"),
        ({"deduct": {"each": "1", "bonus": {"measure": "missed", "each": "0", "cap": "1"}}}, "/deduct/bonus/each", "each_zero"),
        ({"deduct": {"each": "1", "bonus": {"measure": "missed", "each": "1", "cap": "0"}}}, "/deduct/bonus/cap", "cap_zero"),
        ({"deduct": {"each": "1", "bonus": {"measure": "none", "each": "1", "cap": "1"}}}, "/deduct/bonus/measure", "unknown_measure"),
        ({"deduct": {"each": "1", "bonus": {"measure": "ontime", "each": "1", "cap": "1"}}}, "/deduct/bonus/measure", "bonus_counts"),
        ({"deduct": {"each": "1", "bonus": {"measure": "ended", "each": "1", "cap": "1"}}}, "/deduct/bonus/measure", "bonus_flow"),
        (bands(BELOW, LAST), "/bands/table/1", "band_gap"),
        (bands(BELOW, {"above": "1", "points": "1"}), "/bands/table/1", "band_gap"),
        (bands(BELOW, {"from": "0.9", "points": "1"}), "/bands/table/1", "band_overlap"),
        (bands({"to": "1", "points": "0"}, {"from": "1", "points": "1"}), "/bands/table/1", "band_overlap"),
        (bands(LAST, BELOW), "/bands/table/0", "band_end"),
        (bands(FROM, LAST), "/bands/table/0", "band_end"),
        (bands(BELOW, FROM), "/bands/table/1", "band_end"),
        (bands({"points": "0"}, BELOW, {"from": "1", "points": "1"}), "/bands/table/1", "band_overlap"),
        (bands(BELOW, {"from": "1", "below": "1", "points": "1"}, {"from": "1", "points": "2"}), "/bands/table/1", "band_unreachable"),
        (bands(BELOW, FROM, LAST | {"points": "10.5"}), "/bands/table/2/points", "band_points"),
        (bands({"points": "0"}), "/bands/table", "shape"),
        (bands(BELOW, {"from": "1", "above": "1", "points": "1"}), "/bands/table/1", "shape"),
        (bands(BELOW | {"to": "1"}, LAST), "/bands/table/0", "shape"),
        ({"bonus": {"levels": []}}, "/bonus/levels", "shape"),
        ({"bonus": {"levels": [{"level": "a", "measure": "missed", "each": "11"}]}}, "/bonus/levels/0/each", "each_above_cap"),
        ({"bonus": {"levels": [{"level": "a", "measure": "missed", "each": "0"}]}}, "/bonus/levels/0/each", "each_zero"),
        ({"bonus": {"levels": [{"level": "a", "measure": "missed", "each": "1"}] * 2}}, "/bonus/levels/1/level", "duplicate"),
        ({"bonus": {"levels": [{"level": "a", "measure": "ontime", "each": "1"}]}}, "/indicators/1/measure", "bonus_measure"),
        ({"target": {"target": "1"}, "excess": SPENT}, "", "shape"),
        ({}, "", "shape"),
    ],
)  # fmt: skip
def test_a_method_that_cannot_be_is_refused_where_it_is_wrong(method, path, code):
    assert (path, code) in refused(scheme(method))


@pytest.mark.parametrize(
    "method",
    [
        {"within": AROUND},
        bands(BELOW, FROM, LAST),
        {"bands": THREE_BANDS},
        bands(
            {"below": "1", "points": "0"},
            {"from": "1", "to": "1", "points": "9"},
            {"above": "1", "points": "3"},
        ),
        {"excess": SPENT},
        {"deduct": {"each": "1", "floor": "-5", "bonus": {"measure": "missed", "each": "1", "cap": "1"}}},
        {"bonus": {"levels": [{"level": "a", "measure": "missed", "each": "1"}]}},
    ],
)
def test_a_method_with_its_parameters_is_taken(method):
    assert refused(scheme(method)) == []


def test_a_bonus_stands_outside_the_boards_and_nothing_else_does():
    document = scheme({"deduct": {"each": "1"}})
    document["indicators"].append(
        document["indicators"][1]
        | {"code": "awards", "points": "5"}
        | {"method": {"bonus": {"levels": [{"level": "a", "measure": "missed", "each": "1"}]}}}
    )
    assert ("/indicators", "indicator_sum") in refused(document)
    del document["indicators"][2]["board"]
    assert refused(document) == []
    del document["indicators"][1]["board"]
    assert ("/indicators/1/board", "board_missing") in refused(document)


def test_what_wins_points_is_never_negative():
    document = scheme({"deduct": {"each": "1", "bonus": {"measure": "praised", "each": "1", "cap": "1"}}})
    document["measures"]["praised"] = {
        "over": "levy.done.v1",
        "period_by": "time",
        "numerator": "sum(0 - 1)",
    }
    assert refused(document) == [("/measures/praised/numerator", "magnitude")]


def test_every_method_has_a_title_and_a_source():
    for name, field in MethodSpec.model_fields.items():
        (kind, _) = field.annotation.__args__
        assert kind.title, name
        assert kind.source.startswith("§"), name

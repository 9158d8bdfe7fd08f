"""The worked cases and the fine print of the domain that concern targets, deductions, months and states."""

import itertools
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.cells import compute
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.figures import touched_periods, worth
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from services.scoring.domain.rows import typed
from shared.kernel import instants
from shared.kernel.figures import FigureState
from shared.kernel.periods import JANUARY, Month
from shared.kernel.points import MILLIONTHS, published
from tests.scoring.test_stages import SCHEME, TYPES
from tests.scoring_domain.month_cells import month_cell

COLUMNS = event_types(TYPES)
MARCH, APRIL = Month(2021, 3), Month(2021, 4)
VIEWS = {
    "levy": {
        "events": ["levy.done.v1", "risk.missed.v1"],
        "columns": {
            "unit": {"first": "subject", "of": "levy.done.v1"},
            "came": {"first": "time", "of": "levy.done.v1"},
            "late": {"first": "time", "of": "risk.missed.v1"},
        },
    }
}
BACKLOG = {
    "over": "levy",
    "kind": "stock",
    "period_by": {"from": "came", "until": "late"},
    "numerator": "count(*)",
}


def indicator(points="10", cycle="month", measure="ontime", **method):
    return IndicatorSpec.model_validate(
        {"code": "i", "name": "I", "board": "work", "points": points, "groups": ["bureaus"], "cycle": cycle}
        | {"measure": measure, "method": method}
    )


def ratio(numerator, denominator):
    return Partials(numerator * MILLIONTHS, denominator * MILLIONTHS, denominator)


def points(partials, of="10", **method):
    return compute(indicator(of, **method), partials, is_ratio=True)


def report(name, time, *, kind="risk.missed.v1", unit="b1", data=None, fact=None, corrects=None, revision=0):
    return Report(
        source="s",
        id=name,
        type=kind,
        subject=unit,
        time=instants.parse_micros(time),
        shard=0,
        number=1,
        data=None if data is None else typed(data, COLUMNS[kind]),
        fact=fact,
        corrects=None if corrects is None else ("s", corrects),
        revision=revision,
    )


def document(**measures):
    return SchemeDocument.model_validate(SCHEME | {"views": VIEWS, "measures": SCHEME["measures"] | measures})


def folded(plan, reports):
    """Fold reports of one case alone."""
    tally = Tally()
    found = fold_under(tally, [plan], reports)
    return found, tally.spread()


def by_measure(plan, cells):
    """Return the month partials by (measure, unit) that a plan's rows of numbers stand for."""
    found = defaultdict(lambda: defaultdict(Partials))
    for (_, over, unit, month), numbers in cells.items():
        for measure in plan.measures[over]:
            amounts = plan.layouts[over].slots[measure.name].of(numbers)
            if any(amounts):
                found[measure.id, unit][month] += Partials(*amounts)
    return found


def sums(scheme, reports, measure, unit="b1"):
    """Fold reports of one case and return the month partials of a measure."""
    plan = compile_plan(scheme, COLUMNS)
    return by_measure(plan, folded(plan, reports)[1])[measure_id(scheme, measure), unit]


def added(*parts):
    total = {}
    for part in parts:
        for month, partials in part.items():
            total[month] = total.get(month, Partials()) + partials
    return total


def test_four_boards_sum_to_973_35():
    boards = [Decimal(board) for board in ("252.40", "431.75", "176.20", "113.00")]
    assert published(sum(boards)) == Decimal("973.35")


def test_three_indicators_of_7_points_at_two_thirds_are_14_00_because_a_sum_is_rounded_once():
    cells = [points(ratio(2, 3), "7", target={"target": "1"}) for _ in range(3)]
    assert published(sum(cells)) == Decimal("14.00")
    assert sum(published(one) for one in cells) == Decimal("14.01")


def test_march_is_9_90_and_restated_9_70_and_the_wrong_answer_is_9_89():
    assert published(points(ratio(9702, 10000), target={"target": "0.98"})) == Decimal("9.90")
    assert published(points(ratio(9702 - 196, 10000), target={"target": "0.98"})) == Decimal("9.70")
    assert published(points(ratio(9702 - 196, 10000 - 196), target={"target": "0.98"})) == Decimal("9.89")


DEDUCTED = [
    report("e1", "2021-03-31T23:59:59+08:00", data={}, fact="k1"),
    report("e2", "2021-03-31T16:00:00Z", data={}),
    report("e3", "2021-03-15T08:00:00+08:00", data={}),
    report("e4", "2021-03-20T08:00:00+08:00", data={}),
    report("e6", "2021-03-31T23:59:59+08:00", data={}, fact="k1"),
]


def test_half_a_point_an_event_in_the_month_of_its_zone_and_once_a_business_key_in_all_120_orders():
    """Before anything closes March loses 1.5 and April 0.5; 16:00 UTC of 31 March is April in Shanghai."""
    scheme = document()
    deduct = scheme.indicators[1]
    for order in itertools.permutations(DEDUCTED):
        found = sums(scheme, order, "missed")
        assert month_cell(scheme, deduct, MARCH, found) == Decimal("8.5")
        assert month_cell(scheme, deduct, APRIL, found) == Decimal("9.5")


@pytest.mark.parametrize(
    ("method", "partials", "expected"),
    [
        ({"target": {"target": "0.98"}}, Partials(), None),
        ({"target": {"target": "0.98"}}, ratio(0, 5), "0"),
        ({"target": {"target": "0.98"}}, ratio(5, 5), "10"),
        ({"target": {"target": "0.02", "direction": "down"}}, ratio(0, 5), "10"),
        ({"target": {"target": "0.02", "direction": "down"}}, ratio(1, 25), "5"),
        ({"target": {"target": "0.02", "direction": "down"}}, Partials(), None),
        ({"target": {"target": "0", "direction": "down"}}, ratio(0, 5), "10"),
        ({"target": {"target": "0", "direction": "down"}}, ratio(1, 5), "0"),
        ({"target": {"target": "0.02", "direction": "down"}}, ratio(-1, 5), "10"),
        ({"target": {"target": "0.02"}}, ratio(-1, 5), "0"),
        ({"deduct": {"each": "0.5"}}, Partials(), "10"),
        ({"deduct": {"each": "0.5"}}, ratio(3, 0), "8.5"),
        ({"deduct": {"each": "0.5"}}, ratio(21, 0), "0"),
        ({"deduct": {"each": "0.5", "floor": "4"}}, ratio(100, 0), "4"),
        ({"deduct": {"each": "0.5"}}, ratio(-3, 0), "10"),
    ],
)  # fmt: skip
def test_a_method_at_its_edges(method, partials, expected):
    found = points(partials, **method)
    assert found == (None if expected is None else Decimal(expected))


def test_a_quarter_is_a_ratio_of_sums_and_not_a_mean_of_months():
    scheme = document()
    partials = {Month(2021, 1).ordinal: ratio(1, 1), Month(2021, 2).ordinal: ratio(0, 9)}
    found = worth(scheme, indicator(target={"target": "1"}), JANUARY.parse("2021-Q1"), partials)
    assert found.value == 1


@pytest.mark.parametrize(
    ("cycle", "period", "state"),
    [
        ("month", "2021-01", FigureState.SCORED),
        ("quarter", "2021-01", FigureState.NOT_DUE),
        ("quarter", "2021-03", FigureState.SCORED),
        ("quarter", "2021-Q1", FigureState.SCORED),
        ("half-year", "2021-Q1", FigureState.NOT_DUE),
        ("half-year", "2021-06", FigureState.NOT_ASSESSED),
        ("year", "2021-H1", FigureState.NOT_DUE),
        ("year", "2021", FigureState.SCORED),
        ("month", "2021-05", FigureState.NOT_ASSESSED),
    ],
)
def test_an_indicator_is_due_where_its_cycle_ends_and_late_data_is_not_a_zero(cycle, period, state):
    partials = {Month(2021, month).ordinal: ratio(1, 1) for month in (1, 3, 12)}
    wanted = indicator(cycle=cycle, target={"target": "1"})
    if cycle == "half-year" and period == "2021-06":
        partials = {}
    assert worth(document(), wanted, JANUARY.parse(period), partials).state is state


@pytest.mark.parametrize("period", ["2021-01", "2021-Q1", "2021-H1", "2021"])
def test_a_deduction_is_due_in_every_period_whatever_its_cycle(period):
    found = worth(
        document(), indicator(cycle="year", measure="missed", deduct={"each": "1"}), JANUARY.parse(period), {}
    )
    assert (found.value, found.state) == (10, FigureState.SCORED)


def test_a_year_indicator_in_december_covers_the_whole_year():
    partials = {Month(2021, 2).ordinal: ratio(1, 2), Month(2021, 12).ordinal: ratio(1, 2)}
    found = worth(
        document(), indicator(cycle="year", target={"target": "1"}), JANUARY.parse("2021-12"), partials
    )
    assert found.value == 5


def test_a_late_month_moves_every_period_around_it():
    moved = touched_periods(document(), indicator(cycle="quarter", target={"target": "1"}), MARCH)
    assert {str(period) for period in moved} == {"2021-03", "2021-Q1", "2021-H1", "2021"}


def test_a_stock_stands_at_the_end_of_each_month_until_it_is_left():
    scheme = document(backlog=BACKLOG)
    open_, left = (
        [report(name, time, kind="levy.done.v1", data={"voucher": name}) for name, time in rows]
        for rows in ([("a", "2021-02-10T08:00:00+08:00")], [("b", "2021-02-11T08:00:00+08:00")])
    )
    gone = report("c", "2021-04-01T00:00:00+08:00", data={})
    found = added(sums(scheme, open_, "backlog"), sums(scheme, [*left, gone], "backlog"))
    wanted = indicator(measure="backlog", target={"target": "1", "direction": "down"})
    values = {
        str(m): worth(scheme, wanted, JANUARY.parse(str(m)), found).value
        for m in map(Month.of_ordinal, range(MARCH.ordinal - 2, MARCH.ordinal + 3))
    }
    assert values == {"2021-01": None, "2021-02": 5, "2021-03": 5, "2021-04": 10, "2021-05": 10}


def test_a_backlog_that_was_worked_off_is_zero_and_not_unknown():
    scheme = document(backlog=BACKLOG)
    came = report("a", "2021-02-10T08:00:00+08:00", kind="levy.done.v1", data={"voucher": "a"})
    gone = report("b", "2021-03-01T00:00:00+08:00", data={})
    wanted = indicator(measure="backlog", target={"target": "1", "direction": "down"})
    found = worth(scheme, wanted, JANUARY.parse("2021-03"), sums(scheme, [came, gone], "backlog"))
    assert (found.value, found.state) == (10, FigureState.SCORED)


def test_a_field_that_an_event_does_not_carry_is_unknown_and_counts_as_not_met():
    levy = report("e", "2021-03-01T00:00:00Z", kind="levy.done.v1", data={"voucher": "v"})
    assert sums(document(), [levy], "ontime")[MARCH.ordinal] == Partials(0, MILLIONTHS, 1)


def test_a_unit_that_both_trees_lead_to_counts_a_row_once():
    trees = {"organisation": "unit", "territory": "subject"}
    groups = SCHEME["groups"] | {"all": {"level": "headquarters", "title": "All"}}
    scheme = SchemeDocument.model_validate(SCHEME | {"trees": trees, "groups": groups})
    found = sums(scheme, [report("e", "2021-03-01T00:00:00Z", data={})], "missed", unit="hq")
    assert found[MARCH.ordinal] == Partials(MILLIONTHS, 0, 1)


def test_a_row_counts_in_each_tree_for_its_own_units():
    scheme = SchemeDocument.model_validate(
        SCHEME
        | {
            "units": [*SCHEME["units"], {"code": "north", "name": "North", "level": "region"}],
            "trees": {"organisation": "unit", "territory": "voucher"},
            "groups": SCHEME["groups"]
            | {name: {"level": name, "title": name} for name in ("headquarters", "region")},
        }
    )
    levy = [
        report("e", "2021-03-01T00:00:00Z", kind="levy.done.v1", data={"voucher": "north", "ontime": True})
    ]
    for unit in ("b1", "hq", "north"):
        assert sums(scheme, levy, "ontime", unit=unit)[MARCH.ordinal] == Partials(MILLIONTHS, MILLIONTHS, 1)


COUNTS = st.integers(0, 10_000)
SUMS = st.integers(-10_000, 10_000)
TARGETS = st.decimals("0.000001", "100", places=6).map(lambda value: format(value, "f"))


@given(SUMS, SUMS, st.integers(1, 10_000), TARGETS, st.sampled_from(["up", "down"]))
def test_a_target_is_bounded_and_monotone(one, other, denominator, target, direction):
    low, high = sorted((one, other))
    method = {"target": {"target": target, "direction": direction}}
    less, more = points(ratio(low, denominator), **method), points(ratio(high, denominator), **method)
    assert 0 <= less <= 10
    assert 0 <= more <= 10
    assert less <= more if direction == "up" else more <= less


@given(SUMS, SUMS)
def test_a_deduction_never_gives_points_back_for_another_event(one, other):
    low, high = sorted((one, other))
    method = {"deduct": {"each": "0.37", "floor": "1.5"}}
    assert Decimal("1.5") <= points(ratio(high, 0), **method) <= points(ratio(low, 0), **method) <= 10


DAYS = st.integers(0, 364)


@st.composite
def histories(draw):
    """Originals with business keys that meet, corrections, retractions; each report once."""
    reports = []
    for place in range(draw(st.integers(1, 5))):
        fact = draw(st.sampled_from(["k1", "k2", None]))
        reports.append(("original", f"o{place}", place, 0, draw(st.booleans()), draw(DAYS), fact))
        reports += [
            (
                "correction",
                f"c{place}-{revision}",
                place,
                revision,
                draw(st.sampled_from([True, False, None])),
                draw(DAYS),
                None,
            )
            for revision in range(1, draw(st.integers(1, 3)))
        ]
    return [_levy(*one) for one in reports]


def _levy(kind, name, place, revision, ontime, day, fact):
    stamp = instants.text(
        instants.of_micros(instants.parse_micros("2021-01-01T04:00:00Z") + day * 86_400_000_000)
    )
    data = None if ontime is None else {"voucher": fact or name, "ontime": ontime}
    return report(
        name,
        stamp,
        kind="levy.done.v1",
        data=data,
        fact=fact,
        corrects=f"o{place}" if revision else None,
        revision=revision,
    )


PLAN = compile_plan(document(), COLUMNS)


@given(histories().flatmap(lambda reports: st.tuples(st.just(reports), st.permutations(reports))))
def test_a_fold_does_not_depend_on_the_order_of_the_reports(pair):
    written, shuffled = pair
    assert folded(PLAN, written) == folded(PLAN, shuffled)


@given(histories())
def test_what_is_taken_back_leaves_nothing(reports):
    tally = Tally()
    assert fold_under(tally, [PLAN], reports) == fold_under(tally, [PLAN], reports, -1)
    assert tally.spread() == {}


@given(histories())
def test_every_report_either_counts_or_is_left_out_with_a_reason(reports):
    stands = standing(reports)
    told = [*stands.facts, *(one for one, _ in stands.left_out)]
    assert sorted(one.id for one in told) == sorted(one.id for one in reports)


@given(st.lists(histories(), min_size=1, max_size=4))
def test_the_merge_of_months_is_the_fold_of_everything(cases):
    """A year's ratio from month partials equals the ratio over all rows at once."""
    scheme = document()
    found = added(*(sums(scheme, case, "ontime") for case in cases))
    facts = [fact for case in cases for fact in standing(case).facts]
    year = worth(scheme, indicator(target={"target": "1"}), JANUARY.parse("2021"), found)
    if not facts:
        assert year.state is FigureState.NOT_ASSESSED
    else:
        met = sum(fact.data["ontime"] for fact in facts)
        assert year.value == points(ratio(met, len(facts)), target={"target": "1"})
        assert abs(Fraction(year.value) - 10 * Fraction(met, len(facts))) <= Fraction(1, 2 * 10**12)

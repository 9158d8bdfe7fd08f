"""A row that is folded under the schemes that its months reach adds what folding under all of them adds."""

import copy
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks import workload
from services.scoring.domain.adders import QUARTERS_KEPT, Months, adder, months_of
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import Kind
from services.scoring.domain.facts import Report
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.ordinary import Fact, Ordinary, Sums, millionths_of, reads, row_of
from services.scoring.domain.plan import (
    EVENT_COLUMNS,
    QUARTER_HOUR,
    compile_plan,
    event_types,
    month_ordinal,
)
from services.scoring.domain.rows import typed
from shared.kernel.instants import of_micros, parse_micros
from shared.kernel.periods import month_of

CATALOGUE = {
    "types": {
        "stay.begun.v1": {
            "title": "A stay",
            "fields": {"good": {"type": "boolean"}, "until": {"type": "time"}},
        },
        "stay.left.v1": {"title": "Its end", "fields": {}},
    }
}
TYPES = event_types(CATALOGUE)
BEGUN, LEFT = "stay.begun.v1", "stay.left.v1"
UNITS = ("b01", "b02", "b03")


def scheme(first, last, *, units=UNITS, kept="good", stock=True):
    found = copy.deepcopy(workload.scheme()) | {"trees": {"line": "unit"}}
    columns = {
        "unit": {"first": "subject", "of": BEGUN},
        "begun": {"first": "time", "of": BEGUN},
        "good": {"last": "good", "of": BEGUN},
        "until": {"last": "until", "of": BEGUN},
        "left": {"last": "time", "of": LEFT},
    }
    found["views"] = {"stay": {"events": [BEGUN, LEFT], "columns": columns}}
    found["units"] = [one for one in found["units"] if one["code"] in {"hq", *units}]
    filtered = f"count(*) FILTER (WHERE {kept})"
    found["measures"] = {
        "begun": {"over": BEGUN, "period_by": "time", "numerator": "count(*)"},
        "left": {"over": LEFT, "period_by": "time", "numerator": "count(*)"},
        "ended": {"over": "stay", "period_by": "left", "numerator": "count(left)", "denominator": "count(*)"},
        "good": {"over": "stay", "period_by": "begun", "numerator": filtered, "denominator": "count(*)"},
    }
    if stock:
        spans = {"from": "begun", "until": "greatest(until, left)"}
        found["measures"]["here"] = {
            "over": "stay",
            "kind": "stock",
            "period_by": spans,
            "numerator": "count(*)",
        }
    found["scheme"] = found["scheme"] | {"code": f"s{first}{len(units)}{kept[:3]}{stock}"}
    found["scheme"] |= {"effective": first, "until": last}
    for indicator in found["indicators"]:
        indicator["measure"] = "begun"
    return SchemeDocument.model_validate(found)


SCHEMES = [
    *(scheme(f"{year}-01", f"{year}-12") for year in (2021, 2022, 2024)),
    scheme("2022-01", "2022-12", units=UNITS[:2]),
    scheme("2021-01", "2024-12", kept="NOT good"),
    scheme("2023-07", "2024-06", stock=False),
]
EVERY_MONTH = 4
PLANS = [compile_plan(one, TYPES) for one in SCHEMES]
INSTANTS = (
    "2020-12-31T15:59:59Z",
    "2020-12-31T16:00:00Z",
    "2021-12-31T16:00:00Z",
    "2022-05-01T00:00:00Z",
    "2023-02-28T08:00:00Z",
    "2024-06-05T00:00:00Z",
    "2024-12-31T15:59:59Z",
    "2024-12-31T16:00:00Z",
)
DATA = st.fixed_dictionaries({}, optional={"good": st.booleans(), "until": st.sampled_from(INSTANTS)})


def event(kinds=(BEGUN, LEFT), instants=INSTANTS, units=(*UNITS, "b09")):
    drawn = st.tuples(*map(st.sampled_from, (kinds, instants, units)), DATA)
    return drawn.map(lambda one: one if one[0] == BEGUN else (*one[:3], {}))


CASES = st.lists(event(), min_size=1, max_size=4)
COVERED, KNOWN = INSTANTS[1:-1], UNITS[:2]
COVERED_CASES = st.builds(
    lambda first, rest: [first, *rest],
    event((BEGUN,), COVERED[:1], KNOWN),
    st.lists(event(instants=COVERED, units=KNOWN), max_size=3),
)
IN_FORCE = st.sets(st.integers(0, len(SCHEMES) - 1), min_size=1).map(sorted)


def reports(case):
    return [
        Report("s", f"e{at}", kind, unit, parse_micros(when), 0, at, typed(data, TYPES[kind]))
        for at, (kind, when, unit, data) in enumerate(case)
    ]


def facts(case):
    return sorted(
        Fact(parse_micros(when), "s", f"e{at}", kind, row_of(data, parse_micros(when), unit, TYPES[kind]))
        for at, (kind, when, unit, data) in enumerate(case)
    )


def ordinary(plans):
    return Ordinary(
        [adder(SCHEMES[at], PLANS[at], over) for at in plans for over in PLANS[at].columns], TYPES
    )


@given(IN_FORCE, st.lists(CASES, min_size=1, max_size=4))
def test_what_a_case_reaches_adds_what_all_schemes_add(in_force, cases):
    lanes = ordinary(in_force)
    sums, tally = Sums(lanes), Tally()
    for case in cases:
        found = sums.change({}, lanes.rows(facts(case)))
        alone = Tally()
        traces = fold_under(alone, [PLANS[at] for at in in_force], reports(case))
        if found is not None:
            fold_under(tally, [PLANS[at] for at in in_force], reports(case))
            assert not traces.doubts
            places = {(leaf, month) for spots in found.values() for leaves, month in spots for leaf in leaves}
            assert places == traces.places
    assert {cell: numbers for cell, numbers in sums.cells().items() if any(numbers)} == tally.spread()


@given(IN_FORCE, COVERED_CASES, COVERED_CASES)
def test_a_case_that_moves_leaves_what_it_is_now(in_force, before, after):
    lanes = ordinary({*in_force, EVERY_MONTH})
    sums, only = Sums(lanes), Sums(lanes)
    was, now = (lanes.rows(facts(case)) for case in (before, after))
    assume(only.change({}, now) is not None and sums.change({}, was) is not None)
    assert sums.change(was, now) is not None
    assert sums.cells() == only.cells()
    assert sums.change(now, {}) == {}
    assert not sums.cells()


def test_years_are_one_lane_and_a_case_of_one_year_asks_one_scheme():
    lanes = ordinary([0, 1, 2])
    assert [len(lane.members) for lane in lanes.lanes] == [3, 3, 3]
    begun = facts([(BEGUN, "2022-05-01T00:00:00Z", "b01", {"good": True, "until": "2022-05-03T00:00:00Z"})])
    rows = lanes.rows(begun)
    assert len(rows) == 2
    for (at, _), row in rows.items():
        assert [lanes.adders[one].plan.id for one in lanes.lanes[at].reached(row)] == [PLANS[1].id]


def test_a_decimal_that_ends_otherwise_than_with_a_digit_is_never_scored():
    assert millionths_of("-1.5") == -1_500_000
    for written in ("1.5\n", "1.123456\n", "15\n", "1."):
        with pytest.raises(AssertionError):
            millionths_of(written)


COLUMNS = {
    "amount": Kind.NUMBER,
    "until": Kind.TIME,
    "good": Kind.BOOLEAN,
    "kind": Kind.TEXT,
    **EVENT_COLUMNS,
}
DATA = st.none() | st.dictionaries(
    st.sampled_from([*COLUMNS, "undeclared"]),
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["1.25", "-3", "0"]),
).map(lambda found: found | dict.fromkeys(found.keys() & {"until", "time"}, "2021-03-01T00:00:00Z"))


@given(DATA, st.lists(st.sampled_from([*COLUMNS, "undeclared"]), unique=True))
def test_the_columns_that_are_wanted_are_read_as_the_whole_row_is(data, wanted):
    whole = row_of(data, 5, "b01", COLUMNS)
    found = reads(wanted, COLUMNS)(data, 5, "b01")
    assert [(type(one), one) for one in found] == [(type(one), one) for one in map(whole.get, wanted)]


@given(st.sampled_from(["Asia/Shanghai", "Asia/Kathmandu", "America/New_York"]), st.integers(0, 4 * 10**15))
def test_months_by_the_quarter_of_an_hour_are_those_of_the_instant(zone, micros):
    month = month_of(of_micros(micros), ZoneInfo(zone)).ordinal
    assert months_of(zone)[micros // QUARTER_HOUR] == month_ordinal(micros, ZoneInfo(zone)) == month


def test_of_months_no_more_are_kept_than_a_bound():
    months = Months(ZoneInfo("UTC"))
    for quarter in range(QUARTERS_KEPT + 2):
        assert months[quarter] == month_ordinal(quarter * QUARTER_HOUR, ZoneInfo("UTC"))
    assert len(months) == 2

"""Measures written as one function add up to what they do one by one."""

import copy
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import workload
from services.scoring.domain.adders import adder
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.facts import Report
from services.scoring.domain.folding import Tally
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.rows import event_row, typed
from shared.kernel.instants import parse_micros

TYPES = {
    "types": {
        "visit.made.v1": {
            "title": "A visit",
            "fields": {
                "amount": {"type": "decimal", "scale": 2},
                "count": {"type": "integer"},
                "kind": {"type": "code"},
                "good": {"type": "boolean"},
                "until": {"type": "time"},
                "area": {"type": "code"},
            },
        }
    }
}
CONDITIONS = (
    "good",
    "NOT good",
    "kind = 'a'",
    "kind IN ('a', 'b') AND NOT (good OR count > 2)",
    "until IS NULL OR until <= time",
    "NOT (until IS NOT NULL AND amount >= 1.5)",
    "kind <> 'b' OR count NOT IN (1, 2)",
    "greatest(amount, count) < least(3, count + 1)",
    "extract(epoch FROM until - time) > 86400",
    "TRUE AND good",
)
SUMS = ("sum(amount)", "sum(count - amount)", "sum(greatest(amount, 2))", "count(kind)", "count(*)", "sum(2)")


def scheme():
    document = copy.deepcopy(workload.scheme()) | {"views": {}, "trees": {"line": "unit", "area": "area"}}
    numerators = [f"{share} FILTER (WHERE {kept})" for share, kept in product(SUMS, CONDITIONS)]
    made = {}
    for number, numerator in enumerate([*SUMS, *numerators]):
        measure = {
            "over": "visit.made.v1",
            "numerator": numerator,
            "period_by": ("time", "until")[number % 2],
        }
        if number % 3 == 0:
            measure |= {
                "denominator": "count(*)" if number % 2 else f"count(*) FILTER (WHERE {CONDITIONS[1]})"
            }
        if number % 5 == 0:
            measure |= {"kind": "stock", "period_by": {"from": "time", "until": "greatest(until, time)"}}
        made[f"m{number}"] = measure
    document["measures"] = made
    document["scheme"] = document["scheme"] | {"effective": "2025-02", "until": "2025-04"}
    for indicator in document["indicators"]:
        indicator["measure"] = "m0"
    return SchemeDocument.model_validate(document)


DOCUMENT = scheme()
COLUMNS = event_types(TYPES)
PLAN = compile_plan(DOCUMENT, COLUMNS)
ADDER = adder(DOCUMENT, PLAN, "visit.made.v1")
INSTANT = st.sampled_from(
    [
        "2025-01-31T15:59:59Z",
        "2025-01-31T16:00:00Z",
        "2025-02-28T08:00:00Z",
        "2025-03-05T00:00:00+08:00",
        "2025-04-30T23:59:59.5+08:00",
        "2025-05-01T00:00:00+08:00",
    ]
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from(["0", "1.5", "-2.25", "999999999999999999"]),
        "count": st.integers(-3, 5),
        "kind": st.sampled_from(["a", "b", "c"]),
        "good": st.booleans(),
        "until": INSTANT,
        "area": st.sampled_from(["b01", "b02", "nowhere"]),
    },
)
REPORT = st.builds(
    lambda at, unit, data: Report(
        source="s",
        id="e",
        type="visit.made.v1",
        subject=unit,
        time=parse_micros(at),
        shard=0,
        number=1,
        data=typed(data, COLUMNS["visit.made.v1"]),
    ),
    INSTANT,
    st.sampled_from(["b01", "b03", "hq", "unknown"]),
    DATA,
)


def added(reports):
    """Add what is ordinary; return the numbers by leaves and month, and the reports that are not."""
    spots, rest = {}, []
    for report in reports:
        row = event_row(report)
        if ADDER.add(spots, *(row.get(name) for name in ADDER.columns)) is None:
            rest.append(report)
    return {spot: ADDER.laid_out(counted) for spot, counted in spots.items()}, rest


@given(st.lists(REPORT, max_size=6))
def test_one_function_adds_what_the_measures_add_one_by_one(reports):
    found, rest = added(reports)
    tally = Tally()
    for report in reports:
        if report not in rest:
            assert not tally.add(PLAN, [report]).doubts
    cells = {}
    for (leaves, month), numbers in found.items():
        for unit in PLAN.units_of(leaves, "visit.made.v1"):
            known = cells.setdefault((PLAN.id, "visit.made.v1", unit, month), [0] * len(numbers))
            known[:] = [one + other for one, other in zip(known, numbers, strict=True)]
    assert {cell: numbers for cell, numbers in cells.items() if any(numbers)} == tally.spread()


@given(REPORT)
def test_what_is_left_to_the_plain_way_is_in_doubt_or_counts_nowhere(report):
    _, rest = added([report])
    traces = Tally().add(PLAN, [report])
    assert bool(rest) == bool(traces.doubts or not traces.places)


@given(st.lists(REPORT, max_size=4))
def test_what_is_taken_back_leaves_zeros(reports):
    spots = {}
    for call in (ADDER.add, ADDER.take):
        for report in reports:
            row = event_row(report)
            call(spots, *(row.get(name) for name in ADDER.columns))
    assert not any(any(counted) for counted in spots.values())


@pytest.mark.parametrize("text", ["'; import os #", "__import__('os')"])
def test_text_of_a_scheme_is_a_value_and_never_source(text):
    quoted = text.replace("'", "''")
    measures = {"m": {"over": "visit.made.v1", "period_by": "time", "numerator": "count(*)"}}
    measures["m"]["numerator"] += f" FILTER (WHERE kind = '{quoted}')"
    if ";" in text:
        measures["m"]["numerator"] = measures["m"]["numerator"].replace(";", ":")
    document = DOCUMENT.model_copy(
        update={"measures": {"m": DOCUMENT.measures["m0"].model_validate(measures["m"])}}
    )
    plan = compile_plan(document, COLUMNS)
    made = adder(document, plan, "visit.made.v1")
    spots = {}
    row = {"time": parse_micros("2025-03-05T00:00:00Z"), "unit": "b01", "kind": text.replace(";", ":")}
    assert made.add(spots, *(row.get(name) for name in made.columns)) is not None
    assert [made.laid_out(counted) for counted in spots.values()] == [[1_000_000, 1]]

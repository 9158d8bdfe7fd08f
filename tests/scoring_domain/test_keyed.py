"""min, max and count distinct of bounded keys: exact over any months, taken back by corrections, in any order."""

import copy
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import Kind
from services.scoring.domain.folding import Tally
from services.scoring.domain.keyed import keyed, numerator
from services.scoring.domain.layout import layout_of
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.sums import UnitSums
from shared.kernel.errors import Refused
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS
from tests.scoring.test_stages import SCHEME
from tests.scoring_domain.opinions import at_once
from tests.scoring_domain.test_second_opinions import facts_of

COLUMNS = {"n": Kind.NUMBER, "level": Kind.TEXT, "flag": Kind.BOOLEAN, "at": Kind.TIME}
TYPES = {
    "types": {
        "visit.made.v1": {
            "title": "A visit",
            "fields": {"count": {"type": "integer"}, "kind": {"type": "code"}, "until": {"type": "time"}},
        }
    }
}
MEASURES = {
    "most": {"numerator": "max(count) FILTER (WHERE count IN (1, 2, 3))"},
    "least": {"numerator": "min(count) FILTER (WHERE count IN (1, 2, 3))", "denominator": "count(*)"},
    "kinds": {"numerator": "count(DISTINCT kind) FILTER (WHERE kind IN ('a', 'b', 'c') AND count <> 2)"},
    "kinds_there": {
        "numerator": "count(DISTINCT kind) FILTER (WHERE kind IN ('a', 'b', 'c'))",
        "kind": "stock",
        "period_by": {"from": "time", "until": "until"},
    },
}


def scheme():
    document = copy.deepcopy(SCHEME)
    document["measures"] = {
        name: {"over": "visit.made.v1", "period_by": "time"} | spec for name, spec in MEASURES.items()
    }
    for indicator in document["indicators"]:
        indicator["measure"] = "most"
    return SchemeDocument.model_validate(document)


DOCUMENT = scheme()
PLAN = compile_plan(DOCUMENT, event_types(TYPES))
SLOTS = layout_of(DOCUMENT, "visit.made.v1").slots
MONTHS = [Month(2021, month) for month in (1, 2, 3)]
WINDOWS = [(one.ordinal, one.ordinal) for one in MONTHS] + [(MONTHS[0].ordinal, MONTHS[-1].ordinal)]
VISIT = st.tuples(
    st.integers(1, 3),
    st.sampled_from(["b1", "b2"]),
    st.integers(1, 4),
    st.sampled_from(["a", "b", "c", "d"]),
    st.none() | st.integers(1, 5),
)


def visits(drawn):
    facts = [
        ("visit.made.v1", unit, f"2021-{month:02d}-10T00:00:00+08:00", data(count, kind, until))
        for month, unit, count, kind, until in drawn
    ]
    return facts_of([[one] for one in facts])


def data(count, kind, until):
    gone = {} if until is None else {"until": f"2021-{until:02d}-20T00:00:00+08:00"}
    return {"count": count, "kind": kind} | gone


def unit_sums(kept, taken_back=()):
    """Merge as stage B does what stage A adds, two shards of it."""
    sums = UnitSums()
    for shard, facts in enumerate((kept[::2], kept[1::2])):
        tally = Tally()
        for one in [*facts, *(taken_back if shard == 0 else ())]:
            tally.add(PLAN, one)
        if shard == 0:
            for one in taken_back:
                tally.add(PLAN, one, -1)
        for (_, over, unit, month), numbers in tally.spread().items():
            if unit == "b1":
                sums.take((over, month, shard), numbers)
    return sums


def expected(drawn, first, last):
    """Compute by hand, of unit b1 in months from first to last."""
    mine = [one for one in drawn if one[1] == "b1"]
    inside = [one for one in mine if first <= one[0] <= last]
    there = [one for one in mine if one[0] <= last and (one[4] is None or one[4] > last)]
    counts = [count for _, _, count, _, _ in inside if count <= 3]
    return {
        "most": max(counts, default=0),
        "least": min(counts, default=0),
        "kinds": len({kind for _, _, count, kind, _ in inside if kind != "d" and count != 2}),
        "kinds_there": len({one[3] for one in there if one[3] != "d"}),
    }


@given(st.lists(VISIT, max_size=12), st.lists(VISIT, max_size=4))
def test_months_and_quarters_are_what_their_rows_say_and_what_is_taken_back_leaves_no_trace(drawn, others):
    sums = unit_sums(visits(drawn), visits(others))
    for first, last in WINDOWS:
        wanted = expected(drawn, first % 12 + 1, last % 12 + 1)
        for name, slots in SLOTS.items():
            if DOCUMENT.measures[name].kind == "stock":
                months = range(MONTHS[0].ordinal, last + 1)
                found, _, _ = sums.by_month("visit.made.v1", slots, months)
            else:
                found, _, _ = sums.flow("visit.made.v1", slots, (first, last))
            assert Fraction(found, MILLIONTHS) == wanted[name], (name, first, last)


@given(st.lists(VISIT, max_size=8))
def test_the_functions_written_of_measures_count_keys_alike(drawn):
    groups = visits(drawn)
    found = at_once(DOCUMENT, PLAN, event_types(TYPES), groups)
    for (name, unit, month), partials in found.items():
        if unit == "b1":
            assert (
                Fraction(partials.numerator, MILLIONTHS)
                == expected(drawn, month % 12 + 1, month % 12 + 1)[name]
            )


def test_partials_of_months_merge_to_the_quarter():
    sums = unit_sums(visits([(1, "b1", 1, "a", None), (2, "b1", 3, "b", None), (3, "b1", 1, "a", None)]))
    months = [
        SLOTS["kinds"].partials(sums.merged["visit.made.v1"][month.ordinal, month.ordinal])
        for month in MONTHS
    ]
    assert [one.numerator for one in months] == [MILLIONTHS] * 3
    assert sum(months[1:], months[0]).numerator == 2 * MILLIONTHS


@pytest.mark.parametrize(
    "text",
    [
        "max(n)",
        "count(DISTINCT level)",
        "max(n) FILTER (WHERE n > 1)",
        "max(n) FILTER (WHERE n NOT IN (1, 2))",
        "max(n) FILTER (WHERE n IN (1, 2) OR flag)",
        "max(n) FILTER (WHERE level IN ('a'))",
        "max(n + 1) FILTER (WHERE n IN (1))",
        "max(level) FILTER (WHERE level IN ('a', 'b'))",
        "max(at) FILTER (WHERE at IN (1))",
        "count(DISTINCT n, level) FILTER (WHERE n IN (1))",
        "count(DISTINCT level) FILTER (WHERE level IN ('a', 1))",
        "count(DISTINCT n) FILTER (WHERE n IN (1e9))",
        "count(DISTINCT n) FILTER (WHERE n IN (" + ", ".join(map(str, range(65))) + "))",
    ],
)
def test_keys_that_nothing_bounds_are_refused(text):
    with pytest.raises(Refused) as refused:
        numerator(text, COLUMNS)
    assert refused.value.problem.code == "expression"


def test_a_measure_that_only_counts_and_sums_has_no_keys_and_its_row_is_as_wide_as_before():
    assert keyed("count(*) FILTER (WHERE flag)") is None
    assert keyed("sum(n)") is None
    plain = SchemeDocument.model_validate(SCHEME)
    assert layout_of(plain, "levy.done.v1").width == 3

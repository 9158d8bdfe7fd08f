"""DuckDB and PostgreSQL recompute measures over facts and agree with live folding, exactly."""

import copy
import re
import time

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import workload
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import LARGEST_NODES, parse
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.opinion import Limits, locked_down, recompute
from shared.kernel.errors import Refused
from tests.scoring_domain.opinions import at_once, by_postgres, folded, report_of

FIELDS = {
    "amount": {"type": "decimal", "scale": 6},
    "count": {"type": "integer"},
    "kind": {"type": "code"},
    "note": {"type": "text"},
    "good": {"type": "boolean"},
    "until": {"type": "time"},
    "area": {"type": "code"},
}
TYPES = {
    "types": {
        "visit.made.v1": {"title": "A visit", "case": "optional", "fields": FIELDS},
        "visit.left.v1": {"title": "Its end", "case": "optional", "fields": FIELDS},
    }
}
COLUMNS = event_types(TYPES)
VIEW = {
    "events": ["visit.made.v1", "visit.left.v1"],
    "columns": {
        "unit": {"first": "subject", "of": "visit.made.v1"},
        "area": {"last": "area", "of": "visit.left.v1"},
        "time": {"first": "time", "of": "visit.made.v1"},
        "until": {"last": "until", "of": "visit.left.v1"},
        "amount": {"sum": "amount", "of": "visit.made.v1"},
        "count": {"count": "*", "of": "visit.left.v1"},
        "kind": {"max": "kind", "of": "visit.made.v1"},
        "note": {"min": "note", "of": "visit.left.v1"},
        "good": {"min": "good", "of": "visit.left.v1"},
    },
}
WORDS = ["a", "b", "it's", "back\\slash", "ü", "文", "%", "A"]
INSTANTS = [
    "2025-01-31T15:59:59Z",
    "2025-01-31T16:00:00Z",
    "2025-02-28T15:59:59.999999Z",
    "2025-03-05T00:00:00+08:00",
    "2025-04-30T23:59:59.5+08:00",
    "2025-05-01T00:00:00+08:00",
    "1999-12-31T00:00:00Z",
]
NUMBERS = ["0", "1", "1.5", "-2.25", "0.000001", "999999999999", "-999999999999.999999"]


def is_small(text):
    """Tell whether an expression has no more parts than one may have; of those that are drawn few have."""
    try:
        parse(text)
    except Refused as refused:
        return not refused.problem.detail.startswith(f"At most {LARGEST_NODES} parts")
    return True


literals = st.sampled_from(["0", "1", "2.5", "0.000001", "999999999999.999999"])
words = st.sampled_from([f"'{word.replace(chr(39), chr(39) * 2)}'" for word in WORDS])
instants = st.recursive(
    st.sampled_from(["time", "until"]),
    lambda inner: st.tuples(st.sampled_from(["greatest", "least"]), inner, inner).map(
        lambda drawn: f"{drawn[0]}({drawn[1]}, {drawn[2]})"
    ),
    max_leaves=3,
)
numbers = st.recursive(
    st.sampled_from(["amount", "count"])
    | literals
    | st.tuples(instants, instants).map(lambda pair: f"extract(epoch FROM {pair[0]} - {pair[1]})"),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-"]), inner).map(
            lambda drawn: f"({drawn[0]} {drawn[1]} {drawn[2]})"
        )
        | st.tuples(st.sampled_from(["greatest", "least"]), inner, inner).map(
            lambda drawn: f"{drawn[0]}({drawn[1]}, {drawn[2]})"
        )
    ),
    max_leaves=4,
)
texts = st.sampled_from(["kind", "note", "unit", "area"])
signs = st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="])
equal = st.sampled_from(["=", "<>"])
negation = st.sampled_from(["", "NOT "])
conditions = st.recursive(
    st.one_of(
        st.tuples(numbers, signs, numbers).map(" ".join),
        st.tuples(instants, signs, instants).map(" ".join),
        st.tuples(texts, equal, words | texts).map(" ".join),
        st.tuples(negation, st.sampled_from(["good", "TRUE", "FALSE", "good = good"])).map("".join),
        st.tuples(texts | numbers | instants, negation).map(lambda drawn: f"{drawn[0]} IS {drawn[1]}NULL"),
        st.tuples(texts, negation, st.lists(words, min_size=1, max_size=3)).map(
            lambda drawn: f"{drawn[0]} {drawn[1]}IN ({', '.join(drawn[2])})"
        ),
        st.tuples(numbers, negation, st.lists(literals, min_size=1, max_size=3)).map(
            lambda drawn: f"{drawn[0]} {drawn[1]}IN ({', '.join(drawn[2])})"
        ),
    ),
    lambda inner: st.tuples(negation, inner, st.sampled_from(["AND", "OR"]), inner).map(
        lambda drawn: f"{drawn[0]}({drawn[1]} {drawn[2]} {drawn[3]})"
    ),
    max_leaves=4,
)
aggregates = st.tuples(
    st.just("count(*)")
    | st.sampled_from(["kind", "good", "until", "amount"]).map(lambda name: f"count({name})")
    | numbers.map(lambda value: f"sum({value})"),
    st.none() | conditions,
).map(lambda drawn: drawn[0] if drawn[1] is None else f"{drawn[0]} FILTER (WHERE {drawn[1]})")


KEYS = st.sampled_from(
    [
        "max(count) FILTER (WHERE count IN (0, 1, 2, 2.0, 3))",
        "min(amount) FILTER (WHERE amount IN (1.5, 0.000001, 999999999999))",
        "min(count) FILTER (WHERE count IN (1, 3, 5) AND COND)",
        "count(DISTINCT kind) FILTER (WHERE kind IN ('a', 'A', 'z'))",
        "count(DISTINCT note) FILTER (WHERE COND AND (note IN ('it''s', 'back\\slash', '文', '%')))",
        "count(DISTINCT count) FILTER (WHERE NOT good AND count IN (1, 2, 5))",
    ]
)
keyed = st.tuples(KEYS, conditions).map(lambda drawn: drawn[0].replace("COND", f"({drawn[1]})"))


@st.composite
def measures(draw):
    measure = {
        "over": draw(st.sampled_from(["visit.made.v1", "stay"])),
        "period_by": draw(instants),
        "numerator": draw((aggregates | keyed).filter(is_small)),
    }
    if draw(st.booleans()):
        measure["denominator"] = draw(aggregates.filter(is_small))
    if draw(st.booleans()):
        measure |= {"kind": "stock", "period_by": {"from": draw(instants), "until": draw(instants)}}
    return measure


NAMES = re.compile(rf"(?<!')\b({'|'.join(VIEW['columns'])})\b(?!')")
TELLING = st.sampled_from(
    ["time >= stay.time", "time < stay.time", "subject = stay.unit", "stay.count > 1", "stay.area IS NULL"]
)


@st.composite
def filters(draw):
    """Conditions by the columns that they filter; each names some of the columns that stand before it."""
    found, before = {}, []
    for name in VIEW["columns"]:
        if before and draw(st.integers(0, 2)) == 0:
            told = [one for one in before if draw(st.booleans())]
            own = conditions.map(lambda text, told=told: case_of(text, told)).filter(is_small)
            found[name] = draw(own | TELLING)
            if not set(re.findall(r"stay\.(\w+)", found[name])) <= set(before):
                del found[name]
        before.append(name)
    return found


def case_of(text, names):
    """Return a condition in which some names are of columns of the case."""
    return NAMES.sub(lambda one: f"stay.{one[0]}" if one[0] in names else one[0], text)


DATA = st.fixed_dictionaries(
    {},
    optional={
        "amount": st.sampled_from(NUMBERS),
        "count": st.integers(-3, 5),
        "kind": st.sampled_from(["a", "b", "A"]),
        "note": st.sampled_from(WORDS),
        "good": st.booleans(),
        "until": st.sampled_from(INSTANTS),
        "area": st.sampled_from(["b01", "b02", "nowhere"]),
    },
)
FACT = st.tuples(
    st.sampled_from(["visit.made.v1", "visit.left.v1"]),
    st.sampled_from(["b01", "b03", "hq", "unknown"]),
    st.sampled_from(INSTANTS),
    DATA,
)
CASES = st.lists(st.lists(FACT, min_size=1, max_size=4), max_size=6)
MEASURES = st.tuples(
    st.lists(measures(), min_size=1, max_size=4), st.sets(st.sampled_from(["visit.made.v1", "stay"]))
).map(lambda drawn: [one | ({"counts_for": "named"} if one["over"] in drawn[1] else {}) for one in drawn[0]])
DRAWN = st.tuples(MEASURES, filters(), CASES)


def scheme(drawn, where=None):
    document = copy.deepcopy(workload.scheme())
    columns = {
        name: one | ({"where": where[name]} if name in (where or ()) else {})
        for name, one in VIEW["columns"].items()
    }
    document |= {"views": {"stay": VIEW | {"columns": columns}}, "trees": {"line": "unit", "area": "area"}}
    document["measures"] = {f"m{number}": one for number, one in enumerate(drawn)}
    document["scheme"] |= {"effective": "2025-02", "until": "2025-04"}
    for indicator in document["indicators"]:
        indicator["measure"] = "m0"
    document["ranking"] = {}
    return SchemeDocument.model_validate(document)


def facts_of(cases):
    """Return the facts of each case in the order in which they occurred."""
    groups = []
    for at, drawn in enumerate(cases):
        facts = [
            report_of(
                {
                    "source": "s",
                    "id": f"{at}-{number}",
                    "type": kind,
                    "subject": unit,
                    "time": when,
                    "data": data,
                },
                1,
                COLUMNS,
            )
            for number, (kind, unit, when, data) in enumerate(drawn)
        ]
        groups.append(sorted(facts, key=lambda fact: (fact.time, fact.source, fact.id)))
    return groups


def drawn_examples(count):
    """Draw examples first, so that an asynchronous test can take them."""
    found = []

    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(DRAWN)
    def collect(drawn):
        found.append(drawn)

    collect()
    return found


@pytest.mark.parametrize("examples", [15, pytest.param(200, marks=pytest.mark.long)])
async def test_live_folding_duckdb_and_postgres_give_the_same_values(postgres_url, examples):
    for number, (drawn, where, cases) in enumerate(drawn_examples(examples)):
        document, groups = scheme(drawn, where), facts_of(cases)
        plan = compile_plan(document, COLUMNS)
        live = folded(plan, groups)
        assert at_once(document, plan, COLUMNS, groups) == live, (drawn, where, cases)
        assert recompute(document, COLUMNS, groups) == live, (drawn, where, cases)
        if number % 3 == 0:
            assert await by_postgres(postgres_url, document, COLUMNS, groups) == live, (drawn, where, cases)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY (SELECT 1) TO 'written.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "SET memory_limit = '64GB'",
        "SET enable_external_access = true",
        "RESET lock_configuration",
    ],
)
def test_the_engine_reaches_nothing_outside_and_its_settings_are_locked(sql):
    with locked_down() as connection, pytest.raises(duckdb.Error):
        connection.execute(sql)


def test_what_takes_longer_than_its_limit_is_refused():
    measure = {"over": "visit.made.v1", "period_by": "time", "numerator": "count(*)"}
    fact = [("visit.made.v1", "b01", INSTANTS[3], {})]

    def endless():
        while True:
            yield from facts_of([fact] * 1_000)

    began = time.monotonic()
    with pytest.raises(Refused) as refused:
        recompute(scheme([measure]), COLUMNS, endless(), Limits(seconds=0.2))
    assert refused.value.problem.code == "too_much_to_recompute"
    assert time.monotonic() - began < 30

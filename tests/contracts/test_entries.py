"""The hot path's form of a message of stage B and its model are one."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import entries
from shared.contracts.entries import MonthRow, PeriodRow, Posted, Silence, Span
from shared.contracts.scoring import EntriesPosted

CODE = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z:._-]{0,9}", fullmatch=True)
NUMBER = st.integers(min_value=1, max_value=(1 << 63) - 1)
VALUE = st.none() | st.sampled_from(["0.000000000000", "-1.500000000000", "10.000000000001"])
SPAN = st.builds(
    Span, st.integers(0, 63), NUMBER, NUMBER, st.sampled_from(["ingest.accepted", "scoring.schemes"])
)
MONTH = st.builds(
    MonthRow, CODE, st.just("2021-03"), st.dictionaries(CODE, st.tuples(VALUE, VALUE), max_size=3)
)
PERIOD = st.builds(
    PeriodRow,
    CODE,
    st.sampled_from(["2021", "2021-Q1"]),
    st.integers(0, 9),
    st.dictionaries(CODE, VALUE),
    st.dictionaries(CODE, st.just("21.428571428571"), max_size=2),
)
POSTED = st.builds(
    Posted,
    CODE,
    st.integers(1, 9),
    CODE,
    st.lists(SPAN, max_size=3),
    st.just("2021-03-01T00:00:00.000000Z"),
    st.just("2021-03-01"),
    st.lists(MONTH, max_size=3),
    st.lists(PERIOD, max_size=3),
    st.lists(st.builds(Silence, CODE, st.dictionaries(CODE, st.just(["2021-03"]), max_size=2)), max_size=2),
    st.sampled_from([None, "2021-02-28"]),
    st.dictionaries(CODE, st.just(["2021", "2021-02"]), max_size=2),
)


@given(POSTED)
def test_the_fast_form_and_the_model_read_what_the_other_writes(posted):
    body = entries.written(posted)
    model = EntriesPosted.model_validate_json(body)
    told = json.loads(model.model_dump_json())
    for row in told["figures"]:
        if not row["points"]:
            del row["points"]
    assert told == json.loads(body)
    assert entries.read(model.model_dump_json().encode()) == posted
    figures = entries.read_figures(body)
    assert (figures.cause, figures.figures, figures.silent) == (posted.cause, posted.figures, posted.silent)

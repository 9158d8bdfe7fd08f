"""The hot path's form of a message and its model are one."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import partials
from shared.contracts.partials import Block, Changed, Row
from shared.contracts.scoring import PartialsChanged

TEXT = st.text(min_size=1, max_size=9)
CODE = st.from_regex(r"[0-9A-Za-z][0-9A-Za-z:._-]{0,9}", fullmatch=True)
NUMBER = st.integers(min_value=1, max_value=(1 << 63) - 1)
AMOUNT = st.integers(min_value=-(10**30), max_value=10**30)
ROW = st.builds(Row, CODE, st.sampled_from(["2021-03", "1900-12"]), st.lists(AMOUNT, max_size=5))
BLOCK = st.builds(Block, TEXT, TEXT, st.lists(ROW, max_size=3))
CHANGED = st.builds(
    Changed,
    TEXT,
    st.integers(0, 63),
    NUMBER,
    NUMBER,
    st.just("2021-03-01T00:00:00.000000Z"),
    st.lists(BLOCK, max_size=3),
)


@given(CHANGED)
def test_the_fast_form_and_the_model_read_what_the_other_writes(changed):
    body = partials.written(changed)
    model = PartialsChanged.model_validate_json(body)
    assert json.loads(model.model_dump_json()) == json.loads(body)
    assert partials.read(model.model_dump_json().encode()) == changed

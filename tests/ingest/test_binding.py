"""What a record of a topic may hold, headers and key and value, is read as an event or refused by name."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.ingest.domain.binding import BINARY, STRUCTURED, Message, is_at_home, read
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.ingest.domain.quick import quick
from shared.kernel.canonical import canonical
from shared.kernel.errors import Problem, Refused
from tests.ingest.serving import TYPES, event
from tests.kernel.fuzzing import PIECES, changed, seeds

CATALOGUE = compile_catalogue(parse(TYPES))
ATTRIBUTES = (
    "id",
    "source",
    "type",
    "subject",
    "time",
    "specversion",
    "case",
    "revision",
    "correctsid",
    "data",
)
PARAMETERS = (
    "charset",
    "charset*",
    "charset*0",
    "charset*0*",
    "charset*1",
    f"charset*{'9' * 400}",
    "boundary",
)
VALUES = ("utf-8", "gbk", "utf-8''x", "a\x00b''x", "''", '"utf-8', "", "%ff", "us-ascii")
good = canonical(event())
kinds = st.builds(
    lambda kind, parameters: "; ".join([kind, *parameters]).encode(),
    st.sampled_from((STRUCTURED, BINARY, STRUCTURED.upper(), "text/plain", "")),
    st.lists(st.builds("{}={}".format, st.sampled_from(PARAMETERS), st.sampled_from(VALUES)), max_size=3),
)
written = st.one_of(
    st.none(), st.binary(max_size=20), st.sampled_from([str(v).encode() for v in event().values()])
)
headers = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(("content-type", "Content-Type")),
            st.one_of(kinds, st.none(), st.binary(max_size=30)),
        ),
        st.tuples(st.sampled_from(ATTRIBUTES).map("ce_{}".format), written),
        st.tuples(st.text(max_size=12), written),
    ),
    max_size=9,
)
bodies = st.one_of(
    st.none(),
    st.just(good),
    st.binary(max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join),
    st.builds(changed, st.sampled_from([good, *seeds()]), st.randoms(use_true_random=False)),
)
keys = st.one_of(st.none(), st.binary(max_size=12), st.text(max_size=12).map(str.encode), st.just(b"1101"))


def judged(message):
    """Return what a record comes to; whatever is raised but a refusal goes up."""
    try:
        return candidate(read(message), CATALOGUE)
    except Refused as refused:
        return refused.problem


@settings(max_examples=200)
@given(bodies, headers, keys, st.booleans())
@example(good, [("content-type", f"{STRUCTURED}; charset*=a\x00b''x".encode())], None, False)
@example(good, [("content-type", f"{STRUCTURED}; charset*{'9' * 900}=x".encode())], None, False)
@example(good, [("content-type", f"{STRUCTURED}; charset*=utf-8''a; charset*0=b".encode())], b"\xff", False)
def test_whatever_a_record_holds_it_is_read_or_refused_by_name(value, headers, key, aborted):
    message = Message("desk", "in.desk", 0, 7, value, tuple(headers), key, aborted=aborted)
    found = judged(message)
    if isinstance(found, Problem):
        assert found.status in range(400, 500)
    else:
        assert found.source == message.source
        assert is_at_home(key, found.case or found.subject) in {True, False}
        assert message.plain is None or quick(message.plain, CATALOGUE) in {None, found}
    assert message.place == "in.desk/0/7"
    assert len(message.digest) == 64

"""The strict decoder takes plain JSON and names what it refuses (I4-I15)."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel.errors import Refused
from shared.kernel.strict_json import LARGEST_INTEGER, Limits, decode

REFUSED = [
    (b"\xef\xbb\xbf{}", "encoding"),
    ('{"a":1}'.encode("utf-16"), "encoding"),
    ('{"a":1}'.encode("utf-16-le"), "encoding"),
    (b'"\xff"', "encoding"),
    (b'"\xed\xa0\x80"', "encoding"),
    (rb'"\ud800"', "encoding"),
    (rb'{"\uDC00":1}', "encoding"),
    (rb'"\ude00\ud83d"', "encoding"),
    (rb'{"a":["\u0000"]}', "encoding"),
    (b'"\x00"', "encoding"),
    (b"[" * 65 + b"]" * 65, "depth"),
    (b"[" * 100_000, "depth"),
    (b'{"a":' * 65 + b"1" + b"}" * 65, "depth"),
    (b"{" + b",".join(b'"%d":1' % n for n in range(513)) + b"}", "complexity"),
    (b"[" + b",".join([b"1"] * 1001) + b"]", "complexity"),
    (b'{"a":[[' + b",".join([b"1"] * 1001) + b"]]}", "complexity"),
    (b'{"' + b"k" * 129 + b'":1}', "complexity"),
    ('{"' + "督" * 43 + '":1}', "complexity"),
    (b"NaN", "non_finite"),
    (b"[Infinity]", "non_finite"),
    (b'{"a":-Infinity}', "non_finite"),
    (b"1e999", "number"),
    (b"1e2", "number"),
    (b"1.0", "number"),
    (b"-0", "number"),
    (b"1" * 30, "number"),
    (b"1" * 5000, "number"),
    (b"9007199254740992", "number"),
    (b'{"a":1,"a":2}', "duplicate_key"),
    (rb'{"x":{"a":1,"\u0061":1}}', "duplicate_key"),
    (b"", "json"),
    (b" ", "json"),
    (b"{} x", "json"),
    (b"{}{}", "json"),
    (b"{} // c", "json"),
    (b"{'a':1}", "json"),
    (b"[1,]", "json"),
    (b"01", "json"),
    (b"+1", "json"),
    (b'"a\nb"', "json"),
    (rb'"\x"', "json"),
    (b'"open', "json"),
    (b"[1", "json"),
]


@pytest.mark.parametrize(("raw", "code"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused_is_named(raw: bytes | str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        decode(raw.encode() if isinstance(raw, str) else raw)
    assert (refused.value.problem.code, refused.value.problem.status) == (code, 400)


def test_a_body_over_the_limit_is_413() -> None:
    with pytest.raises(Refused) as refused:
        decode(b'"aaaa"', max_bytes=5)
    assert (refused.value.problem.code, refused.value.problem.status) == ("too_large", 413)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"[" * 64 + b"]" * 64, None),
        (b'["' + b"[" * 500 + b'"]', ["[" * 500]),
        (rb'["\"' + b"[" * 500 + b'"]', ['"' + "[" * 500]),
        (rb'["\\",' + b'"' + b"{" * 70 + b'"]', ["\\", "{" * 70]),
        (b"-9007199254740991", -LARGEST_INTEGER),
        (b"0", 0),
        (rb'"\\u0000 \\ud800"', "\\u0000 \\ud800"),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (b' {"a" : [true,false,null,""]}\n', {"a": [True, False, None, ""]}),
    ],
)
def test_what_is_plain_json_is_taken(raw: bytes, value: object) -> None:
    assert value is None or decode(raw) == value
    decode(raw)


def test_an_unclosed_string_of_escapes_takes_linear_time() -> None:
    with pytest.raises(Refused):
        decode(b"[" * 60 + b'"' + rb"\"" * 400_000 + b"{" * 60)


def test_other_limits_can_be_set() -> None:
    assert decode(b"[1,2,3]", limits=Limits(items=3)) == [1, 2, 3]
    with pytest.raises(Refused):
        decode(b"[1,2,3]", limits=Limits(items=2))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text("abcd督\U0001f600", max_size=9), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_whatever_was_written_is_read(value: object, ascii_only: bool) -> None:
    assert decode(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with contextlib.suppress(Refused):
        assert decode(raw) == json.loads(raw)


FAULTS = [
    (b"NaN", "non_finite"),
    (b"-Infinity", "non_finite"),
    (b"1e999", "number"),
    (b"0.5", "number"),
    (b"-0", "number"),
    (b"9" * 5000, "number"),
    (b'{"k":1,"k":1}', "duplicate_key"),
    (rb'"\ud83d"', "encoding"),
    (rb'"\u0000"', "encoding"),
    (b"[" * 70 + b"]" * 70, "depth"),
    (b"[" + b"0," * 1000 + b"0]", "complexity"),
    (b'{"' + b"k" * 200 + b'":0}', "complexity"),
    (b"'a'", "json"),
    (b"/* c */ 1", "json"),
]


@given(VALUES, VALUES, st.sampled_from(FAULTS))
def test_one_fault_in_a_good_document_is_named(
    before: object, after: object, fault: tuple[bytes, str]
) -> None:
    raw = b'{"a":%b,"b":[%b],"c":%b}' % (json.dumps(before).encode(), fault[0], json.dumps(after).encode())
    with pytest.raises(Refused) as refused:
        decode(raw)
    assert refused.value.problem.code == fault[1]


PIECES = ["{", "}", "[", "]", ",", ":", '"', "a", "\\", "u00", "ud800", "1", "-", "0", ".5", "e9", "true", "null", "NaN", " ", "督"]  # fmt: skip


@settings(max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_what_looks_like_json_is_read_as_json_reads_it_or_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        assert decode(text.encode()) == json.loads(text)

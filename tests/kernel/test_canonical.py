"""Our canonical form is that of RFC 8785."""

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.canonical import canonical, digest, digest_hex
from shared.kernel.strict_json import LARGEST_INTEGER

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=6),
    max_leaves=15,
)


@given(VALUES)
def test_canonical_form_equals_the_reference(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_keys_beyond_the_basic_plane_sort_by_utf_16_unit() -> None:
    value = {"\ufb33": 1, "\U0001f600": {"\uffee": 1, "\U00010000": 2}}
    assert canonical(value) == rfc8785.dumps(value)
    assert canonical(value).startswith('{"\U0001f600"'.encode())


def test_every_control_character_is_escaped_as_the_rfc_says() -> None:
    text = "".join(map(chr, range(0x20))) + '"\\\x7f'
    assert canonical(text) == rfc8785.dumps(text)


def test_key_order_does_not_change_the_digest() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}).hex() == digest_hex({"a": 1})
    assert digest({"a": "1"}) != digest({"a": 1})

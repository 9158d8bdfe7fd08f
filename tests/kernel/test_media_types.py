"""A content type is one media type in UTF-8, or none; no text of it fails or takes long."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.kernel.media_types import MOST_CHARACTERS, in_utf_8

PARTS = st.sampled_from(
    [
        "a/b",
        ";",
        " ",
        "charset",
        "charset*=",
        "charset*0=",
        "*",
        "=",
        "'",
        '"',
        "\0",
        "%00",
        "utf-8",
        "9",
        "\n",
    ]
)


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (["Application/JSON"], "application/json"),
        (["application/json; charset=UTF-8"], "application/json"),
        (["application/json; charset*=utf-8''utf-8"], "application/json"),
        (["application/json; charset=gbk"], ""),
        (["application/json; charset*=a\0b''x"], ""),
        (["application/json; charset*=utf-8''a; charset*0=b"], ""),
        (["application/json", "application/json"], ""),
        ([], ""),
        (["a/b".ljust(MOST_CHARACTERS)], "a/b"),
        (["a/b".ljust(MOST_CHARACTERS + 1)], ""),
    ],
)
def test_a_content_type_is_one_media_type_in_utf_8(written: list[str], found: str):
    assert in_utf_8(written) == found


@given(st.lists(PARTS).map("".join) | st.text())
@example("a/b; charset*" + "9" * 5_000 + "=x")
def test_any_text_is_read_without_an_error(written: str):
    assert in_utf_8([written]) == in_utf_8([written]).lower()

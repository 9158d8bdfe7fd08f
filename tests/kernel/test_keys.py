"""Shards, digests and codes."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.codes import code, is_id
from shared.kernel.digests import EMPTY_CHAIN, chain, key_digest
from shared.kernel.errors import Refused
from shared.kernel.shards import PARTITIONS, SHARDS, partition_of, shard_of, shards_of


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_shard_is_the_first_six_bits_of_the_key(key: str) -> None:
    assert shard_of(key) == int(hashlib.sha256(key.encode()).hexdigest(), 16) >> 250


def test_every_shard_is_carried_by_one_partition() -> None:
    carried = [shard for partition in range(PARTITIONS) for shard in shards_of(partition)]
    assert sorted(carried) == list(range(SHARDS))
    assert all(partition_of(shard) == p for p in range(PARTITIONS) for shard in shards_of(p))


def test_the_chain_depends_on_every_value_and_their_order() -> None:
    first = chain(EMPTY_CHAIN, b"a")
    assert first == hashlib.sha256(bytes(32) + hashlib.sha256(b"a").digest()).digest()
    assert chain(first, b"b") != chain(chain(EMPTY_CHAIN, b"b"), b"a")


def test_parts_of_a_key_do_not_run_together() -> None:
    assert key_digest("ab", "c") != key_digest("a", "bc")
    assert len(key_digest("ab", "c")) == 16


@pytest.mark.parametrize(
    "text", ["", "１１", "А1", "a\u200bb", "\u202eabc", "e\u0301", "-a", ".a", "a b", "a/b", "a\n", "a" * 65]
)
def test_a_look_alike_is_no_code(text: str) -> None:
    with pytest.raises(Refused, match="code_charset"):
        code(text)


def test_codes_keep_their_case() -> None:
    assert code("Bureau-11:a.b_c") == "Bureau-11:a.b_c"


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("a-1/2", True),
        ("../x", False),
        ("a b", False),
        ("", False),
        ("a\n", False),
        ("x" * 128, True),
        ("x" * 129, False),
    ],
)
def test_ids_are_short_printable_ascii(text: str, fine: bool) -> None:
    assert is_id(text) is fine

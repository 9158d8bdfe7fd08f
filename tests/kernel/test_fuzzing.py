"""The seeds hold the property, and so does what is made of them at random; `make fuzz` does it for longer."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel.fuzzing import PIECES, SEEDS, changed, check, fuzz, seeds


@pytest.mark.parametrize("name", sorted(file.name for file in SEEDS.iterdir()))
def test_a_seed_is_read_alike_or_refused_by_name(name: str) -> None:
    check((SEEDS / name).read_bytes())


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join))
def test_pieces_of_json_are_read_alike_or_refused_by_name(raw: bytes) -> None:
    check(raw)


@settings(max_examples=300)
@given(st.sampled_from(seeds()), st.integers(0, 1 << 32))
def test_a_changed_seed_is_read_alike_or_refused_by_name(raw: bytes, number: int) -> None:
    check(changed(raw, random.Random(number)))


@pytest.mark.long
def test_half_a_minute_of_changes_finds_nothing() -> None:
    assert fuzz(30, random.Random(20261125)) > 500

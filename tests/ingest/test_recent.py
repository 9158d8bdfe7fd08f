"""Lately taken keys are known, forgotten in halves, and never more than two halves are kept."""

from services.ingest.domain.recent import KEYS_KEPT, RecentKeys


def keys(start, count):
    return [number.to_bytes(16, "big") for number in range(start, start + count)]


def test_a_key_is_known_until_as_many_more_have_come():
    recent = RecentKeys()
    recent.add(keys(0, 1))
    recent.add(keys(1, KEYS_KEPT - 1))
    assert recent.among(keys(0, 1)) == {*keys(0, 1)}
    recent.add(keys(KEYS_KEPT, KEYS_KEPT))
    assert recent.among(keys(0, KEYS_KEPT + 1)) == {*keys(KEYS_KEPT, 1)}


def test_a_new_key_is_not_known():
    recent = RecentKeys()
    assert not recent.among(keys(0, 1))
    recent.add(keys(0, 9))
    assert recent.among([*keys(9, 3), *keys(8, 1)]) == {*keys(8, 1)}

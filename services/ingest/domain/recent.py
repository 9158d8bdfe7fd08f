"""Keys that were taken lately: they tell whether a batch may repeat one, so the index is asked seldom."""

from collections.abc import Collection

KEYS_KEPT = 1 << 16


class RecentKeys:
    """The newest keys in two halves of at most KEYS_KEPT and a batch each; the older half goes as a whole.

    It only saves questions: what it has forgotten, the unique index finds.
    """

    def __init__(self) -> None:
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()

    def add(self, keys: Collection[bytes]) -> None:
        """Note keys that are committed."""
        self._newer.update(keys)
        if len(self._newer) >= KEYS_KEPT:
            self._older, self._newer = self._newer, set()

    def has_any(self, keys: Collection[bytes]) -> bool:
        """Tell whether one of the keys was noted and is not forgotten yet."""
        return not (self._newer.isdisjoint(keys) and self._older.isdisjoint(keys))

"""Keys that were taken lately: they tell what of a batch may be a repeat, so the index is asked of little."""

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

    def among(self, keys: Collection[bytes]) -> set[bytes]:
        """Return those of the keys that were noted and are not forgotten yet."""
        return self._newer.intersection(keys) | self._older.intersection(keys)

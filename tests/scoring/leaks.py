"""Finds in topics and tables what a rater said or was given, wherever it stands but in the counts of a round."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

JSON = b'{"'


class Leaks:
    """What is looked for: scores of raters, also as the millionths in which sums are kept, and secrets."""

    def __init__(self, scores: Collection[int], secrets: Collection[str]) -> None:
        said = "|".join(map(str, scores))
        self._scores = re.compile(rf"(?<![0-9A-Za-z.])(?:{said})(?:000000)?(?![0-9A-Za-z.])".encode())
        self._secrets = re.compile("|".join(map(re.escape, secrets)).encode())

    def score_in(self, content: bytes) -> bool:
        """Tell whether a score stands in a text."""
        return self._scores.search(content) is not None

    def secret_in(self, content: bytes) -> bool:
        """Tell whether a token or an attempt stands in a text."""
        return self._secrets.search(content) is not None

    def tables(self, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[set[str], set[str]]:
        """Return the tables with a score, and those with a secret.

        Whole numbers of columns are positions and counts of ours, and the audit's remarks tell sizes of batches.
        """
        scores: set[str] = set()
        secrets: set[str] = set()
        for table, row in rows:
            for content in _texts(row.values()):
                if self.secret_in(content):
                    secrets.add(table)
                if not table.endswith("audit") and self.score_in(content):
                    scores.add(table)
        return scores, secrets


def _texts(values: Iterable[Any]) -> Iterator[bytes]:
    """Yield every text of a row; bytes are one where they hold JSON, else digests, which hold no number."""
    for value in values:
        if isinstance(value, bytes):
            if JSON in value:
                yield value
        elif not isinstance(value, int):
            yield str(value).encode()

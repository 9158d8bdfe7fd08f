"""Where a sending stopped, kept in a file so that the next one goes on from there."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from dukao.yamls import UnreadableError

KEEP_EVERY_S = 1.0
HEAD_BYTES = 64 << 10


@dataclass(slots=True)
class Position:
    """How many rows of these files, read one after the other, have been answered."""

    path: Path
    files: list[dict[str, Any]]
    rows: int = 0
    _next_s: float = 0.0

    def keep(self, rows: int) -> None:
        """Keep how far it is, at most once a second."""
        self.rows = rows
        if time.monotonic() >= self._next_s:
            self.write()

    def write(self) -> None:
        """Write the file in one step, so that it is whole whenever it is read."""
        beside = self.path.with_name(f"{self.path.name}.new")
        beside.write_text(json.dumps({"rows": self.rows, "files": self.files}, indent=2) + "\n", "utf-8")
        beside.replace(self.path)
        self._next_s = time.monotonic() + KEEP_EVERY_S


def position_of(path: Path, files: Sequence[Path]) -> Position:
    """Return the position that a file keeps for these files, or their beginning if there is no such file.

    The last file may have grown since; in another one, new rows would stand before others that were counted.
    One whose beginning changed is another, and the position means nothing in it.
    """
    fixed = [*(True for _ in files[1:]), False]
    if not path.exists():
        seen = [_seen(file, HEAD_BYTES, whole=whole) for file, whole in zip(files, fixed, strict=True)]
        return Position(path, seen)
    try:
        kept = json.loads(path.read_text("utf-8"))
        rows, known = int(kept["rows"]), [dict(one) for one in kept["files"]]
        same = [
            _seen(file, one["head_bytes"], whole=whole) == one
            for file, one, whole in zip(files, known, fixed, strict=True)
        ]
    except (ValueError, KeyError, TypeError):
        same, rows, known = [False], 0, []
    if not all(same):
        detail = "The position is one in other files; send those, or remove it to begin at the first row."
        raise UnreadableError(str(path), 1, "position", detail)
    return Position(path, known, rows)


def _seen(file: Path, most_bytes: int, *, whole: bool) -> dict[str, Any]:
    """Return by what a file is known again; of a whole one also its size."""
    with file.open("rb") as content:
        head = content.read(most_bytes)
    known = {"name": file.name, "head_bytes": len(head), "head_sha256": sha256(head).hexdigest()}
    return known | ({"bytes": file.stat().st_size} if whole else {})

"""The tree of units: which path leads to each."""

from collections.abc import Mapping, Sequence
from typing import Any


def paths_of(units: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the path of every unit from the one at the top: `/nation/bureau`."""
    above = {unit["code"]: unit.get("parent") for unit in units}
    paths: dict[str, str] = {}
    for code in above:
        steps: list[str] = []
        at: str | None = code
        while at is not None and at not in steps:
            steps.append(at)
            at = above.get(at)
        paths[code] = "/" + "/".join(reversed(steps))
    return paths

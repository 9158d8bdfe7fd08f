"""How a standing reads: its heading, its lines, and up to when events are in it."""

from collections.abc import Mapping
from typing import Any

SIMULATED = "模拟 / simulated"
NOT_ASSESSED = "未考"


def heading(standing: Mapping[str, Any]) -> str:
    """Return what a standing is of; a simulated one says so."""
    parts = [
        f"{standing['scheme']} v{standing['version']}",
        standing["group"],
        standing["period"],
        standing["state"],
    ]
    return " · ".join([*parts, *([SIMULATED] if standing["simulated"] else [])])


def freshness(standing: Mapping[str, Any]) -> str:
    """Return up to when events are in a standing."""
    fresh = standing["fresh_at"]
    return f"fresh at {fresh} · as of {standing['as_of'][:12]}" if fresh else "no event has come yet"


def lines(standing: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the lines of a standing as they are printed; what is not assessed shows its range."""
    return [unit | {"points": _points(unit)} for unit in standing["units"]]


def _points(unit: Mapping[str, Any]) -> str | None:
    possible = unit.get("range")
    return f"{possible[0]}–{possible[1]} {NOT_ASSESSED}" if possible else unit["points"]

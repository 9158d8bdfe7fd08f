"""Whether a reader hangs: partitions of which more is there, and of which nothing has come for long."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

STILL_S = 120.0

Place: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Stand:
    """Up to which offset a partition was read, and since when in seconds."""

    reached: int
    since: float


def stands(before: Mapping[Place, Stand], reached: Mapping[Place, int], now: float) -> dict[Place, Stand]:
    """Return how each partition stands: since before if it has not moved."""
    return {
        place: before[place] if place in before and before[place].reached == offset else Stand(offset, now)
        for place, offset in reached.items()
    }


def hanging(found: Mapping[Place, Stand], ends: Mapping[Place, int], now: float) -> list[Place]:
    """Return the partitions that stand still for STILL_S though they end later."""
    return [
        place
        for place, stand in found.items()
        if ends.get(place, 0) > stand.reached and now - stand.since >= STILL_S
    ]

"""What moved in a standing since it was last told."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a unit stands as told: points, or the range while something is not yet assessed."""

    rank: int | None = None
    tier: str | None = None
    points: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A unit's spot before and after; one that left its group stands nowhere."""

    unit: str
    old: Spot
    new: Spot


NOWHERE = Spot()


def moves(told: Mapping[str, Spot], now: Mapping[str, Spot]) -> list[Move]:
    """Return the units whose spot differs from what was told, by unit."""
    return [
        Move(unit, told.get(unit, NOWHERE), now.get(unit, NOWHERE))
        for unit in sorted(told.keys() | now.keys())
        if told.get(unit, NOWHERE) != now.get(unit, NOWHERE)
    ]

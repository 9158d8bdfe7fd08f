"""What the same period comes to with all that was received since it was closed: print less print."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Stood:
    """A unit as it was printed: points, or the range in which they lay; rank, tier, and its boards."""

    points: Decimal | None
    span: tuple[Decimal, Decimal] | None
    rank: int | None
    tier: str | None
    boards: Mapping[str, Decimal | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """A unit whose print is another; on a side where it does not stand there is none.

    `points` and those of `boards` are the restated less the closed, where both are known.
    """

    unit: str
    closed: Stood | None
    restated: Stood | None
    points: Decimal | None
    boards: Mapping[str, Decimal]


def differences(closed: Mapping[str, Stood], restated: Mapping[str, Stood]) -> list[Difference]:
    """Return the units whose points, range, rank, tier or boards are printed otherwise, by their codes."""
    return [
        _difference(unit, closed.get(unit), restated.get(unit))
        for unit in sorted(closed.keys() | restated.keys())
        if closed.get(unit) != restated.get(unit)
    ]


def _difference(unit: str, old: Stood | None, new: Stood | None) -> Difference:
    if old is None or new is None:
        return Difference(unit, old, new, None, {})
    points = None if old.points is None or new.points is None else new.points - old.points
    return Difference(unit, old, new, points, dict(_boards(old, new)))


def _boards(old: Stood, new: Stood) -> Iterator[tuple[str, Decimal]]:
    for board in sorted(old.boards.keys() & new.boards.keys()):
        before, now = old.boards[board], new.boards[board]
        if before is not None and now is not None and before != now:
            yield board, now - before

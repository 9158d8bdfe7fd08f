"""排名: a place in the group, by steps or spread evenly down to a floor."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal

from services.scoring.domain.methods.amounts import PARTS_OF_MILLIONTH, Fault, Measured, exact
from services.scoring.domain.shapes import Closed, DecimalText
from shared.kernel.points import MILLIONTHS, parts


class RankSpec(Closed):
    """max(floor, w · (1 - step · (rank - 1))); without a step w - (w - floor) · (rank - 1)/(n - 1).

    Ties share the better rank; `best` says whether a high or a low value is the first.
    """

    title: ClassVar[str] = "排名"
    source: ClassVar[str] = "§4: ties share the better rank; w if n = 1"

    step: DecimalText | None = None
    """The share of the points that a place costs; without it ranks are spread evenly to the floor."""
    floor: DecimalText = "0"
    """What is left at least."""
    best: Literal["high", "low"] = "high"
    """Whether the first has the highest or the lowest value."""

    def scores(self, points: int, values: Mapping[str, Fraction]) -> dict[str, int]:
        """Return the points of every unit, which has a value."""
        ranks = self._ranks(values)
        worth = {rank: self._worth(points, rank, len(values)) for rank in set(ranks.values())}
        return {unit: worth[rank] for unit, rank in ranks.items()}

    def symbolic(self, _actual: str) -> str:
        """Return the formula."""
        if self.step is not None:
            return "max(floor, w · (1 − step · (rank − 1)))"
        return "w − (w − floor) · (rank − 1)/(n − 1), and w where n = 1"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        value, count = measured.value or Fraction(0), len(measured.among)
        better = [one > value if self.best == "high" else one < value for one in measured.among]
        rank = 1 + sum(better)
        if self.step is not None:
            left = f"max({self.floor}, {points} · (1 − {self.step} · ({rank} − 1)))"
        elif count == 1:
            left = points
        else:
            left = f"{points} − ({points} − {self.floor}) · ({rank} − 1)/({count} − 1)"
        return f"{left}, as {measured.written} is rank {rank} of {count},"

    def faults(self, points: Decimal) -> Iterator[Fault]:
        """Refuse a floor that is never left and a step that parts nobody."""
        if Decimal(self.floor) >= points:
            yield Fault("floor", "floor", f"A floor of {self.floor} is never left with {points} points.")
        if self.step is not None and not 0 < Decimal(self.step) <= 1:
            reason = (
                "A step is a share of the points, above 0 and at most 1; without it ranks are spread evenly."
            )
            yield Fault("step", "rank_step", reason)

    def _ranks(self, values: Mapping[str, Fraction]) -> dict[str, int]:
        ordered = sorted(values.values(), reverse=self.best == "high")
        first = {value: place for place, value in reversed(list(enumerate(ordered, 1)))}
        return {unit: first[value] for unit, value in values.items()}

    def _worth(self, points: int, rank: int, count: int) -> int:
        floor = exact(self.floor)
        if self.step is not None:
            return max(floor * PARTS_OF_MILLIONTH, points * (MILLIONTHS - exact(self.step) * (rank - 1)))
        if count == 1:
            return points * PARTS_OF_MILLIONTH
        return parts(points * (count - 1) - (points - floor) * (rank - 1), MILLIONTHS * (count - 1))

"""目标完成: how much of a target was reached, upwards or downwards."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar, Literal

from services.scoring.domain.methods.amounts import (
    PARTS_OF_MILLIONTH,
    Fault,
    Formula,
    Measured,
    Scored,
    exact,
    of_value,
)
from services.scoring.domain.shapes import Closed, DecimalText
from shared.kernel.points import MILLIONTHS, parts


class TargetSpec(Closed):
    """w · min(1, actual/target); down: w · min(1, target/actual)."""

    title: ClassVar[str] = "目标完成"
    source: ClassVar[str] = "§4; §11 Values: a target of 0 only downwards, where 0 gives w, anything above 0"

    target: DecimalText
    """What is to be reached, or downwards not to be passed."""
    direction: Literal["up", "down"] = "up"
    """`up`: more is better; `down`: less is."""

    def formula(self, points: int, *, is_ratio: bool) -> Formula:
        """Return the share of the points that was reached: 0 below 0, downwards w from 0 on."""
        scored = _up if self.direction == "up" else _down
        return of_value(scored(points, exact(self.target)), is_ratio=is_ratio)

    def symbolic(self, actual: str) -> str:
        """Return the formula."""
        if self.direction == "down":
            return f"w · min(1, target / {actual}), and w where that is not above 0"
        return f"w · min(1, {actual} / target), and 0 below 0"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        actual, value = measured.written, measured.value
        if self.direction == "up" and value is not None and value < 0:
            return f"0, as {actual} is below 0,"
        if self.direction == "up":
            return f"{points} · min(1, {actual} / {self.target})"
        if value is not None and value <= 0:
            return f"{points}, as {actual} is not above 0,"
        return f"{points} · min(1, {self.target} / {actual})"

    def faults(self, _points: Decimal) -> Iterator[Fault]:
        """Refuse a target of 0 but for reverse."""
        if self.direction == "up" and Decimal(self.target) == 0:
            yield Fault("target", "target_zero", "A target of 0 is reached by nobody and everybody.")


def _up(points: int, target: int) -> Scored:
    full = points * PARTS_OF_MILLIONTH

    def scored(numerator: int, denominator: int) -> int:
        if numerator <= 0:
            return 0
        if numerator * MILLIONTHS >= target * denominator:
            return full
        return parts(points * numerator, target * denominator)

    return scored


def _down(points: int, target: int) -> Scored:
    full = points * PARTS_OF_MILLIONTH

    def scored(numerator: int, denominator: int) -> int:
        if numerator <= 0 or target * denominator >= numerator * MILLIONTHS:
            return full
        return parts(points * target * denominator, numerator * MILLIONTHS * MILLIONTHS)

    return scored

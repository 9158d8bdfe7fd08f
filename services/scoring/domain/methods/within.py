"""目标完成, two-sided: a value that should lie in a range, neither below nor above it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from services.scoring.domain.methods.amounts import (
    PARTS_OF_MILLIONTH,
    Fault,
    Formula,
    Measured,
    exact,
    of_value,
)
from services.scoring.domain.shapes import Closed, DecimalText, SignedText
from shared.kernel.points import MILLIONTHS, parts


class WithinSpec(Closed):
    """w inside [low, high]; outside w · max(0, 1 - distance/tolerance)."""

    title: ClassVar[str] = "目标完成（双向）"
    source: ClassVar[str] = "§4"

    low: SignedText
    """The lower end, which is inside."""
    high: SignedText
    """The upper end, which is inside."""
    tolerance: DecimalText
    """The distance outside at which nothing is left."""

    def formula(self, points: int, *, is_ratio: bool) -> Formula:
        """Return w in the range, and what is left of it by the distance to the nearer end."""
        low, high, tolerance = exact(self.low), exact(self.high), exact(self.tolerance)
        full = points * PARTS_OF_MILLIONTH

        def scored(numerator: int, denominator: int) -> int:
            actual = numerator * MILLIONTHS
            off = max(low * denominator - actual, actual - high * denominator)
            left = tolerance * denominator - off
            if off <= 0:
                return full
            return 0 if left <= 0 else parts(points * left, MILLIONTHS * tolerance * denominator)

        return of_value(scored, is_ratio=is_ratio)

    def symbolic(self, actual: str) -> str:
        """Return the formula."""
        return f"w · max(0, 1 − max(0, low − {actual}, {actual} − high) / tolerance)"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        at = measured.written
        off = f"max(0, {_bracketed(self.low)} − {at}, {at} − {_bracketed(self.high)})"
        return f"{points} · max(0, 1 − {off} / {self.tolerance})"

    def faults(self, _points: Decimal) -> Iterator[Fault]:
        """Refuse a range that holds nothing and a tolerance of 0."""
        if Decimal(self.low) > Decimal(self.high):
            yield Fault("low", "range_empty", f"Nothing lies between {self.low} and {self.high}.")
        if Decimal(self.tolerance) == 0:
            reason = "A tolerance of 0 divides by 0; two bands say the same."
            yield Fault("tolerance", "tolerance_zero", reason)


def _bracketed(number: str) -> str:
    return f"({number})" if number.startswith("-") else number

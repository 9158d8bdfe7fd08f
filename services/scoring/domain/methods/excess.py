"""超限扣分: what lies above a limit costs points."""

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
from services.scoring.domain.shapes import Closed, DecimalText
from shared.kernel.points import MILLIONTHS, parts


class ExcessSpec(Closed):
    """max(0, w - step · max(0, x - limit)); `step` are the points that one above the limit costs."""

    title: ClassVar[str] = "超限扣分"
    source: ClassVar[str] = "§4"

    limit: DecimalText
    """Up to here, the limit included, nothing is lost."""
    step: DecimalText
    """The points that one above the limit costs."""

    def formula(self, points: int, *, is_ratio: bool) -> Formula:
        """Return w up to the limit, and less by the step above it."""
        limit, step, full = exact(self.limit), exact(self.step), points * PARTS_OF_MILLIONTH

        def scored(numerator: int, denominator: int) -> int:
            above = numerator * MILLIONTHS - limit * denominator
            if above <= 0:
                return full
            left = points * MILLIONTHS * denominator - step * above
            return 0 if left <= 0 else parts(left, MILLIONTHS * MILLIONTHS * denominator)

        return of_value(scored, is_ratio=is_ratio)

    def symbolic(self, actual: str) -> str:
        """Return the formula."""
        return f"max(0, w − step · max(0, {actual} − limit))"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        return f"max(0, {points} − {self.step} · max(0, {measured.written} − {self.limit}))"

    def faults(self, _points: Decimal) -> Iterator[Fault]:
        """Refuse a step that takes nothing."""
        if Decimal(self.step) == 0:
            yield Fault("step", "step_zero", "A step of 0 takes nothing, however far above the limit.")

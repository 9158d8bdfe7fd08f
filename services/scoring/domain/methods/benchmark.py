"""标杆比例: a value as a share of the best one of the group."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from services.scoring.domain.methods.amounts import Fault, Measured
from services.scoring.domain.shapes import Closed
from services.scoring.domain.written import fraction
from shared.kernel.points import MILLIONTHS, parts


class BenchmarkSpec(Closed):
    """w · x / best x of the group; 0 if the best is not above 0."""

    title: ClassVar[str] = "标杆比例"
    source: ClassVar[str] = "§4; §11 Values: no method but deduct goes below 0"

    def scores(self, points: int, values: Mapping[str, Fraction]) -> dict[str, int]:
        """Return the points of every unit, which has a value."""
        best = max(values.values(), default=Fraction(0))
        if best <= 0:
            return dict.fromkeys(values, 0)
        over = MILLIONTHS * best.numerator
        return {
            unit: parts(points * max(0, x.numerator) * best.denominator, over * x.denominator)
            for unit, x in values.items()
        }

    def symbolic(self, actual: str) -> str:
        """Return the formula."""
        return f"w · {actual} / best of the group, and 0 where one of them is not above 0"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        best = max(measured.among)
        if best <= 0:
            return f"0, as the best of the group, {fraction(best)}, is not above 0,"
        if measured.value is not None and measured.value < 0:
            return f"0, as {measured.written} is below 0,"
        return f"{points} · {measured.written} / {fraction(best)}"

    def faults(self, _points: Decimal) -> Iterator[Fault]:
        """Refuse nothing: there are no parameters."""
        yield from ()

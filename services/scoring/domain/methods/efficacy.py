"""功效系数: where a value lies between the worst and the best of the group."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from services.scoring.domain.methods.amounts import PARTS_OF_MILLIONTH, Fault, Measured, exact
from services.scoring.domain.shapes import Closed, DecimalText
from services.scoring.domain.written import fraction
from shared.kernel.points import MILLIONTHS, parts


class EfficacySpec(Closed):
    """w · (base + (1 - base) · (x - min)/(max - min)); w for all if max = min."""

    title: ClassVar[str] = "功效系数"
    source: ClassVar[str] = "§4: base 0.60"

    base: DecimalText = "0.60"
    """The share of the points that the worst keeps."""

    def scores(self, points: int, values: Mapping[str, Fraction]) -> dict[str, int]:
        """Return the points of every unit, which has a value."""
        low, high = min(values.values(), default=0), max(values.values(), default=0)
        if low == high:
            return dict.fromkeys(values, points * PARTS_OF_MILLIONTH)
        base, span = exact(self.base), MILLIONTHS * MILLIONTHS
        place = {unit: (x - low) / (high - low) for unit, x in values.items()}
        return {
            unit: parts(
                points * (base * at.denominator + (MILLIONTHS - base) * at.numerator), span * at.denominator
            )
            for unit, at in place.items()
        }

    def symbolic(self, actual: str) -> str:
        """Return the formula."""
        return f"w · (base + (1 − base) · ({actual} − min)/(max − min)), and w where max = min"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        low, high = min(measured.among), max(measured.among)
        if low == high:
            return f"{points}, as every unit of the group that has a value has {measured.written},"
        at = f"({measured.written} − {fraction(low)})/({fraction(high)} − {fraction(low)})"
        return f"{points} · ({self.base} + (1 − {self.base}) · {at})"

    def faults(self, _points: Decimal) -> Iterator[Fault]:
        """Refuse a base that leaves nothing to differ in."""
        if Decimal(self.base) >= 1:
            yield Fault("base", "base", f"A base of {self.base} gives everybody all points: it is below 1.")

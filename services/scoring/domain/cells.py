"""The one function that computes a cell from exact partial sums."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from services.scoring.domain.document import DeductSpec, IndicatorSpec, TargetSpec
from shared.kernel.points import MILLIONTHS, cell


@dataclass(frozen=True, slots=True)
class Partials:
    """Exact sums in millionths; `rows` counts what was summed."""

    numerator: int = 0
    denominator: int = 0
    rows: int = 0

    def __add__(self, other: "Partials") -> "Partials":
        return Partials(
            self.numerator + other.numerator, self.denominator + other.denominator, self.rows + other.rows
        )


def compute(indicator: IndicatorSpec, partials: Partials, *, is_ratio: bool) -> Decimal | None:
    """Return the points of an indicator at 12 places, or None where there is no data.

    target: w · min(1, actual/target) and at least 0, down: w · min(1, target/actual), w from 0 downwards;
    deduct: max(floor, w - each · events), w without events. Source: the practice of 2021.
    """
    points = _exact(indicator.points)
    if indicator.method.deduct is not None:
        return cell(_deduct(points, indicator.method.deduct, partials))
    actual = actual_of(partials, is_ratio=is_ratio)
    if actual is None or indicator.method.target is None:
        return None
    return cell(_target(points, indicator.method.target, actual))


def actual_of(partials: Partials, *, is_ratio: bool) -> Fraction | None:
    """Return the measured value; a zero denominator, or no row at all, is no data."""
    if is_ratio:
        return Fraction(partials.numerator, partials.denominator) if partials.denominator else None
    return Fraction(partials.numerator, MILLIONTHS) if partials.rows else None


def _deduct(points: Fraction, method: DeductSpec, partials: Partials) -> Fraction:
    lost = _exact(method.each) * Fraction(partials.numerator, MILLIONTHS)
    return min(points, max(_exact(method.floor), points - lost))


def _target(points: Fraction, method: TargetSpec, actual: Fraction) -> Fraction:
    target = _exact(method.target)
    if method.direction == "up":
        return max(Fraction(0), points * min(Fraction(1), actual / target))
    if actual <= 0:
        return points
    return points * min(Fraction(1), target / actual)


@lru_cache(maxsize=4096)
def _exact(written: str) -> Fraction:
    """Read a number of the scheme once, not once a cell."""
    return Fraction(written)

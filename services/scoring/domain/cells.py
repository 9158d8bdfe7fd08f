"""The one function that computes a cell from exact sums, in whole numbers until it is rounded once."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from services.scoring.domain.document import DeductSpec, IndicatorSpec, TargetSpec
from shared.kernel.points import MILLIONTHS, PARTS, millionths, of_parts, parts

Formula = Callable[[int, int, int], int | None]
PARTS_OF_MILLIONTH = PARTS // MILLIONTHS


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
    """Return the points of an indicator at 12 places, or None where there is no data."""
    found = formula(indicator, is_ratio=is_ratio)(partials.numerator, partials.denominator, partials.rows)
    return None if found is None else of_parts(found)


def formula(indicator: IndicatorSpec, *, is_ratio: bool) -> Formula:
    """Return a method as a function from sums to whole parts of 10^-12, or None where there is no data.

    target: w · min(1, actual/target) and at least 0, down: w · min(1, target/actual), w from 0 downwards;
    deduct: max(floor, w - each · events), w without events; of points, which are parts already, max(floor,
    w - points). Source: the practice of 2021.
    """
    points = _exact(indicator.points)
    if indicator.method.deduct is not None:
        return _deduct(points, indicator.method.deduct)
    assert indicator.method.target is not None
    scored = _up if indicator.method.target.direction == "up" else _down
    return _target(scored(points, indicator.method.target), is_ratio=is_ratio)


def actual_of(partials: Partials, *, is_ratio: bool) -> Fraction | None:
    """Return the measured value; a zero denominator, or no row at all, is no data."""
    if is_ratio:
        return Fraction(partials.numerator, partials.denominator) if partials.denominator else None
    return Fraction(partials.numerator, MILLIONTHS) if partials.rows else None


def _deduct(points: int, method: DeductSpec) -> Formula:
    each = 1 if method.each is None else _exact(method.each)
    floor = _exact(method.floor) * PARTS_OF_MILLIONTH
    full = points * PARTS_OF_MILLIONTH

    def scored(numerator: int, _denominator: int, _rows: int) -> int:
        return min(full, max(floor, full - each * numerator))

    return scored


def _target(scored: Callable[[int, int], int], *, is_ratio: bool) -> Formula:
    """Score numerator/denominator, brought to a denominator above 0."""

    def ratio(numerator: int, denominator: int, _rows: int) -> int | None:
        if denominator == 0:
            return None
        return scored(numerator, denominator) if denominator > 0 else scored(-numerator, -denominator)

    def amount(numerator: int, _denominator: int, rows: int) -> int | None:
        return scored(numerator, MILLIONTHS) if rows else None

    return ratio if is_ratio else amount


def _up(points: int, method: TargetSpec) -> Callable[[int, int], int]:
    target, full = _exact(method.target), points * PARTS_OF_MILLIONTH

    def scored(numerator: int, denominator: int) -> int:
        if numerator <= 0:
            return 0
        if numerator * MILLIONTHS >= target * denominator:
            return full
        return parts(points * numerator, target * denominator)

    return scored


def _down(points: int, method: TargetSpec) -> Callable[[int, int], int]:
    target, full = _exact(method.target), points * PARTS_OF_MILLIONTH

    def scored(numerator: int, denominator: int) -> int:
        if numerator <= 0 or target * denominator >= numerator * MILLIONTHS:
            return full
        return parts(points * target * denominator, numerator * MILLIONTHS * MILLIONTHS)

    return scored


def _exact(written: str) -> int:
    """Read a number of the scheme, which has at most 6 places, in millionths."""
    return millionths(Decimal(written))

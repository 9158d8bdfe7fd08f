"""What an indicator is worth by the formulas of the domain, without the platform's methods."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from services.scoring.domain.indicator_section import IndicatorSpec
from shared.kernel.points import cell

COMPARING = {"benchmark", "rank", "efficacy"}
MILLION = 1_000_000
Pair = tuple[int, int]


def alone(indicator: IndicatorSpec, sums: Pair) -> Decimal | None:
    """Return the points of a unit by its own sums, at 12 places; `None` without data."""
    counted, points, method = Fraction(sums[0], MILLION), Fraction(indicator.points), indicator.method
    if method.deduct is not None:
        return cell(max(points - Fraction(method.deduct.each or 1) * counted, Fraction(method.deduct.floor)))
    if method.bonus is not None:
        (level,) = method.bonus.levels
        return cell(min(points, Fraction(level.each) * counted))
    if sums[1] == 0:
        return None
    return cell(points * _reached(indicator, Fraction(*sums)))


def among(indicator: IndicatorSpec, value: Fraction, values: Sequence[Fraction]) -> Decimal:
    """Return the points of a value among all of a group, its own included, at 12 places."""
    points, method, best, least = Fraction(indicator.points), indicator.method, max(values), min(values)
    if method.benchmark is not None:
        return cell(points * value / best if best > 0 else Fraction(0))
    if method.efficacy is not None:
        base = Fraction(method.efficacy.base)
        return cell(
            points if best == least else points * (base + (1 - base) * (value - least) / (best - least))
        )
    assert method.rank is not None
    floor, behind = Fraction(method.rank.floor), sum(one > value for one in values)
    if method.rank.step is not None:
        return cell(max(floor, points * (1 - Fraction(method.rank.step) * behind)))
    return cell(points if len(values) == 1 else points - (points - floor) * behind / (len(values) - 1))


def _reached(indicator: IndicatorSpec, actual: Fraction) -> Fraction:
    """Return the share of the points that a ratio, which is not negative, reaches."""
    method, points = indicator.method, Fraction(indicator.points)
    if method.within is not None:
        low, high = Fraction(method.within.low), Fraction(method.within.high)
        outside = max(low - actual, actual - high, Fraction(0))
        return max(Fraction(0), 1 - outside / Fraction(method.within.tolerance))
    if method.excess is not None:
        lost = Fraction(method.excess.step) * max(Fraction(0), actual - Fraction(method.excess.limit))
        return max(Fraction(0), 1 - lost / points)
    if method.bands is not None:
        reached = [
            band for band in method.bands.table if band.from_ is None or actual >= Fraction(band.from_)
        ]
        return Fraction(reached[-1].points) / points
    assert method.target is not None
    target = Fraction(method.target.target)
    if method.target.direction == "down":
        return Fraction(1) if actual <= target else target / actual
    return min(Fraction(1), actual / target)

"""The one function that computes a cell from exact sums, in whole numbers until it is rounded once."""

from decimal import Decimal

from services.scoring.domain.document import IndicatorSpec
from services.scoring.domain.methods.amounts import Formula, Partials, exact
from shared.kernel.points import of_parts


def compute(indicator: IndicatorSpec, partials: Partials, *, is_ratio: bool) -> Decimal | None:
    """Return the points of an indicator at 12 places, or None where there is no data."""
    scored = formula(indicator, is_ratio=is_ratio)
    found = scored(partials.numerator, partials.denominator, partials.rows, *partials.more)
    return None if found is None else of_parts(found)


def formula(indicator: IndicatorSpec, *, is_ratio: bool) -> Formula:
    """Return a method as a function from sums to whole parts of 10^-12, or None where there is no data."""
    return indicator.method.chosen.formula(exact(indicator.points), is_ratio=is_ratio)

"""The one function that computes a cell from exact sums, in whole numbers until it is rounded once."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

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
    method = indicator.method.own
    assert method is not None, "a method that compares needs the group"
    return method.formula(exact(indicator.points), is_ratio=is_ratio)


def compare(indicator: IndicatorSpec, values: Mapping[str, Fraction]) -> dict[str, int]:
    """Return by unit the points of those that have a value, in whole parts of 10^-12."""
    method = indicator.method.comparing
    assert method is not None, "a method that scores units by themselves"
    return method.scores(exact(indicator.points), values)

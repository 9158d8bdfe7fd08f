"""The one function that computes a cell from exact sums, in whole numbers until it is rounded once."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.amounts import PARTS_OF_MILLIONTH, Formula, Partials, exact
from shared.kernel.points import of_parts


def compute(indicator: IndicatorSpec, partials: Partials, *, is_ratio: bool) -> Decimal | None:
    """Return the points of an indicator at 12 places, or None where there is no data."""
    scored = formula(indicator, is_ratio=is_ratio)
    found = scored(partials.numerator, partials.denominator, partials.rows, *partials.more)
    return None if found is None else of_parts(found)


def formula(indicator: IndicatorSpec, *, is_ratio: bool) -> Formula:
    """Return a method as a function from sums to whole parts of 10^-12, or None where there is no data.

    Where the scheme says what no data means, it is never None.
    """
    method = indicator.method.own
    assert method is not None, "a method that compares needs the group"
    scored, otherwise = method.formula(exact(indicator.points), is_ratio=is_ratio), without_data(indicator)
    if otherwise is None:
        return scored

    def sure(numerator: int, denominator: int, rows: int, /, *more: int) -> int:
        found = scored(numerator, denominator, rows, *more)
        return otherwise if found is None else found

    return sure


def without_data(indicator: IndicatorSpec) -> int | None:
    """Return what the scheme says that no data is worth, in whole parts of 10^-12; None: not assessed."""
    match indicator.no_data:
        case "zero":
            return 0
        case "full":
            return exact(indicator.points) * PARTS_OF_MILLIONTH
        case "not_assessed":
            return None


def compare(indicator: IndicatorSpec, values: Mapping[str, Fraction]) -> dict[str, int]:
    """Return by unit the points of those that have a value, in whole parts of 10^-12."""
    method = indicator.method.comparing
    assert method is not None, "a method that scores units by themselves"
    return method.scores(exact(indicator.points), values)

"""Cells in whole numbers are those of the methods written as fractions."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from services.scoring.domain.cells import compute
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.methods.amounts import Partials, actual_of
from shared.kernel.points import MILLIONTHS, cell

SUMS = st.integers(-(10**30), 10**30) | st.integers(-3, 3)
NUMBERS = st.decimals(0, 10**11, allow_nan=False, allow_infinity=False, places=6).map(
    lambda found: f"{found:f}"
)
ABOVE_ZERO = NUMBERS.filter(lambda found: Fraction(found) > 0)
METHODS = st.one_of(
    st.fixed_dictionaries({"target": st.fixed_dictionaries({"target": ABOVE_ZERO})}),
    st.fixed_dictionaries(
        {"target": st.fixed_dictionaries({"target": NUMBERS, "direction": st.just("down")})}
    ),
    st.fixed_dictionaries({"deduct": st.fixed_dictionaries({"each": NUMBERS, "floor": NUMBERS})}),
)


def by_fractions(indicator, partials, *, is_ratio):
    """Return the points of an indicator as the methods are written in the domain."""
    points, deduct, target = Fraction(indicator.points), indicator.method.deduct, indicator.method.target
    if deduct is not None:
        lost = Fraction(deduct.each) * Fraction(partials.numerator, MILLIONTHS)
        return cell(min(points, max(Fraction(deduct.floor), points - lost)))
    actual = actual_of(partials, is_ratio=is_ratio)
    if actual is None:
        return None
    if target.direction == "up":
        return cell(max(Fraction(0), points * min(Fraction(1), actual / Fraction(target.target))))
    if actual <= 0:
        return cell(points)
    return cell(points * min(Fraction(1), Fraction(target.target) / actual))


@given(
    method=METHODS,
    points=NUMBERS,
    partials=st.builds(Partials, SUMS, SUMS, st.integers(0, 3)),
    is_ratio=st.booleans(),
)
@example({"target": {"target": "0", "direction": "down"}}, "10", Partials(5, 7, 1), True)
@example({"target": {"target": "0.98"}}, "10", Partials(9702, 10000, 1), True)
def test_a_cell_in_whole_numbers_is_the_cell_in_fractions(method, points, partials, is_ratio) -> None:
    indicator = IndicatorSpec.model_validate(
        {"code": "i", "name": "I", "board": "b", "points": points, "groups": ["g"], "measure": "m"}
        | {"method": method}
    )
    assert compute(indicator, partials, is_ratio=is_ratio) == by_fractions(
        indicator, partials, is_ratio=is_ratio
    )

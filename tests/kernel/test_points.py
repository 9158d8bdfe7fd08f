"""Points are exact, and rounded in one way."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.errors import Refused
from shared.kernel.points import (
    cell,
    decimal,
    millionths,
    of_millionths,
    of_parts,
    parts,
    parts_of,
    parts_text,
    published,
    published_parts,
    text,
)

FRACTIONS = st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**9)


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        ("0.005", 2, "0.01"),
        ("-0.005", 2, "-0.01"),
        ("0.0049999994", 2, "0.00"),
        ("0.0049999995", 2, "0.01"),
        ("-0.001", 2, "0.00"),
        ("973.35", 2, "973.35"),
        ("2.5", 0, "3"),
        ("0.97024999999", 6, "0.970250"),
    ],
)
def test_publication_rounds_to_nine_places_and_then_half_away(value: str, places: int, shown: str) -> None:
    assert text(published(Decimal(value), places)) == shown
    assert text(published(Fraction(value), places)) == shown


def test_three_indicators_at_two_thirds_sum_to_fourteen() -> None:
    part = cell(Fraction(7) * Fraction(2, 3))
    assert text(part) == "4.666666666667"
    assert text(published(part * 3)) == "14.00"


def test_a_cell_keeps_twelve_places_half_even() -> None:
    assert cell(Decimal("0.0000000000005")) == 0
    assert text(cell(Decimal("-0.0000000000005"))) == "0.000000000000"
    assert cell(Decimal("0.0000000000015")) == Decimal("0.000000000002")
    assert cell(Fraction(5, 10**13)) == 0
    assert text(cell(Fraction(1, 3))) == "0.333333333333"


@given(FRACTIONS)
def test_a_fraction_is_rounded_once(value: Fraction) -> None:
    with localcontext(prec=100):
        long = Decimal(value.numerator) / Decimal(value.denominator)
    assert abs(Fraction(cell(value)) - value) <= Fraction(1, 2 * 10**12)
    assert cell(value) == long.quantize(Decimal("1e-12"), rounding=ROUND_HALF_EVEN)


@given(FRACTIONS, st.integers(0, 9))
def test_whole_parts_are_the_decimals_that_they_stand_for(value: Fraction, places: int) -> None:
    found = parts(value.numerator, value.denominator)
    assert found == round(value * 10**12)
    assert of_parts(found) == cell(value)
    assert parts_text(found) == text(cell(value))
    assert parts_of(parts_text(found)) == parts_of(of_parts(found)) == found
    assert text(published_parts(found, places)) == text(published(cell(value), places))


def test_halves_go_to_even_in_a_cell_and_away_from_zero_in_print() -> None:
    assert [parts(at, 2 * 10**12) for at in (-3, -1, 1, 3)] == [-2, 0, 0, 2]
    assert [text(published_parts(at * 5 * 10**9)) for at in (-1, 1)] == ["-0.01", "0.01"]


@given(st.lists(st.tuples(FRACTIONS, FRACTIONS), max_size=20))
def test_differences_of_cells_telescope(changes: list[tuple[Fraction, Fraction]]) -> None:
    states = [cell(old + new) for old, new in changes]
    entries = [new - old for old, new in pairwise(states)]
    assert sum(entries, states[0] if states else Decimal(0)) == (states[-1] if states else 0)


@given(st.integers(-(10**17), 10**17))
def test_millionths_go_there_and_back(value: int) -> None:
    assert millionths(of_millionths(value)) == value


def test_more_than_six_places_are_no_millionths() -> None:
    with pytest.raises(AssertionError):
        millionths(Decimal("0.0000001"))


@pytest.mark.parametrize("written", ["0", "-1.5", "0.000001", "999999999999999999", "123456789012.345678"])
def test_a_decimal_is_read_as_written(written: str) -> None:
    assert text(decimal(written)) == written


@pytest.mark.parametrize(
    "written",
    ["", "-0", "-0.00", "01", "1.", ".5", "+1", "1e3", " 1", "1\n", "１", "NaN", "1" * 19, "0.0000001"],
)
def test_another_decimal_is_refused(written: str) -> None:
    with pytest.raises(Refused, match="decimal"):
        decimal(written)


def test_the_declared_places_count() -> None:
    with pytest.raises(Refused):
        decimal("1.234", places=2)

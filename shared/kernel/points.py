"""Exact points: the only place where a number is rounded."""

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction

from shared.kernel.errors import refuse

CELL_PLACES = 12
GUARD_PLACES = 9
DECIMAL_DIGITS = 18
DECIMAL_PLACES = 6
MILLIONTHS = 1_000_000
PARTS = 10**CELL_PLACES
ZERO = Decimal(0)

_EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)
_CELL = Decimal(1).scaleb(-CELL_PLACES)
_GUARD = Decimal(1).scaleb(-GUARD_PLACES)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.([0-9]+))?\Z")


def cell(value: Decimal | Fraction | int) -> Decimal:
    """Round to the 12 places that a cell keeps, half even; a fraction is rounded once."""
    if isinstance(value, Fraction):
        return of_parts(parts(value.numerator, value.denominator))
    return _plain(Decimal(value).quantize(_CELL, context=_EXACT))


def parts(numerator: int, denominator: int) -> int:
    """Round a quotient to the 12 places of a cell, half even, in whole parts of 10^-12; denominator > 0."""
    whole, rest = divmod(numerator * PARTS, denominator)
    over = 2 * rest - denominator
    return whole + 1 if over > 0 or (over == 0 and whole & 1) else whole


def scaled(value: int, share: Fraction) -> int:
    """Take a share of whole parts of 10^-12 and round once to such parts, half even."""
    return round(value * share)


def of_parts(value: int) -> Decimal:
    """Return the decimal that whole parts of 10^-12 stand for."""
    return Decimal(value).scaleb(-CELL_PLACES, _EXACT)


def parts_of(value: Decimal | str) -> int:
    """Return a cell, or its text, in whole parts of 10^-12; more than 12 places is our own mistake."""
    scaled = Decimal(value).scaleb(CELL_PLACES, _EXACT)
    whole = int(scaled)
    assert scaled == whole, "more than twelve places"
    return whole


def parts_text(value: int) -> str:
    """Write whole parts of 10^-12 as a decimal with 12 places."""
    digits = f"{abs(value):013d}"
    return f"{'-' if value < 0 else ''}{digits[:-CELL_PLACES]}.{digits[-CELL_PLACES:]}"


def short_text(value: int) -> str:
    """Write whole parts of 10^-12 without zeros that say nothing."""
    return parts_text(value).rstrip("0").removesuffix(".")


def published_parts(value: int, places: int = 2) -> Decimal:
    """Round whole parts of 10^-12 for publication, as `published` does with the sum that they stand for."""
    guarded = _away_from(value, 10 ** (CELL_PLACES - GUARD_PLACES))
    return Decimal(_away_from(guarded, 10 ** (GUARD_PLACES - places))).scaleb(-places, _EXACT)


def published(value: Decimal | Fraction | int, places: int = 2) -> Decimal:
    """Round a sum for publication: to 9 places, then to the scheme's, both half away from zero."""
    guarded = (
        _half_away(value, GUARD_PLACES) if isinstance(value, Fraction) else _away(Decimal(value), _GUARD)
    )
    return _plain(_away(guarded, Decimal(1).scaleb(-places)))


def shown_ratio(value: Fraction, places: int = DECIMAL_PLACES) -> Decimal:
    """Write a quotient that is shown and not added up: once, half even, unlike a published sum."""
    return _plain(Decimal(round(value * 10**places)).scaleb(-places, _EXACT))


def text(value: Decimal) -> str:
    """Write a decimal without an exponent."""
    return format(value, "f")


def decimal(written: str, *, places: int = DECIMAL_PLACES, pointer: str | None = None) -> Decimal:
    """Read a decimal as written by a source: at most 18 digits and the declared places, no sign on zero."""
    match = _DECIMAL.match(written)
    if match is None or _too_long(written, len(match[1] or ""), places):
        raise refuse(422, "decimal", f"A decimal has at most 18 digits and {places} places.", pointer=pointer)
    value = Decimal(written)
    if value.is_zero() and written.startswith("-"):
        raise refuse(422, "decimal", "Zero has no sign.", pointer=pointer)
    return value


def millionths(value: Decimal | int) -> int:
    """Return the value as an integer in millionths; a value with more than 6 places is our own mistake."""
    scaled = Decimal(value).scaleb(DECIMAL_PLACES, _EXACT)
    whole = int(scaled)
    assert scaled == whole, "more than six places"
    return whole


def of_millionths(value: int) -> Decimal:
    """Return the decimal that an integer in millionths stands for."""
    return Decimal(value).scaleb(-DECIMAL_PLACES, _EXACT)


def _too_long(written: str, fraction: int, places: int) -> bool:
    digits = len(written) - written.count("-") - written.count(".")
    return digits > DECIMAL_DIGITS or fraction > places


def _away(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, rounding=ROUND_HALF_UP, context=_EXACT)


def _away_from(value: int, step: int) -> int:
    """Divide by a step and round half away from zero."""
    whole = (2 * abs(value) + step) // (2 * step)
    return whole if value >= 0 else -whole


def _half_away(value: Fraction, places: int) -> Decimal:
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-places, _EXACT)


def _plain(value: Decimal) -> Decimal:
    """Take the sign off a zero."""
    return abs(value) if value.is_zero() else value

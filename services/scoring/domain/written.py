"""Amounts as they are shown, without zeros that say nothing."""

from fractions import Fraction

from shared.kernel.points import MILLIONTHS, of_millionths, short_text, text


def amount(millionths: int) -> str:
    """Write an amount in millionths: `9702`, `0.5`."""
    whole, rest = divmod(abs(millionths), MILLIONTHS)
    sign = "-" if millionths < 0 else ""
    return f"{sign}{whole}" if rest == 0 else sign + text(of_millionths(abs(millionths))).rstrip("0")


def lost(parts: int) -> str:
    """Write points in parts of 10^-12."""
    return short_text(parts)


def fraction(value: Fraction) -> str:
    """Write an exact value: `0.5`, or `(2/3)` where no decimal of 6 places is equal to it."""
    scaled = value * MILLIONTHS
    if scaled.denominator == 1 and value >= 0:
        return amount(scaled.numerator)
    return f"({amount(scaled.numerator) if scaled.denominator == 1 else value})"

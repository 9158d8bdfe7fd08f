"""What a year comes to that several versions of a scheme rule, each its own months.

Written from the domain's sentences alone, in plain fractions; what it judges has another way.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Part:
    """The months of one version: how many, the points it gives the indicator, and what it is worth there."""

    months: int
    points: Fraction
    worth: Fraction | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one version gives a deduction in its months: points, floor, and the most that a bonus adds."""

    months: int
    points: Fraction
    floor: Fraction = Fraction(0)
    cap: Fraction = Fraction(0)


def weighed(parts: Collection[Part]) -> tuple[Fraction | None, Fraction]:
    """Return worth and points, months being the weights; a part without data leaves no worth."""
    months = sum(one.months for one in parts)
    points = sum((one.months * one.points for one in parts), Fraction(0)) / months
    worths = [one.months * one.worth for one in parts if one.worth is not None]
    return sum(worths, Fraction(0)) / months if len(worths) == len(parts) else None, points


def deducted(parts: Collection[Bounds], losses: Fraction, bonus: Fraction = Fraction(0)) -> Fraction:
    """Return points less losses: both in full, once; points, floor and cap weighed by months."""
    months = sum(one.months for one in parts)
    points = sum((one.months * one.points for one in parts), Fraction(0)) / months
    floor = sum((one.months * one.floor for one in parts), Fraction(0)) / months
    cap = sum((one.months * one.cap for one in parts), Fraction(0)) / months
    return max(floor, points - losses + min(cap, bonus))

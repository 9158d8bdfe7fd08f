"""What the parts of a figure come to together, rounded once."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from services.scoring.domain.methods.amounts import Partials, Taken, exact
from services.scoring.domain.parts import Part, Parted
from shared.kernel.points import PARTS, parts, scaled


class Share(NamedTuple):
    """A part with what was measured, the values it was compared with, and its worth by itself.

    It is `stale` where a feed of its events is silent.
    """

    part: Part
    sums: Partials
    value: int | None
    among: tuple[Fraction, ...] = ()
    stale: bool = False


def combined(parted: Parted, shares: Sequence[Share]) -> int | None:
    """Return what parts come to, in parts of 10^-12, rounded once; None while one of them has no data.

    Where it does not apply in some versions their points are reached in proportion to the others.
    """
    if not shares or any(one.value is None for one in shares) or _waits(shares):
        return None
    if parted.is_whole:
        return shares[0].value
    weighted = parted.stretch * sum(
        one.part.weight * one.value
        for one in shares
        if one.value is not None and one.part.indicator.method.in_full is None
    )
    weighted += sum(taken.settled for _, taken in _in_full(parted, shares))
    return parts(weighted.numerator, weighted.denominator * parted.months * PARTS)


def taken_in_full(parted: Parted, shares: Sequence[Share]) -> list[tuple[str, Taken]]:
    """Return what deductions and bonuses of all parts come to, with limits weighted by months, rounded."""
    return [
        (name, Taken(*(parts(value, parted.months * PARTS) for value in taken)))
        for name, taken in _in_full(parted, shares)
    ]


def _waits(shares: Sequence[Share]) -> bool:
    """Tell whether no event came in any part of a deduction or bonus, and a feed is silent."""
    return (
        any(one.stale for one in shares)
        and all(one.part.indicator.method.is_always_due for one in shares)
        and not any(one.sums.rows or any(one.sums.more) for one in shares)
    )


def _in_full(parted: Parted, shares: Sequence[Share]) -> list[tuple[str, Taken]]:
    """Return the same times all months."""
    found: list[tuple[str, Taken]] = []
    for name in ("deduct", "bonus"):
        taken = [_taken(one, parted) for one in shares if one.part.indicator.method.name == name]
        if taken:
            found.append((name, _limited(name, Taken(*map(sum, zip(*taken, strict=True))), parted)))
    return found


def _limited(name: str, taken: Taken, parted: Parted) -> Taken:
    """Weight limits by all months whose points are kept, those in which it does not apply too."""
    limits = [
        (months, method.taken(0, Partials()))
        for months, one in parted.waived
        if one.method.name == name and (method := one.method.in_full) is not None
    ]
    share = Fraction(parted.months, parted.months + sum(months for months, _ in parted.waived))
    floor = taken.floor + sum(months * of.floor for months, of in limits)
    cap = taken.cap + sum(months * of.cap for months, of in limits)
    return taken._replace(floor=scaled(floor, share), cap=scaled(cap, share))


def _taken(one: Share, parted: Parted) -> Taken:
    """Return a deduction or bonus times all months: limits by its own, what was taken in full."""
    method, weight = one.part.indicator.method.in_full, one.part.weight
    assert method is not None, "scored by its months alone"
    full, floor, cap, lost, won = method.taken(exact(one.part.indicator.points), one.sums)
    months, whole = parted.months, scaled(weight * full, parted.stretch)
    return Taken(whole, weight * floor, weight * cap, months * lost, months * won)

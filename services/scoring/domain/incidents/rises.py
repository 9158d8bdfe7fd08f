"""Whether the risk of a region rose: a conditional test on counts and exposure, corrected for many regions.

Chances are decimals of 60 digits, kept at 12 places; what is significant is decided on what is kept, so that
whoever computes it anew gets the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import comb

DIGITS = 60
PLACES = Decimal("1e-12")
ONE = Decimal(1).quantize(PLACES)
MOST_EVENTS = 200_000

_EXACT = Context(prec=DIGITS, rounding=ROUND_HALF_EVEN, Emin=-999_999_999, Emax=999_999_999)


@dataclass(frozen=True, slots=True)
class Counted:
    """The count and the exposure of a region in a month, and in the months of its own baseline."""

    count: int
    exposure: int
    before: int
    exposure_before: int

    @property
    def is_tested(self) -> bool:
        """Whether there is something to compare with."""
        return self.exposure > 0 and self.exposure_before > 0


@dataclass(frozen=True, slots=True)
class Rise:
    """What the test says of a region: `p`, and `adjusted` for all regions that were tested; 12 places."""

    counted: Counted
    p: Decimal
    adjusted: Decimal
    is_significant: bool


def rises(regions: Mapping[str, Counted], *, minimum: int, alpha: Decimal) -> dict[str, Rise]:
    """Test every region that has exposure in the month and before.

    A region rose where its p, corrected by Holm for all that were tested, is `alpha` or less and its count is
    `minimum` or more. One below the minimum is among the tested: which are tested does not depend on counts.
    """
    tested = {name: tail(one) for name, one in sorted(regions.items()) if one.is_tested}
    adjusted = holm(tested)
    return {
        name: Rise(
            counted=regions[name],
            p=p,
            adjusted=adjusted[name],
            is_significant=adjusted[name] <= alpha and regions[name].count >= minimum,
        )
        for name, p in tested.items()
    }


def tail(one: Counted) -> Decimal:
    """Return the chance of as many events in the month or more, given how many there were in all.

    With one rate in both spans each event falls into the month with the chance of its share of the exposure:
    the sum of C(n, k) q^k (1 - q)^(n - k) over k from the count to n = count + before.
    """
    n, exposure = one.count + one.before, one.exposure + one.exposure_before
    q = _EXACT.divide(Decimal(one.exposure), Decimal(exposure))
    odds = _EXACT.divide(Decimal(one.exposure), Decimal(one.exposure_before))
    rest = _EXACT.subtract(Decimal(1), q)
    term = _EXACT.multiply(
        _EXACT.create_decimal(comb(n, one.count)),
        _EXACT.multiply(_EXACT.power(q, one.count), _EXACT.power(rest, one.before)),
    )
    found = term
    for k in range(one.count, n):
        term = _EXACT.divide(_EXACT.multiply(_EXACT.multiply(term, n - k), odds), k + 1)
        found = _EXACT.add(found, term)
    return min(found.quantize(PLACES, rounding=ROUND_HALF_EVEN), ONE)


def holm(tested: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return p-values adjusted by Holm: any wrong rise has the chance alpha at most, however they depend."""
    order: Sequence[str] = sorted(tested, key=lambda name: (tested[name], name))
    adjusted: dict[str, Decimal] = {}
    highest = Decimal(0)
    for place, name in enumerate(order):
        highest = max(highest, min(ONE, (len(order) - place) * tested[name]))
        adjusted[name] = highest
    return adjusted

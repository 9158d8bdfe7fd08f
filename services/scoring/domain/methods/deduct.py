"""直接扣分 / 基准加减分: what is lost for each event, and what is won back."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from services.scoring.domain.methods.amounts import (
    PARTS_OF_MILLIONTH,
    Fault,
    Formula,
    Measured,
    Partials,
    Taken,
    exact,
)
from services.scoring.domain.shapes import Closed, DecimalText, Name, SignedText
from services.scoring.domain.written import amount, lost


class DeductBonusSpec(Closed):
    """What wins points back: each event of a measure of its own, in all at most `cap`."""

    measure: Name
    """The measure that counts what wins points."""
    each: DecimalText
    """The points that one of it wins."""
    cap: DecimalText
    """The points that all of it wins at most."""


class DeductSpec(Closed):
    """max(floor, w - each · events + min(cap, each · bonus events)).

    Without `each` what a measure counts in points is taken as it is.
    """

    title: ClassVar[str] = "直接扣分 / 基准加减分"
    source: ClassVar[str] = (
        "§4; §11 Values: magnitudes, the only method below 0; Lists: may exceed its points"
    )

    each: DecimalText | None = None
    """The points that one of what the measure counts costs; left out where the measure is in points."""
    floor: SignedText = "0"
    """What is left at least; it may be negative."""
    bonus: DeductBonusSpec | None = None
    """What wins points back, beyond those of the indicator too."""

    def formula(self, points: int, *, is_ratio: bool) -> Formula:  # noqa: ARG002  a deduction takes no ratio
        """Return w less what was lost, w without events; neither a loss nor a bonus is below 0."""
        each = 1 if self.each is None else exact(self.each)
        floor, full = exact(self.floor) * PARTS_OF_MILLIONTH, points * PARTS_OF_MILLIONTH
        if self.bonus is None:

            def plain(numerator: int, _denominator: int, _rows: int, /, *_more: int) -> int:
                return min(full, max(floor, full - each * numerator))

            return plain
        bonus_each, cap = exact(self.bonus.each), exact(self.bonus.cap) * PARTS_OF_MILLIONTH

        def with_bonus(numerator: int, _denominator: int, _rows: int, /, won: int = 0, *_more: int) -> int:
            return max(floor, full - max(0, each * numerator) + min(cap, max(0, bonus_each * won)))

        return with_bonus

    def taken(self, points: int, sums: Partials) -> Taken:
        """Return what was lost and won, and its limits; of versions beside each other both are added up."""
        each = 1 if self.each is None else exact(self.each)
        bonus_each, cap = (0, 0) if self.bonus is None else (exact(self.bonus.each), exact(self.bonus.cap))
        return Taken(
            full=points * PARTS_OF_MILLIONTH,
            floor=exact(self.floor) * PARTS_OF_MILLIONTH,
            cap=cap * PARTS_OF_MILLIONTH,
            lost=each * sums.numerator,
            won=bonus_each * sum(sums.more),
        )

    def symbolic(self, _actual: str) -> str:
        """Return the formula."""
        loss = "points" if self.each is None else "each · events"
        won = "" if self.bonus is None else " + min(cap, each · bonus events)"
        return f"max(floor, w − {loss}{won})"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        numerator = measured.sums.numerator
        loss = lost(numerator) if self.each is None else f"{self.each} · {amount(numerator)}"
        won = ""
        if self.bonus is not None:
            events = amount(sum(measured.sums.more))
            won = f" + min({self.bonus.cap}, {self.bonus.each} · {events})"
        return f"max({self.floor}, {points} − {loss}{won})"

    def faults(self, points: Decimal) -> Iterator[Fault]:
        """Refuse a floor that is never left, and a deduction or bonus of 0."""
        if Decimal(self.floor) >= points:
            yield Fault("floor", "floor", f"A floor of {self.floor} is never left with {points} points.")
        if self.each is not None and Decimal(self.each) == 0:
            yield Fault("each", "each_zero", "An event that costs 0 deducts nothing.")
        if self.bonus is not None and Decimal(self.bonus.each) == 0:
            yield Fault("bonus/each", "each_zero", "An event that wins 0 adds nothing.")
        if self.bonus is not None and Decimal(self.bonus.cap) == 0:
            yield Fault(
                "bonus/cap", "cap_zero", "A cap is above 0; leave the bonus out if nothing is to be won."
            )

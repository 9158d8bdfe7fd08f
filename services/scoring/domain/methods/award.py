"""加分: points for awards by their level, in all at most the points of the indicator."""

from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from pydantic import Field

from services.scoring.domain.methods.amounts import (
    PARTS_OF_MILLIONTH,
    Fault,
    Formula,
    Measured,
    Partials,
    Taken,
    exact,
)
from services.scoring.domain.shapes import Closed, DecimalText, Name
from services.scoring.domain.written import amount

LEVELS_AT_MOST = 20


class LevelSpec(Closed):
    """A level of awards: the measure that counts them and what one of them wins."""

    level: str = Field(min_length=1, max_length=64)
    """What the level is called."""
    measure: Name
    """The measure that counts its awards."""
    each: DecimalText
    """The points that one of them wins."""


class BonusSpec(Closed):
    """min(w, Σ each · awards of a level); outside the boards unless the indicator names one."""

    title: ClassVar[str] = "加分"
    source: ClassVar[str] = "§4; §2.6 and §11: outside boards and lists, inside the total that is ranked"

    levels: tuple[LevelSpec, ...] = Field(min_length=1, max_length=LEVELS_AT_MOST)
    """The levels of awards; the indicator names the measure of the first."""

    def formula(self, points: int, *, is_ratio: bool) -> Formula:  # noqa: ARG002  awards are no ratio
        """Return what awards win, 0 without any; their sums are those of the levels, in their order."""
        full, each = points * PARTS_OF_MILLIONTH, [exact(one.each) for one in self.levels]

        def scored(_numerator: int, _denominator: int, _rows: int, /, *more: int) -> int:
            won = sum(worth * max(0, awards) for worth, awards in zip(each, more, strict=False))
            return min(full, won)

        return scored

    def taken(self, points: int, sums: Partials) -> Taken:
        """Return what awards win, and the points that they win at most."""
        each = [exact(one.each) for one in self.levels]
        won = sum(worth * max(0, awards) for worth, awards in zip(each, sums.more, strict=False))
        return Taken(full=0, floor=0, cap=points * PARTS_OF_MILLIONTH, lost=0, won=won)

    def symbolic(self, _actual: str) -> str:
        """Return the formula."""
        return f"min(w, {' + '.join(f'{one.each} · {one.level}' for one in self.levels)})"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers."""
        more = measured.sums.more or (0,) * len(self.levels)
        won = [f"{one.each} · {amount(found)}" for one, found in zip(self.levels, more, strict=True)]
        return f"min({points}, {' + '.join(won)})"

    def faults(self, points: Decimal) -> Iterator[Fault]:
        """Refuse a level twice, and an award that wins nothing or more than there is."""
        seen: set[str] = set()
        for at, one in enumerate(self.levels):
            if one.level in seen:
                yield Fault(f"levels/{at}/level", "duplicate", f"{one.level} stands here a second time.")
            seen.add(one.level)
            if Decimal(one.each) == 0:
                yield Fault(f"levels/{at}/each", "each_zero", "An award that wins 0 adds nothing.")
            elif Decimal(one.each) > points:
                reason = f"An award of {one.each} passes the {points} points that can be won."
                yield Fault(f"levels/{at}/each", "each_above_cap", reason)

"""分档: a table of bands, each with the points of a value that lies in it."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import ClassVar, NamedTuple

from pydantic import Field, model_validator

from services.scoring.domain.methods.amounts import (
    PARTS_OF_MILLIONTH,
    Fault,
    Formula,
    Measured,
    exact,
    of_value,
)
from services.scoring.domain.shapes import Closed, DecimalText, SignedText
from shared.kernel.points import MILLIONTHS

BANDS_AT_MOST = 50


class End(NamedTuple):
    """An end of a band; `above` tells that it lies just above the number, so that ends can be compared."""

    number: Decimal
    above: bool


class Band(Closed):
    """A band from or above its lower end, to or below its upper one; without such a word it is open."""

    from_: SignedText | None = Field(None, alias="from")
    """The lower end, which is in the band."""
    above: SignedText | None = None
    """The lower end, which is not in the band."""
    to: SignedText | None = None
    """The upper end, which is in the band."""
    below: SignedText | None = None
    """The upper end, which is not in the band."""
    points: DecimalText
    """The points of a value in the band."""

    @model_validator(mode="after")
    def _one_end_each(self) -> "Band":
        if self.from_ is not None and self.above is not None:
            raise ValueError("a band begins with `from` or `above`, not both")
        if self.to is not None and self.below is not None:
            raise ValueError("a band ends with `to` or `below`, not both")
        return self

    @property
    def lower(self) -> End | None:
        """Where the band begins; None if it is open to minus infinity."""
        if self.from_ is not None:
            return End(Decimal(self.from_), above=False)
        return None if self.above is None else End(Decimal(self.above), above=True)

    @property
    def upper(self) -> End | None:
        """Where the next band must begin; None if this one is open to infinity."""
        if self.below is not None:
            return End(Decimal(self.below), above=False)
        return None if self.to is None else End(Decimal(self.to), above=True)

    def written(self, actual: str) -> str:
        """Write the band as an inequality: `0.8 ≤ actual < 0.95`."""
        low = f"{self.from_} ≤ " if self.from_ is not None else f"{self.above} < " if self.above else ""
        high = f" ≤ {self.to}" if self.to is not None else f" < {self.below}" if self.below else ""
        return f"{low}{actual}{high}"


class BandsSpec(Closed):
    """The points of the band that holds the value; bands rise, without gap or overlap, open at both ends."""

    title: ClassVar[str] = "分档"
    source: ClassVar[str] = "§4; §11 Values: the first and last band are open to infinity"

    table: tuple[Band, ...] = Field(min_length=2, max_length=BANDS_AT_MOST)
    """The bands, rising; the first has no lower end and the last no upper one."""

    def formula(self, _points: int, *, is_ratio: bool) -> Formula:
        """Return the points of the first band whose upper end is not passed."""
        ends = [(exact(str(end.number)), end.above) for band in self.table if (end := band.upper)]
        worth = [exact(band.points) * PARTS_OF_MILLIONTH for band in self.table]

        def scored(numerator: int, denominator: int) -> int:
            actual = numerator * MILLIONTHS
            for points, (end, above) in zip(worth, ends, strict=False):
                if actual < end * denominator or (above and actual == end * denominator):
                    return points
            return worth[-1]

        return of_value(scored, is_ratio=is_ratio)

    def symbolic(self, actual: str) -> str:
        """Return the table."""
        return "; ".join(f"{band.points} if {band.written(actual)}" for band in self.table)

    def put_in(self, _points: str, measured: Measured) -> str:
        """Return the band that holds the value."""
        value = measured.value
        if value is None:
            return f"the band of {measured.written}"
        held = next((one for one in self.table if _holds_below(one.upper, value)), self.table[-1])
        return f"{held.points}, as {held.written(measured.written)},"

    def faults(self, points: Decimal) -> Iterator[Fault]:
        """Refuse bands that are empty, overlap or leave a gap, ends that are closed, and too many points."""
        first, last = self.table[0], len(self.table) - 1
        if first.lower is not None:
            yield Fault(
                "table/0", "band_end", "The first band is open to minus infinity: leave its begin out."
            )
        if self.table[-1].upper is not None:
            yield Fault(f"table/{last}", "band_end", "The last band is open to infinity: leave its end out.")
        for at, band in enumerate(self.table):
            if band.lower is not None and band.upper is not None and band.lower >= band.upper:
                yield Fault(f"table/{at}", "band_unreachable", f"No number is {band.written('x')}.")
            if Decimal(band.points) > points:
                yield Fault(
                    f"table/{at}/points", "band_points", f"{band.points} is more than {points} points."
                )
        for at, (one, following) in enumerate(pairwise(self.table), 1):
            yield from _joint(f"table/{at}", one, following)


def _joint(path: str, one: Band, following: Band) -> Iterator[Fault]:
    """Yield what is wrong between a band and the next."""
    if one.upper is None or following.lower is None:
        yield Fault(path, "band_overlap", "Only the first and the last band are open to infinity.")
    elif one.upper < following.lower:
        reason = f"Between {one.written('x')} and {following.written('x')} lies a gap."
        yield Fault(path, "band_gap", reason)
    elif one.upper > following.lower:
        yield Fault(path, "band_overlap", f"{one.written('x')} and {following.written('x')} overlap.")


def _holds_below(end: End | None, value: Fraction) -> bool:
    """Tell whether a value does not pass an upper end."""
    if end is None:
        return True
    number = Fraction(end.number)
    return value < number or (end.above and value == number)

"""What a method takes, exact sums, and what it gives: whole parts of 10^-12, rounded once."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple, Protocol

from services.scoring.domain.keyed import Held
from services.scoring.domain.written import amount
from shared.kernel.points import MILLIONTHS, PARTS, millionths

PARTS_OF_MILLIONTH = PARTS // MILLIONTHS

Scored = Callable[[int, int], int]
Amounts = tuple[int, int, int]


class Formula(Protocol):
    """From sums in millionths, and those of further measures, to points; None where there is no data."""

    def __call__(self, numerator: int, denominator: int, rows: int, /, *more: int) -> int | None:
        """Return points in whole parts of 10^-12."""
        ...


@dataclass(frozen=True, slots=True)
class Partials:
    """Exact sums in millionths; `rows` counts what was summed, `more` are sums of further measures.

    Of bounded keys `held` counts the rows of each, and the numerator is what they say together. Of a mean
    `months` are those that have a value, and numerator and denominator the quotient that it is, exactly.
    """

    numerator: int = 0
    denominator: int = 0
    rows: int = 0
    more: tuple[int, ...] = ()
    held: Held | None = field(default=None, compare=False)
    months: "tuple[Partials, ...]" = field(default=(), compare=False)

    @property
    def summed(self) -> "Partials":
        """What came in, of a mean in all its months."""
        return sum(self.months, Partials()) if self.months else self

    def __add__(self, other: "Partials") -> "Partials":
        held = self.held or other.held
        if self.held is not None and other.held is not None:
            held = self.held + other.held
        more = self.more and other.more and tuple(map(sum, zip(self.more, other.more, strict=True)))
        return Partials(
            self.numerator + other.numerator if held is None else held.amount,
            self.denominator + other.denominator,
            self.rows + other.rows,
            more or self.more or other.more,
            held,
        )


class Taken(NamedTuple):
    """A deduction or bonus before its limits: what is there, how far it falls, what is lost and won.

    All in parts of 10^-12. What is lost and won is taken in full, once; the limits are those of months.
    """

    full: int
    floor: int
    cap: int
    lost: int
    won: int

    @property
    def settled(self) -> int:
        """What is left within the limits."""
        return max(self.floor, self.full - max(0, self.lost) + min(self.cap, max(0, self.won)))


class Measured(NamedTuple):
    """The sums behind a value that a formula is written with, and the values `among` which it is compared."""

    sums: Partials
    is_ratio: bool
    among: Collection[Fraction] = ()

    @property
    def value(self) -> Fraction | None:
        """What was measured."""
        return actual_of(self.sums, is_ratio=self.is_ratio)

    @property
    def written(self) -> str:
        """The value with its numbers: `9702`, `(9702/10000)`, as a mean `((9/10 + 19/20)/2)`."""
        if self.sums.months:
            return _mean_of([_quotient(month) for month in self.sums.months])
        numerator = amount(self.sums.numerator)
        return f"({numerator}/{amount(self.sums.denominator)})" if self.is_ratio else numerator


class Fault(NamedTuple):
    """What is wrong with the parameters of a method, and where below it."""

    path: str
    code: str
    reason: str


def actual_of(partials: Partials, *, is_ratio: bool) -> Fraction | None:
    """Return the measured value; a zero denominator, or no row at all, is no data."""
    if is_ratio:
        return Fraction(partials.numerator, partials.denominator) if partials.denominator else None
    return Fraction(partials.numerator, MILLIONTHS) if partials.rows else None


def mean(amounts: Iterable[Amounts], *, of_ratios: bool) -> Amounts:
    """Return the mean of the values of months, of those that have one, as a quotient with all their rows."""
    months = list(amounts)
    values = [
        Fraction(numerator, denominator if of_ratios else MILLIONTHS)
        for numerator, denominator, rows in months
        if (denominator if of_ratios else rows)
    ]
    rows = sum(month[2] for month in months)
    if not values:
        return 0, 0, rows
    found = sum(values, Fraction(0)) / len(values)
    return found.numerator, found.denominator, rows


def mean_of_months(months: Sequence[Partials], *, of_ratios: bool) -> Partials:
    """Return the same of month partials, which it keeps."""
    amounts = [(month.numerator, month.denominator, month.rows) for month in months]
    kept = tuple(month for month in months if (month.denominator if of_ratios else month.rows))
    return Partials(*mean(amounts, of_ratios=of_ratios), months=kept)


def of_value(scored: Scored, *, is_ratio: bool) -> Formula:
    """Score what was measured as numerator/denominator, brought to a denominator above 0."""

    def ratio(numerator: int, denominator: int, _rows: int, *_more: int) -> int | None:
        if denominator == 0:
            return None
        return scored(numerator, denominator) if denominator > 0 else scored(-numerator, -denominator)

    def amount(numerator: int, _denominator: int, rows: int, *_more: int) -> int | None:
        return scored(numerator, MILLIONTHS) if rows else None

    return ratio if is_ratio else amount


def exact(written: str) -> int:
    """Read a number of the scheme, which has at most 6 places, in millionths."""
    return millionths(Decimal(written))


def _quotient(sums: Partials) -> str:
    numerator = amount(sums.numerator)
    return f"{numerator}/{amount(sums.denominator)}" if sums.denominator else numerator


def _mean_of(values: Sequence[str]) -> str:
    return f"({values[0]})" if len(values) == 1 else f"(({' + '.join(values)})/{len(values)})"

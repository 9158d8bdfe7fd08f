"""多维测评: what raters of several classes say, each class by the mean of what trimming leaves of it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import prod
from typing import ClassVar, NamedTuple

from pydantic import Field

from services.scoring.domain.methods.amounts import Fault, Formula, Measured, exact
from services.scoring.domain.shapes import Closed, DecimalText, Name, Whole
from services.scoring.domain.written import amount
from shared.kernel.points import MILLIONTHS, parts

CLASSES_AT_MOST = 10
SCALE_AT_MOST = 1000
FEWEST_IN_A_MEAN = 5
MOST_TRIMMED = Decimal("0.4")

Histogram = Mapping[int, int]


class Trimmed(NamedTuple):
    """A rater class: how many answers it gave, how many of them trimming left, and what these sum to."""

    answers: int
    kept: int
    total: int


class RaterSpec(Closed):
    """A class of raters: its weight, and how many answers it must have given before trimming."""

    rater: Name
    """The class, one of the survey's raters."""
    weight: DecimalText
    """Its share of the score; all weights sum to 1."""
    minimum: Whole = Field(ge=1, le=1_000_000)
    """Its minimum sample; below it the whole indicator is not yet assessed."""


class SurveySpec(Closed):
    """w · Σ weight · trimmed mean / scale."""

    title: ClassVar[str] = "多维测评"
    source: ClassVar[str] = (
        "§4: class means of five or more; §11 Values: minimum sample, floor(share · n) at each end"
    )

    scale: Whole = Field(ge=1, le=SCALE_AT_MOST)
    """The best score; raters give whole scores from 0 to it."""
    trim: DecimalText = "0"
    """The share of the answers that is dropped at each end of a class, rounded down to whole answers."""
    classes: tuple[RaterSpec, ...] = Field(min_length=1, max_length=CLASSES_AT_MOST)
    """The classes of raters."""

    def reached(self, answers: Mapping[str, Histogram]) -> dict[str, Trimmed]:
        """Return by class what trimming leaves; a class below its minimum is left out."""
        found = {one.rater: trimmed(answers.get(one.rater, {}), self.trim) for one in self.classes}
        return {
            one.rater: found[one.rater] for one in self.classes if found[one.rater].answers >= one.minimum
        }

    def formula(self, points: int, *, is_ratio: bool) -> Formula:  # noqa: ARG002  classes are no ratio
        """Return the score of sums and counts of kept answers, class by class, then of short rounds.

        None where a class has none, or a round was short.
        """
        weights, scale = [exact(one.weight) for one in self.classes], self.scale * MILLIONTHS

        def scored(_numerator: int, _denominator: int, _rows: int, /, *more: int) -> int | None:
            totals, kept = more[:-1:2], more[1:-1:2]
            if len(kept) < len(weights) or min(kept) <= 0 or more[-1] > 0:
                return None
            common = prod(kept)
            means = sum(
                weight * total * (common // count)
                for weight, total, count in zip(weights, totals, kept, strict=True)
            )
            return parts(points * means, MILLIONTHS * scale * common)

        return scored

    def symbolic(self, _actual: str) -> str:
        """Return the formula; a class stands for its trimmed mean."""
        return f"w · ({' + '.join(f'{one.weight} · {one.rater}' for one in self.classes)}) / {self.scale}"

    def put_in(self, points: str, measured: Measured) -> str:
        """Return the formula with its numbers: of each class the sum of what is kept over its count."""
        more = measured.sums.more or (*(0, 0) * len(self.classes), 0)
        means = [
            f"{one.weight} · {f'{amount(total)}/{amount(kept)}' if kept > 0 else one.rater}"
            for one, total, kept in zip(self.classes, more[:-1:2], more[1:-1:2], strict=True)
        ]
        return f"{points} · ({' + '.join(means)}) / {self.scale}"

    def faults(self, _points: Decimal) -> Iterator[Fault]:
        """Refuse weights that are no whole, a class twice, and a mean that could be of fewer than five."""
        whole = sum(Decimal(one.weight) for one in self.classes)
        if whole != 1:
            yield Fault("classes", "survey_weights", f"The weights sum to {whole}, not to 1.")
        if Decimal(self.trim) > MOST_TRIMMED:
            reason = f"At most {MOST_TRIMMED} is dropped at each end."
            yield Fault("trim", "survey_trim", reason)
            return
        seen: set[str] = set()
        for at, one in enumerate(self.classes):
            path = f"classes/{at}"
            if one.rater in seen:
                yield Fault(f"{path}/rater", "duplicate", f"{one.rater} stands here a second time.")
            seen.add(one.rater)
            if Decimal(one.weight) == 0:
                yield Fault(f"{path}/weight", "no_share", "A class with a weight of 0 says nothing.")
            fewest = _fewest_kept(one.minimum, self.trim)
            if fewest < FEWEST_IN_A_MEAN:
                reason = (
                    f"With {one.minimum} answers or more a mean could be of {fewest}, and it is told only of "
                    f"{FEWEST_IN_A_MEAN} or more: raise the minimum or trim less."
                )
                yield Fault(f"{path}/minimum", "minimum_sample", reason)


def trimmed(answers: Histogram, share: str) -> Trimmed:
    """Drop floor(share · n) answers at each end of a class, by scores and how many gave each."""
    given = sum(answers.values())
    first = exact(share) * given // MILLIONTHS
    last, at, total = given - first, 0, 0
    for score, count in sorted(answers.items()):
        total += score * max(0, min(at + count, last) - max(at, first))
        at += count
    return Trimmed(given, last - first, total)


def kept(answers: int, share: str) -> int:
    """Return how many of a class's answers are left when floor(share · n) are dropped at each end."""
    return answers - 2 * (exact(share) * answers // MILLIONTHS)


def _fewest_kept(minimum: int, share: str) -> int:
    """Return of how many answers a mean is at least; beyond four answers a place more is kept than lost."""
    beyond = minimum + 2 * FEWEST_IN_A_MEAN * MILLIONTHS // (MILLIONTHS - 2 * exact(share))
    return min(kept(n, share) for n in range(minimum, beyond + 1))

"""What a review changed of a cell: a difference of its exact sums, which stands beside those of its facts."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.scoring.domain.derived import Loss, PointsPlan
from services.scoring.domain.sums import GIVEN_BACK, REVIEWED

REVIEWS = "reviews"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A decision: what is added to the sums of the measure that an indicator of a unit takes in a month.

    `points` are parts of 10^-12 that a measure in points loses, numerator and denominator are millionths.
    """

    key: str
    version: int
    scheme: str
    unit: str
    indicator: str
    month: int
    points: int = 0
    numerator: int = 0
    denominator: int = 0

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield the difference under a scheme whose measure takes it so."""
        if self.scheme != under.scheme or not (self.points or self.numerator or self.denominator):
            return
        place, where = under.taken.get(self.indicator), (self.unit, self.month)
        if place is None:
            yield Loss(REVIEWED, None, *where, 0, indicator=self.indicator)
            return
        parts = self.points if place.in_points else self.numerator
        if parts or self.denominator:
            over = f"{GIVEN_BACK if place.deducted else REVIEWED}{place.over}"
            yield Loss(over, place.slots, *where, parts, base=self.denominator)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found, whether it changed anything or not."""
        return frozenset({(REVIEWS, self.unit, self.month)})

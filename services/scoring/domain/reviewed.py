"""What a review changed of a cell: a difference of its exact sums, which stands beside those of its facts."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.scoring.domain.derived import Loss, PointsPlan
from services.scoring.domain.sums import REVIEWED

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
        place = under.taken.get(self.indicator)
        if place is None or self.scheme != under.scheme:
            return
        parts = self.points if place.in_points else self.numerator
        if parts or self.denominator:
            over = f"{REVIEWED}{place.over}"
            yield Loss(over, place.slots, self.unit, self.month, parts, above=False, base=self.denominator)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found, whether it changed anything or not."""
        return frozenset({(REVIEWS, self.unit, self.month)})

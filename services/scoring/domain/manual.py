"""What persons gave a unit for an indicator: points or a value of a month, until it is withdrawn."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.scoring.domain.derived import Loss, PointsPlan
from services.scoring.domain.measures import MANUAL_POINTS
from shared.kernel.points import MILLIONTHS


@dataclass(frozen=True, slots=True)
class Given:
    """An amount in millionths that one person asked for and another approved.

    It counts under every version of the scheme whose indicator takes such amounts and applies to the unit,
    for the unit alone.
    """

    key: str
    version: int
    scheme: str
    unit: str
    indicator: str
    month: int
    over: str
    amount: int
    stands: bool

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield the points that are lost, in parts, or the value that is given, in millionths."""
        if self.stands and self.scheme == under.scheme:
            place = under.place(self.over, self.indicator)
            slots = place.slots if place is not None and place.applies(self.unit, self.month) else None
            amount = self.amount * (MILLIONTHS if self.over == MANUAL_POINTS else 1)
            yield Loss(self.over, slots, self.unit, self.month, amount, indicator=self.indicator)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found, withdrawn or not."""
        return frozenset({(self.over, self.unit, self.month)})

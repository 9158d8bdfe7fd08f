"""What was decided of an incident for a unit: points for indicators, each in the month of its finding."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.scoring.domain.derived import Loss, PointsPlan
from services.scoring.domain.incidents.problems import Why
from services.scoring.domain.measures import DECIDED
from shared.kernel.points import MILLIONTHS


@dataclass(frozen=True, slots=True)
class Deducted:
    """Points (millionths) of one deduction under a scheme (code@version, else all); `why` it does not count.

    `role` and `finding` explain it and decide nothing.
    """

    unit: str
    role: str
    indicator: str
    month: int
    points: int
    scheme: str | None = None
    why: str | None = None
    finding: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything that was decided of an incident for a unit, as a version of it says."""

    key: str
    version: int
    rows: tuple[Deducted, ...]

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield what counts under a scheme; the unit that is named loses it, and no unit above it.

        What cannot be scored, since the indicator is none of the unit or does not apply to it, waits.
        """
        for one in self.rows:
            place = under.place(DECIDED, one.indicator)
            if one.why == Why.NOT_SCORED and under.hears(one.scheme):
                yield Loss(DECIDED, None, one.unit, one.month, 0, indicator=one.indicator)
            elif place is not None and one.why is None and under.hears(one.scheme):
                yield Loss(DECIDED, place.slots, one.unit, one.month, one.points * MILLIONTHS)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found, what does not count too."""
        return frozenset((DECIDED, one.unit, one.month) for one in self.rows)

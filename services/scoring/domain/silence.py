"""What a silent feed says of units: from the month in which it was last heard of on, nobody knows what came.

It is a derived fact like another: a row for each view or event type that its events are read by, each unit
that they could be of and each month, which stands beside the sums until the feed is fresh again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.scoring.domain.derived import Loss, PointsPlan
from services.scoring.domain.layout import Slots
from services.scoring.domain.plan import month_ordinal
from services.scoring.domain.sums import STALE

_ROWS = Slots(0, None, 0)


@dataclass(frozen=True, slots=True)
class Silence:
    """A feed that is stale, or fresh again; `last` is when it brought its last event, in microseconds."""

    key: str
    version: int
    source: str
    types: frozenset[str]
    last: int | None
    stale: bool

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield a row, which costs nothing, for every unit and month of which something may be missing."""
        plan = under.plan
        first = plan.first if self.last is None else max(plan.first, month_ordinal(self.last, under.zone))
        for over, types in under.events.items() if self.stale else ():
            if not self.types.isdisjoint(types):
                for unit in under.covered(self.source, over):
                    for month in range(first, plan.last + 1):
                        yield Loss(f"{STALE}{over}", _ROWS, unit, month, 0)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return that no page of rows is made of it."""
        return frozenset()

"""Periods that are closed, and which of them an event came too late for."""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from services.ingest.domain.times import Times


@dataclass(frozen=True, slots=True, order=True)
class ClosedPeriod:
    """A closed period [begins, ends) of a scheme; what was received at `cut` or later is late for it."""

    scheme: str
    period: str
    begins: datetime
    ends: datetime
    cut: datetime


class ClosedPeriods:
    """Closed periods, found by an instant: between two of their ends the same ones hold throughout."""

    def __init__(self, periods: Collection[ClosedPeriod] = ()) -> None:
        self.periods = frozenset(periods)
        ordered = sorted(self.periods)
        self._bounds = sorted({bound for one in ordered for bound in (one.begins, one.ends)})
        self._from = [
            tuple(one for one in ordered if one.begins <= bound < one.ends) for bound in self._bounds
        ]

    def after_close(self, times: Times) -> tuple[tuple[str, str], ...]:
        """Return scheme and period of each that the event lies in and came too late for, each once."""
        at = bisect_right(self._bounds, times.occurred) - 1
        around = self._from[at] if at >= 0 else ()
        return tuple(dict.fromkeys((one.scheme, one.period) for one in around if times.received >= one.cut))

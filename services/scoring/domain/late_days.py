"""What late working days of an item cost: so much a day until the cap, in order, by the day's shares."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.scoring.domain.derived import LateDays, Loss, PointsPlan
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS

Shares = tuple[tuple[str, int], ...]


class Free(StrEnum):
    """Why a late day costs a unit nothing."""

    BEYOND_CAP = "beyond_cap"
    PROVISIONAL = "provisional"
    OTHER_INDICATOR = "other_indicator"


@dataclass(frozen=True, slots=True)
class Charge:
    """A late day of a unit: what it costs in parts of 10^-12, or why nothing."""

    day: date
    unit: str
    parts: int
    free: Free | None = None

    @property
    def month(self) -> int:
        """The month that contains the day, counted from year 0."""
        return month_of(self.day)


@dataclass(frozen=True, slots=True)
class LateItem:
    """An item with its late working days, each with the shares by which it is borne.

    They are in millionths and sum to 1 exactly on every day.

    Without a scheme of its own it counts in each, without an indicator for the first that takes its kind.
    """

    key: str
    version: int
    kind: str
    days: tuple[tuple[date, Shares], ...]
    provisional: bool = False
    scheme: str | None = None
    indicator: str | None = None

    def __post_init__(self) -> None:
        for _, shares in self.days:
            assert sum(share for _, share in shares) == MILLIONTHS, "shares sum to 1 exactly"

    @property
    def over(self) -> str:
        """What measures of its kind run over."""
        return f"items:{self.kind}"

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield what each unit loses for each late day."""
        for measure in under.late_days.get(self.kind, ()):
            for one in charges(self, measure, under):
                if one.parts:
                    yield Loss(self.over, measure.slots, one.unit, one.month, one.parts, above=True)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found: under every unit in every month of a late day that it has a share of."""
        return frozenset((self.over, unit, month_of(day)) for day, shares in self.days for unit, _ in shares)


def charges(item: LateItem, measure: LateDays, under: PointsPlan) -> list[Charge]:
    """Return the late days of an item in order, unit by unit, with what a measure takes for each."""
    reason = _free(item, measure, under.scheme)
    costs = [0] * len(item.days) if reason else list(_costs(item, measure, under))
    return [
        Charge(day, unit, cost * share, None if cost else reason or Free.BEYOND_CAP)
        for (day, shares), cost in zip(sorted(item.days), costs, strict=True)
        for unit, share in shares
    ]


def _costs(item: LateItem, measure: LateDays, under: PointsPlan) -> Iterator[int]:
    """Yield what each late day costs by the version of its month, never more than its cap leaves."""
    spent = 0
    for day, _ in sorted(item.days):
        ruling = _ruling(item, measure, under, month_of(day))
        cost = 0 if ruling is None else max(0, min(ruling.per_day, ruling.cap - spent))
        spent += cost
        yield cost


def _ruling(item: LateItem, measure: LateDays, under: PointsPlan, month: int) -> LateDays | None:
    """Return the measure by which a day of a month is charged, None where that version takes it not."""
    for other in under.earlier:
        if other.plan.first <= month <= other.plan.last:
            known = other.late_days.get(item.kind, ())
            return next((one for one in known if _free(item, one, under.scheme) is None), None)
    return measure


def month_of(day: date) -> int:
    """Return the month of a day, counted from year 0."""
    return Month(day.year, day.month).ordinal


def _free(item: LateItem, measure: LateDays, scheme: str) -> Free | None:
    if item.provisional:
        return Free.PROVISIONAL
    other_scheme = item.scheme not in {None, scheme}
    mine = measure.unnamed if item.indicator is None else item.indicator in measure.indicators
    return Free.OTHER_INDICATOR if other_scheme or not mine else None

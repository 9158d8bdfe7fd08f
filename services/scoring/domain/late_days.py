"""What late working days of an item cost: so much a day until the cap, in order, by the day's shares."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from services.scoring.domain.derived import LateDays, Loss, PointsPlan, Taker
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

    Without a scheme of its own it counts in each; without an indicator for the first that takes its kind and
    applies, which can be another for each unit and month.
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
        """Yield what each unit that bears a late day loses for it: who has a share, and every unit above."""
        known = under.plan.above
        sharing = {unit for _, shares in self.days for unit, share in shares if share}
        for through in sorted(sharing & known.keys()):
            for bearer in sorted(under.plan.units_of([through], self.over)):
                for one in costs(self, under, bearer, through):
                    lost = one.cost * dict(one.shares).get(through, 0)
                    if one.measure is not None and lost:
                        yield Loss(self.over, one.measure.slots, bearer, month_of(one.day), lost)
        for day, shares in self.days:
            for unit, share in shares:
                if share and unit not in known and _is_charged(self, under, month_of(day)):
                    yield Loss(self.over, None, unit, month_of(day), 0)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found: under every unit in every month of a late day that it has a share of."""
        return frozenset((self.over, unit, month_of(day)) for day, shares in self.days for unit, _ in shares)


class Cost(NamedTuple):
    """A late day with its shares: by what measure it is charged for a unit, if by any, and what it costs."""

    day: date
    shares: Shares
    measure: LateDays | None
    cost: int


def costs(item: LateItem, under: PointsPlan, bearer: str, through: str) -> Iterator[Cost]:
    """Yield what the late days of an item cost in order, as a unit bears them through one that shares it.

    Each is charged by the version of its month, never for more than its cap leaves over the life of the item,
    by the first indicator that takes the bearer. One that has none is a total of what those below lose; what
    it is charged so uses nothing up of what an indicator of its own leaves.
    """
    spent = {True: 0, False: 0}
    line = under.plan.above.get(through, ())
    for day, shares in sorted(item.days):
        own = _of(bearer, _takers(item, under, month_of(day)), month_of(day))
        measure = own or _in_totals(item, under, (bearer, *line), month_of(day))
        has = own is not None
        cost = 0 if measure is None else max(0, min(measure.per_day, measure.cap - spent[has]))
        spent[has] += cost
        yield Cost(day, shares, measure, cost)


def charges(item: LateItem, measure: str, under: PointsPlan, bearer: str) -> list[Charge]:
    """Return the late days of an item in order, by the units that share it, with what a measure takes.

    `bearer` is the unit whose points are lost: one that shares it, or a unit above.
    """
    sharing = {unit for _, shares in item.days for unit, _ in shares}
    of = {(one.day, unit): one for unit in sharing for one in costs(item, under, bearer, unit)}
    return [
        _charge(item, measure, of[day, unit], unit, share)
        for day, shares in sorted(item.days)
        for unit, share in shares
    ]


def _charge(item: LateItem, measure: str, cost: Cost, unit: str, share: int) -> Charge:
    mine = cost.measure is not None and cost.measure.name == measure
    reason = Free.PROVISIONAL if item.provisional else None if mine else Free.OTHER_INDICATOR
    parts = cost.cost if mine else 0
    return Charge(cost.day, unit, parts * share, None if parts else reason or Free.BEYOND_CAP)


def _of(unit: str, takers: Iterable[Taker], month: int) -> LateDays | None:
    """Return by what a unit is charged: the first indicator that takes it in a month."""
    return next((one.measure for one in takers if one.takes(unit, month)), None)


def _in_totals(item: LateItem, under: PointsPlan, line: tuple[str, ...], month: int) -> LateDays | None:
    """Return by what a unit without an indicator is charged: the first that takes the first unit of a line.

    Where no unit of the line has any, it is the first of its kind.
    """
    takers = tuple(_takers(item, under, month))
    if any(line[0] in one.units for one in takers):
        return None
    taking = next((found for unit in line if (found := _of(unit, takers, month)) is not None), None)
    if taking is None and takers and not any(unit in one.units for one in takers for unit in line):
        return takers[0].measure
    return taking


def _is_charged(item: LateItem, under: PointsPlan, month: int) -> bool:
    """Tell whether anyone is charged for late days of the item in a month."""
    return any(_takers(item, under, month))


def _takers(item: LateItem, under: PointsPlan, month: int) -> Iterator[Taker]:
    if not item.provisional and item.scheme in {None, under.scheme}:
        for one in under.ruling(month).late_days.get(item.kind, ()):
            if item.indicator in {None, one.indicator} and one.holds(month):
                yield one


def month_of(day: date) -> int:
    """Return the month of a day, counted from year 0."""
    return Month(day.year, day.month).ordinal

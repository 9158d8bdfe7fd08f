"""What a scheme scores of a group, made ready: only what depends on rows that moved is computed anew."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from services.scoring.domain.absences import absences
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import scheme_months
from services.scoring.domain.layout import Slots, layout_of
from services.scoring.domain.placing import Reign
from services.scoring.domain.scored import Compared, Scored, compared, scored, without
from services.scoring.domain.sums import UnitSums, Window
from shared.kernel.periods import Month, PeriodCalendar
from shared.kernel.points import MILLIONTHS

ByOver = Mapping[str, tuple[Scored, ...]]


@dataclass(frozen=True, slots=True)
class Gate:
    """Where the volume of a unit stands, below which it is not ranked."""

    over: str
    slots: Slots


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """A group of a version of a scheme, ready to be scored; `months` are those that the version rules.

    `scored` are its indicators by what they run over, `of_unit` the common and the own ones of a unit,
    `compared` those that compare its units. `around` are by month the periods that lie in what it rules
    alone: figures whose months other versions rule too `parts` makes.
    """

    scheme: str
    version: int
    name: str
    calendar: PeriodCalendar
    units: frozenset[str]
    months: tuple[int, ...]
    scored: ByOver
    of_unit: Mapping[str, ByOver]
    compared: tuple[Compared, ...]
    gate: Gate | None
    around: Mapping[int, tuple[tuple[str, Window], ...]]

    @cached_property
    def id(self) -> str:
        """The scheme as messages and tables name it."""
        return f"{self.scheme}@{self.version}"

    @cached_property
    def year(self) -> int:
        """The year whose months it rules."""
        return self.calendar.year_of(self.months[0])

    @cached_property
    def stocks(self) -> frozenset[str]:
        """The indicators that are moved by every month before."""
        return frozenset(one.code for one in (*once(self.scored), *self.compared) if one.stock)

    def of(self, unit: str) -> Iterator[Scored]:
        """Yield the indicators of a unit that do not compare it."""
        yield from once(self.of_unit[unit])

    def volume(self, sums: UnitSums, at: Window) -> int:
        """Return the volume of a unit over months."""
        return self.volume_millionths(sums, at) // MILLIONTHS

    def volume_millionths(self, sums: UnitSums, at: Window) -> int:
        """Return the same before it is cut to whole numbers, so that parts add up."""
        return 0 if self.gate is None else sums.flow(self.gate.over, self.gate.slots, at)[0]


def group_plan(document: SchemeDocument, name: str, reign: Reign | None = None) -> GroupPlan:
    """Make a group of a scheme ready for the months that it rules, without for all that it covers.

    A group that the version does not have has no units in it.
    """
    head = document.scheme
    reign = reign or Reign(tuple(month.ordinal for month in scheme_months(document)))
    specs = [one for one in document.indicators if name in one.groups]
    own = {one.code: scored(document, one, reign) for one in specs if one.method.own is not None}
    volume = document.ranking.minimum_volume
    gate = None
    if volume is not None:
        over = document.measures[volume.measure].over
        gate = Gate(over, layout_of(document, over).slots[volume.measure])
    units = [unit.code for unit in document.units if unit.level == document.level_of(name)]
    whole = _by_over(own.values())
    individual = any(one.units or one.not_applicable for one in specs)
    absent = {one.code: absences(document, one) for one in specs if one.not_applicable}
    return GroupPlan(
        scheme=head.code,
        version=head.version,
        name=name,
        calendar=document.calendar,
        units=frozenset(units),
        months=reign.months,
        scored=whole,
        of_unit={
            unit: _by_over(
                [
                    without(own[one.code], absent.get(one.code, {}).get(unit))
                    for one in specs
                    if one.code in own and one.is_for(unit)
                ]
            )
            if individual
            else whole
            for unit in units
        },
        compared=tuple(
            compared(document, one, reign, [unit for unit in units if one.is_for(unit)])
            for one in specs
            if one.method.comparing is not None
        ),
        gate=gate,
        around={
            month: tuple(one for one in _around(document.calendar, month) if reign.is_alone(one[1]))
            for month in reign.months
        },
    )


def _by_over(indicators: Collection[Scored]) -> ByOver:
    overs = sorted({over for one in indicators for over in one.places})
    return {over: tuple(one for one in indicators if over in one.places) for over in overs}


def once(indicators: ByOver) -> Iterator[Scored]:
    """Yield each indicator under what its own measure runs over."""
    for over, found in indicators.items():
        yield from (one for one in found if one.over == over)


def _around(calendar: PeriodCalendar, month: int) -> Iterator[tuple[str, Window]]:
    for period in calendar.around(Month.of_ordinal(month)):
        yield str(period), (period.first.ordinal, period.last.ordinal)

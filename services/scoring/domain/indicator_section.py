"""Indicators of a scheme: what is scored, when it becomes due, and to which units it does not apply."""

from typing import Literal

from pydantic import Field

from services.scoring.domain.methods.spec import MethodSpec
from services.scoring.domain.shapes import (
    Assessed,
    Closed,
    Code,
    DayText,
    DecimalText,
    MonthText,
    Sourced,
    Text,
)
from shared.kernel.periods import Cycle, Month

MOST_DAYS = 100


class AbsenceSpec(Sourced):
    """Units to which an indicator does not apply (缺项), and why; its points are spread inside its board."""

    units: tuple[str, ...] = Field(min_length=1)
    """The units to which it does not apply."""
    from_: MonthText | None = Field(None, alias="from")
    """The first month in which it does not; left out: the first of the scheme."""
    until: MonthText | None = None
    """The last such month; left out: the last of the scheme."""
    reason: Text
    """Why it does not apply."""


class MilestoneSpec(Closed):
    """A milestone (序时节点) of the matter that an indicator follows."""

    name: Text
    """What is to be reached."""
    due: DayText
    """The day until which it is to be reached."""


class IndicatorSpec(Sourced):
    """What is scored: of all units of its groups, or as an individual one (个性指标) of some of them.

    It belongs to a board or to an overlay; without either a bonus stands outside them.
    """

    code: Code
    """What names the indicator."""
    name: Text
    """What people call it."""
    board: str | None = None
    """The board that its points belong to."""
    overlay: str | None = None
    """The special assessment (专项考评) that its points belong to, instead of a board."""
    points: DecimalText
    """Its points w, above 0."""
    assessor: str = ""
    """The unit that assesses it (考评司局); every indicator has one."""
    groups: tuple[str, ...] = Field(min_length=1)
    """The groups whose units have it."""
    units: tuple[str, ...] = ()
    """The units that have it alone, for an individual one (个性指标); without them all of its groups."""
    not_applicable: tuple[AbsenceSpec, ...] = ()
    """To which of these units it does not apply, and why (缺项折算)."""
    cycle: Assessed = "month"
    """When it becomes due: at the end of each month, quarter, half-year or year, or in the months of days.

    point: of its `dates`; progress: of its `milestones` (序时进度).
    """
    dates: tuple[DayText, ...] = Field((), max_length=MOST_DAYS)
    """The days at which it is assessed, with `cycle: point`."""
    milestones: tuple[MilestoneSpec, ...] = Field((), max_length=MOST_DAYS)
    """The milestones at which it is assessed, with `cycle: progress`."""
    collection: Literal["machine", "system", "manual"] = "machine"
    """machine: 机生机汇; system: 系统测评 or a third party; manual: by persons."""
    measure: str
    """The measure that it takes its value from."""
    decomposes: Code | None = None
    """The indicator of the parent scheme that it carries on."""
    method: MethodSpec
    """How the value becomes points."""
    no_data: Literal["not_assessed", "zero", "full"] = "not_assessed"
    """What no data means: not_assessed: 未考, the total is a range; zero: 0 points; full: all its points."""

    @property
    def further(self) -> tuple[str, ...]:
        """What the formula takes beside the measure's own sums, in its order, by the names of a layout."""
        if self.method.survey is not None:
            classes = (class_sums(self.measure, one.rater) for one in self.method.survey.classes)
            return (*(name for sums in classes for name in sums), short_rounds(self.measure))
        return tuple(self.method.further_measures.values())

    @property
    def calendar_cycle(self) -> Cycle:
        """The cycle of the calendar at whose end it is due; what names days is assessed by months."""
        return Cycle.MONTH if self.cycle in {"point", "progress"} else Cycle(self.cycle)

    @property
    def days(self) -> tuple[str, ...]:
        """The days that it names to be assessed at; none with a cycle of the calendar."""
        match self.cycle:
            case "point":
                return self.dates
            case "progress":
                return tuple(one.due for one in self.milestones)
            case _:
                return ()

    @property
    def named_months(self) -> frozenset[int] | None:
        """The only months in which it is due, those of its days; None without days, or where always due."""
        if not self.days or self.method.is_always_due:
            return None
        return frozenset(Month.parse(day[:7]).ordinal for day in self.days)

    @property
    def is_sure(self) -> bool:
        """Whether it is worth something without any data: by its method, or as the scheme says."""
        return self.method.is_always_due or self.no_data != "not_assessed"

    @property
    def is_extra(self) -> bool:
        """Whether it stands outside boards and overlays: nothing of it is to be reached."""
        return self.board is None and self.overlay is None

    def is_for(self, unit: str) -> bool:
        """Tell whether a unit of its groups has the indicator."""
        return not self.units or unit in self.units


def class_sums(measure: str, rater: str) -> tuple[str, str]:
    """Return how a layout names what the kept answers of a class of raters sum to, and how many they are."""
    return f"{measure}/{rater}/total", f"{measure}/{rater}/kept"


def short_rounds(measure: str) -> str:
    """Return how a layout names in how many rounds of a survey a class was below its minimum."""
    return f"{measure}/short"

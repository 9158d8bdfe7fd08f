"""The shape of a scheme document: closed, so that a misspelt word is refused and an editor can complete."""

from typing import Any, Literal

from pydantic import Field, model_validator

from services.scoring.domain.example_section import ExamplesSpec
from services.scoring.domain.incident_section import IncidentsSpec
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.item_section import ItemSpec
from services.scoring.domain.measures import AnyMeasure, MeasureSpec, SurveyedSpec
from services.scoring.domain.overlay_section import OverlaySpec
from services.scoring.domain.result_section import ResultSpec
from services.scoring.domain.shapes import (
    Closed,
    Code,
    DecimalText,
    Flag,
    MonthText,
    Name,
    Sourced,
    Text,
    Version,
    Whole,
)
from services.scoring.domain.survey_section import SurveySection
from shared.kernel.periods import Month, PeriodCalendar
from shared.kernel.reigns import Months


class Head(Sourced):
    """Which scheme this is, the months it covers, and its rounds of consultation (三上三下)."""

    code: Code
    """What names the scheme, the same in all its versions."""
    version: Version
    """The version; it rises with every change, an adopted one never changes."""
    effective: MonthText
    """The first month that it covers, as 2021-01; a version comes into force on the first of a month."""
    until: MonthText
    """The last month that it covers, of the same year by `first_month`."""
    zone: str
    """The time zone whose months count, as Asia/Shanghai."""
    first_month: Whole = Field(1, ge=1, le=12)
    """The month in which years begin, 1 to 12; the year 2021 begins in that month of 2021."""
    total: DecimalText
    """The points of the whole, which the boards sum to, as text: "1000"."""
    places: Whole = Field(2, ge=0, le=9)
    """How many places published figures have."""
    consultation_rounds: Whole = Field(0, ge=0, le=99)
    """How many rounds of consultation it has before it may be adopted (三上三下: 3)."""
    grace_days: Whole | None = Field(None, ge=0, le=60)
    """After how many working days a period's cut passes, from which on what is received is late.

    Left out: its periods have no cut and cannot be closed.
    """
    title: Text
    """What people call it."""
    simulated: Flag = False
    """True for a scheme of simulated data; screens say 模拟 / simulated."""

    @property
    def calendar(self) -> PeriodCalendar:
        """The calendar of its periods."""
        return PeriodCalendar(self.first_month)

    @property
    def year(self) -> int:
        """The year of its months."""
        return self.calendar.year_of(Month.parse(self.effective).ordinal)


class UnitSpec(Sourced):
    """A unit and the one above it."""

    code: Code
    """What names the unit in events."""
    parent: str | None = None
    """The unit above; none for the topmost."""
    name: Text
    """What people call it."""
    level: Name
    """Its level, by which groups are made."""


class GroupSpec(Sourced):
    """Units compared with each other: all of a level."""

    level: Name
    """The level whose units are compared with each other."""
    title: Text
    """What people call the group."""


class BoardSpec(Sourced):
    """A part of the total; `floor_above` is the share that it must exceed."""

    code: Code
    """What names the board (板块)."""
    title: Text
    """What people call it."""
    points: DecimalText
    """Its points; the indicators of every unit sum to them."""
    floor_above: DecimalText | None = None
    """The share of the total that its points must exceed, as "0.25"; exactly that share is refused."""


class ColumnSpec(Closed):
    """A column of a case: one aggregate over the events of one type, by the time they occurred."""

    first: str | None = None
    """This field of the event that occurred first."""
    last: str | None = None
    """This field of the event that occurred last."""
    min: str | None = None
    """The least value of this field."""
    max: str | None = None
    """The greatest value of this field."""
    sum: str | None = None
    """The sum of this field over the events."""
    count: Literal["*"] | None = None
    """How many events there are: "*"."""
    of: str
    """The event type that it is taken of."""
    where: str | None = None
    """Only of events of which this is true: of their fields, and of columns as `time >= fine.notified`."""

    @model_validator(mode="after")
    def _one_aggregate(self) -> "ColumnSpec":
        if len(self.aggregates()) != 1:
            raise ValueError("a column has exactly one of first, last, min, max, sum, count")
        return self

    def aggregates(self) -> dict[str, str]:
        """Return the aggregates named."""
        return self.model_dump(include={"first", "last", "min", "max", "sum", "count"}, exclude_none=True)


class ViewSpec(Closed):
    """A case view: its event types and its columns."""

    events: tuple[str, ...] = Field(min_length=1)
    """The event types whose events make up a case."""
    columns: dict[Name, ColumnSpec]
    """The columns of a row, one row for each case."""


class CoverageSpec(Sourced):
    """The shares of the points that machines are to give; only their sum decides, the split is shown."""

    machine: DecimalText
    """The share of the points from machine indicators that is aimed at, as "0.53"."""
    system: DecimalText
    """The share from system indicators, as "0.27"."""


class ParentSpec(Sourced):
    """The version of the scheme above, and the unit of it whose own scheme this is."""

    scheme: Code
    """The code of the scheme above."""
    version: Version
    """Its version."""
    unit: Code
    """The unit of it whose own scheme this is."""


class ChildrenSpec(Sourced):
    """What the scheme of a unit below may ask at most."""

    indicators: Whole = Field(ge=1, lt=1 << 31)
    """How many indicators a child scheme has at most."""


class TierSpec(Sourced):
    """A tier (段), what officials call it, and its share of the ranked units."""

    code: Name
    """What names the tier (段)."""
    title: str | None = None
    """What officials call it, as 第一段."""
    share: DecimalText
    """Its share of the ranked units; all shares sum to 1."""


class VolumeSpec(Sourced):
    """Units with less than this of a measure follow unranked."""

    measure: str
    """The measure that is a unit's volume."""
    at_least: Whole = Field(ge=1, lt=1 << 63)
    """The volume from which on a unit is ranked."""


class RankingSpec(Closed):
    """How units are ranked."""

    minimum_volume: VolumeSpec | None = None
    """Below this volume units follow unranked."""


class SchemeDocument(Closed):
    """The whole document."""

    scheme: Head
    """Which scheme this is."""
    parent: ParentSpec | None = None
    """The scheme above, for a unit's own scheme for those below it."""
    children: ChildrenSpec | None = None
    """What the schemes of units below may ask."""
    units: tuple[UnitSpec, ...] = Field(min_length=1)
    """Every unit with the one above it; [] where a table of units is given beside."""
    trees: dict[Name, Name]
    """Names of trees, each with the column whose code leads a row into it."""
    groups: dict[Name, GroupSpec]
    """Units that are compared, by the name of the group."""
    boards: tuple[BoardSpec, ...] = Field(min_length=1)
    """The boards (板块), which sum to the total."""
    overlays: tuple[OverlaySpec, ...] = ()
    """Special assessments (专项考评) with months of their own, added to the total or beside it."""
    views: dict[Name, ViewSpec] = Field({})
    """Case views, by name."""
    measures: dict[Name, AnyMeasure]
    """Measures (取数口径), by name."""
    indicators: tuple[IndicatorSpec, ...] = Field(min_length=1)
    """What is scored."""
    coverage: CoverageSpec | None = None
    """The share of the points that machines are to give (机考率)."""
    tiers: tuple[TierSpec, ...] = ()
    """The tiers (段), the best first."""
    ranking: RankingSpec = RankingSpec()
    """How units are ranked."""
    incidents: IncidentsSpec | None = None
    """Findings, inspections and what an incident costs (同一问题)."""
    items: dict[Name, ItemSpec] = Field({})
    """Which events put a matter under supervision (督考事项), by the name of the kind."""
    surveys: dict[Name, SurveySection] = Field({})
    """Who is asked, and when (多维测评), by the name of the survey."""
    results: dict[Name, ResultSpec] = Field({})
    """Ready results of other systems that are reconciled with the raw facts (对账), by name."""
    examples: ExamplesSpec | None = None
    """Events as they could come, and what measures then are."""

    @property
    def calendar(self) -> PeriodCalendar:
        """The calendar of its periods."""
        return self.scheme.calendar

    @property
    def event_measures(self) -> dict[str, MeasureSpec]:
        """The measures of events, by name."""
        return {name: spec for name, spec in self.measures.items() if isinstance(spec, MeasureSpec)}

    def level_of(self, group: str) -> str | None:
        """Return the level of the units of a group, None where there is no such group."""
        return self.groups[group].level if group in self.groups else None

    def overlay_of(self, indicator: IndicatorSpec) -> OverlaySpec | None:
        """Return the overlay that an indicator belongs to, None where it belongs to none."""
        return next((one for one in self.overlays if one.code == indicator.overlay), None)

    def is_counted(self, indicator: IndicatorSpec) -> bool:
        """Tell whether its points are inside the total: in a board, or in an overlay that is added."""
        overlay = self.overlay_of(indicator)
        return indicator.board is not None or (overlay is not None and overlay.counts == "added")

    def months_of(self, indicator: IndicatorSpec) -> Months | None:
        """Return the months of the overlay of an indicator; None where it has those of the scheme."""
        overlay = self.overlay_of(indicator)
        return None if overlay is None else overlay.months

    def months_taken(self, indicator: IndicatorSpec) -> frozenset[int] | None:
        """Return the only months of which an indicator takes anything; None where it takes all.

        Of an overlay they are those of the overlay, of one that names days those of its days.
        """
        within, named = self.months_of(indicator), indicator.named_months
        if within is None:
            return named
        months = frozenset(range(within[0], within[1] + 1))
        return months if named is None else months & named

    def indicators_of_survey(self, name: str) -> tuple[IndicatorSpec, ...]:
        """Return the indicators that are questions of a survey."""
        measures = {
            measure
            for measure, spec in self.measures.items()
            if isinstance(spec, SurveyedSpec) and spec.survey == name
        }
        return tuple(one for one in self.indicators if one.measure in measures)

    def units_of(self, indicator: IndicatorSpec) -> set[str]:
        """Return the units that have an indicator."""
        levels = {self.groups[name].level for name in indicator.groups}
        return {unit.code for unit in self.units if unit.level in levels and indicator.is_for(unit.code)}

    def written(self) -> dict[str, Any]:
        """Return the one form that is stored, digested and published: defaults in, absent values out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scheme document, for editors; what a field does not say its part says."""
    schema = SchemeDocument.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for field in part.get("properties", {}).values():
            field.setdefault("description", part.get("description", ""))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema

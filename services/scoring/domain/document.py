"""The shape of a scheme document: closed, so that a misspelt word is refused and an editor can complete."""

from typing import Any, Literal

from pydantic import Field, model_validator

from services.scoring.domain.incident_section import IncidentsSpec
from services.scoring.domain.item_section import ItemSpec
from services.scoring.domain.measures import AnyMeasure, MeasureSpec
from services.scoring.domain.methods.spec import MethodSpec
from services.scoring.domain.shapes import (
    Closed,
    Code,
    Cycle,
    DecimalText,
    Flag,
    MonthText,
    Name,
    Sourced,
    Text,
    Version,
    Whole,
)


class Head(Sourced):
    """Which scheme this is, the months it covers, and its rounds of consultation (三上三下)."""

    code: Code
    version: Version
    effective: MonthText
    until: MonthText
    zone: str
    total: DecimalText
    places: Whole = Field(2, ge=0, le=9)
    consultation_rounds: Whole = Field(0, ge=0, le=99)
    title: Text
    simulated: Flag = False


class UnitSpec(Sourced):
    """A unit and the one above it."""

    code: Code
    parent: str | None = None
    name: Text
    level: Name


class GroupSpec(Sourced):
    """Units compared with each other: all of a level."""

    level: Name
    title: Text


class BoardSpec(Sourced):
    """A part of the total; `floor_above` is the share that it must exceed."""

    code: Code
    title: Text
    points: DecimalText
    floor_above: DecimalText | None = None


class ColumnSpec(Closed):
    """A column of a case: one aggregate over the events of one type, by the time they occurred."""

    first: str | None = None
    last: str | None = None
    min: str | None = None
    max: str | None = None
    sum: str | None = None
    count: Literal["*"] | None = None
    of: str

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
    columns: dict[Name, ColumnSpec]


class IndicatorSpec(Sourced):
    """What is scored: of all units of its groups, or as an individual one (个性指标) of some of them.

    Without a board a bonus stands outside them.
    """

    code: Code
    name: Text
    board: str | None = None
    points: DecimalText
    assessor: str = ""
    groups: tuple[str, ...] = Field(min_length=1)
    units: tuple[str, ...] = ()
    cycle: Cycle = "month"
    collection: Literal["machine", "system", "manual"] = "machine"
    measure: str
    decomposes: Code | None = None
    method: MethodSpec
    no_data: Literal["not_assessed"] = "not_assessed"

    def is_for(self, unit: str) -> bool:
        """Tell whether a unit of its groups has the indicator."""
        return not self.units or unit in self.units


class CoverageSpec(Sourced):
    """The shares of the points that machines are to give; only their sum decides, the split is shown."""

    machine: DecimalText
    system: DecimalText


class ParentSpec(Sourced):
    """The version of the scheme above, and the unit of it whose own scheme this is."""

    scheme: Code
    version: Version
    unit: Code


class ChildrenSpec(Sourced):
    """What the scheme of a unit below may ask at most."""

    indicators: Whole = Field(ge=1, lt=1 << 31)


class TierSpec(Sourced):
    """A tier and its share of the ranked units."""

    code: Name
    share: DecimalText


class VolumeSpec(Sourced):
    """Units with less than this of a measure follow unranked."""

    measure: str
    at_least: Whole = Field(ge=1, lt=1 << 63)


class RankingSpec(Closed):
    """How units are ranked."""

    minimum_volume: VolumeSpec | None = None


class SchemeDocument(Closed):
    """The whole document."""

    scheme: Head
    parent: ParentSpec | None = None
    children: ChildrenSpec | None = None
    units: tuple[UnitSpec, ...] = Field(min_length=1)
    trees: dict[Name, Name]
    groups: dict[Name, GroupSpec]
    boards: tuple[BoardSpec, ...] = Field(min_length=1)
    views: dict[Name, ViewSpec] = Field({})
    measures: dict[Name, AnyMeasure]
    indicators: tuple[IndicatorSpec, ...] = Field(min_length=1)
    coverage: CoverageSpec | None = None
    tiers: tuple[TierSpec, ...] = ()
    ranking: RankingSpec = RankingSpec()
    incidents: IncidentsSpec | None = None
    items: dict[Name, ItemSpec] = Field({})

    @property
    def event_measures(self) -> dict[str, MeasureSpec]:
        """The measures of events, by name."""
        return {name: spec for name, spec in self.measures.items() if isinstance(spec, MeasureSpec)}

    def units_of(self, indicator: IndicatorSpec) -> set[str]:
        """Return the units that have an indicator."""
        levels = {self.groups[name].level for name in indicator.groups}
        return {unit.code for unit in self.units if unit.level in levels and indicator.is_for(unit.code)}

    def written(self) -> dict[str, Any]:
        """Return the one form that is stored, digested and published: defaults in, absent values out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scheme document, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | SchemeDocument.model_json_schema()

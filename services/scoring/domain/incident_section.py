"""The `incidents` section of a scheme: which events are findings and inspections, and what they cost."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.scoring.domain.shapes import (
    Closed,
    Code,
    DayText,
    DecimalText,
    Flag,
    Name,
    Sourced,
    Text,
    Whole,
)

Severity = Annotated[Whole, Field(ge=0, lt=1 << 31)]
Overlap = Literal["content", "years"]


class YearsSpec(Closed):
    """The fields of the first and the last year; the same field twice where there is one."""

    from_: Name = Field(alias="from")
    until: Name


class OwnSpec(Closed):
    """What a confirmed finding costs the unit that it is about, whatever the triggers say.

    `points` are a field of the event, or a number of the scheme.
    """

    indicator: Code
    points: Name | DecimalText


class FindingSpec(Closed):
    """An event type whose events are findings, and its fields.

    `status` holds alleged, checked, confirmed or dropped; `finder` who found it, else the source did.
    """

    type: str
    object: Name
    content: Name
    years: YearsSpec
    discovered: Name
    status: Name
    severity: Name
    finder: Name | None = None
    deducts: OwnSpec | None = None


class InspectionSpec(Closed):
    """An event type whose events are inspections, and its fields.

    `found` is the number of problems; without `content` an inspection is one of every content; `inspector` is
    who made it, else the unit of the event did.
    """

    type: str
    object: Name
    content: Name | None = None
    years: YearsSpec
    started: Name
    ended: Name
    found: Name
    inspector: Name | None = None


class LossSpec(Closed):
    """What a unit loses in a role."""

    indicator: Code
    points: DecimalText


class RolesSpec(Closed):
    """The department that owns the content, the bureau, the responsible inspectorate."""

    department: LossSpec
    bureau: LossSpec
    inspectorate: LossSpec


class TriggerSpec(Sourced):
    """A finding follows an inspection of the same object that found nothing.

    It fires where both overlap in all that is named, the finding's severity is at the gate or past it, and it
    was discovered after the last day of the inspection; `another_finder` spares who finds it himself.
    """

    code: Code
    title: Text
    overlap: tuple[Overlap, ...] = ()
    another_finder: Flag = False
    gate: Severity
    roles: RolesSpec


class JurisdictionSpec(Sourced):
    """Units an inspectorate is responsible for, from a day on and until a day, both included."""

    inspectorate: Code
    units: tuple[Code, ...] = Field(min_length=1)
    from_: DayText = Field(alias="from")
    until: DayText | None = None


class IncidentsSpec(Closed):
    """What an incident is made of and what it costs; `contents` names the department that owns each."""

    findings: tuple[FindingSpec, ...] = Field(min_length=1)
    inspections: tuple[InspectionSpec, ...] = ()
    contents: dict[Code, Code] = Field({})
    triggers: tuple[TriggerSpec, ...] = ()
    jurisdictions: tuple[JurisdictionSpec, ...] = ()

    @model_validator(mode="after")
    def _types_are_named_once(self) -> "IncidentsSpec":
        types = [one.type for one in (*self.findings, *self.inspections)]
        if len(set(types)) < len(types):
            raise ValueError("an event type is a finding or an inspection, and named once")
        return self

    @property
    def types(self) -> frozenset[str]:
        """The event types that concern incidents."""
        return frozenset(one.type for one in (*self.findings, *self.inspections))

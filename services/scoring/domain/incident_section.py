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
    """The field that holds the first year."""
    until: Name
    """The field that holds the last year."""


class OwnSpec(Closed):
    """What a confirmed finding costs the unit that it is about, whatever the triggers say.

    `points` are a field of the event, or a number of the scheme.
    """

    indicator: Code
    """The indicator that loses the points."""
    points: Name | DecimalText
    """A field that holds the points, or a number as text."""


class FindingSpec(Closed):
    """An event type whose events are findings, and its fields.

    `status` holds alleged, checked, confirmed or dropped; `finder` who found it, else the source did.
    """

    type: str
    """The event type."""
    object: Name
    """The field of what it is about, such as a taxpayer."""
    content: Name
    """The field of what kind of problem it is."""
    years: YearsSpec
    """The fields of the years of the problem."""
    discovered: Name
    """The field of when it was discovered."""
    status: Name
    """The field that holds alleged, checked, confirmed or dropped."""
    severity: Name
    """The field of how grave it is."""
    finder: Name | None = None
    """The field of who found it; without it the source did."""
    deducts: OwnSpec | None = None
    """What a confirmed finding costs its own unit."""


class InspectionSpec(Closed):
    """An event type whose events are inspections, and its fields.

    `found` is the number of problems; without `content` an inspection is one of every content; `inspector` is
    who made it, else the unit of the event did.
    """

    type: str
    """The event type."""
    object: Name
    """The field of what was inspected."""
    content: Name | None = None
    """The field of what was looked for; without it everything was."""
    years: YearsSpec
    """The fields of the years that were inspected."""
    started: Name
    """The field of the first day."""
    ended: Name
    """The field of the last day."""
    found: Name
    """The field that holds the number of problems."""
    inspector: Name | None = None
    """The field of who inspected; without it the unit of the event did."""


class LossSpec(Closed):
    """What a unit loses in a role."""

    indicator: Code
    """The indicator that loses the points."""
    points: DecimalText
    """The points, as text."""


class RolesSpec(Closed):
    """The department that owns the content, the bureau, the responsible inspectorate."""

    department: LossSpec
    """What the department that owns the content loses."""
    bureau: LossSpec
    """What the bureau loses."""
    inspectorate: LossSpec
    """What the responsible inspectorate loses."""


class TriggerSpec(Sourced):
    """A finding follows an inspection of the same object by an inspectorate, which found nothing.

    It fires where both overlap in all that is named, the finding's severity is at the gate or past it, and it
    was discovered after the last day of the inspection; `another_finder` spares who finds it himself.
    """

    code: Code
    """What names the trigger."""
    title: Text
    """What people call it."""
    overlap: tuple[Overlap, ...] = ()
    """In what finding and inspection overlap, beside the object."""
    another_finder: Flag = False
    """True where it spares an inspectorate that found the problem itself."""
    gate: Severity
    """The severity from which on it fires."""
    roles: RolesSpec
    """Who loses what."""


class JurisdictionSpec(Sourced):
    """Units an inspectorate is responsible for, from a day on and until a day, both included."""

    inspectorate: Code
    """The unit that is responsible."""
    units: tuple[Code, ...] = Field(min_length=1)
    """For which units."""
    from_: DayText = Field(alias="from")
    """From this day on."""
    until: DayText | None = None
    """Until this day; without it on and on."""


class IncidentsSpec(Closed):
    """What an incident is made of and what it costs; `contents` names the department that owns each."""

    findings: tuple[FindingSpec, ...] = Field(min_length=1)
    """Event types that are findings."""
    inspections: tuple[InspectionSpec, ...] = ()
    """Event types that are inspections."""
    contents: dict[Code, Code] = Field({})
    """The department that owns each content."""
    triggers: tuple[TriggerSpec, ...] = ()
    """When linked points are lost."""
    jurisdictions: tuple[JurisdictionSpec, ...] = ()
    """Which inspectorate was responsible when."""

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

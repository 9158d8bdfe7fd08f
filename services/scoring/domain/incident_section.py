"""The `incidents` section of a scheme: which events are findings and inspections, and what they cost."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.scoring.domain.shapes import (
    Closed,
    Code,
    DayText,
    DecimalText,
    Name,
    Sourced,
    Text,
    Whole,
)

Severity = Annotated[Whole, Field(ge=0, lt=1 << 31)]
FactName = Literal[
    "finding.type",
    "finding.unit",
    "finding.object",
    "finding.content",
    "finding.years",
    "finding.discovered",
    "finding.severity",
    "finding.finder",
    "inspection.type",
    "inspection.unit",
    "inspection.object",
    "inspection.content",
    "inspection.years",
    "inspection.started",
    "inspection.ended",
    "inspection.found",
    "inspection.inspector",
    "inspection.by",
]
TESTS = ("meets", "differs", "is_", "at_least", "at_most", "before")
Values = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(min_length=1)]


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

    `status` holds alleged, checked, confirmed or dropped. Who found it is never guessed from who sent it.
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
    """The field of who found it; a trigger asks for it only where every type of finding has one."""
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


class ConditionSpec(Closed):
    """A fact of a finding or of an inspection, and exactly one test of it."""

    fact: FactName
    """The fact that is asked for; `inspection.by` is inspectorate or other."""
    meets: FactName | None = None
    """It is the same as this fact, years have one in common; an inspection of every content meets each."""
    differs: FactName | None = None
    """It is another than this fact."""
    is_: Values | None = Field(None, alias="is")
    """It is one of these, as text."""
    at_least: Severity | None = None
    """It is this number or more."""
    at_most: Severity | None = None
    """It is this number or less."""
    before: FactName | None = None
    """Its day is before the day of this fact."""
    same_day: Literal["person", "before", "not_before"] | None = None
    """What holds where both are on one day: a person says, it counts as before, or it does not."""

    @model_validator(mode="after")
    def _one_test(self) -> "ConditionSpec":
        if sum(getattr(self, name) is not None for name in TESTS) != 1:
            raise ValueError(f"a condition has exactly one of {', '.join(TESTS).replace('is_', 'is')}")
        if (self.before is None) != (self.same_day is None):
            raise ValueError("same_day stands beside before, and nowhere else")
        return self


class TriggerSpec(Sourced):
    """A confirmed finding costs others too, because of an inspection beside it.

    It fires where the finding's severity is at the gate or past it and all conditions hold; where one leaves
    it to a person and the others hold, a person says.
    """

    code: Code
    """What names the trigger."""
    title: Text
    """What people call it."""
    gate: Severity
    """The severity from which on it fires."""
    when: tuple[ConditionSpec, ...] = Field(min_length=1, max_length=50)
    """What must be so of the finding and the inspection, all of it."""
    roles: RolesSpec
    """Who loses what."""


class RiseSpec(Sourced):
    """Where the risk of regions is looked at: a month's count against exposure and the own baseline."""

    code: Annotated[Code, Field(max_length=32)]
    """What names it; no trigger has it."""
    title: Text
    """What people call it."""
    group: Name
    """The group whose units are the regions."""
    measure: Name
    """A ratio of events: its numerator counts, its denominator is the exposure."""
    baseline_months: Annotated[Whole, Field(ge=1, le=11)]
    """How many months before are its baseline; of those the ones that the scheme covers."""
    minimum: Annotated[Whole, Field(ge=1, lt=1 << 31)]
    """The count from which on a rise is one."""
    alpha: DecimalText
    """The chance of any wrong rise in a month that is taken, as "0.01"."""
    grace_days: Annotated[Whole, Field(ge=0, le=60)]
    """How many working days of grace follow the month; T is 24:00 of the last, what comes then is late."""
    content: Code
    """The content of the problem that a rise is; its department loses too."""
    roles: RolesSpec
    """Who loses what by a rise."""


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
    rises: tuple[RiseSpec, ...] = ()
    """Where the risk of regions is looked at (区域执法风险)."""
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

"""Findings on their way, what persons ruled and judged, and what is decided of incidents."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from shared.contracts.fields import Closed, Code, DecimalText, InstantText, MonthText, Version
from shared.contracts.scoring.sums import Cause

FINDING_REPORTED = "dukao.finding-reported.v1"
INCIDENT_RULED = "dukao.incident-ruled.v1"
RISES_JUDGED = "dukao.rises-judged.v1"
DEDUCTION_DECIDED = "dukao.deduction-decided.v1"

Amount = Annotated[int, Field(ge=0)]
ChanceText = Annotated[str, Field(pattern=r"^[01]\.[0-9]{12}$")]


class FindingReported(Closed):
    """A report of a finding or an inspection as it was accepted, on its way to where incidents are decided.

    `object` is what any report of the same fact names; a report is told once for each such object, so that a
    retraction, which names none, comes to all of them.
    """

    object: Code
    event: dict[str, Any]


class ReportName(Closed):
    """The first report of a finding or an inspection."""

    source: str = Field(min_length=1, max_length=128)
    id: str = Field(min_length=1, max_length=128)


class IncidentName(Closed):
    """One problem: what it is about and the year of the problem itself."""

    object: Code
    content: Code
    year: int = Field(ge=1900, le=2199)


class RulingAct(StrEnum):
    """What a person says: whether a trigger fires, or whether two incidents are one problem."""

    APPLY = "apply"
    DISMISS = "dismiss"
    JOIN = "join"
    PART = "part"


class IncidentRuled(Closed):
    """A person's ruling, a fact from here on; of several on one question or pair the last counts.

    `apply` and `dismiss` answer a question of finding, trigger and inspection; `join` and `part` name another
    incident.
    """

    act: RulingAct = Field(strict=False)
    incident: IncidentName
    person: str = Field(min_length=1, max_length=128)
    reason: str = Field("", max_length=500)
    finding: ReportName | None = None
    trigger: Code | None = None
    inspection: ReportName | None = None
    other: IncidentName | None = None


class RegionTested(Closed):
    """A region: counts and exposure of the month and of its baseline, and what the test said; 12 places."""

    unit: Code
    count: Amount
    exposure: Amount
    before: Amount
    exposure_before: Amount
    p: ChanceText
    adjusted: ChanceText
    significant: bool


class RisesJudged(Closed):
    """The regions of a month whose T had passed, tested once: a fact from here on, whatever comes later.

    `at` is the last instant of the month, `closes` is its T: what was received then or later is not counted.
    `minimum` and `alpha` are those by which it was decided. It costs nobody anything until another than
    `person` rules that it applies.
    """

    scheme: Code
    version: Version
    code: Code
    month: MonthText
    at: InstantText
    closes: InstantText
    measure: str = Field(min_length=1, max_length=64)
    baseline: tuple[MonthText, ...] = Field(strict=False)
    minimum: Amount
    alpha: DecimalText
    person: str = Field(min_length=1, max_length=128)
    regions: tuple[RegionTested, ...] = Field(strict=False)


class RoleOfUnit(StrEnum):
    """As what a unit loses points."""

    OWN = "own"
    DEPARTMENT = "department"
    BUREAU = "bureau"
    INSPECTORATE = "inspectorate"


class DeductionState(StrEnum):
    """Whether a unit loses the points of a deduction.

    `revived` counts, and would not if a finding that was revoked still stood; `suppressed` does not, because
    another of the same problem counts; `not_scored` does not, because the indicator is not one of the unit.
    """

    COUNTED = "counted"
    REVIVED = "revived"
    SUPPRESSED = "suppressed"
    NOT_SCORED = "not_scored"


class Deduction(Closed):
    """What a finding costs a unit in the month of the finding, and whether it counts."""

    finding: ReportName
    role: RoleOfUnit = Field(strict=False)
    indicator: Code
    month: MonthText
    points: DecimalText
    scheme: str = Field(description="code@version")
    state: DeductionState = Field(strict=False)
    suppressed_by: ReportName | None = None
    trigger: Code | None = None
    inspection: ReportName | None = None
    figures: str = Field(
        "", max_length=500, description="of a region whose risk rose: the figures of the test"
    )


class DeductionDecided(Closed):
    """All that was decided of an incident for a unit; the highest version counts and takes back the others.

    A finding of several years is told under the first of them. `received` is the newest of the cause, and
    `newest` that of all reports and rulings of the incident, where the cause came behind some of them.
    """

    key: str = Field(min_length=1, max_length=256)
    version: Version
    incident: IncidentName
    unit: Code
    deductions: tuple[Deduction, ...] = Field(strict=False)
    received: InstantText
    cause: tuple[Cause, ...] = Field(strict=False)
    newest: InstantText | None = None

"""What the door of incidents takes and answers."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.scoring.answers import After
from services.scoring.contract import Deduction, RegionTested, ReportName
from services.scoring.domain.incidents.deciding import Doubt
from services.scoring.domain.incidents.facts import Status
from services.scoring.domain.incidents.reading import Unreadable
from services.scoring.domain.incidents.settling import Stage
from shared.contracts.fields import Closed, Code, DayText, InstantText

ID_PATTERN = r"^[0-9A-Za-z:._-]{1,64}~[0-9A-Za-z:._-]{1,64}~[0-9]{4}$"

IncidentPath = Annotated[str, Path(pattern=ID_PATTERN, description="object~content~year")]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Filters(After):
    """Which incidents are wanted."""

    stage: Stage | None = None
    object: Code | None = Field(None, description="what it is about, as a taxpayer")
    content: Code | None = None
    year: int | None = Field(None, ge=1900, le=2199, description="the year of the problem")
    unit: Code | None = Field(None, description="a unit that it concerns, in whatever role")
    waiting: bool | None = Field(None, description="only those that wait for a person, or that do not")


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class Lost(Answer):
    """What a unit loses by an incident."""

    unit: str
    role: str
    points: str


class Waiting(Answer):
    """What a person is asked: whether a trigger fires for a finding after an inspection.

    `same_day` is for a person to say, `second_person` for another than who judged the month of a rise, which
    follows itself; the other reasons are mended in the scheme.
    """

    finding: ReportName
    trigger: str
    inspection: ReportName
    why: Doubt


class Answered(Answer):
    """What a person ruled last on a question; another ruling takes it back."""

    finding: ReportName
    trigger: str
    inspection: ReportName
    ruling: Literal["apply", "dismiss"]


class IncidentLine(Answer):
    """An incident: how far it has come, who says so, what it costs whom, what waits for a person.

    `problem` is the first of the incidents that it hangs together with, of which only the highest deduction
    counts for each unit; `contradicted` says that sources do not agree. Who corroborates says what it came
    to, who contradicts says otherwise, and a source that withdrew says nothing.
    """

    id: str
    object: str
    content: str
    year: int
    stage: Stage
    problem: str
    units: list[str]
    findings: int
    sources: list[str]
    contradicted: bool
    corroborated_by: list[str]
    contradicted_by: list[str]
    lost: list[Lost]
    waiting: list[Waiting]


class IncidentPage(Answer):
    """A page of incidents."""

    items: list[IncidentLine]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class FindingShown(Answer):
    """What one source says; it corroborates or contradicts the others, unless it is withdrawn."""

    source: str
    id: str
    unit: str
    finder: str
    status: Status
    stance: Literal["corroborates", "contradicts", "withdrawn"]
    severity: int
    occurred: InstantText
    discovered: DayText
    years: tuple[int, int]


class InspectionShown(Answer):
    """An inspection of the same object and content; without a content it was one of every content."""

    source: str
    id: str
    unit: str
    inspector: str
    content: str | None
    years: tuple[int, int]
    started: DayText
    ended: DayText
    found: int


class DeductionShown(Deduction):
    """A deduction of a unit and whether it counts."""

    unit: Code


class HistoryLine(Answer):
    """A report that came or a ruling: when, which, from whom, and what it says."""

    at: InstantText
    what: Literal["finding", "inspection", "apply", "dismiss", "join", "part"]
    by: str
    id: str
    says: str
    reason: str = ""


class IncidentAnswer(IncidentLine):
    """An incident whole; of units outside the reader's own no deduction is shown."""

    together: list[str] = Field(description="the incidents of the same problem, itself included")
    reports: list[FindingShown]
    inspections: list[InspectionShown]
    deductions: list[DeductionShown]
    answered: list[Answered]
    history: list[HistoryLine]


class RisesAnswer(Answer):
    """The regions of a month, those of the reader, tested among all: as judged, else by what is known now.

    `closes` is T, null while the working calendar does not know the days of grace; what was received then or
    later is not counted when the month is judged. `judged_by` is null while it is not.
    """

    scheme: Code
    version: int
    closes: InstantText | None
    judged_by: str | None
    code: Code
    title: str
    measure: str
    month: str
    baseline: list[str] = Field(description="the months before that are compared with")
    minimum: int
    alpha: str
    tested: int
    regions: list[RegionTested]


class Decide(Closed):
    """A person's answer to what waits, and the reason, which stands in the history."""

    finding: ReportName
    trigger: Code
    inspection: ReportName
    ruling: Literal["apply", "dismiss"]
    reason: Reason


class Other(Closed):
    """Another incident, and why it is the same problem, or why not."""

    other: str = Field(pattern=ID_PATTERN)
    reason: Reason


class UnreadReport(Answer):
    """A report that names an object and cannot be judged, and why; a correction of its source mends it."""

    object: str
    source: str
    id: str
    why: Unreadable


class UnreadPage(Answer):
    """A page of reports that cannot be judged."""

    items: list[UnreadReport]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")

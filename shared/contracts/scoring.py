"""What scoring publishes: schemes, trials, sums, entries, decisions, what persons gave and raters said."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from shared.contracts.fields import (
    Closed,
    Code,
    DayText,
    DecimalText,
    Digest,
    InstantText,
    MonthText,
    Number,
    NumberRange,
    PeriodText,
    Shard,
    Version,
)
from shared.contracts.ingest import ACCEPTED

SOURCE = "dukao/scoring"
SCHEMES = "scoring.schemes"
PARTIALS = "scoring.partials"
ENTRIES = "scoring.entries"
FINDINGS = "scoring.findings"
RULINGS = "scoring.rulings"
DEDUCTIONS = "scoring.deductions"
POINTS = "scoring.points"
TRIAL_PARTIALS = "scoring.trial-partials"
TRIALS = "scoring.trials"
SURVEYS = "scoring.surveys"

SCHEME_ADOPTED = "dukao.scheme-adopted.v1"
PARTIALS_CHANGED = "dukao.partials-changed.v1"
ENTRIES_POSTED = "dukao.entries-posted.v1"
FINDING_REPORTED = "dukao.finding-reported.v1"
INCIDENT_RULED = "dukao.incident-ruled.v1"
RISES_JUDGED = "dukao.rises-judged.v1"
DEDUCTION_DECIDED = "dukao.deduction-decided.v1"
POINTS_GIVEN = "dukao.points-given.v1"
REVIEW_DECIDED = "dukao.review-decided.v1"
TRIAL_STARTED = "dukao.trial-started.v1"
TRIAL_ENDED = "dukao.trial-ended.v1"
TRIAL_PARTIALS_CHANGED = "dukao.trial-partials-changed.v1"
TRIAL_ENTRIES_POSTED = "dukao.trial-entries-posted.v1"
SURVEY_COUNTED = "dukao.survey-counted.v1"
SURVEY_TURNED = "dukao.survey-turned.v1"

PartialRow = Annotated[
    tuple[Code, MonthText, Annotated[tuple[int, ...], Field(strict=False)]], Field(strict=False)
]
Amount = Annotated[int, Field(ge=0)]
ChanceText = Annotated[str, Field(pattern=r"^[01]\.[0-9]{12}$")]
OldAndNew = Annotated[tuple[DecimalText | None, DecimalText | None], Field(strict=False)]


class SchemeAdopted(Closed):
    """A version of a scheme was adopted; the whole canonical document travels with it. Once per shard."""

    code: Code
    version: Version
    digest: Digest
    document: dict[str, Any]
    effective: MonthText


class TrialStarted(Closed):
    """A draft is tried from here on, without effect; once per shard. `digest` is that of the draft.

    The document is the draft's over the months `effective` to `until`, which are those of the trial.
    """

    code: Code
    trial: Code
    version: Version
    digest: Digest
    document: dict[str, Any]
    effective: MonthText
    until: MonthText


class TrialEnded(Closed):
    """A trial is over, once per shard; `adopted` says that its draft came into force."""

    code: Code
    trial: Code
    version: Version
    adopted: bool


class PartialBlock(Closed):
    """Partial sums of the measures of a scheme over one view or event type, in millionths.

    A row is (unit, month, numbers); the numbers stand in the layout that the scheme gives them. A stock
    measure sends monthly changes that are summed from the first month on.
    """

    scheme: str = Field(description="code@version, of a trial code~trial@version")
    over: str
    rows: tuple[PartialRow, ...] = Field(strict=False)


class PartialsChanged(Closed):
    """The absolute partial sums that changed with the numbers first..last of a shard of a stream.

    `shard` is also the shard of stage A that they belong to. A row is there if any of its numbers moved.
    """

    stream: str = ACCEPTED
    shard: Shard
    first: Number
    last: Number
    received: InstantText
    blocks: tuple[PartialBlock, ...] = Field(strict=False)


class Cause(NumberRange):
    """The records of a stream that moved something: accepted events, or an adopted scheme."""

    stream: str = ACCEPTED


class MonthEntries(Closed):
    """The ledger entries of a unit's month cells: (old, new) by indicator; 12 places, `None` is no value."""

    unit: Code
    month: MonthText
    cells: dict[Code, OldAndNew]


class PeriodFigures(Closed):
    """The absolute figures of a unit in a period that changed, by indicator, and its volume.

    `None` is due and not yet assessed; what is not due has no figure. `points` are those of figures whose
    months several versions rule: weighted by months, so far; of every other they are those of the version.
    What applies to the unit in none of these months has points there and `None`.
    """

    unit: Code
    period: PeriodText
    volume: int = 0
    values: dict[Code, DecimalText | None]
    points: dict[Code, DecimalText] = Field({})


class EntriesPosted(Closed):
    """What a batch changed in one group: its ledger entries, and the figures whose value is another.

    After an adopted scheme every figure that is due is told once.
    """

    scheme: Code
    version: Version
    group: Code
    cause: tuple[Cause, ...] = Field(strict=False)
    fresh_at: InstantText
    entries: tuple[MonthEntries, ...] = Field((), strict=False)
    figures: tuple[PeriodFigures, ...] = Field((), strict=False)


class TrialEntriesPosted(EntriesPosted):
    """What a batch would have changed in one group, were the draft in force: no ledger holds it.

    With `ended` nothing follows of this trial and group, and what was told of them counts no more.
    """

    trial: Code
    ended: bool = False


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

    `at` is the last instant of the month; `minimum` and `alpha` are those by which it was decided.
    """

    scheme: Code
    version: Version
    code: Code
    month: MonthText
    at: InstantText
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

    A finding of several years is told under the first of them. `received` is the newest of the cause.
    """

    key: str = Field(min_length=1, max_length=256)
    version: Version
    incident: IncidentName
    unit: Code
    deductions: tuple[Deduction, ...] = Field(strict=False)
    received: InstantText
    cause: tuple[Cause, ...] = Field(strict=False)


class GivenState(StrEnum):
    """Whether what was given counts."""

    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Evidence(Closed):
    """What a request rests on: a name for people, and the SHA-256 of what is kept elsewhere."""

    name: str = Field(min_length=1, max_length=200)
    sha256: Digest


class PointsGiven(Closed):
    """Points or a value of a month that one person asked for and another approved, or withdrew.

    Of several versions of a request the highest counts. Either `points` (lost by the unit) or `value` is
    there. `asked_by` and `approved_by` are never one person; in a withdrawal they are those who withdrew.
    """

    key: str = Field(min_length=1, max_length=256)
    version: Version
    state: GivenState = Field(strict=False)
    scheme: Code
    unit: Code
    indicator: Code
    month: MonthText
    points: DecimalText | None = None
    value: DecimalText | None = None
    evidence: Evidence
    asked_by: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=500)
    approved_by: str = Field(min_length=1, max_length=128)
    remark: str = Field("", max_length=500)


class ReviewDecided(Closed):
    """A decision on a review of a ledger entry, a fact from here on: it upholds, or changes the cell's sums.

    `points` are given back to the unit, where its measure is in points; else numerator and denominator of the
    measure are changed. What changes nothing upholds.
    """

    key: str = Field(min_length=1, max_length=256)
    version: Version
    scheme: Code
    unit: Code
    indicator: Code
    month: MonthText
    entry: Number
    points: DecimalText | None = None
    numerator: DecimalText | None = None
    denominator: DecimalText | None = None
    asked_by: str = Field(min_length=1, max_length=128)
    asked: str = Field(min_length=1, max_length=500)
    decided_by: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=500)


class RaterClass(Closed):
    """A class of raters that reached its minimum: its answers, those trimming left, and what they sum to.

    `kept` is five or more; no answer of one rater is told anywhere.
    """

    rater: str = Field(min_length=1, max_length=64)
    answers: int = Field(ge=5)
    kept: int = Field(ge=5)
    total: int = Field(ge=0)


class SurveyCounted(Closed):
    """What a closed round of a survey came to for one question and unit; the highest version counts.

    `short` are the classes below their minimum, of which nothing else is told; with one the unit is not yet
    assessed.
    """

    key: str = Field(min_length=1, max_length=300)
    version: Version
    scheme: Code
    survey: str = Field(min_length=1, max_length=64)
    unit: Code
    indicator: Code
    month: MonthText
    classes: tuple[RaterClass, ...] = Field(strict=False)
    short: tuple[str, ...] = Field(strict=False)


class SurveyTurn(StrEnum):
    """What a day makes of a round of a survey."""

    OPENED = "opened"
    REMINDED = "reminded"
    CLOSED = "closed"


class SurveyTurned(Closed):
    """A round of a survey opened, a day of reminding came, or its last day is over; told once each."""

    round: str = Field(min_length=1, max_length=200)
    turn: SurveyTurn = Field(strict=False)
    day: DayText
    scheme: Code
    survey: str = Field(min_length=1, max_length=64)
    title: str = Field(min_length=1, max_length=2000)
    opens: DayText
    closes: DayText

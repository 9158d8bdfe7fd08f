"""What the door of supervision takes and answers."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field, model_validator

from services.supervision.contract import Deadline, Evidence, LateShares
from shared.contracts.fields import Closed, Code, DayText, InstantText, ShareText

PAGE_ITEMS = 500
SAFE_ID = r"^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$"

ItemPath = Annotated[str, Path(pattern=SAFE_ID)]
Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
KindText = Literal["decision", "document", "instruction", "control_risk", "alleged_finding"]
StateText = Literal[
    "registered",
    "assigned",
    "signed",
    "in_progress",
    "submitted",
    "sent_back",
    "completed",
    "cleared",
    "cancelled",
    "withdrawn",
]
LightText = Literal["green", "yellow", "red", "done", "done_late", "off"]
WorkingDays = Annotated[int, Field(ge=1, le=2000)]


class NewItem(Closed):
    """An item that a person opens; without `shares` the lead unit has all, without `given` it is given now.

    `given` says when the matter was given out; the clock begins at the first assignment. `item` names it, so
    that a retry finds what it opened before.
    """

    item: str = Field(pattern=SAFE_ID)
    kind: KindText
    title: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    unit: Code
    shares: dict[Code, ShareText] = Field({}, max_length=50)
    given: InstantText | None = None
    due: Deadline
    scheme: Code | None = None
    indicator: Code | None = None
    case: str | None = Field(None, pattern=r"^[!-~]{1,128}$")
    sign_days: WorkingDays | None = None
    yellow_days: int = Field(1, ge=0, le=2000)
    approval_days: WorkingDays = 3
    reason: Reason = ""

    @model_validator(mode="after")
    def _one_deadline(self) -> "NewItem":
        if len(self.due.model_dump(exclude_none=True)) != 1:
            raise ValueError("exactly one of at, day, working_days, office_minutes")
        return self


class Why(Closed):
    """An act that needs no more than a reason."""

    reason: Reason = ""


class Assignment(Closed):
    """The lead unit and the shares of all, summing to 1; without shares the lead has all."""

    unit: Code
    shares: dict[Code, ShareText] = Field({}, max_length=50)
    reason: Reason = ""


class Submission(Closed):
    """What shows that it is done: papers with the SHA-256 of their content."""

    evidence: tuple[Evidence, ...] = Field(strict=False, min_length=1, max_length=50)
    reason: Reason = ""


class NewDate(Closed):
    """The new date that is asked for."""

    day: DayText
    reason: Reason = Field(min_length=1)


class Filters(BaseModel):
    """Which items are listed, after which, and how many."""

    after: str = Query("", max_length=64, description="The `next` of the page before.")
    limit: int = Query(PAGE_ITEMS, ge=1, le=PAGE_ITEMS)
    state: StateText | None = None
    light: LightText | None = None
    kind: KindText | None = None
    unit: Code | None = None
    scheme: Code | None = None
    indicator: Code | None = None
    open: bool | None = Query(
        None,
        description="Only those that are not done or cancelled, submitted ones included, or only others.",
    )
    overdue: bool | None = Query(None, description="Only those that are red or done late, or only others.")
    provisional: bool | None = Query(
        None, description="Only those whose due time reaches past the known calendar, or only others."
    )


class Cause(BaseModel):
    """A line of an item's history; `refused` says why an act had no effect in the state that it met.

    `due` is when the item was due as the door found it when an extension was asked for.
    """

    at: str
    act: str
    person: str
    state: str
    reason: str = ""
    refused: str | None = None
    unit: str | None = None
    shares: dict[str, str] = {}
    day: str | None = None
    due: str | None = None
    evidence: list[Evidence] = []


class Possible(BaseModel):
    """An act that is possible now, who may, and the roles that stand for them."""

    act: str
    who: str
    roles: list[str]


class ExtensionAnswer(BaseModel):
    """A request for a new date: asked, approved, lapsed."""

    asked: str
    person: str
    day: str
    approvers: list[str]
    approved_at: str | None
    lapses: str
    state: Literal["asked", "approved", "lapsed"]


class ItemLine(BaseModel):
    """An item as it was told last; `facts` is of how many it is made."""

    item: str
    version: int
    facts: int
    kind: str
    title: str
    state: str
    unit: str
    shares: dict[str, str]
    scheme: str | None
    indicator: str | None
    event: dict[str, str] | None
    case: str | None
    given: str
    begun: str | None
    due: str | None
    provisional: bool
    completed: str | None
    paused: bool
    light: str
    late_days: list[str]
    late_shares: list[LateShares]
    sign_due: str | None
    sign_late: bool


class ItemAnswer(ItemLine):
    """An item with what is possible now, its extensions and its history; acts of this moment included.

    `calendar` names the version by which its days are counted, as `Asia/Shanghai@3`, if there is one.
    """

    calendar: str | None
    possible: list[Possible]
    extensions: list[ExtensionAnswer]
    history: list[Cause]


class ItemPage(BaseModel):
    """A page of items in the order of their ids; `next` continues it."""

    items: list[ItemLine]
    next: str | None


class CountQuery(BaseModel):
    """The instant for which is counted; without one the newest tick."""

    at: InstantText | None = None
    unit: Code | None = None


class Counts(BaseModel):
    """Items given, open and overdue just before an instant, by the facts as they are known now.

    Open are those that are not done or cancelled; of them `submitted` wait to be accepted. `provisional` are
    open ones whose due time reaches past the known calendar; they cost nothing yet.
    """

    at: str
    given: int
    open: int
    submitted: int
    overdue: int
    provisional: int
    done: int
    done_late: int


class IndicatorCoverage(BaseModel):
    """An individual indicator (个性指标): the reader's units that it is for, how many items each has.

    `covered` counts the units with an item, `missing` names the others; `rules` open items for it.
    """

    indicator: str
    name: str
    units: list[str]
    items: dict[str, int]
    rules: list[str]
    covered: int
    missing: list[str]


class Uncovered(BaseModel):
    """An individual indicator and a unit that it is for and that has no item of it."""

    indicator: str
    name: str
    unit: str
    unit_name: str


class Coverage(BaseModel):
    """How many pairs of an individual indicator of a scheme and a unit of the reader's have an item.

    The percentage has two places, cut off: it is 100.00 only where none is missing, and none of no pairs.
    """

    scheme: str
    version: int
    pairs: int
    covered: int
    percent: str | None
    missing: list[Uncovered]
    indicators: list[IndicatorCoverage]


class CalendarState(BaseModel):
    """A version of a zone's calendar: how far it knows the days, who drafted and who adopted it."""

    zone: str
    version: int
    title: str
    state: Literal["draft", "adopted", "superseded"]
    first: str
    last: str
    digest: str
    author: str
    approver: str | None


class CalendarList(BaseModel):
    """Every version of every calendar."""

    items: list[CalendarState]


class CalendarAnswer(CalendarState):
    """A version of a calendar with its document."""

    document: dict[str, Any]


class DaysQuery(BaseModel):
    """Which days, from one to another, at most 400."""

    first: DayText = Query(description="The first day, as 2021-04-01.")
    last: DayText | None = Query(None, description="The last day; without one only the first.")


class CalendarDay(BaseModel):
    """What a day is: whether it is worked, by which notice, and its office hours.

    `provisional` says that no calendar knows the day: it is taken by its weekday.
    """

    day: str
    weekday: int
    worked: bool
    kind: Literal["work", "rest", "make-up"]
    provisional: bool
    name: str
    hours: list[str]
    notice: str | None
    source: str | None
    verified: bool | None


class CalendarDays(BaseModel):
    """Days of a zone by the calendar in force; `version` is none where nothing was adopted."""

    zone: str
    version: int | None
    known_until: str | None
    days: list[CalendarDay]

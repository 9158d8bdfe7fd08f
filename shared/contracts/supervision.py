"""What supervision publishes: calendars, items whole with their version, the acts of persons it heeds."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from shared.contracts.fields import (
    Closed,
    Code,
    DayText,
    Digest,
    InstantText,
    NumberRange,
    ShareText,
    Version,
)
from shared.contracts.ingest import ACCEPTED

SOURCE = "dukao/supervision"
ITEMS = "supervision.items"
ACTS = "supervision.acts"
CALENDARS = "supervision.calendars"

ITEM_CHANGED = "dukao.item-changed.v1"
ACT_TAKEN = "dukao.act-taken.v1"
CALENDAR_ADOPTED = "dukao.calendar-adopted.v1"
ITEMS_TOLD = "dukao.items-told.v1"
LATE_DAYS_TOLD = 1000

ItemId = Annotated[str, Field(pattern=r"^[!-~]{1,128}$")]


class ItemKind(StrEnum):
    """What a matter under supervision came from; the kinds of the official list."""

    DECISION = "decision"
    DOCUMENT = "document"
    INSTRUCTION = "instruction"
    CONTROL_RISK = "control_risk"
    ALLEGED_FINDING = "alleged_finding"


class ItemState(StrEnum):
    """Where an item stands; overdue is derived, never stored.

    `completed` is done and nobody has to strike it off; `cleared` is accepted by the issuer and struck off;
    `withdrawn` says that the fact that opened the item is no longer there.
    """

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    SIGNED = "signed"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    SENT_BACK = "sent_back"
    COMPLETED = "completed"
    CLEARED = "cleared"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class Light(StrEnum):
    """How an item looks on a screen: `done_late` is 办结(逾期), `off` is cancelled or withdrawn."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    DONE = "done"
    DONE_LATE = "done_late"
    OFF = "off"


class SourceEvent(Closed):
    """The accepted event that opened an item."""

    source: str = Field(min_length=1, max_length=128)
    id: str = Field(min_length=1, max_length=128)


class ItemCause(NumberRange):
    """The records of a stream that a change stands on: accepted events and ticks, or people's acts here."""

    stream: str = ACCEPTED


class LateShares(Closed):
    """Who bears late days, from `first` on until that of the next: the shares of the day, summing to 1."""

    first: DayText
    shares: dict[Code, ShareText]


class ExtensionAsked(Closed):
    """A new date that was asked for, when, and before when two persons must approve it."""

    asked: InstantText
    day: DayText
    lapses: InstantText


class ItemChanged(Closed):
    """The whole state of an item after a change; the highest version counts.

    `late_days` are the late working days so far, ascending, at most the first thousand; none while the due
    time is provisional. `late_shares` says who bears them, ascending, the first from the first late day on:
    an assignment moves no day that was late before. `completed` is the day of the submission that counts,
    told while it waits to be accepted too. `begun` is when the clock began: when the event that opened it
    occurred, else the first assignment, none before it. `sign_due` is until when an assigned item is to be
    signed for, none while a pause holds the clock; `sign_late` says that this passed and it still waits.
    `extension` is the new date that waits to be approved. `zone` is the time zone of its days. `shares` of
    lead and co-handlers sum to 1 exactly. `received` is that of the cause; `assessor` assesses the indicator
    by the newest version of its scheme.
    """

    item: ItemId
    version: Version
    kind: ItemKind = Field(strict=False)
    title: str = Field(max_length=300)
    state: ItemState = Field(strict=False)
    unit: Code
    shares: dict[Code, ShareText]
    scheme: Code | None = None
    indicator: Code | None = None
    assessor: Code | None = None
    event: SourceEvent | None = None
    case: str | None = Field(None, max_length=128)
    given: InstantText
    begun: InstantText | None = None
    due: InstantText | None = None
    provisional: bool = False
    completed: DayText | None = None
    paused: bool = False
    light: Light = Field(Light.GREEN, strict=False)
    late_days: tuple[DayText, ...] = Field((), strict=False, max_length=LATE_DAYS_TOLD)
    late_shares: tuple[LateShares, ...] = Field((), strict=False, max_length=LATE_DAYS_TOLD)
    zone: str = Field(min_length=1, max_length=64)
    sign_due: InstantText | None = None
    sign_late: bool = False
    extension: ExtensionAsked | None = None
    received: InstantText
    cause: ItemCause


class ItemsTold(Closed):
    """Every item that a record received before `until` made another was told before this, in this shard.

    Said at the first tick of each day of a scheme whose periods have a cut; `until` is the tick's `received`.
    """

    until: InstantText


class Deadline(Closed):
    """For how long an item is given: exactly one of an instant, a day, working days, office hours."""

    at: InstantText | None = None
    day: DayText | None = None
    working_days: int | None = Field(None, ge=1, le=2000)
    office_minutes: int | None = Field(None, ge=1, le=1_000_000)


class ItemOpened(Closed):
    """What an item is that a person opened; limits in working days."""

    kind: ItemKind = Field(strict=False)
    title: str = Field(min_length=1, max_length=200)
    unit: Code
    shares: dict[Code, ShareText]
    given: InstantText
    due: Deadline
    scheme: Code | None = None
    indicator: Code | None = None
    case: str | None = Field(None, max_length=128)
    sign_days: int | None = Field(None, ge=1, le=2000)
    yellow_days: int = Field(1, ge=0, le=2000)
    approval_days: int = Field(3, ge=1, le=2000)


class Evidence(Closed):
    """A paper that shows that something was done: its name and the SHA-256 of its content."""

    name: str = Field(min_length=1, max_length=200)
    sha256: Digest


class ActTaken(Closed):
    """A person's act on an item, a fact from here on; `received` of the envelope is its time.

    When an extension is asked for, `due` is when the item was due as it was found then, none while a pause
    held the clock, and `lapses` is before when it must be approved.
    """

    item: ItemId
    act: str = Field(pattern="^[a-z][a-z-]{0,31}$")
    person: str = Field(min_length=1, max_length=128)
    reason: str = Field("", max_length=500)
    unit: Code | None = None
    shares: dict[Code, ShareText] = Field(default={})
    day: DayText | None = None
    due: InstantText | None = None
    lapses: InstantText | None = None
    evidence: tuple[Evidence, ...] = Field(default=(), strict=False, max_length=50)
    opened: ItemOpened | None = None


class CalendarAdopted(Closed):
    """A version of a zone's working calendar was adopted; the whole document travels with it. Once per shard.

    The highest version counts. It knows the days from `first` to `last`; what is due later is provisional.
    """

    zone: str = Field(min_length=1, max_length=64)
    version: Version
    digest: Digest
    first: DayText
    last: DayText
    document: dict[str, Any]

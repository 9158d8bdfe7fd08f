"""What the door of reviews takes and answers."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from services.scoring.answers import After, Answer
from services.scoring.domain.reviews import State, Step
from services.scoring.request_answers import Amount, HistoryLine, Reason
from shared.contracts.fields import Closed, Code, DayText, Number

SIGNED_PATTERN = r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"

ReviewPath = Annotated[str, Path(pattern=r"^[1-9][0-9]{0,17}-[1-9][0-9]{0,8}$", description="entry-number")]
Signed = Annotated[str, Field(pattern=SIGNED_PATTERN, examples=["-1"])]


class NewReview(Closed):
    """Which entry of the ledger a unit does not accept, and why."""

    entry: Number
    reason: Reason


class Change(Closed):
    """What a decision gives back: `points` of a measure in points, else a difference of its sums."""

    points: Amount | None = None
    numerator: Signed | None = None
    denominator: Signed | None = None
    reason: Reason


class ReviewFilters(After):
    """Which reviews are wanted."""

    scheme: Code | None = None
    unit: Code | None = None
    indicator: Code | None = None
    state: State | None = None


class Decision(Answer):
    """The difference that a decision made."""

    points: str | None = None
    numerator: str | None = None
    denominator: str | None = None


class ReviewLine(Answer):
    """A review: of which entry of which cell, why, where it stands, and what was decided.

    `old` and `new` are those of the entry.
    """

    id: str
    entry: int
    scheme: str
    unit: str
    indicator: str
    month: str
    old: str | None
    new: str | None
    reason: str
    state: State
    decided: Decision | None


class ReviewPage(Answer):
    """A page of reviews."""

    items: list[ReviewLine]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class ReviewAnswer(ReviewLine):
    """A review with its last days by the calendar known now, its history and what can be done now."""

    ask_until: DayText
    decide_until: DayText
    late: bool
    possible: list[Step]
    history: list[HistoryLine]

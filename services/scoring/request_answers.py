"""What the door of manual points takes and answers."""

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.scoring.answers import After
from services.scoring.domain.requests import State, Step
from services.scoring.domain.shapes import DECIMAL_PATTERN
from shared.contracts.fields import Closed, Code, Digest, InstantText, MonthText

CODE = r"[0-9A-Za-z][0-9A-Za-z:._-]{0,63}"
ID_PATTERN = rf"^{CODE}~{CODE}~{CODE}~[0-9]{{4}}-[0-9]{{2}}~[1-9][0-9]{{0,8}}$"
PLAIN = r"^[^\x00-\x1f\x7f]*$"

RequestPath = Annotated[
    str, Path(pattern=ID_PATTERN, max_length=256, description="scheme~unit~indicator~month~number")
]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=PLAIN)]
Amount = Annotated[str, Field(pattern=DECIMAL_PATTERN, examples=["0.5"])]


class NamedEvidence(Closed):
    """What a request rests on: a name for people and the SHA-256 of the file, which stays where it is."""

    name: Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN)]
    sha256: Digest


class NewRequest(Closed):
    """What is asked for: `points` that the unit loses or the `value` of the month, as the measure takes."""

    scheme: Code
    unit: Code
    indicator: Code
    month: MonthText
    points: Amount | None = None
    value: Amount | None = None
    reason: Reason
    evidence: NamedEvidence


class Why(Closed):
    """Why a step is taken; it stands in the history."""

    reason: Reason


class Filters(After):
    """Which requests are wanted."""

    scheme: Code | None = None
    unit: Code | None = None
    indicator: Code | None = None
    month: MonthText | None = None
    state: State | None = None


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class RequestLine(Answer):
    """A request: of which cell, how much, on which evidence, and where it stands."""

    id: str
    scheme: str
    unit: str
    indicator: str
    month: str
    points: str | None
    value: str | None
    evidence: NamedEvidence
    reason: str
    state: State
    counts: bool


class RequestPage(Answer):
    """A page of requests."""

    items: list[RequestLine]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class HistoryLine(Answer):
    """A step: when, which, by whom and why."""

    at: InstantText
    what: str
    person: str
    reason: str


class RequestAnswer(RequestLine):
    """A request with its history and what can be done now."""

    possible: list[Step]
    history: list[HistoryLine]

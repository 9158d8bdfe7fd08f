"""What the door is asked and answers about versions of schemes and their consultation."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.scoring.consultations import Comment, Round
from services.scoring.consultations import Version as Standing
from services.scoring.domain.life import Act, State, possible, state_of
from shared.contracts.fields import Code


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class CommentText(BaseModel):
    """What is said for a unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: Code
    text: str = Field(min_length=1, max_length=2000)


class AnswerText(BaseModel):
    """What a comment is answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(min_length=1, max_length=2000)


class ShownVersion(Answer):
    """A version of a scheme and where it stands."""

    code: str
    version: int
    state: State
    effective: str
    until: str
    digest: str
    author: str
    approver: str | None
    rounds: int
    unanswered: int


class ShownComment(Answer):
    """A comment of a unit with its number in the version, and its answer."""

    comment: int
    round: int
    unit: str
    person: str
    text: str
    at: datetime
    answer: str | None
    answered_by: str | None
    answered: datetime | None


class ShownRound(Answer):
    """A round of consultation; `digest` names the text that it was about."""

    round: int
    digest: str
    opened_by: str
    opened: datetime
    closed_by: str | None
    closed: datetime | None


class Consultation(ShownVersion):
    """A version with its rounds and comments, and what is possible now."""

    rounds_wanted: int
    possible: list[Act]
    held: list[ShownRound]
    comments: list[ShownComment]


def shown_version(found: Standing) -> ShownVersion:
    """Return a version and where it stands."""
    return ShownVersion(**_version(found))


def consultation(found: Standing, rounds: Sequence[Round], comments: Sequence[Comment]) -> Consultation:
    """Return a version with everything that was said of it."""
    return Consultation(
        **_version(found),
        rounds_wanted=found.life.wanted,
        possible=list(possible(found.life)),
        held=[shown_round(one) for one in rounds],
        comments=[shown_comment(one) for one in comments],
    )


def shown_round(one: Round) -> ShownRound:
    """Return a round as it is answered."""
    return ShownRound(**asdict(one))


def shown_comment(one: Comment) -> ShownComment:
    """Return a comment as it is answered."""
    found = asdict(one)
    return ShownComment(text=found.pop("said"), **found)


def _version(found: Standing) -> dict[str, Any]:
    return {
        "code": found.head.code,
        "version": found.head.version,
        "state": state_of(found.life),
        "effective": found.head.effective,
        "until": found.head.until,
        "digest": found.digest,
        "author": found.author,
        "approver": found.approver,
        "rounds": found.life.rounds,
        "unanswered": found.life.unanswered,
    }

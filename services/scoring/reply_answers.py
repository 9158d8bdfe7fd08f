"""What the door of replies takes and answers."""

from typing import Annotated

from fastapi import Path
from pydantic import Field

from services.scoring.answers import After, Answer
from services.scoring.request_answers import PLAIN
from shared.contracts.fields import Closed, Code, InstantText, Number

ReplyPath = Annotated[int, Path(ge=1, lt=1 << 63, description="the number of the reply")]
Says = Annotated[str, Field(min_length=1, max_length=2000, pattern=PLAIN)]


class NewReply(Closed):
    """Which entry of the ledger a unit speaks of, and what it says."""

    entry: Number
    says: Says


class NewAnswer(Closed):
    """What the assessor answers."""

    says: Says


class ReplyFilters(After):
    """Which replies are wanted."""

    scheme: Code | None = None
    unit: Code | None = None
    indicator: Code | None = None
    answered: bool | None = Field(None, description="only those that were answered, or that were not")


class ReplyAnswer(Answer):
    """A reply of a unit to an entry and the dated answer, null until there is one."""

    number: int
    entry: int
    scheme: str
    unit: str
    indicator: str
    month: str
    at: InstantText
    person: str
    says: str
    answered_at: InstantText | None
    answered_by: str | None
    answer: str | None


class ReplyPage(Answer):
    """A page of replies."""

    items: list[ReplyAnswer]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")

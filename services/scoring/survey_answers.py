"""What the door of surveys takes and answers."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from services.scoring.answers import After
from services.scoring.domain.methods.survey import SCALE_AT_MOST
from services.scoring.domain.rounds import State
from services.scoring.domain.shapes import NAME_PATTERN
from services.scoring.request_answers import CODE, Answer
from shared.contracts.fields import Closed, Code, DayText, MonthText

TOKENS_AT_ONCE = 1_000
RATINGS_AT_MOST = 5_000
ID_PATTERN = rf"^{CODE}~[a-z][a-z0-9_]{{0,63}}~[0-9]{{4}}-[0-9]{{2}}$"
SECRET = r"^[0-9A-Za-z_-]{16,64}$"  # noqa: S105 - how one looks

SurveyPath = Annotated[str, Path(pattern=ID_PATTERN, max_length=200, description="scheme~survey~month")]


class Rating(Closed):
    """What a rater says of a unit: a whole score from 0 to the scale of the question."""

    unit: Code
    indicator: Code
    score: int = Field(ge=0, le=SCALE_AT_MOST)


class NewAnswer(Closed):
    """An answer: a token, what is said, and a secret of the sender's own by which a retry is known.

    `attempt` is drawn at random for each answer and sent again with each retry of it; it is no part of what
    is said, so that nothing that is kept depends on that.
    """

    token: str = Field(pattern=SECRET)
    attempt: str = Field(pattern=SECRET)
    ratings: tuple[Rating, ...] = Field(min_length=1, max_length=RATINGS_AT_MOST, strict=False)


class Batch(Closed):
    """Tokens that are asked for: for which class of raters, and how many."""

    rater: str = Field(pattern=NAME_PATTERN)
    count: int = Field(ge=1, le=TOKENS_AT_ONCE)


class Filters(After):
    """Which rounds are wanted."""

    scheme: Code | None = None


class Taken(Answer):
    """An answer was taken, now or before; it says no more than that."""

    survey: str
    state: Literal["taken"] = "taken"


class Tokens(Answer):
    """Tokens, told this once: what is stored does not give them back."""

    survey: str
    rater: str
    tokens: list[str]


class RaterLine(Answer):
    """A class of raters; `answered` is null while fewer than five answered."""

    rater: str
    title: str
    issued: int
    answered: int | None


class QuestionLine(Answer):
    """What is asked of each unit: an indicator, with the best score, and who is asked."""

    indicator: str
    name: str
    scale: int
    units: int
    raters: list[str]


class SurveyLine(Answer):
    """A round of a survey and where it stands by the clock of the shards."""

    id: str
    scheme: str
    version: int
    survey: str
    title: str
    month: MonthText
    state: State
    opens: DayText
    closes: DayText
    remind: list[DayText]


class SurveyPage(Answer):
    """A page of rounds."""

    items: list[SurveyLine]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class SurveyAnswer(SurveyLine):
    """A round with its questions and its classes of raters."""

    questions: list[QuestionLine]
    raters: list[RaterLine]

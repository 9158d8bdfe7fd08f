"""What days make of surveys, and what closed rounds come to."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.fields import Closed, Code, DayText, MonthText, Version

SURVEY_COUNTED = "dukao.survey-counted.v1"
SURVEY_TURNED = "dukao.survey-turned.v1"


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

    `scale` is the best score that was asked for. `short` are the classes below their minimum, of which
    nothing else is told; with one the unit is not yet assessed.
    """

    key: str = Field(min_length=1, max_length=300)
    version: Version
    scheme: Code
    survey: str = Field(min_length=1, max_length=64)
    unit: Code
    indicator: Code
    month: MonthText
    scale: int = Field(ge=1, le=1000)
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

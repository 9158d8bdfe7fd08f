"""The `surveys` section of a scheme: who is asked in which classes, and from when until when."""

from pydantic import Field

from services.scoring.domain.shapes import Closed, DayText, Name, Sourced, Text

ROUNDS_AT_MOST = 12
REMINDERS_AT_MOST = 20
RATERS_AT_MOST = 10


class RoundSpec(Closed):
    """A round of asking; what it comes to counts in the month in which it closes."""

    opens: DayText
    """The first day on which answers are taken, in the scheme's time zone."""
    closes: DayText
    """The last day on which answers are taken, until its 24:00."""
    remind: tuple[DayText, ...] = Field((), max_length=REMINDERS_AT_MOST)
    """The days on which raters are reminded."""

    @property
    def month(self) -> str:
        """The month in which it counts, which also names it."""
        return self.closes[:7]


class SurveySection(Sourced):
    """A survey (多维测评): each measure that names it is a question, asked of every unit of its indicator."""

    title: Text
    """What people call it."""
    raters: dict[Name, Text] = Field(min_length=1, max_length=RATERS_AT_MOST)
    """The classes of raters, each with what people call it."""
    rounds: tuple[RoundSpec, ...] = Field(min_length=1, max_length=ROUNDS_AT_MOST)
    """When it is asked, one after the other."""

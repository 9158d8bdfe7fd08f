"""The kinds of text in a scheme document, and a part of it: closed, so that a misspelt word is refused."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from shared.kernel.codes import CODE_PATTERN

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
MONTH_PATTERN = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
DAY_PATTERN = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
DECIMAL_PATTERN = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"
SIGNED_PATTERN = r"^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?$"


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


Code = Annotated[str, Field(pattern=CODE_PATTERN)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
MonthText = Annotated[str, Field(pattern=MONTH_PATTERN)]
DayText = Annotated[str, Field(pattern=DAY_PATTERN), AfterValidator(_day)]
DecimalText = Annotated[str, Field(pattern=DECIMAL_PATTERN)]
SignedText = Annotated[str, Field(pattern=SIGNED_PATTERN)]
Text = Annotated[str, Field(min_length=1)]
Whole = Annotated[int, Field(strict=True)]
Flag = StrictBool
Version = Annotated[Whole, Field(ge=1, lt=1 << 31)]
Cycle = Literal["month", "quarter", "half-year", "year"]
Assessed = Literal["month", "quarter", "half-year", "year", "point", "progress"]


class Closed(BaseModel):
    """A part of the document."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True
    )


class Provenance(Closed):
    """Where a value comes from."""

    document: Text
    """The document that the value comes from; of this scheme's own making: 本方案设定."""
    clause: str = ""
    """The clause of the document."""


class Sourced(Closed):
    """A part whose values come from somewhere; `verified` once somebody has compared them with it."""

    source: Provenance | None = None
    """Where the values here come from."""
    verified: Flag = False
    """True once somebody has compared the values with their source."""

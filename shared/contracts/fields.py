"""The kinds of text that cross a border, each checked once."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import Refused
from shared.kernel.instants import parse
from shared.kernel.shards import SHARDS

MONTH_PATTERN = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
PERIOD_PATTERN = r"^(19|20|21)[0-9]{2}(-(0[1-9]|1[0-2]|Q[1-4]|H[12]))?$"
DAY_PATTERN = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
SHARE_PATTERN = r"^(0\.[0-9]{1,6}|1(\.0{1,6})?)$"


class Closed(BaseModel):
    """A frozen value that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _instant(text: str) -> str:
    try:
        parse(text)
    except Refused as refused:
        raise ValueError(refused.problem.detail) from None
    return text


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


InstantText = Annotated[str, AfterValidator(_instant), Field(json_schema_extra={"format": "date-time"})]
MonthText = Annotated[str, Field(pattern=MONTH_PATTERN)]
PeriodText = Annotated[str, Field(pattern=PERIOD_PATTERN)]
DayText = Annotated[str, Field(pattern=DAY_PATTERN), AfterValidator(_day)]
DecimalText = Annotated[str, Field(pattern=DECIMAL_PATTERN)]
Code = Annotated[str, Field(pattern=CODE_PATTERN)]
ShareText = Annotated[str, Field(pattern=SHARE_PATTERN)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Shard = Annotated[int, Field(ge=0, lt=SHARDS)]
Number = Annotated[int, Field(ge=1, lt=1 << 63)]  # as PostgreSQL keeps it: bigint
Version = Annotated[int, Field(ge=1, lt=1 << 31)]  # as PostgreSQL keeps it: integer
After = Annotated[int, Field(ge=0, lt=1 << 62)]  # with a page added it is still a bigint


class Approval(Closed):
    """What is approved: the content with this digest, as it was read."""

    digest: Digest


class NumberRange(Closed):
    """The numbers first..last of one shard."""

    shard: Shard
    first: Number
    last: Number

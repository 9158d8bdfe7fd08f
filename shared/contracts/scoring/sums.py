"""Partial sums of measures, and the records that moved something."""

from typing import Annotated

from pydantic import Field

from shared.contracts.fields import Closed, Code, InstantText, MonthText, Number, NumberRange, Shard
from shared.contracts.ingest import ACCEPTED

PARTIALS_CHANGED = "dukao.partials-changed.v1"
TRIAL_PARTIALS_CHANGED = "dukao.trial-partials-changed.v1"

PartialRow = Annotated[
    tuple[Code, MonthText, Annotated[tuple[int, ...], Field(strict=False)]], Field(strict=False)
]


class PartialBlock(Closed):
    """Partial sums of the measures of a scheme over one view or event type, in millionths.

    A row is (unit, month, numbers); the numbers stand in the layout that the scheme gives them. A stock
    measure sends monthly changes that are summed from the first month on.
    """

    scheme: str = Field(description="code@version, of a trial code~trial@version")
    over: str
    rows: tuple[PartialRow, ...] = Field(strict=False)


class PartialsChanged(Closed):
    """The absolute partial sums that changed with the numbers first..last of a shard of a stream.

    `shard` is also the shard of stage A that they belong to. A row is there if any of its numbers moved.
    """

    stream: str = ACCEPTED
    shard: Shard
    first: Number
    last: Number
    received: InstantText
    blocks: tuple[PartialBlock, ...] = Field(strict=False)


class Cause(NumberRange):
    """The records of a stream that moved something: accepted events, or an adopted scheme."""

    stream: str = ACCEPTED

"""What scoring publishes: schemes, the partial sums of stage A, the entries of stage B."""

from typing import Annotated, Any

from pydantic import Field

from shared.contracts.fields import (
    Closed,
    Code,
    DecimalText,
    Digest,
    InstantText,
    MonthText,
    Number,
    NumberRange,
    PeriodText,
    Shard,
    Version,
)
from shared.contracts.ingest import ACCEPTED
from shared.kernel.figures import FigureState

SOURCE = "dukao/scoring"
SCHEMES = "scoring.schemes"
PARTIALS = "scoring.partials"
ENTRIES = "scoring.entries"

SCHEME_ADOPTED = "dukao.scheme-adopted.v1"
PARTIALS_CHANGED = "dukao.partials-changed.v1"
ENTRIES_POSTED = "dukao.entries-posted.v1"

PartialRow = Annotated[
    tuple[Code, MonthText, Annotated[tuple[int, ...], Field(strict=False)]], Field(strict=False)
]


class SchemeAdopted(Closed):
    """A version of a scheme was adopted; the whole canonical document travels with it. Once per shard."""

    code: Code
    version: Version
    digest: Digest
    document: dict[str, Any]
    effective: MonthText


class PartialBlock(Closed):
    """Partial sums of the measures of a scheme over one view or event type, in millionths.

    A row is (unit, month, numbers); the numbers stand in the layout that the scheme gives them. A stock
    measure sends monthly changes that are summed from the first month on.
    """

    scheme: str = Field(description="code@version")
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


class Entry(Closed):
    """One change of a month cell; decimals have 12 places and `None` stands for no value."""

    unit: Code
    indicator: Code
    month: MonthText
    old: DecimalText | None = None
    new: DecimalText | None = None


class Figure(Closed):
    """The absolute figure of an indicator in a period, after the change."""

    period: PeriodText
    unit: Code
    indicator: Code
    board: Code
    points: DecimalText
    value: DecimalText | None = None
    state: FigureState = Field(strict=False)
    volume: int = 0


class EntriesPosted(Closed):
    """What a batch changed in one group: its ledger entries and every figure of every period they touch."""

    scheme: Code
    version: Version
    group: Code
    cause: tuple[Cause, ...] = Field(strict=False)
    fresh_at: InstantText
    entries: tuple[Entry, ...] = Field((), strict=False)
    figures: tuple[Figure, ...] = Field((), strict=False)

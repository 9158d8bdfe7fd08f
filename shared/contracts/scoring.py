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
OldAndNew = Annotated[tuple[DecimalText | None, DecimalText | None], Field(strict=False)]


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


class MonthEntries(Closed):
    """The ledger entries of a unit's month cells: (old, new) by indicator; 12 places, `None` is no value."""

    unit: Code
    month: MonthText
    cells: dict[Code, OldAndNew]


class PeriodFigures(Closed):
    """The absolute figures of a unit in a period that changed, by indicator, and its volume.

    `None` is due and not yet assessed; what is not due has no figure.
    """

    unit: Code
    period: PeriodText
    volume: int = 0
    values: dict[Code, DecimalText | None]


class EntriesPosted(Closed):
    """What a batch changed in one group: its ledger entries, and the figures whose value is another.

    After an adopted scheme every figure that is due is told once.
    """

    scheme: Code
    version: Version
    group: Code
    cause: tuple[Cause, ...] = Field(strict=False)
    fresh_at: InstantText
    entries: tuple[MonthEntries, ...] = Field((), strict=False)
    figures: tuple[PeriodFigures, ...] = Field((), strict=False)

"""What persons give: points and values, and decisions on reviews."""

from enum import StrEnum

from pydantic import Field

from shared.contracts.fields import Closed, Code, DecimalText, Digest, MonthText, Number, Version

POINTS_GIVEN = "dukao.points-given.v1"
REVIEW_DECIDED = "dukao.review-decided.v1"


class GivenState(StrEnum):
    """Whether what was given counts."""

    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Evidence(Closed):
    """What a request rests on: a name for people, and the SHA-256 of what is kept elsewhere."""

    name: str = Field(min_length=1, max_length=200)
    sha256: Digest


class PointsGiven(Closed):
    """Points or a value of a month that one person asked for and another approved, or withdrew.

    Of several versions of a request the highest counts. Either `points` (lost by the unit) or `value` is
    there. `asked_by` and `approved_by` are never one person; in a withdrawal they are those who withdrew.
    """

    key: str = Field(min_length=1, max_length=256)
    version: Version
    state: GivenState = Field(strict=False)
    scheme: Code
    unit: Code
    indicator: Code
    month: MonthText
    points: DecimalText | None = None
    value: DecimalText | None = None
    evidence: Evidence
    asked_by: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=500)
    approved_by: str = Field(min_length=1, max_length=128)
    remark: str = Field("", max_length=500)


class FactUnder(Closed):
    """A derived fact that an entry stands on, by its stream and key."""

    stream: str = Field(min_length=1, max_length=64)
    key: str = Field(min_length=1, max_length=300)


class EventsUnder(Closed):
    """Accepted events of a shard that an entry stands on, by their numbers."""

    first: Number
    last: Number


class ReviewDecided(Closed):
    """A decision on a review of a ledger entry, a fact from here on: it upholds, or changes the cell's sums.

    `points`, to 12 places, are given back to the unit, where its measure is in points; else numerator and
    denominator of the measure are changed. What changes nothing upholds. It is told in each shard that keeps
    facts which the entry stands on, with what is changed of these: never by more than they still say. Without
    `facts` and `events` it stands on all there is.
    """

    key: str = Field(min_length=1, max_length=256)
    version: Version
    scheme: Code
    unit: Code
    indicator: Code
    month: MonthText
    entry: Number
    points: DecimalText | None = None
    numerator: DecimalText | None = None
    denominator: DecimalText | None = None
    facts: tuple[FactUnder, ...] | None = Field(None, strict=False)
    events: tuple[EventsUnder, ...] | None = Field(None, strict=False)
    asked_by: str = Field(min_length=1, max_length=128)
    asked: str = Field(min_length=1, max_length=500)
    decided_by: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=500)

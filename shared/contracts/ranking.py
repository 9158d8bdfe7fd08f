"""What ranking publishes: standings that moved, and those that were closed."""

from pydantic import Field

from shared.contracts.fields import (
    Closed,
    Code,
    DayText,
    DecimalText,
    Digest,
    InstantText,
    PeriodText,
    Version,
)
from shared.contracts.scoring import Cause

SOURCE = "dukao/ranking"
STANDINGS = "ranking.standings"
CLOSES = "ranking.closes"

STANDING_MOVED = "dukao.standing-moved.v1"
TIER_CHANGED = "dukao.tier-changed.v1"
PERIOD_CLOSED = "dukao.period-closed.v1"


class Place(Closed):
    """Where a unit stands; no rank below the minimum volume, no points but a range when not yet assessed.

    A unit that left the group has none of them.
    """

    unit: Code
    rank: int | None = Field(None, ge=1)
    tier: Code | None = None
    points: DecimalText | None = None
    low: DecimalText | None = None
    high: DecimalText | None = None


class Moved(Closed):
    """The places that moved in the standing of one period."""

    period: PeriodText
    places: tuple[Place, ...] = Field(strict=False)


class StandingMoved(Closed):
    """What moved in the provisional standings of a group, over all its periods; one per group and batch."""

    scheme: Code
    version: Version
    group: Code
    fresh_at: InstantText
    cause: tuple[Cause, ...] = Field((), strict=False)
    standings: tuple[Moved, ...] = Field(strict=False)


class TierChanged(Closed):
    """A unit went from one tier to another in the provisional standing; without a rank it is in none."""

    scheme: Code
    version: Version
    group: Code
    period: PeriodText
    unit: Code
    old: Code | None = None
    new: Code | None = None


class PeriodClosed(Closed):
    """The standing of a group in a period was frozen by two persons, and never changes afterwards.

    The period is [`begins`, `ends`) in the scheme's zone. What was received at `cut` (T) or later is late;
    `day` is the last one before it, at whose end the standing is the closed one. `digest` is the SHA-256 of
    its bytes, as the door of ranking answers them. `closed` is when it was approved.
    """

    scheme: Code
    version: Version
    group: Code
    period: PeriodText
    begins: InstantText
    ends: InstantText
    cut: InstantText
    day: DayText
    digest: Digest
    closed: InstantText
    requested_by: str = Field(min_length=1, max_length=128)
    approved_by: str = Field(min_length=1, max_length=128)

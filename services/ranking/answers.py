"""What the door of ranking answers; points are decimals as text, at the scheme's places."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from services.ranking.domain.standings import Unranked


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class ShownLine(Answer):
    """A unit in a standing.

    `points` are None and `mark` is 未考 while something due has no data; `range` then says from zero to full.
    `covered` are the points that are due in the period; a board without a sum has something missing. The
    points of what is `not_applicable` are spread inside its board (缺项折算); `boards` are those before they
    carry points of another, `carried` the points of boards of which nothing applies, which the others carry.
    `stale` are the indicators of whose events a feed is silent (数据源逾期未报): scored by what there is, or
    not assessed, and never zero.
    `overlays` are what special assessments (专项考评) come to, inside the total and beside it.
    """

    unit: str
    name: str
    rank: int | None
    points: str | None
    range: tuple[str, str] | None
    mark: Literal["未考"] | None
    unranked: Unranked | None
    covered: str
    tier: str | None
    gap: str | None
    volume: int
    boards: dict[str, str | None]
    not_assessed: tuple[str, ...]
    not_due: tuple[str, ...]
    not_applicable: tuple[str, ...]
    stale: tuple[str, ...]
    carried: dict[str, str]
    overlays: dict[str, str | None]


class ShownOverlay(Answer):
    """A special assessment (专项考评) of the period: inside the total if it is `added`, else beside it."""

    code: str
    title: str
    counts: Literal["added", "beside"]
    first: str
    last: str
    points: str


class ShownTier(Answer):
    """A tier: its share, its planned size among the ranked units, and how many stand in it; ties go up.

    `title` is what the scheme calls it, None where it has only a code.
    """

    code: str
    title: str | None
    share: str
    planned: int
    units: int


class ShownStanding(Answer):
    """The provisional standing of a group in a period.

    `as_of` is the digest of the positions that it stands on, `fresh_at` the newest `received` in its figures.
    With `known_on` it is the one that stood at the end of that day of the scheme's zone, `state` is `as_of`.
    `fixture_values` are the indicators whose values no official source gives (本方案设定).
    """

    scheme: str
    version: int
    group: str
    period: str
    state: Literal["live", "as_of"] = "live"
    known_on: str | None = None
    simulated: bool
    fixture_values: tuple[str, ...]
    as_of: str
    fresh_at: str | None
    tiers: tuple[ShownTier, ...]
    overlays: tuple[ShownOverlay, ...]
    units: tuple[ShownLine, ...]


class StandingKey(Answer):
    """Which standing there is."""

    scheme: str
    group: str
    period: str


class StandingsPage(Answer):
    """Standings in order; `next` is the `after` of the next page."""

    items: tuple[StandingKey, ...]
    next: str | None

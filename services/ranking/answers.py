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
    """The standing of a group in a period: provisional (`live`) until two persons close it (`closed`).

    `as_of` is the digest of the positions that it stands on, `fresh_at` the newest `received` in its figures.
    With `known_on` it is the one that stood at the end of that day of the scheme's zone: `state` is `as_of`;
    or it is `closed`, that day is the last before T, and `as_of` is null, for nothing moves it.
    `fixture_values` are the indicators whose values no official source gives (本方案设定).
    """

    scheme: str
    version: int
    group: str
    period: str
    state: Literal["live", "as_of", "closed", "restated"] = "live"
    known_on: str | None = None
    simulated: bool
    fixture_values: tuple[str, ...]
    as_of: str | None
    fresh_at: str | None
    tiers: tuple[ShownTier, ...]
    overlays: tuple[ShownOverlay, ...]
    units: tuple[ShownLine, ...]


class ShownPlace(Answer):
    """Where a unit stands or stood; `range` while something due had no data."""

    points: str | None
    range: tuple[str, str] | None
    rank: int | None
    tier: str | None


class ShownDifference(Answer):
    """A unit whose print is another than that of the closed standing; null where it does not stand there.

    `points` and those of `boards` that differ are print less print, the restated less the closed, where both
    are known. Levels are never added up.
    """

    unit: str
    name: str
    closed: ShownPlace | None
    restated: ShownPlace | None
    points: str | None
    boards: dict[str, str]


class RestatedStanding(ShownStanding):
    """What a closed standing comes to with all that was received since (重述); `differences` from the closed.

    A unit that is not among them is printed as it was.
    """

    state: Literal["live", "as_of", "closed", "restated"] = "restated"
    differences: tuple[ShownDifference, ...]


class FrozenLine(Answer):
    """What is read of a unit in a standing that was frozen, by whichever program."""

    unit: str
    name: str
    rank: int | None
    points: str | None
    range: tuple[str, str] | None
    tier: str | None
    boards: dict[str, str | None]


class FrozenStanding(Answer):
    """What is read of a standing that was frozen."""

    units: tuple[FrozenLine, ...]


class StandingKey(Answer):
    """Which standing there is, and whether two persons closed it."""

    scheme: str
    group: str
    period: str
    state: Literal["live", "closed"]


class StandingsPage(Answer):
    """Standings in order; `next` is the `after` of the next page."""

    items: tuple[StandingKey, ...]
    next: str | None

"""What the door answers about trials; points are decimals as text, at the schemes' places."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from services.ranking.answers import Answer
from services.ranking.domain.standings import Line
from services.ranking.domain.trials import Beside
from shared.kernel.points import text


class TrialPlace(Answer):
    """Where a unit stands on one side; `range` instead of points while something due has no data."""

    points: str | None
    range: tuple[str, str] | None
    rank: int | None
    tier: str | None


class TrialUnit(Answer):
    """A unit in force and in the trial.

    `points` are the trial's less those in force, `places` how many places it would go up.
    """

    unit: str
    name: str
    real: TrialPlace | None
    trial: TrialPlace | None
    points: str | None
    places: int | None
    tier_moves: bool


class TrialDiff(Answer):
    """What a trial would change in a standing, which it does not touch.

    `real_version` is the version in force, null where there is none; `indicators` are those that the draft
    adds, drops or defines otherwise; `moved` counts the units whose points (or range), rank and tier would
    be others. The trial runs from month `first` to `last`; of what is `never_due` no whole cycle lies in
    them, so that no period is compared in which it is due.
    """

    mark: Literal["试考评"] = "试考评"
    scheme: str
    trial: str
    version: int
    real_version: int | None
    group: str
    period: str
    as_of: str
    fresh_at: str
    first: str
    last: str
    never_due: tuple[str, ...]
    indicators: tuple[str, ...]
    moved: dict[str, int]
    units: tuple[TrialUnit, ...]


class TrialStanding(Answer):
    """A group and period of which a trial has a standing."""

    group: str
    period: str


class TrialStandings(Answer):
    """The standings of a trial: its months, and the groups and periods that are compared.

    Of an indicator that is `never_due` no whole cycle lies in these months.
    """

    scheme: str
    trial: str
    version: int
    first: str
    last: str
    never_due: tuple[str, ...]
    items: tuple[TrialStanding, ...]


def units(found: Sequence[Beside], names: Mapping[str, str]) -> tuple[TrialUnit, ...]:
    """Return units with what would change for each."""
    return tuple(
        TrialUnit(
            unit=one.unit,
            name=names[one.unit],
            real=_place(one.real),
            trial=_place(one.trial),
            points=_text(one.points),
            places=one.places,
            tier_moves=one.moves_tier,
        )
        for one in found
    )


def moved(found: Sequence[Beside]) -> dict[str, int]:
    """Count the units of which the points, rank and tier would be others."""
    return {
        "points": sum(one.moves_points for one in found),
        "rank": sum(one.moves_rank for one in found),
        "tier": sum(one.moves_tier for one in found),
    }


def _place(line: Line | None) -> TrialPlace | None:
    if line is None:
        return None
    spread = None if line.total is not None else (text(line.low), text(line.high))
    return TrialPlace(points=_text(line.total), range=spread, rank=line.rank, tier=line.tier)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text(value)

"""What the door answers about trials; points are decimals as text, at the schemes' places."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from services.ranking.answers import Answer
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import Line
from services.ranking.domain.trials import Beside, Side, Tried, beside, changed, so_far
from shared.kernel.points import text
from shared.kernel.shards import SHARDS

State = Literal["running", "whole"]


class TrialPlace(Answer):
    """Where a unit stands on one side; `range` instead of points while something due has no data."""

    points: str | None
    range: tuple[str, str] | None
    rank: int | None
    tier: str | None


class TrialUnit(Answer):
    """A unit in force and in the trial.

    `points` are the trial's less those in force, `places` how many places it would go up; while shards are
    missing there is neither, nor rank or tier in the trial.
    """

    unit: str
    name: str
    real: TrialPlace | None
    trial: TrialPlace | None
    points: str | None
    places: int | None
    tier_moves: bool | None


class TrialDiff(Answer):
    """What a trial would change in a standing, which it does not touch.

    `real_version` is the version in force, null where there is none; `before` are the versions that rule
    months of the period before the draft, newest first, and stand in the trial as its adoption would leave
    them; `indicators` are those that the draft adds, drops or defines otherwise; `moved` counts the units
    whose points (or range), rank and tier would be others. The trial runs from month `first` to `last`; of
    what is `never_due` of the group no cycle ends in them, so that no period is compared in which it is due.

    Its `state` is `running` until all `shards` have `folded` what they hold: till then the trial's points are
    those so far, without ranks, tiers and differences, and `moved` is null.
    """

    mark: Literal["试考评"] = "试考评"
    state: State
    folded: int
    shards: int = SHARDS
    scheme: str
    trial: str
    version: int
    real_version: int | None
    before: tuple[int, ...]
    group: str
    period: str
    as_of: str
    fresh_at: str
    first: str
    last: str
    never_due: tuple[str, ...]
    indicators: tuple[str, ...]
    moved: dict[str, int] | None
    units: tuple[TrialUnit, ...]


class TrialStanding(Answer):
    """A group and period of which a trial has a standing."""

    group: str
    period: str


class TrialStandings(Answer):
    """The standings of a trial: its months, and the groups and periods that are compared.

    Of an indicator that is `never_due` no cycle ends in these months. `folded` are the shards, of all
    `shards`, that are in the standings of every group.
    """

    state: State
    folded: int
    shards: int = SHARDS

    scheme: str
    trial: str
    version: int
    first: str
    last: str
    never_due: tuple[str, ...]
    items: tuple[TrialStanding, ...]


def listed(
    name: tuple[str, str], running: Scheme, keys: Iterable[tuple[str, str]], folded: Mapping[str, int]
) -> TrialStandings:
    """Return of the groups and periods of which a trial (scheme, trial) has figures what is compared.

    `folded` are the shards that are in the figures of each group that is heard of.
    """
    tried = Tried(running.document)
    scored = [one for one in running.document["groups"] if tried.scores(one) and running.members(one)]
    least = min((folded.get(one, 0) for one in scored), default=0)
    first, last = tried.months
    items = [key for key in keys if tried.scores(key[0]) and tried.compares(tried.calendar.parse(key[1]))]
    return TrialStandings(
        state=_state(least),
        folded=least,
        scheme=name[0],
        trial=name[1],
        version=running.version,
        first=str(first),
        last=str(last),
        never_due=tried.never_due(),
        items=tuple(TrialStanding(group=group, period=period) for group, period in items),
    )


def diff(
    asked: tuple[str, str, str, str],
    running: Scheme,
    sides: tuple[Side | None, Side],
    fresh: tuple[str, str],
    folded: int,
) -> TrialDiff:
    """Return both sides of (scheme, trial, group, period) beside each other; `fresh` is (as_of, fresh_at)."""
    scheme, trial, group, period = asked
    real, tried = sides
    document = running.document
    months = Tried(document)
    found = beside([] if real is None else real.lines, tried.lines)
    is_whole = folded == SHARDS
    names = dict[str, str]()
    for one in (real, tried):
        names |= one.scheme.members(group) if one else {}
    names |= running.members(group)
    return TrialDiff(
        state=_state(folded),
        folded=folded,
        scheme=scheme,
        trial=trial,
        version=running.version,
        real_version=real.scheme.version if real else None,
        before=tuple(one["scheme"]["version"] for one in tried.scheme.before),
        group=group,
        period=period,
        as_of=fresh[0],
        fresh_at=fresh[1],
        first=str(months.months[0]),
        last=str(months.months[1]),
        never_due=months.never_due(group),
        indicators=changed(real.scheme.document, document) if real else (),
        moved=moved(found) if is_whole else None,
        units=units(found if is_whole else so_far(found), names, is_whole=is_whole),
    )


def units(found: Sequence[Beside], names: Mapping[str, str], *, is_whole: bool) -> tuple[TrialUnit, ...]:
    """Return units with what would change for each."""
    return tuple(
        TrialUnit(
            unit=one.unit,
            name=names[one.unit],
            real=_place(one.real),
            trial=_place(one.trial),
            points=_text(one.points),
            places=one.places,
            tier_moves=one.moves_tier if is_whole else None,
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


def _state(folded: int) -> State:
    return "whole" if folded == SHARDS else "running"


def _place(line: Line | None) -> TrialPlace | None:
    if line is None:
        return None
    spread = None if line.total is not None else (text(line.low), text(line.high))
    return TrialPlace(points=_text(line.total), range=spread, rank=line.rank, tier=line.tier)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text(value)

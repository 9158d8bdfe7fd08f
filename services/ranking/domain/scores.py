"""What the figures of a unit come to, in whole parts of 10^-12, and where that puts it: all that is told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from services.ranking.domain.moves import Spot
from services.ranking.domain.rescaling import Part, rescaled
from services.ranking.domain.standings import Rules
from services.ranking.domain.tiers import place, ranks
from shared.kernel.points import published_parts

Worth = Mapping[str, int | None]


class Kind(NamedTuple):
    """Where the points of an indicator stand, in parts of 10^-12; none outside boards and overlays."""

    board: str | None
    points: int
    deducts: bool
    overlay: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A unit before it is compared: the print of what it has and may have; `full` if nothing is missing."""

    low: Decimal
    high: Decimal
    full: bool
    ranked: bool


def score(
    due: Mapping[str, int], points: Mapping[str, int], worth: Worth, volume: int, rules: Rules
) -> Score:
    """Add up the figures of a unit; what is due, with its points, and has no figure is not assessed.

    What has no points stands outside boards and overlays; with that alone nothing is due.
    """
    scored = missing = 0
    there = due.keys() | worth.keys()
    full = any(points[indicator] for indicator in there)
    for indicator in there:
        value = worth.get(indicator)
        if value is None:
            missing += points[indicator]
            full = False
        else:
            scored += value
    low = published_parts(scored, rules.places)
    high = published_parts(scored + missing, rules.places) if missing else low
    return Score(low, high, full, full and volume >= rules.at_least)


def score_without(
    absent: Collection[str],
    due: Collection[str],
    kinds: Mapping[str, Kind],
    worth: Worth,
    volume: int,
    rules: Rules,
) -> Score:
    """Add up the figures of a unit to which something that is due does not apply: its boards are rescaled."""
    there = sorted((set(due) | worth.keys()) - set(absent))
    parts = [
        Part(kinds[code].board, kinds[code].points, worth.get(code), kinds[code].deducts, kinds[code].overlay)
        for code in there
    ]
    gone = [(board, kinds[code].points) for code in absent if (board := kinds[code].board) is not None]
    missed = [(one, kinds[code].points) for code in absent if (one := kinds[code].overlay) is not None]
    total = rescaled(parts, gone, missed).total
    full = any(part.board or part.overlay for part in parts) and all(part.value is not None for part in parts)
    low, high = (published_parts(value, rules.places) for value in (total.low, total.high))
    return Score(low, high, full, full and volume >= rules.at_least)


def spots(scores: Mapping[str, Score], rules: Rules) -> dict[str, Spot]:
    """Return where units stand; `standing` gives the same with all that an answer shows."""
    ranked = ranks({unit: one.low for unit, one in scores.items() if one.ranked})
    tiers = place(ranked, rules.tiers) if rules.tiers else {}
    return {
        unit: Spot(ranked.get(unit), tiers.get(unit), one.low)
        if one.full
        else Spot(low=one.low, high=one.high)
        for unit, one in scores.items()
    }

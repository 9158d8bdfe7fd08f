"""Tiers by cumulative rounding, and the two lists that bar a unit from the first tier."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum

from shared.kernel.points import ZERO, published

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier and its share of the ranked units, best first."""

    code: str
    share: Decimal


class Rounding(StrEnum):
    """How a share of a group becomes a number of units."""

    HALF_UP = "half_up"
    CEILING = "ceiling"
    FLOOR = "floor"


class Veto(StrEnum):
    """Why a unit cannot be in the first tier."""

    PARTY_BOARD = "A"
    OTHER_BOARDS = "B"


_MODES = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.CEILING: ROUND_CEILING,
    Rounding.FLOOR: ROUND_FLOOR,
}


def share_of(count: int, share: Decimal, rounding: Rounding = Rounding.HALF_UP) -> int:
    """Return how many units a share of a group is."""
    return int((count * share).quantize(_ONE, rounding=_MODES[rounding]))


def cuts(tiers: Sequence[Tier], count: int) -> tuple[int, ...]:
    """Return the last place of every tier: cumulative shares, each rounded half up."""
    return tuple(share_of(count, sum((t.share for t in tiers[: i + 1]), ZERO)) for i in range(len(tiers)))


def sizes(tiers: Sequence[Tier], count: int) -> tuple[int, ...]:
    """Return the planned size of every tier."""
    ends = cuts(tiers, count)
    return tuple(end - start for start, end in zip((0, *ends), ends, strict=False))


def tier_of(rank: int, ends: Sequence[int]) -> int | None:
    """Return the tier of a 1224 rank; units tied across a cut share the rank and so the upper tier."""
    return next((tier for tier, end in enumerate(ends) if rank <= end), None)


def ranks(figures: Mapping[str, Decimal]) -> dict[str, int]:
    """Rank published figures, highest first: equal print is equal rank, the next rank skips (1224)."""
    ordered = sorted(figures.values(), reverse=True)
    first: dict[Decimal, int] = {}
    for place, figure in enumerate(ordered, 1):
        first.setdefault(figure, place)
    return {unit: first[figure] for unit, figure in figures.items()}


def bottom(
    figures: Mapping[str, Decimal],
    share: Decimal,
    rounding: Rounding = Rounding.HALF_UP,
    *,
    with_ties: bool = True,
) -> frozenset[str]:
    """Return the units in the bottom share of published figures.

    Units equal at the cut are all included, or all left out.
    """
    wanted = share_of(len(figures), share, rounding)
    if wanted == 0:
        return frozenset()
    edge = sorted(figures.values())[wanted - 1]
    up_to_edge = frozenset(unit for unit, figure in figures.items() if figure <= edge)
    if with_ties or len(up_to_edge) == wanted:
        return up_to_edge
    return frozenset(unit for unit, figure in figures.items() if figure < edge)


def compared_sum(boards: Iterable[Decimal], places: int) -> Decimal:
    """Return the figure of list B: the exact sum of its boards, published once like a total."""
    return published(sum(boards, ZERO), places)


def reasons(party: frozenset[str], others: frozenset[str]) -> dict[str, tuple[Veto, ...]]:
    """Return the reason codes of every unit that a list bars; a unit in both carries both."""
    lists = ((Veto.PARTY_BOARD, party), (Veto.OTHER_BOARDS, others))
    return {
        unit: tuple(veto for veto, units in lists if unit in units) for unit in sorted(party | others)
    }


def barred(
    ranked: Mapping[str, int], ends: Sequence[int], vetoed: frozenset[str], *, backfill: bool = False
) -> dict[str, int | None]:
    """Return the tiers after the lists: a barred unit falls from the first to the second, and no further.

    Backfill moves units of the second tier up to the planned size, with all that tie for the last place.
    """
    tiers = {unit: tier_of(rank, ends) for unit, rank in ranked.items()}
    second = frozenset(unit for unit, tier in tiers.items() if tier == 1) - vetoed
    after = {unit: 1 if tier == 0 and unit in vetoed else tier for unit, tier in tiers.items()}
    empty = ends[0] - sum(tier == 0 for tier in after.values())
    if not backfill or empty <= 0 or not second:
        return after
    by_rank = sorted(ranked[unit] for unit in second)
    last = by_rank[min(empty, len(by_rank)) - 1]
    return {unit: 0 if unit in second and ranked[unit] <= last else tier for unit, tier in after.items()}

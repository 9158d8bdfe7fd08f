"""Ranks, tiers by cumulative rounding, and the two lists that bar from the first tier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier and its share of the ranked units."""

    code: str
    share: Decimal


def ranks(points: Mapping[str, Decimal]) -> dict[str, int]:
    """Rank figures as published, highest first: equal print is equal rank, 1224."""
    ordered = sorted(points.values(), reverse=True)
    first = {value: place for place, value in reversed(list(enumerate(ordered, 1)))}
    return {unit: first[value] for unit, value in points.items()}


def half_up(value: Fraction) -> int:
    """Round to a whole number of units, half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def sizes(count: int, tiers: Sequence[Tier]) -> list[int]:
    """Return the sizes of tiers by cumulative rounding, so that they sum to the count."""
    cuts = cumulative(count, tiers)
    return [cut - before for before, cut in zip([0, *cuts], cuts, strict=False)]


def cumulative(count: int, tiers: Sequence[Tier]) -> list[int]:
    """Return the last place of each tier."""
    total = Fraction(0)
    cuts: list[int] = []
    for tier in tiers:
        total += Fraction(tier.share)
        cuts.append(half_up(total * count))
    return cuts


def place(
    ranked: Mapping[str, int], tiers: Sequence[Tier], barred: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Return the tier of every ranked unit.

    A tie across a cut goes to the upper tier, because the cut is compared with the 1224 rank.
    A barred unit drops to the second tier at best; nobody moves up for it.
    """
    cuts = cumulative(len(ranked), tiers)
    placed = {unit: next(i for i, cut in enumerate(cuts) if rank <= cut) for unit, rank in ranked.items()}
    return {unit: tiers[max(at, 1) if unit in barred else at].code for unit, at in placed.items()}


def backfill(ranked: Mapping[str, int], tiers: Sequence[Tier], barred: frozenset[str]) -> dict[str, str]:
    """Return the tiers when units of the second tier fill the places that barred ones left in the first.

    Units tied for the last place all move up; places that cannot be filled stay empty.
    """
    placed = place(ranked, tiers, barred)
    first, second = tiers[0].code, tiers[1].code
    room = sizes(len(ranked), tiers)[0] - sum(tier == first for tier in placed.values())
    waiting = sorted((rank, u) for u, rank in ranked.items() if placed[u] == second and u not in barred)
    if room > 0 and waiting:
        last = waiting[min(room, len(waiting)) - 1][0]
        placed |= {unit: first for rank, unit in waiting if rank <= last}
    return placed


def bottom(points: Mapping[str, Decimal], share: Decimal, *, ties: bool = True) -> frozenset[str]:
    """Return the units in the bottom share, rounded half up, with all that equal the last one or without."""
    count = half_up(Fraction(share) * len(points))
    if count == 0:
        return frozenset()
    cut = sorted(points.values())[count - 1]
    below = frozenset(unit for unit, value in points.items() if value < cut)
    at_cut = frozenset(unit for unit, value in points.items() if value == cut)
    return below | at_cut if ties or len(below | at_cut) == count else below

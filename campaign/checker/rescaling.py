"""What boards and a total come to where indicators do not apply or have no data.

Written from the domain's sentences alone, in plain fractions; what it judges has another way.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from campaign.checker.folding import printed

PLACES = 10**12


@dataclass(frozen=True, slots=True)
class Share:
    """An indicator of a unit that is due in a standing: its points and, where it has data, what it is worth.

    What has neither board nor overlay is a bonus outside them.
    """

    board: str | None
    points: Fraction
    worth: Fraction | None
    applies: bool = True
    deducts: bool = False
    overlay: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """From zero to full for what has no data; both are the same where everything has."""

    low: Decimal
    high: Decimal

    @property
    def total(self) -> Decimal | None:
        """Return the published total; None while it is a range."""
        return self.low if self.low == self.high else None


def total(shares: Collection[Share], places: int = 2) -> Range:
    """Return what a unit's indicators come to, rounded once."""
    low, high = (sum(_all_boards(shares, full=full), _bonus(shares)) for full in (False, True))
    return Range(printed(low, places), printed(high, places))


def boards(shares: Collection[Share]) -> Mapping[str, Range]:
    """Return each board of which something applies, before it carries points of another."""
    return {
        name: Range(*(printed(_spread(mine, full=full)) for full in (False, True)))
        for name, mine in _by_board(shares).items()
        if _is_any(mine)
    }


def compared(shares: Collection[Share], names: Collection[str]) -> Decimal | None:
    """Return the sum of some boards as one figure, in proportion to what there is; None where nothing is."""
    chosen = {name: mine for name, mine in _by_board(shares).items() if name in names}
    there = [mine for mine in chosen.values() if _is_any(mine)]
    if not there:
        return None
    worth = _added(Fraction(_spread(mine, full=False)) for mine in there)
    return printed(_kept(worth * _added(map(_points, chosen.values())) / _added(map(_points, there))))


def _all_boards(shares: Collection[Share], *, full: bool) -> Iterable[Decimal]:
    """Yield boards and overlays as a total takes them: those of which nothing applies the boards carry.

    An overlay carries nothing of others.
    """
    every, added = _by_board(shares).values(), _by_overlay(shares).values()
    there = [mine for mine in every if _is_any(mine)]
    carried = _added(_points(mine) for mine in (*every, *added) if not _is_any(mine))
    for mine in there:
        yield _spread(mine, carried * _points(mine) / _added(map(_points, there)), full=full)
    for mine in added:
        if _is_any(mine):
            yield _spread(mine, full=full)


def _is_any(mine: Iterable[Share]) -> bool:
    return any(one.applies for one in mine)


def _spread(mine: Collection[Share], carried: Fraction = Fraction(0), *, full: bool) -> Decimal:
    """Return a board's points: a deduction keeps its own, the others take what does not apply and is carried.

    Where deductions alone are left their points are stretched, and what they lost is not.
    """
    deductions = [one for one in mine if one.applies and one.deducts]
    others = [one for one in mine if one.applies and not one.deducts]
    whole, deducting = _points(mine) + carried, _points(deductions)
    if others:
        kept, rest = (_added(_worth(one, full=full) for one in found) for found in (deductions, others))
        return _kept(kept + rest * (whole - deducting) / _points(others))
    stretch = whole / deducting
    return _kept(_added(_stretched(one, stretch, full=full) for one in deductions))


def _stretched(share: Share, stretch: Fraction, *, full: bool) -> Fraction:
    if share.worth is None:
        return share.points * stretch if full else Fraction(0)
    return share.points * stretch - (share.points - share.worth)


def _worth(share: Share, *, full: bool) -> Fraction:
    if share.worth is not None:
        return share.worth
    return share.points if full else Fraction(0)


def _bonus(shares: Collection[Share]) -> Decimal:
    outside = [one for one in shares if one.board is None and one.overlay is None]
    return _kept(_added(one.worth or Fraction(0) for one in outside))


def _by_board(shares: Collection[Share]) -> dict[str, list[Share]]:
    return _by((one.board, one) for one in shares)


def _by_overlay(shares: Collection[Share]) -> dict[str, list[Share]]:
    return _by((one.overlay, one) for one in shares)


def _by(named: Iterable[tuple[str | None, Share]]) -> dict[str, list[Share]]:
    found: dict[str, list[Share]] = {}
    for name, one in named:
        if name is not None:
            found.setdefault(name, []).append(one)
    return found


def _points(mine: Collection[Share]) -> Fraction:
    return _added(one.points for one in mine)


def _added(amounts: Iterable[Fraction]) -> Fraction:
    return sum(amounts, Fraction(0))


def _kept(value: Fraction) -> Decimal:
    """Return a quotient at 12 places, half even."""
    return Decimal(round(value * PLACES)).scaleb(-12)

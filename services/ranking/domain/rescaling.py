"""缺项折算: what a unit's boards come to where something does not apply to it, in whole parts of 10^-12."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from shared.kernel.points import scaled

NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Part:
    """An indicator that is due and applies: its points, and its value, None where there is no data.

    One outside boards and overlays has no points to reach.
    """

    board: str | None
    points: int
    value: int | None
    deducts: bool
    overlay: str | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """Between what a sum lies: from zero to full of what has no data."""

    low: int
    high: int


@dataclass(slots=True)
class BoardSum:
    """A board of a unit: points and values of its deduct indicators and of the rest, and what does not apply.

    `missing` of the points have no data. `gained` are the points that the board carries of boards of which
    nothing applies; it takes no part in `own`, by which boards are compared.
    """

    deduct: int = 0
    deduct_value: int = 0
    deduct_missing: int = 0
    rest: int = 0
    rest_value: int = 0
    rest_missing: int = 0
    absent: int = 0
    gained: Fraction = NOTHING

    @property
    def points(self) -> int:
        """What is due in the board, whether it applies or not."""
        return self.deduct + self.rest + self.absent

    @property
    def applies(self) -> bool:
        """Whether anything of the board applies."""
        return self.deduct + self.rest > 0

    @property
    def own(self) -> Range:
        """The board before it carries points of another."""
        return self._spread(Fraction(self.absent))

    @property
    def carrying(self) -> Range:
        """The board with the points that it carries."""
        return self._spread(self.absent + self.gained)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it has no data."""
        return not (self.deduct_missing or self.rest_missing)

    def _spread(self, more: Fraction) -> Range:
        """Spread points over what is no deduction; over deductions alone their points, never their losses."""
        value, missing = self.deduct_value, self.deduct_missing
        if self.rest:
            share = 1 + more / self.rest
            low = value + scaled(self.rest_value, share)
            return Range(low, value + missing + scaled(self.rest_value + self.rest_missing, share))
        if self.deduct:
            share = more / self.deduct
            low = value + scaled(self.deduct - missing, share)
            return Range(low, value + missing + scaled(self.deduct, share))
        return Range(0, 0)


@dataclass(frozen=True, slots=True)
class Rescaled:
    """The boards and overlays of a unit by their code, what stands outside them, and all of it together."""

    boards: Mapping[str, BoardSum]
    outside: int
    overlays: Mapping[str, BoardSum]

    @property
    def all(self) -> dict[str, BoardSum]:
        """The boards, then the overlays."""
        return {**self.boards, **self.overlays}

    @property
    def total(self) -> Range:
        """The sum of the boards, each with what it carries, of the overlays, and of what stands outside."""
        found = [one.carrying for one in self.all.values()]
        return Range(
            self.outside + sum(one.low for one in found), self.outside + sum(one.high for one in found)
        )

    @property
    def points(self) -> int:
        """The points that are due: those of every board and overlay, if there is one to carry them."""
        found = self.all.values()
        return sum(one.points for one in found) if any(one.applies for one in found) else 0

    @property
    def carried(self) -> dict[str, int]:
        """The boards and overlays of which nothing applies, with the points that boards carry."""
        return {code: one.points for code, one in self.all.items() if not one.applies}


def rescaled(
    parts: Iterable[Part], absent: Iterable[tuple[str, int]], missed: Iterable[tuple[str, int]] = ()
) -> Rescaled:
    """Add up a unit; `absent` are the boards and points of what is due and does not apply to it.

    `missed` are the overlays and points of such.

    Inside its board that is spread over the other indicators: kept + rest · (board − deduct points) /
    (board − deduct points − not applicable). The points of a board of which nothing applies go to the other
    boards in proportion to theirs, and are spread there alike; so are those of an overlay. An overlay carries
    nothing of others.
    """
    boards: dict[str, BoardSum] = {}
    overlays: dict[str, BoardSum] = {}
    outside = 0
    for part in parts:
        if part.board is not None:
            _add(boards.setdefault(part.board, BoardSum()), part)
        elif part.overlay is not None:
            _add(overlays.setdefault(part.overlay, BoardSum()), part)
        else:
            outside += part.value or 0
    for code, points in absent:
        boards.setdefault(code, BoardSum()).absent += points
    for code, points in missed:
        overlays.setdefault(code, BoardSum()).absent += points
    there = {code: one for code, one in sorted(boards.items()) if one.applies}
    carried = sum(one.points for one in (*boards.values(), *overlays.values()) if not one.applies)
    together = sum(one.points for one in there.values())
    for one in there.values():
        one.gained = Fraction(carried * one.points, together)
    return Rescaled(dict(sorted(boards.items())), outside, dict(sorted(overlays.items())))


def _add(board: BoardSum, part: Part) -> None:
    value, missing = (part.value, 0) if part.value is not None else (0, part.points)
    if part.deducts:
        board.deduct += part.points
        board.deduct_value += value
        board.deduct_missing += missing
    else:
        board.rest += part.points
        board.rest_value += value
        board.rest_missing += missing

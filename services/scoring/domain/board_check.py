"""The rules of boards and of what is added to them: points sum, and a share exceeds its floor."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import is_due, scheme_months
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding
from shared.kernel.periods import LENGTH_MONTHS, Period

NOTHING = Decimal(0)


def boards_sum_to_the_total(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The points of the boards are the total."""
    found = sum(Decimal(board.points) for board in document.boards)
    if found != Decimal(document.scheme.total):
        yield Finding(
            "/boards", "board_sum", f"The boards have {found} points, the total is {document.scheme.total}."
        )


def indicators_fill_their_boards(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The common and a unit's own indicators of a board have the points of the board."""
    scored = {group for indicator in document.indicators for group in indicator.groups}
    for group in sorted(scored & document.groups.keys()):
        for board in document.boards:
            within = [one for one in document.indicators if one.board == board.code and group in one.groups]
            for whose, found in sums(document, group, within):
                if found != Decimal(board.points):
                    told = f"the indicators of {board.code} have {found} points, the board {board.points}"
                    yield Finding("/indicators", "indicator_sum", f"{whose}: {told}.")


def a_floor_is_exceeded(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A board with a floor has strictly more than its share of the total with all that is added to it.

    It is asked of every period, as overlays are added in their own.
    """
    found = list(_added(document))
    for place, board in enumerate(document.boards):
        for one in found if board.floor_above is not None else ():
            total = Decimal(document.scheme.total) + one.points
            if Decimal(board.points) <= Decimal(board.floor_above or "0") * total:
                reason = f"{board.code} is not above {board.floor_above} of {one.told(total)}."
                yield Finding(f"/boards/{place}/points", "board_floor", reason)
                if not one.overlays:
                    break


def sums(
    document: SchemeDocument, group: str, indicators: Sequence[IndicatorSpec]
) -> list[tuple[str, Decimal]]:
    """Return what indicators sum to: in a group, or for each unit of it where one is not for all."""
    common = sum((Decimal(one.points) for one in indicators if not one.units), NOTHING)
    if all(not one.units for one in indicators):
        return [(group, common)]
    own: dict[str, Decimal] = {}
    for one in indicators:
        for unit in set(one.units):
            own[unit] = own.get(unit, NOTHING) + Decimal(one.points)
    units = [unit.code for unit in document.units if unit.level == document.groups[group].level]
    return [(f"{group}, {unit}", common + own.get(unit, NOTHING)) for unit in units]


@dataclass(frozen=True, slots=True)
class _Added:
    """What is added to the total in periods: overlays by code, and the most that a unit has of it."""

    overlays: tuple[str, ...]
    periods: tuple[Period, ...]
    points: Decimal

    def told(self, total: Decimal) -> str:
        """Return which total it is."""
        if not self.overlays:
            return (
                f"the total of {total}, {self.points} of them outside the boards"
                if self.points
                else "the total"
            )
        periods, overlays = ", ".join(map(str, self.periods)), ", ".join(self.overlays)
        return f"the total of {total} in {periods}, {self.points} of them outside the boards with {overlays}"


def _added(document: SchemeDocument) -> Iterator[_Added]:
    """Yield what is added: awards alone, then with the overlays that are added in the same periods."""
    yield _Added((), (), most(document, [one for one in document.indicators if one.is_extra]))
    periods = {period for month in scheme_months(document) for period in document.calendar.around(month)}
    shortest = sorted(periods, key=lambda period: (LENGTH_MONTHS[period.cycle], period.first))
    of_periods = [(_overlays_in(document, period), period) for period in shortest]
    ordered = sorted(of_periods, key=lambda pair: pair[0])
    for codes, found in groupby(ordered, key=lambda pair: pair[0]):
        if codes:
            there = [one for one in document.indicators if one.is_extra or one.overlay in codes]
            yield _Added(codes, tuple(period for _, period in found), most(document, there))


def _overlays_in(document: SchemeDocument, period: Period) -> tuple[str, ...]:
    """Return the overlays that are added to the total of a period."""
    added = {one.code for one in document.overlays if one.counts == "added"}
    return tuple(
        sorted(
            {
                one.overlay
                for one in document.indicators
                if one.overlay in added and is_due(document, one, period)
            }
        )
    )


def most(document: SchemeDocument, indicators: Sequence[IndicatorSpec]) -> Decimal:
    """Return the most points that a unit has of indicators, in whatever group."""
    found = [
        points
        for group in document.groups
        for _, points in sums(document, group, [one for one in indicators if group in one.groups])
    ]
    return max(found, default=NOTHING)

"""What a total or a board is made of: each figure with what is missing to its points, the dearest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from services.ranking.domain.rescaling import Rescaled
from services.ranking.domain.standings import DUE, Figure, is_any_due, rescaled_of
from shared.kernel.figures import FigureState
from shared.kernel.points import ZERO, of_parts, published_parts

PARTS_LAST = {FigureState.NOT_APPLICABLE: 2, FigureState.NOT_DUE: 3}


@dataclass(frozen=True, slots=True)
class Lost:
    """A figure and what it lost of its points; None while it has no value."""

    figure: Figure
    lost: Decimal | None


@dataclass(frozen=True, slots=True)
class Summed:
    """Figures added up exactly, and rounded once for publication.

    `value` and `published` are None while something due has no value, or nothing of a board is due; `low`
    and `high` say between what the sum then lies. `lost` is what is missing to the points, apart from what
    has no value. `rescaled` are the boards behind it.
    """

    points: Decimal
    value: Decimal | None
    published: Decimal | None
    low: Decimal
    high: Decimal
    lost: Decimal
    parts: tuple[Lost, ...]
    rescaled: Rescaled


def summed(figures: Iterable[Figure], places: int) -> Summed:
    """Add up figures; what does not apply is spread over the others, what is not due lies outside."""
    parts = sorted((_lost(one) for one in figures), key=_order)
    due = [one.figure for one in parts if one.figure.state in DUE]
    found = rescaled_of(one.figure for one in parts)
    whole = is_any_due(due) and not any(one.value is None for one in due)
    reached = (one.figure.points for one in parts if one.figure.state is not FigureState.NOT_DUE)
    points = sum(reached, ZERO) if found.points else ZERO
    low = published_parts(found.total.low, places)
    return Summed(
        points=points,
        value=of_parts(found.total.low) if whole else None,
        published=low if whole else None,
        low=low,
        high=published_parts(found.total.high, places),
        lost=points - of_parts(found.total.high),
        parts=tuple(parts),
        rescaled=found,
    )


def _lost(figure: Figure) -> Lost:
    return Lost(figure, None if figure.value is None else figure.points - figure.value)


def _order(one: Lost) -> tuple[int, Decimal, str]:
    """Losses fall, then comes what has no data yet, then what does not apply, then what is not due."""
    last = PARTS_LAST.get(one.figure.state)
    if last is not None:
        return last, ZERO, one.figure.indicator
    if one.lost is None:
        return 1, -one.figure.points, one.figure.indicator
    return 0, -one.lost, one.figure.indicator

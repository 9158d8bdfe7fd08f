"""What a total or a board is made of: each figure with what is missing to its points, the dearest first."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from services.ranking.domain.standings import Figure
from shared.kernel.figures import FigureState
from shared.kernel.points import ZERO, published


@dataclass(frozen=True, slots=True)
class Lost:
    """A figure and what it lost of its points; None while it has no value."""

    figure: Figure
    lost: Decimal | None


@dataclass(frozen=True, slots=True)
class Summed:
    """Figures added up exactly, and rounded once for publication.

    `value` and `published` are None while something due has no value; `low` and `high` say between what the
    sum then lies.
    """

    points: Decimal
    value: Decimal | None
    published: Decimal | None
    low: Decimal
    high: Decimal
    lost: Decimal
    parts: tuple[Lost, ...]


def summed(figures: Iterable[Figure], places: int) -> Summed:
    """Add up figures; what is not due lies outside, and follows last."""
    parts = sorted((_lost(one) for one in figures), key=_order)
    due = [one for one in parts if one.figure.state is not FigureState.NOT_DUE]
    value = sum((one.figure.value for one in due if one.figure.value is not None), ZERO)
    open_points = sum((one.figure.points for one in due if one.figure.value is None), ZERO)
    whole = bool(due) and not any(one.figure.value is None for one in due)
    low = published(value, places)
    return Summed(
        points=sum((one.figure.points for one in due), ZERO),
        value=value if whole else None,
        published=low if whole else None,
        low=low,
        high=published(value + open_points, places),
        lost=sum((one.lost for one in due if one.lost is not None), ZERO),
        parts=tuple(parts),
    )


def _lost(figure: Figure) -> Lost:
    return Lost(figure, None if figure.value is None else figure.points - figure.value)


def _order(one: Lost) -> tuple[int, Decimal, str]:
    """Losses fall, then what has no data yet, then what is not due."""
    if one.figure.state is FigureState.NOT_DUE:
        return 2, ZERO, one.figure.indicator
    if one.lost is None:
        return 1, -one.figure.points, one.figure.indicator
    return 0, -one.lost, one.figure.indicator

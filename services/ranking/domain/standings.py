"""A standing from figures: exact sums, one rounding, ranks of what is printed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from services.ranking.domain.rescaling import BoardSum, Part, Rescaled, rescaled
from services.ranking.domain.tiers import Tier, cumulative, place, ranks
from shared.kernel.figures import FigureState
from shared.kernel.points import parts_of, published_parts

DUE = frozenset({FigureState.SCORED, FigureState.NOT_ASSESSED})


@dataclass(frozen=True, slots=True)
class Figure:
    """What an indicator is worth for a unit in a period; one outside boards and overlays has no points.

    One that `deducts` keeps its points where another does not apply. It is `stale` while a feed of its events
    is silent in the period. What stands `beside` is in no total.
    """

    indicator: str
    board: str | None
    points: Decimal
    value: Decimal | None
    state: FigureState
    volume: int = 0
    deducts: bool = False
    stale: bool = False
    overlay: str | None = None
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """What a scheme says of its standings."""

    places: int
    tiers: tuple[Tier, ...] = ()
    at_least: int = 0


class Unranked(StrEnum):
    """Why a unit has no rank."""

    NOT_ASSESSED = "not_assessed"
    NOTHING_DUE = "nothing_due"
    BELOW_MINIMUM_VOLUME = "below_minimum_volume"


@dataclass(frozen=True, slots=True)
class Line:
    """A unit in a standing; without a full score it has a range from zero to full and neither rank nor tier.

    `covered` are the points that are due in the period; `boards` are those before they carry the points of
    another, `carried` are the points that others carry of a board of which nothing applies to the unit.
    Of `stale` indicators a feed is silent.
    `overlays` are those inside the total and those beside it.
    """

    unit: str
    total: Decimal | None
    low: Decimal
    high: Decimal
    covered: Decimal
    boards: Mapping[str, Decimal | None]
    volume: int
    not_assessed: tuple[str, ...] = ()
    not_due: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    carried: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    overlays: Mapping[str, Decimal | None] = field(default_factory=dict[str, Decimal | None])
    unranked: Unranked | None = None
    rank: int | None = None
    tier: str | None = None
    gap: Decimal | None = None


def standing(figures: Mapping[str, Sequence[Figure]], rules: Rules) -> list[Line]:
    """Return the lines of a group, ranked ones first, the same for any order of the figures."""
    lines = [line_of(unit, found, rules) for unit, found in figures.items()]
    full = {line.unit: line.total for line in lines if line.total is not None and line.unranked is None}
    ranked = ranks(full)
    tiers = place(ranked, rules.tiers) if rules.tiers else {}
    gaps = _gaps(full, ranked, rules)
    placed = [
        replace(line, rank=ranked.get(line.unit), tier=tiers.get(line.unit), gap=gaps.get(line.unit))
        for line in lines
    ]
    return sorted(placed, key=lambda line: (line.rank is None, line.rank or 0, line.unit))


def line_of(unit: str, figures: Iterable[Figure], rules: Rules) -> Line:
    """Add up a unit's figures: what is not due lies outside the total, what does not apply is spread."""
    known = sorted(figures, key=lambda figure: figure.indicator)
    ordered = [figure for figure in known if not figure.beside]
    due = [figure for figure in ordered if figure.state in DUE]
    missing = [figure for figure in due if figure.value is None]
    found, beside = rescaled_of(ordered), rescaled_of(figure for figure in known if figure.beside)
    overlays = {**found.overlays, **beside.overlays}
    low = published_parts(found.total.low, rules.places)
    volume = max((figure.volume for figure in known), default=0)
    return Line(
        unit=unit,
        total=None if missing or not is_any_due(ordered) else low,
        low=low,
        high=published_parts(found.total.high, rules.places),
        covered=published_parts(found.points, rules.places),
        boards={code: _board(board, rules) for code, board in found.boards.items() if board.applies},
        volume=volume,
        not_assessed=tuple(figure.indicator for figure in missing),
        not_due=_codes(ordered, FigureState.NOT_DUE),
        not_applicable=_codes(ordered, FigureState.NOT_APPLICABLE),
        stale=tuple(figure.indicator for figure in known if figure.stale),
        carried={code: published_parts(points, rules.places) for code, points in found.carried.items()},
        overlays={code: _board(one, rules) for code, one in overlays.items() if one.applies},
        unranked=_unranked(ordered, missing, enough=volume >= rules.at_least),
    )


def is_any_due(figures: Iterable[Figure]) -> bool:
    """Tell whether anything with points is due and applies; what stands outside gives a unit no rank."""
    return any(one.state in DUE and (one.board or one.overlay) is not None for one in figures)


def _unranked(known: Sequence[Figure], missing: Sequence[Figure], *, enough: bool) -> Unranked | None:
    if known and not is_any_due(known):
        return Unranked.NOTHING_DUE
    if missing or not known:
        return Unranked.NOT_ASSESSED
    return None if enough else Unranked.BELOW_MINIMUM_VOLUME


def rescaled_of(figures: Iterable[Figure]) -> Rescaled:
    """Add up what is due of a unit by boards; what does not apply is spread over the others."""
    known = list(figures)
    gone = [one for one in known if one.state is FigureState.NOT_APPLICABLE]
    return rescaled(
        [
            Part(
                one.board,
                parts_of(one.points),
                None if one.value is None else parts_of(one.value),
                one.deducts,
                one.overlay,
            )
            for one in known
            if one.state in DUE
        ],
        [(one.board, parts_of(one.points)) for one in gone if one.board is not None],
        [(one.overlay, parts_of(one.points)) for one in gone if one.overlay is not None],
    )


def _codes(figures: Iterable[Figure], state: FigureState) -> tuple[str, ...]:
    return tuple(figure.indicator for figure in figures if figure.state is state)


def _board(board: BoardSum, rules: Rules) -> Decimal | None:
    return published_parts(board.own.low, rules.places) if board.is_whole else None


def _gaps(full: Mapping[str, Decimal], ranked: Mapping[str, int], rules: Rules) -> dict[str, Decimal]:
    """Return the points to the next tier: the last score in it less one's own."""
    gaps: dict[str, Decimal] = {}
    for cut in cumulative(len(ranked), rules.tiers)[:-1]:
        inside = [full[unit] for unit, rank in ranked.items() if rank <= cut]
        if inside:
            gaps |= {unit: min(inside) - full[unit] for unit, rank in ranked.items() if rank > cut}
    return gaps

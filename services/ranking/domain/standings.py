"""From figures to a standing: exact sums, published once; ranges where data is missing; ranks and tiers."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from services.ranking.domain.scheme import Scheme
from services.ranking.domain.tiers import cuts, ranks, sizes, tier_of
from shared.kernel.points import ZERO, published


class FigureState(StrEnum):
    """Why a figure has a value or none."""

    SCORED = "scored"
    NOT_DUE = "not_due"
    NOT_ASSESSED = "not_assessed"


@dataclass(frozen=True, slots=True)
class Figure:
    """What one indicator is worth to one unit in the period; `volume` is the unit's in that period."""

    unit: str
    indicator: str
    board: str
    points: Decimal
    value: Decimal | None
    state: FigureState
    volume: int = 0
    number: int = 0


class Status(StrEnum):
    """Why a unit has a rank or none."""

    RANKED = "ranked"
    BELOW_VOLUME = "below_volume"
    NOT_ASSESSED = "not_assessed"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class Range:
    """Published points between which a sum lies; equal ends are a score. `covered` are the points due."""

    covered: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands; `missing` are the indicators that are due and without data."""

    unit: str
    status: Status
    total: Range
    boards: Mapping[str, Range]
    missing: tuple[str, ...]
    volume: int
    rank: int | None = None
    tier: str | None = None
    tied: int = 0
    at_cut: bool = False
    gap: Decimal | None = None

    @property
    def points(self) -> Decimal | None:
        """The published total, where there is one and not a range."""
        return self.total.low if self.status in {Status.RANKED, Status.BELOW_VOLUME} else None


@dataclass(frozen=True, slots=True)
class Standing:
    """The provisional standing of a group in a period: ranked units first, the others after them."""

    ranked: int
    tier_sizes: tuple[int, ...]
    places: tuple[Place, ...]


def stand(scheme: Scheme, units: Sequence[str], figures: Iterable[Figure]) -> Standing:
    """Return the standing of the units.

    An indicator is due if a unit's figure says so; a unit without its figure is not yet assessed in it.
    """
    by_unit: dict[str, dict[str, Figure]] = {}
    for figure in sorted(figures, key=lambda one: (one.unit, one.indicator)):
        by_unit.setdefault(figure.unit, {})[figure.indicator] = figure
    due = {
        code: figure
        for of_unit in by_unit.values()
        for code, figure in of_unit.items()
        if figure.state is not FigureState.NOT_DUE
    }
    unranked = [_summed(scheme, unit, by_unit.get(unit, {}), due) for unit in units]
    return _ranked(scheme, unranked)


def _summed(
    scheme: Scheme, unit: str, known: Mapping[str, Figure], due: Mapping[str, Figure]
) -> Place:
    mine = [known.get(code) or _without_data(unit, due[code]) for code in sorted(due)]
    mine = [figure for figure in mine if figure.state is not FigureState.NOT_DUE]
    missing = tuple(figure.indicator for figure in mine if figure.value is None)
    volume = max((figure.number, figure.volume) for figure in known.values())[1] if known else 0
    boards = {
        board: _range([figure for figure in mine if figure.board == board], scheme.places)
        for board in scheme.boards
        if any(figure.board == board for figure in mine)
    }
    return Place(
        unit=unit,
        status=_status(scheme, mine, missing, volume),
        total=_range(mine, scheme.places),
        boards=boards,
        missing=missing,
        volume=volume,
    )


def _without_data(unit: str, like: Figure) -> Figure:
    return replace(like, unit=unit, value=None, state=FigureState.NOT_ASSESSED)


def _status(scheme: Scheme, due: Sequence[Figure], missing: Sequence[str], volume: int) -> Status:
    if not due:
        return Status.NOT_DUE
    if missing:
        return Status.NOT_ASSESSED
    return Status.RANKED if volume >= scheme.minimum_volume else Status.BELOW_VOLUME


def _range(figures: Sequence[Figure], places: int) -> Range:
    low = sum((figure.value for figure in figures if figure.value is not None), ZERO)
    open_points = sum((figure.points for figure in figures if figure.value is None), ZERO)
    return Range(
        covered=sum((figure.points for figure in figures), ZERO),
        low=published(low, places),
        high=published(low + open_points, places),
    )


def _ranked(scheme: Scheme, places: Sequence[Place]) -> Standing:
    scores = {place.unit: place.total.low for place in places if place.status is Status.RANKED}
    rank_of = ranks(scores)
    sharing = Counter(scores.values())
    ends = cuts(scheme.tiers, len(scores))
    tier_at = {unit: tier_of(rank, ends) for unit, rank in rank_of.items()}
    lowest = _lowest(scores, tier_at)
    standing: list[Place] = []
    for place in places:
        if place.unit not in rank_of:
            standing.append(place)
            continue
        rank, tier = rank_of[place.unit], tier_at[place.unit]
        tied = sharing[scores[place.unit]]
        standing.append(
            replace(
                place,
                rank=rank,
                tier=None if tier is None else scheme.tiers[tier].code,
                tied=tied,
                at_cut=any(rank <= end < rank + tied - 1 for end in ends),
                gap=_gap(scores[place.unit], tier, lowest),
            )
        )
    return Standing(len(scores), sizes(scheme.tiers, len(scores)), tuple(sorted(standing, key=_order)))


def _lowest(scores: Mapping[str, Decimal], tier_at: Mapping[str, int | None]) -> dict[int, Decimal]:
    """Return the last published score of every tier that has units."""
    lowest: dict[int, Decimal] = {}
    for unit, score in scores.items():
        tier = tier_at[unit]
        if tier is not None:
            lowest[tier] = min(score, lowest.get(tier, score))
    return lowest


def _gap(score: Decimal, tier: int | None, lowest: Mapping[int, Decimal]) -> Decimal | None:
    """Return the last score of the next tier above that has units, less one's own."""
    above = [at for at in lowest if tier is None or at < tier]
    return lowest[max(above)] - score if above else None


def _order(place: Place) -> tuple[int, int, Decimal, str]:
    statuses = list(Status)
    return (statuses.index(place.status), place.rank or 0, -place.total.high, place.unit)

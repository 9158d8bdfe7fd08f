"""What a trial would change: two standings of one group and period beside each other, unit by unit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from services.ranking.domain.standings import Line

Document = Mapping[str, Any]

OF_PEOPLE = frozenset({"version", "owner", "effective"})


@dataclass(frozen=True, slots=True)
class Beside:
    """A unit in both standings; one that a side does not have stands nowhere there.

    `points` are those of the trial less those in force, `places` how many it would go up; None where a side
    has none.
    """

    unit: str
    real: Line | None
    trial: Line | None
    points: Decimal | None
    places: int | None

    @property
    def moves_points(self) -> bool:
        """Tell whether other points would be printed, or a range in their place."""
        return _of(self.real, "total") != _of(self.trial, "total")

    @property
    def moves_rank(self) -> bool:
        """Tell whether the unit would have another rank, or one at all."""
        return _of(self.real, "rank") != _of(self.trial, "rank")

    @property
    def moves_tier(self) -> bool:
        """Tell whether the unit would stand in another tier."""
        return _of(self.real, "tier") != _of(self.trial, "tier")


def beside(real: Iterable[Line], trial: Iterable[Line]) -> list[Beside]:
    """Return every unit of either standing, in the order of the trial's, then those it does not have."""
    ours, theirs = ({line.unit: line for line in lines} for lines in (real, trial))
    units = [*theirs, *(unit for unit in ours if unit not in theirs)]
    return [_beside(unit, ours.get(unit), theirs.get(unit)) for unit in units]


def changed(real: Document, trial: Document) -> tuple[str, ...]:
    """Return the indicators that one of two schemes has alone, or that they define or measure otherwise."""
    ours, theirs = (_definitions(document) for document in (real, trial))
    return tuple(code for code in sorted(ours.keys() | theirs.keys()) if ours.get(code) != theirs.get(code))


def _definitions(document: Document) -> dict[str, tuple[Any, ...]]:
    """Return by indicator all that decides its figure; a measure's version and owner do not."""
    measures, views = document.get("measures", {}), document.get("views", {})
    found: dict[str, tuple[Any, ...]] = {}
    for one in document["indicators"]:
        spec = measures.get(one.get("measure"), {})
        taken = {name: told for name, told in spec.items() if name not in OF_PEOPLE}
        found[one["code"]] = one, taken, views.get(spec.get("over"))
    return found


def _beside(unit: str, real: Line | None, trial: Line | None) -> Beside:
    points, places = None, None
    if real is not None and trial is not None:
        if real.total is not None and trial.total is not None:
            points = trial.total - real.total
        if real.rank is not None and trial.rank is not None:
            places = real.rank - trial.rank
    return Beside(unit, real, trial, points, places)


def _of(line: Line | None, what: Literal["total", "rank", "tier"]) -> Decimal | int | str | None:
    return None if line is None else getattr(line, what)

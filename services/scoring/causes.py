"""Which records moved which months of which units, so that an entry names exactly those."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.scoring.contract import Cause
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import scheme_months
from shared.contracts.partials import Changed
from shared.kernel.periods import Month

Months = Mapping[int, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Touched:
    """The months of units that moved; each names its causes by their place in `causes`."""

    causes: Sequence[Cause]
    units: Mapping[str, Months]

    def of(self, unit: str, month: int, *, stock: bool) -> list[Cause]:
        """Return what moved a month of a unit; a stock is moved by every month before it too."""
        months = self.units.get(unit, {})
        moved = [places for at, places in months.items() if at == month or (stock and at < month)]
        return self._joined(frozenset[int]().union(*moved))

    def of_units(self, units: Iterable[str]) -> list[Cause]:
        """Return what moved any month of units."""
        moved = [places for unit in units for places in self.units.get(unit, {}).values()]
        return self._joined(frozenset[int]().union(*moved))

    def _joined(self, places: Iterable[int]) -> list[Cause]:
        """Return causes in order; numbers that follow each other become one range."""
        found: list[Cause] = []
        for cause in sorted((self.causes[place] for place in places), key=_order):
            last = found[-1] if found else None
            if last and (last.stream, last.shard, last.last + 1) == (cause.stream, cause.shard, cause.first):
                found[-1] = last.model_copy(update={"last": cause.last})
            elif last != cause:
                found.append(cause)
        return found


def touched_by(changed: Sequence[Changed]) -> Touched:
    """Return what messages of stage A moved."""
    units: dict[str, dict[int, set[int]]] = {}
    for place, one in enumerate(changed):
        for row in (row for block in one.blocks for row in block.rows):
            units.setdefault(row.unit, {}).setdefault(Month.parse(row.month).ordinal, set()).add(place)
    causes = [Cause(stream=one.stream, shard=one.shard, first=one.first, last=one.last) for one in changed]
    return Touched(
        causes,
        {unit: {at: frozenset(found) for at, found in months.items()} for unit, months in units.items()},
    )


def with_adoption(touched: Touched, document: SchemeDocument, cause: Cause) -> Touched:
    """Return every month of every unit as moved by a scheme adopted, and by what came with it."""
    own = frozenset({len(touched.causes)})
    months = [month.ordinal for month in scheme_months(document)]
    units = {
        unit.code: {at: own | touched.units.get(unit.code, {}).get(at, own) for at in months}
        for unit in document.units
    }
    return Touched([*touched.causes, cause], units)


def _order(cause: Cause) -> tuple[str, int, int]:
    return cause.stream, cause.shard, cause.first

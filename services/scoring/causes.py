"""Which records moved which months of which units: one range of numbers for each shard of a stream."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Place = tuple[str, int]
Numbers = tuple[int, int]


class Range(NamedTuple):
    """The records first..last of a shard of a stream, among which are those that moved something."""

    stream: str
    shard: int
    first: int
    last: int


Ranges = tuple[Range, ...]


@dataclass(slots=True)
class Causes:
    """The numbers behind each month of each unit; at most one range a shard, so that a list stays small."""

    adopted: Ranges = ()
    months: dict[str, dict[int, dict[Place, Numbers]]] = field(
        default_factory=dict[str, dict[int, dict[Place, Numbers]]]
    )

    def add(self, unit: str, month: int, found: Range) -> None:
        """Note records that moved a month of a unit."""
        _widen(self.months.setdefault(unit, {}).setdefault(month, {}), found)

    def of(self, unit: str, month: int, *, stock: bool) -> Ranges:
        """Return what moved a month of a unit; a stock is moved by every month before it too."""
        months = self.months.get(unit, {})
        wanted = [found for at, found in months.items() if at == month or (stock and at < month)]
        return self._joined(wanted)

    def of_movers(self, movers: Mapping[int, Collection[str]], month: int, *, stock: bool) -> Ranges:
        """Return what moved a month of those units, by month, that moved it for a whole group."""
        wanted = [
            found
            for at, units in movers.items()
            if at == month or (stock and at < month)
            for unit in units
            if (found := self.months.get(unit, {}).get(at)) is not None
        ]
        return self._joined(wanted)

    def of_units(self, units: Iterable[str]) -> Ranges:
        """Return what moved any month of units."""
        return self._joined([found for unit in units for found in self.months.get(unit, {}).values()])

    def _joined(self, found: list[dict[Place, Numbers]]) -> Ranges:
        """Return ranges in order, with those of a scheme that was adopted."""
        if len(found) == 1 and not self.adopted:
            joined = found[0]
        else:
            joined = dict[Place, Numbers]()
            for one in self.adopted:
                _widen(joined, one)
            for one in found:
                for place, numbers in one.items():
                    _widen(joined, Range(*place, *numbers))
        return tuple(Range(*place, *joined[place]) for place in sorted(joined))


def _widen(places: dict[Place, Numbers], found: Range) -> None:
    place = found.stream, found.shard
    first, last = places.get(place, (found.first, found.last))
    places[place] = min(first, found.first), max(last, found.last)

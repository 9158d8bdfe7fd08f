"""Folds what is ordinary at once: reports that stand as they came, rows whose units and months are known.

It leaves the same sums and places as `folding`, by test, and refuses what only that can judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Any, NamedTuple

from services.scoring.domain.adders import Adder, Spot, Spots
from services.scoring.domain.expressions import Columns, Kind, Row
from services.scoring.domain.folding import Cell
from services.scoring.domain.plan import Aggregate, EventTypes
from services.scoring.domain.rows import AGGREGATES
from shared.kernel import instants
from shared.kernel.points import DECIMAL_PLACES, MILLIONTHS

RowKey = tuple[int, int]
Rows = dict[RowKey, tuple[Any, ...]]

_SCALES = tuple(10**places for places in range(DECIMAL_PLACES, -1, -1))


class Fact(NamedTuple):
    """A report that stands, in the order of facts: by time, then (source, id)."""

    time: int
    source: str
    id: str
    type: str
    row: Row


class Heard(NamedTuple):
    """An adder and what it takes: rows of an event type, or of a view with its columns and event types."""

    adder: Adder
    view: Sequence[Aggregate] | None
    events: frozenset[str]


def row_of(data: Mapping[str, Any] | None, time: int, subject: str, columns: Columns) -> Row:
    """Return an event as a row, as `typed` and `event_row` do together."""
    row = {name: _cell(found, columns.get(name)) for name, found in (data or {}).items()}
    row["time"] = time
    row["subject"] = row["unit"] = subject
    return row


def _cell(found: Any, kind: Kind | None) -> Any:
    if type(found) is str:
        if kind is Kind.NUMBER:
            return millionths_of(found)
        return instants.parse_micros(found) if kind is Kind.TIME else found
    return found * MILLIONTHS if type(found) is int else found


def millionths_of(written: str) -> int:
    """Read a decimal that ingest has checked, as an integer in millionths."""
    point = written.find(".")
    if point < 0:
        return int(written) * MILLIONTHS
    return int(written[:point] + written[point + 1 :]) * _SCALES[len(written) - point - 1]


class Ordinary:
    """The adders of the schemes in force in a shard."""

    def __init__(self, adders: Sequence[Adder], types: EventTypes) -> None:
        self.types = types
        self.heard = [Heard(one, _view(one), one.plan.events_of[one.over]) for one in adders]
        self.by_type: dict[str, tuple[int, ...]] = {
            name: tuple(at for at, heard in enumerate(self.heard) if name in heard.events)
            for name in {name for heard in self.heard for name in heard.events}
        }

    def rows(self, facts: Sequence[Fact]) -> Rows:
        """Return the rows that facts of one case give, by the adder that takes them."""
        found: Rows = {}
        for at in {at for fact in facts for at in self.by_type.get(fact.type, ())}:
            heard = self.heard[at]
            mine = [fact for fact in facts if fact.type in heard.events]
            if heard.view is None:
                for place, fact in enumerate(mine):
                    found[at, place] = tuple([fact.row.get(name) for name in heard.adder.columns])
            else:
                found[at, 0] = tuple([_aggregated(one, mine) for one in heard.view])
        return found


def _view(adder: Adder) -> list[Aggregate] | None:
    view = adder.plan.views.get(adder.over)
    return None if view is None else [view[name] for name in adder.columns]


def _aggregated(aggregate: Aggregate, facts: Sequence[Fact]) -> Any:
    how, name, of = aggregate
    if how == "count":
        return sum(fact.type == of for fact in facts) * MILLIONTHS
    values = [found for fact in facts if fact.type == of and (found := fact.row.get(name)) is not None]
    return AGGREGATES[how](values) if values else None


@dataclass(slots=True)
class Sums:
    """What is added up in a shard, by adder, leaves and month."""

    ordinary: Ordinary
    spots: list[Spots] = field(init=False)

    def __post_init__(self) -> None:
        self.spots = [{} for _ in self.ordinary.heard]

    def alone(self, fact: Fact) -> Sequence[Spot] | None:
        """Add a fact that is a report of its own; return where, or None where it is out of the ordinary."""
        heard = self.ordinary.by_type.get(fact.type, ())
        if len(heard) == 1 and self.ordinary.heard[heard[0]].view is None:
            adder = self.ordinary.heard[heard[0]].adder
            return adder.add(self.spots[heard[0]], *[fact.row.get(name) for name in adder.columns])
        found = self.change({}, self.ordinary.rows([fact]))
        return None if found is None else [spot for spots in found.values() for spot in spots]

    def change(self, before: Rows, after: Rows) -> dict[RowKey, list[Spot]] | None:
        """Take back rows and add others; return where those are found that were added.

        None, and nothing done, where one is out of the ordinary; a row that stays is not looked at.
        """
        taken = [(key, row, False) for key, row in before.items() if after.get(key) != row]
        added = [(key, row, True) for key, row in after.items() if before.get(key) != row]
        found: dict[RowKey, list[Spot]] = {}
        for done, (key, row, adds) in enumerate([*taken, *added]):
            spots = self._put(key[0], row, adds=adds)
            if spots is None:
                for one, again, added_before in [*taken, *added][:done]:
                    self._put(one[0], again, adds=not added_before)
                return None
            if adds:
                found[key] = spots
        return found

    def cells(self) -> dict[Cell, list[int]]:
        """Return the numbers by (scheme, over, unit, month), for the leaves and every unit above them."""
        cells: dict[Cell, list[int]] = {}
        for heard, spots in zip(self.ordinary.heard, self.spots, strict=True):
            plan, over = heard.adder.plan, heard.adder.over
            for (leaves, month), counted in spots.items():
                if any(counted):
                    numbers = heard.adder.laid_out(counted)
                    for unit in plan.units_of(leaves):
                        cell = plan.id, over, unit, month
                        known = cells.get(cell)
                        cells[cell] = numbers if known is None else list(map(add, known, numbers))
        return cells

    def _put(self, at: int, row: tuple[Any, ...], *, adds: bool) -> list[Spot] | None:
        adder = self.ordinary.heard[at].adder
        return (adder.add if adds else adder.take)(self.spots[at], *row)

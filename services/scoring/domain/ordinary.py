"""Folds what is ordinary at once: reports that stand as they came, rows whose units and months are known.

It leaves the same sums and places as `folding`, by test, and refuses what only that can judge.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Any, NamedTuple

from services.scoring.domain.adders import Adder, Spot, Spots
from services.scoring.domain.expressions import Columns, Kind, Row
from services.scoring.domain.folding import Cell, Place
from services.scoring.domain.lanes import lanes_of
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.rows import AGGREGATES
from services.scoring.domain.sources import function
from services.scoring.domain.views import Aggregate
from shared.kernel import instants
from shared.kernel.points import DECIMAL_PLACES, MILLIONTHS

RowKey = tuple[int, int]
Rows = dict[RowKey, tuple[Any, ...]]
Data = Mapping[str, Any] | None
ReadRow = Callable[[Data, int, str], list[Any]]

_OWN_COLUMNS = {"time": "time", "subject": "subject", "unit": "subject"}
_READ_AS = {Kind.NUMBER: "millionths_of", Kind.TIME: "parse_micros"}
_SCALES = tuple(10**places for places in range(DECIMAL_PLACES, -1, -1))


class Fact(NamedTuple):
    """A report that stands, in the order of facts: by time, then (source, id)."""

    time: int
    source: str
    id: str
    type: str
    row: Row


class Reader(NamedTuple):
    """The lane that alone takes events of a type as they are, and what reads its row of one."""

    lane: int
    row: ReadRow


def row_of(data: Data, time: int, subject: str, columns: Columns) -> Row:
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


def reads(wanted: Sequence[str], columns: Columns) -> ReadRow:
    """Write the function that reads some columns of an event as `row_of` does, and no others."""
    lines = ["if data is None: data = {}"]
    found: list[str] = []
    for at, name in enumerate(wanted):
        found.append(_OWN_COLUMNS.get(name, f"c{at}"))
        if name not in _OWN_COLUMNS:
            text, whole = f"type(c{at}) is str", f"if type(c{at}) is int: c{at} *= {MILLIONTHS}"
            read = _READ_AS.get(columns.get(name, Kind.TEXT))
            told = [whole] if read is None else [f"if {text}: c{at} = {read}(c{at})", f"el{whole}"]
            lines += [f"c{at} = data.get(n{at})", *told]
    names = {f"n{at}": name for at, name in enumerate(wanted)}
    readers = {"millionths_of": millionths_of, "parse_micros": instants.parse_micros}
    returned = f"return [{', '.join(found)}]"
    return function(["data", "time", "subject"], [*lines, returned], names | readers)


def millionths_of(written: str) -> int:
    """Read a decimal that ingest has checked, as an integer in millionths."""
    assert written[-1].isdecimal(), "a decimal ends with a digit"
    point = written.find(".")
    if point < 0:
        return int(written) * MILLIONTHS
    return int(written[:point] + written[point + 1 :]) * _SCALES[len(written) - point - 1]


class Ordinary:
    """The adders of the schemes in force in a shard, and the lanes in which they take rows."""

    def __init__(self, adders: Sequence[Adder], types: EventTypes) -> None:
        self.types = types
        self.adders = adders
        self.lanes = lanes_of(adders)
        self.by_type: dict[str, tuple[int, ...]] = {
            name: tuple(at for at, lane in enumerate(self.lanes) if name in lane.reading.events)
            for name in {name for lane in self.lanes for name in lane.reading.events}
        }
        self.readers: dict[str, Reader] = {
            name: Reader(lanes[0], reads(self.lanes[lanes[0]].reading.columns, types.get(name, {})))
            for name, lanes in self.by_type.items()
            if len(lanes) == 1 and self.lanes[lanes[0]].reading.view is None
        }

    def rows(self, facts: Sequence[Fact]) -> Rows:
        """Return the rows that facts of one case give, by the lane that takes them."""
        found: Rows = {}
        for at in {at for fact in facts for at in self.by_type.get(fact.type, ())}:
            view, events, columns, _, beneath = self.lanes[at].reading
            mine = [fact for fact in facts if fact.type in events]
            if view is None:
                for place, fact in enumerate(mine):
                    found[at, place] = tuple([fact.row.get(name) for name in columns])
            elif not beneath:
                found[at, 0] = tuple([_aggregated(one, mine) for one in view])
            else:
                found[at, 0] = self._filtered(at, columns, mine)
        return found

    def _filtered(self, at: int, columns: Sequence[str], facts: Sequence[Fact]) -> tuple[Any, ...]:
        """Return the row of a case of which columns are filtered."""
        view = self.lanes[at].filtered
        assert view is not None, "what is beneath filtered columns is read by their view"
        row = view.row([(fact.type, fact.row) for fact in facts])
        return tuple([row[name] for name in columns])


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
    spots: dict[int, Spots] = field(default_factory=lambda: defaultdict[int, Spots](dict))

    def alone(self, kind: str, data: Data, time: int, subject: str) -> Sequence[Spot] | None:
        """Add an event that is a report of its own; return where, or None where it is out of the ordinary."""
        reader = self.ordinary.readers.get(kind)
        if reader is not None:
            return self._put(reader.lane, reader.row(data, time, subject), adds=True)
        row = row_of(data, time, subject, self.ordinary.types.get(kind, {}))
        found = self.change({}, self.ordinary.rows([Fact(time, "", "", kind, row)]))
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
        for at, spots in self.spots.items():
            adder = self.ordinary.adders[at]
            for (leaves, month), counted in spots.items():
                if any(counted):
                    numbers = adder.laid_out(counted)
                    for unit in adder.plan.units_of(leaves, adder.over):
                        cell = adder.plan.id, adder.over, unit, month
                        known = cells.get(cell)
                        cells[cell] = numbers if known is None else list(map(add, known, numbers))
        return cells

    def touched(self) -> Iterator[Place]:
        """Yield the scored units and months of which anything was added or taken back."""
        for at, spots in self.spots.items():
            adder = self.ordinary.adders[at]
            for leaves, month in spots:
                yield from ((unit, month) for unit in adder.plan.units_of(leaves, adder.over))

    def _put(self, at: int, row: Sequence[Any], *, adds: bool) -> list[Spot] | None:
        """Give a row to the adders whose months it reaches; None, and nothing done, where one refuses it."""
        found: list[Spot] = []
        reached = self.ordinary.lanes[at].reached(row)
        if len(reached) == 1:
            return self._added(reached[0], row, adds=adds)
        for done, one in enumerate(reached):
            spots = self._added(one, row, adds=adds)
            if spots is None:
                for again in reached[:done]:
                    self._added(again, row, adds=not adds)
                return None
            found += spots
        return found if reached else None

    def _added(self, at: int, row: Sequence[Any], *, adds: bool) -> list[Spot] | None:
        adder = self.ordinary.adders[at]
        return (adder.add if adds else adder.take)(self.spots[at], *row)

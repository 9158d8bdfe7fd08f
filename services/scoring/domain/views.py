"""Case views: one row of a case, each column an aggregate of its events.

A column can be filtered: a condition tells of each event whether it is taken, by the event's own fields and,
written `view.column`, by other columns of the same case. Columns that others read are made first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp

from services.scoring.domain.document import ColumnSpec, ViewSpec
from services.scoring.domain.expressions import Columns, Getter, Kind, Row, condition, parse, refusal
from services.scoring.domain.rows import AGGREGATES, aggregated

MOST_LAYERS = 8

EventTypes = Mapping[str, Columns]
Aggregate = tuple[str, str, str]
Occurred = tuple[str, Row]
Wanted = tuple[str, Aggregate, str | None]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events a column takes: those of which `keeps` is true, neither false nor unknown.

    It is asked of the fields of an event and of `reads`, other columns of the case by their names.
    """

    text: str
    reads: frozenset[str]
    keeps: Getter


@dataclass(frozen=True, slots=True)
class View:
    """How the row of a case is made; `order` names each column after those that it reads."""

    name: str
    order: tuple[str, ...]
    aggregates: Mapping[str, Aggregate]
    filters: Mapping[str, Filter]

    def row(self, events: Sequence[Occurred]) -> dict[str, Any]:
        """Return the row of a case of its events, which come in the order they occurred."""
        found: dict[str, Any] = {}
        for name in self.order:
            found[name] = aggregated(*self.aggregates[name], self._kept(name, events, found))
        return found

    def beneath(self, columns: Iterable[str]) -> tuple[Wanted, ...]:
        """Return what the row of some columns is made of, in order; nothing where none is filtered."""
        needed = closure(columns, {name: one.reads for name, one in self.filters.items()})
        if needed.isdisjoint(self.filters):
            return ()
        texts = {name: one.text for name, one in self.filters.items()}
        return tuple((one, self.aggregates[one], texts.get(one)) for one in self.order if one in needed)

    def only(self, columns: Iterable[str]) -> "View":
        """Return the view of some columns and of those that they read."""
        order = tuple(name for name, _, _ in self.beneath(columns))
        return View(self.name, order, self.aggregates, self.filters)

    def taken(self, events: Sequence[Occurred]) -> dict[int, list[str]]:
        """Return by the place of an event the columns that have their value of it, or count or sum it."""
        found: dict[int, list[str]] = defaultdict(list)
        row: dict[str, Any] = {}
        places = {id(event): place for place, event in enumerate(events)}
        for name in self.order:
            how, field, of = self.aggregates[name]
            kept = self._kept(name, events, row)
            row[name] = aggregated(how, field, of, kept)
            for event in _takes(how, field, [one for one in kept if one[0] == of]):
                found[places[id(event)]].append(name)
        return found

    def _kept(self, name: str, events: Sequence[Occurred], row: Mapping[str, Any]) -> Sequence[Occurred]:
        """Return the events that a column is filtered to, all where it is not."""
        found = self.filters.get(name)
        if found is None:
            return events
        of = self.aggregates[name][2]
        case = {f"{self.name}.{read}": row[read] for read in found.reads}
        return [one for one in events if one[0] == of and found.keeps({**case, **one[1]}) is True]


def _takes(how: str, field: str, events: Sequence[Occurred]) -> Sequence[Occurred]:
    """Return the events that an aggregate has its value of: one, or all that it counts or sums."""
    if how == "count":
        return events
    known = [one for one in events if one[1].get(field) is not None]
    if how == "sum" or not known:
        return known
    if how in {"min", "max"}:
        value = AGGREGATES[how]([one[1][field] for one in known])
        return [next(one for one in known if one[1][field] == value)]
    return [known[0 if how == "first" else -1]]


def view_of(name: str, spec: ViewSpec, types: EventTypes) -> View:
    """Compile a view, or refuse it with `expression`."""
    kinds = {column: column_kind(spec, column, types) for column in spec.columns}
    filters = {column: filter_of(name, one, kinds, types) for column, one in filtered(spec.columns)}
    below = depths({column: filters[column].reads if column in filters else frozenset() for column in kinds})
    order = sorted(kinds, key=lambda column: (_depth(column, below), column))
    return View(name, tuple(order), {one: aggregate_of(spec.columns[one]) for one in kinds}, filters)


def aggregate_of(spec: ColumnSpec) -> Aggregate:
    """Return how a column is taken: aggregate, field and event type."""
    ((how, field),) = spec.aggregates().items()
    return how, field, spec.of


def column_kind(view: ViewSpec, name: str, types: EventTypes) -> Kind:
    """Return what a column of a case view holds."""
    spec = view.columns[name]
    if spec.of not in view.events or spec.of not in types:
        raise refusal(f"Column {name!r}: {spec.of!r} is not an event type of the view.")
    how, field, _ = aggregate_of(spec)
    if how == "count":
        return Kind.NUMBER
    kind = types[spec.of].get(field)
    if kind is None:
        raise refusal(f"Column {name!r}: {spec.of} has no field {field!r}.")
    if how == "sum" and kind is not Kind.NUMBER:
        raise refusal(f"Column {name!r}: only numbers are summed.")
    return kind


def filtered(columns: Mapping[str, ColumnSpec]) -> Iterator[tuple[str, ColumnSpec]]:
    """Yield the columns that are filtered."""
    yield from ((name, spec) for name, spec in columns.items() if spec.where is not None)


def filter_of(view: str, spec: ColumnSpec, kinds: Columns, types: EventTypes) -> Filter:
    """Compile the condition of a filtered column; `kinds` are those of the columns of its view."""
    assert spec.where is not None, "asked of what is filtered"
    node, fields = parse(spec.where), types[spec.of]
    for one in node.find_all(exp.Column):
        if not one.table and one.name not in fields and one.name in kinds:
            raise refusal(f"{spec.of} has no field {one.name!r}; the column is written {view}.{one.name}.")
    read = named(view, node)
    case = {f"{view}.{name}": kinds[name] for name in read & kinds.keys()}
    return Filter(spec.where, read, condition(node, {**case, **fields}))


def reads_of(view: str, spec: ColumnSpec) -> frozenset[str]:
    """Return the columns that the filter of a column names; refused where it is no expression."""
    return frozenset() if spec.where is None else _named_in(view, spec.where)


@lru_cache(maxsize=4096)
def _named_in(view: str, where: str) -> frozenset[str]:
    return named(view, parse(where))


def named(view: str, node: exp.Expr) -> frozenset[str]:
    """Return the columns of a view that a condition names."""
    return frozenset(one.name for one in node.find_all(exp.Column) if one.table == view)


def depths(reads: Mapping[str, frozenset[str]]) -> dict[str, int | None]:
    """Return how many columns lie one above another below each; None where there is no end to them."""
    waiting = {name: len(read & reads.keys()) for name, read in reads.items()}
    readers: dict[str, list[str]] = defaultdict(list)
    for name, read in reads.items():
        for other in read:
            readers[other].append(name)
    found = dict.fromkeys((name for name, count in waiting.items() if not count), 0)
    made = list(found)
    for name in made:
        for reader in readers[name]:
            waiting[reader] -= 1
            found[reader] = max(found.get(reader, 0), found[name] + 1)
            if not waiting[reader]:
                made.append(reader)
    return {name: None if waiting[name] else found[name] for name in reads}


def closure(columns: Iterable[str], reads: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return columns with all that they read, and what those read."""
    needed = set[str]()
    asked = list(columns)
    while asked:
        name = asked.pop()
        if name not in needed:
            needed.add(name)
            asked.extend(reads.get(name, ()))
    return frozenset(needed)


def _depth(name: str, below: Mapping[str, int | None]) -> int:
    found = below[name]
    if found is None or found > MOST_LAYERS:
        raise refusal(f"Column {name!r} reads itself, or stands on more than {MOST_LAYERS} others.")
    return found

"""The measures of a scheme as SQL over tables of facts, for engines that share no code with live folding.

A database makes the rows of case views, places and filters them, climbs the trees and adds up by itself; it
is given what stands of the reports and nothing else. The text of a measure goes in as it was parsed: columns
get their table, numbers their type. Names are those of a checked scheme, quoted; texts are literals.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sqlglot import exp

from services.scoring.domain.document import SchemeDocument, ViewSpec
from services.scoring.domain.expressions import Columns, Kind, parse
from services.scoring.domain.facts import Report
from services.scoring.domain.measures import MeasureSpec, Span
from services.scoring.domain.plan import EventTypes, columns_of, named_alone, overs
from services.scoring.domain.views import depths, reads_of
from shared.kernel.periods import Month

ROW, CASE, SOURCE, ID = "#row", "#case", "#source", "#id"
_ORDER = '"#time", "#source", "#id"'
_BACKWARDS = '"#time" DESC, "#source" DESC, "#id" DESC'


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine writes types, the first instant of a month, and seconds between instants."""

    name: str
    types: Mapping[Kind, str]
    begins: Callable[[Month, ZoneInfo], str]
    seconds: Callable[[exp.Expr], exp.Expr]


@dataclass(frozen=True, slots=True)
class Table:
    """Facts of one event type: row, case, source and id, then the columns of the type."""

    event: str
    name: str
    columns: Columns

    def row(self, number: int, case: int, fact: Report) -> tuple[Any, ...]:
        """Return a fact as a row: decimals as `Decimal`, instants in microseconds."""
        data = {**(fact.data or {}), "time": fact.time, "subject": fact.subject, "unit": fact.subject}
        return number, case, fact.source, fact.id, *(data.get(name) for name in self.columns)


@dataclass(frozen=True, slots=True)
class Query:
    """A query whose rows are unit, month and how many rows came, then what `values` name.

    Each is a measure and whether it is its denominator; without a value it is 0.
    """

    sql: str
    values: tuple[tuple[str, bool], ...]
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statements:
    """What an engine is told: tables to fill, statements that make rows of them, and queries."""

    tables: tuple[Table, ...]
    creating: tuple[str, ...]
    making: tuple[str, ...]
    queries: tuple[Query, ...]


def statements(
    document: SchemeDocument, types: EventTypes, dialect: Dialect, *, whole: bool = False
) -> Statements:
    """Write everything that measures of events are recomputed with; the scheme has passed its check.

    With `whole` all months of the scheme are one, named by the first.
    """
    runs_over = overs(document)
    events = {event for over in runs_over for event in _events(document, over)}
    tables = tuple(Table(event, f"facts {event}", types[event]) for event in sorted(events))
    making: list[str] = []
    queries: list[Query] = []
    for at, over in enumerate(runs_over):
        columns = columns_of(document, over, types)
        trees = [column for column in document.trees.values() if column in columns]
        alone = over in named_alone(document)
        making += [*_rows(document, over, at, types, dialect), _leaves(at, trees, alone=alone)]
        mine = {name: spec for name, spec in document.event_measures.items() if spec.over == over}
        queries += _queries(at, mine, dialect)
    return Statements(
        tables=tables,
        creating=tuple(_create(table, dialect) for table in tables),
        making=(_months(document, dialect, whole=whole), *_units(document, dialect), *making),
        queries=tuple(queries),
    )


def _events(document: SchemeDocument, over: str) -> Sequence[str]:
    view = document.views.get(over)
    return [over] if view is None else view.events


def _create(table: Table, dialect: Dialect) -> str:
    whole = f'"{ROW}" BIGINT, "{CASE}" BIGINT'
    text = dialect.types[Kind.TEXT]
    own = [f'"{SOURCE}" {text}', f'"{ID}" {text}']
    own += [f'"{name}" {dialect.types[kind]}' for name, kind in table.columns.items()]
    return f'CREATE TEMP TABLE "{table.name}" ({whole}, {", ".join(own)})'


def _months(document: SchemeDocument, dialect: Dialect, *, whole: bool) -> str:
    """Write the months of the scheme with their first instants and the first after them."""
    zone = ZoneInfo(document.scheme.zone)
    first, last = Month.parse(document.scheme.effective), Month.parse(document.scheme.until)
    begins = [dialect.begins(Month.of_ordinal(at), zone) for at in range(first.ordinal, last.ordinal + 2)]
    begins = [begins[0], begins[-1]] if whole else begins
    rows = [f"({first.ordinal + at}, {begin}, {end})" for at, (begin, end) in enumerate(pairwise(begins))]
    return f"CREATE TEMP TABLE months AS SELECT * FROM (VALUES {', '.join(rows)}) v(month, begins, ends)"


def _units(document: SchemeDocument, dialect: Dialect) -> Iterator[str]:
    """Write the units and, for each, those above it that a group holds, itself among them."""
    levels = {group.level for group in document.groups.values()}
    text = dialect.types[Kind.TEXT]
    rows = [
        f"({_quoted(unit.code)}, {_quoted(unit.parent)}, {str(unit.level in levels).upper()})"
        for unit in document.units
    ]
    yield (
        f"CREATE TEMP TABLE units AS SELECT CAST(code AS {text}) AS code, CAST(parent AS {text}) AS parent, "
        f"scored FROM (VALUES {', '.join(rows)}) v(code, parent, scored)"
    )
    yield (
        "CREATE TEMP TABLE above AS WITH RECURSIVE up(leaf, unit) AS (SELECT code, code FROM units "
        "UNION SELECT up.leaf, units.parent FROM up JOIN units ON units.code = up.unit "
        "WHERE units.parent IS NOT NULL) SELECT leaf, unit FROM up JOIN units ON code = unit WHERE scored"
    )


def _quoted(value: str | None) -> str:
    return "NULL" if value is None else exp.Literal.string(value).sql()


def _rows(document: SchemeDocument, over: str, at: int, types: EventTypes, dialect: Dialect) -> Iterator[str]:
    """Write the rows of a view, one a case, or of an event type, one a fact."""
    view = document.views.get(over)
    if view is None:
        yield f'CREATE TEMP TABLE rows_{at} AS SELECT * FROM "facts {over}"'
        return
    layers = _layers(over, view)
    names = [f"made_{at}_{layer}" for layer in range(len(layers) - 1)] + [f"rows_{at}"]
    for layer, (columns, name) in enumerate(zip(layers, names, strict=True)):
        below = names[layer - 1] if layer else None
        yield f"CREATE TEMP TABLE {name} AS {_made(view, columns, types, dialect, below=below)}"


def _layers(name: str, view: ViewSpec) -> list[list["_Column"]]:
    """Return the columns of a view, each after those that its filter names."""
    below = depths({column: reads_of(name, spec) for column, spec in view.columns.items()})
    found: dict[int, list[_Column]] = {}
    for column, spec in view.columns.items():
        made = _Column(column, *next(iter(spec.aggregates().items())), spec.of, spec.where)
        found.setdefault(below[column] or 0, []).append(made)
    return [found[layer] for layer in sorted(found)]


def _made(
    view: ViewSpec, columns: Sequence["_Column"], types: EventTypes, dialect: Dialect, *, below: str | None
) -> str:
    """Write columns of every case, beside those in a table that their filters name."""
    known = "" if below is None else f' JOIN {below} AS c ON c."{ROW}" = e."{CASE}"'
    every = " UNION ALL ".join(
        f'SELECT e."{CASE}", e."time" AS "#time", e."{SOURCE}", e."{ID}"'
        + "".join(f", {one.taken(event, types, dialect)}" for one in columns)
        + f' FROM "facts {event}" AS e{known}'
        for event in view.events
    )
    kept = "".join(f", {one.aggregate(types)}" for one in columns)
    rows = f'SELECT "{CASE}" AS "{ROW}"{kept} FROM ({every}) e GROUP BY "{CASE}"'
    if below is None:
        return rows
    further = "".join(f', x."{one.name}"' for one in columns)
    return f'SELECT c.*{further} FROM {below} AS c JOIN ({rows}) x ON x."{ROW}" = c."{ROW}"'


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a case view."""

    name: str
    how: str
    field: str
    of: str
    where: str | None

    def taken(self, event: str, types: EventTypes, dialect: Dialect) -> str:
        """Write what an event `e` of a case `c` gives the column; another one gives nothing."""
        counts = self.how == "count"
        kind = "BIGINT" if counts else dialect.types[types[self.of][self.field]]
        value = "1" if counts else f'e."{self.field}"'
        if event != self.of:
            value = "NULL"
        elif self.where is not None:
            value = f"CASE WHEN {_written(parse(self.where), dialect, _of_event)} THEN {value} END"
        return f'CAST({value} AS {kind}) AS "{self.name}"'

    def aggregate(self, types: EventTypes) -> str:
        """Write the column."""
        name = f'"{self.name}"'
        match self.how:
            case "first" | "last":
                order = _ORDER if self.how == "first" else _BACKWARDS
                return f"(array_agg({name} ORDER BY {order}) FILTER (WHERE {name} IS NOT NULL))[1] AS {name}"
            case "min" | "max" if types[self.of][self.field] is Kind.BOOLEAN:
                return f"{'bool_and' if self.how == 'min' else 'bool_or'}({name}) AS {name}"
            case _:
                return f"{self.how}({name}) AS {name}"


def _leaves(at: int, trees: Sequence[str], *, alone: bool) -> str:
    """Write which units a row counts for: those that its trees name, and mostly all above them, each once."""
    up = "" if not alone else " AND above.unit = above.leaf"
    named = " UNION ".join(
        f'SELECT "{ROW}", above.unit FROM rows_{at} JOIN above ON above.leaf = rows_{at}."{column}"{up}'
        for column in trees
    )
    return f"CREATE TEMP TABLE leaves_{at} AS {named}"


def _queries(at: int, measures: Mapping[str, MeasureSpec], dialect: Dialect) -> Iterator[Query]:
    flows: dict[str, dict[str, MeasureSpec]] = {}
    for name, spec in measures.items():
        if isinstance(spec.period_by, Span):
            yield _stock(at, name, spec, spec.period_by, dialect)
        else:
            flows.setdefault(spec.period_by, {})[name] = spec
    for period_by, alike in flows.items():
        yield _flow(at, period_by, alike, dialect)


def _flow(at: int, period_by: str, alike: Mapping[str, MeasureSpec], dialect: Dialect) -> Query:
    """Write flows that one instant places: a row counts in the month that contains it."""
    placed = _scalar(period_by, dialect)
    values = [
        (name, is_denominator, _aggregate(text, dialect))
        for name, spec in alike.items()
        for text, is_denominator in ((spec.numerator, False), (spec.denominator, True))
        if text is not None
    ]
    sql = (
        f"SELECT l.unit, m.month, count(*), {', '.join(one for _, _, one in values)} "
        f"FROM {_of_units(at)} JOIN months AS m ON {placed} >= m.begins AND {placed} < m.ends "
        "GROUP BY l.unit, m.month"
    )
    return Query(sql, tuple((name, is_base) for name, is_base, _ in values), tuple(alike))


def _stock(at: int, name: str, spec: MeasureSpec, span: Span, dialect: Dialect) -> Query:
    """Write a stock: at the end of each month the rows that came before it and have not left.

    A row that left before the end of the month in which it came never stood.
    """
    came, left = _scalar(span.from_, dialect), _scalar(span.until, dialect)
    texts = [spec.numerator, *([] if spec.denominator is None else [spec.denominator])]
    values = [_aggregate(text, dialect, stays=f"({left} IS NULL OR {left} >= m.ends)") for text in texts]
    sql = (
        f"SELECT l.unit, m.month, count(*), {', '.join(values)} FROM {_of_units(at)} "
        f"JOIN months AS c ON {came} < c.ends AND ({came} >= c.begins OR "
        f"c.month = (SELECT min(month) FROM months)) AND ({left} IS NULL OR {left} >= c.ends) "
        "JOIN months AS m ON m.month >= c.month GROUP BY l.unit, m.month"
    )
    return Query(sql, tuple((name, is_base) for is_base in (False, True)[: len(values)]), (name,))


def _of_units(at: int) -> str:
    return f'rows_{at} AS r JOIN leaves_{at} AS l ON l."{ROW}" = r."{ROW}"'


def _aggregate(text: str, dialect: Dialect, *, stays: str | None = None) -> str:
    """Write an aggregate of rows `r`; with `stays` only of those of which it is true."""
    node = parse(text)
    kept = node.expression.this if isinstance(node, exp.Filter) else None
    inner = node.this if isinstance(node, exp.Filter) else node
    filters = [f"({_written(kept, dialect)})"] if kept is not None else []
    filters += [stays] if stays is not None else []
    where = f" FILTER (WHERE {' AND '.join(filters)})" if filters else ""
    return _written(inner, dialect) + where


def _scalar(text: str, dialect: Dialect) -> str:
    return f"({_written(parse(text), dialect)})"


def _of_row(column: exp.Column) -> exp.Column:
    return exp.column(column.name, table="r", quoted=True)


def _of_event(column: exp.Column) -> exp.Column:
    """Write a column of the case, which names its view, or a field of the event."""
    return exp.column(column.name, table="c" if column.table else "e", quoted=True)


def _written(node: exp.Expr, dialect: Dialect, named: Callable[[exp.Column], exp.Column] = _of_row) -> str:
    """Write a checked part in a dialect: columns are mostly those of the row, numbers have their type."""
    number = dialect.types[Kind.NUMBER]

    def typed(part: exp.Expr) -> exp.Expr:
        match part:
            case exp.Column():
                return named(part)
            case exp.Literal() if not part.is_string:
                return exp.cast(part.copy(), number, dialect=dialect.name)
            case _:
                return part

    def timed(part: exp.Expr) -> exp.Expr:
        return dialect.seconds(part) if isinstance(part, exp.Extract) else part

    return node.copy().transform(typed).transform(timed).sql(dialect=dialect.name)

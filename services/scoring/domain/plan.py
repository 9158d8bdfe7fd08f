"""A scheme made ready for folding: rows, measures as closures, units with those above them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import Columns, Kind, Row, aggregate, refusal, value
from services.scoring.domain.facts import Report
from services.scoring.domain.keyed import keyed, numerator
from services.scoring.domain.layout import Layout, Slots, layout_of
from services.scoring.domain.measures import MeasureSpec, Span
from services.scoring.domain.rows import aggregated, event_row
from services.scoring.domain.unscored import Place, unscored
from services.scoring.domain.views import EventTypes, View, column_kind, view_of
from shared.kernel import instants
from shared.kernel.periods import Month, month_of
from shared.kernel.reigns import Months

KIND_OF_FIELD = {
    "text": Kind.TEXT,
    "code": Kind.TEXT,
    "integer": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "time": Kind.TIME,
    "boolean": Kind.BOOLEAN,
}
EVENT_COLUMNS: Columns = {"time": Kind.TIME, "subject": Kind.TEXT, "unit": Kind.TEXT}
QUARTER_HOUR = 900_000_000

Edition = tuple[str, int]


class Share(NamedTuple):
    """What one row adds to a measure in a month (months since year 0), in millionths.

    `rows` is 1 where the row comes in; a stock that it leaves has had a row and is 0, not unknown.
    """

    month: int
    numerator: int
    denominator: int
    rows: int = 1


@dataclass(frozen=True, slots=True)
class CompiledMeasure:
    """A measure as a function from a row to its shares; `id` names scheme, measure and their versions.

    `placed` is the month of a row by `period_by`, whether the scheme covers it or not.
    """

    id: str
    name: str
    stock: bool
    over: str
    numerator: Callable[[Row], int]
    keys: tuple[Callable[[Row], int], ...]
    denominator: Callable[[Row], int] | None
    shares: Callable[[Row], list[Share]]
    placed: Callable[[Row], int | None]


@dataclass(frozen=True, slots=True)
class Flows:
    """The flow measures that one instant of a row places, each with its slots, and the one of their rows."""

    placed: Callable[[Row], int | None]
    measures: tuple[tuple[Slots, CompiledMeasure], ...]

    @property
    def rows(self) -> int:
        """The place at which rows are counted, once for all."""
        return self.measures[0][0].rows


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that folding needs of a scheme; `first` and `last` are the months that it rules.

    `named` are the views and types whose rows count for the units that they name and for none above.
    `absent` are by view or type the leaves and months of which nothing that reads it takes anything.
    """

    id: str
    first: int
    last: int
    events_of: Mapping[str, frozenset[str]]
    rows_of: Mapping[str, Callable[[Sequence[Report]], list[Row]]]
    measures: Mapping[str, tuple[CompiledMeasure, ...]]
    columns: Mapping[str, Columns]
    views: Mapping[str, View]
    layouts: Mapping[str, Layout]
    flows: Mapping[str, tuple[Flows, ...]]
    stocks: Mapping[str, tuple[tuple[Slots, CompiledMeasure], ...]]
    trees: Mapping[str, str]
    above: Mapping[str, tuple[str, ...]]
    scored: frozenset[str]
    absent: Mapping[str, frozenset[Place]]
    named: frozenset[str] = frozenset()

    @property
    def edition(self) -> Edition:
        """Names the plan: the version and the last month that it rules, which a newer version moves."""
        return self.id, self.last

    def leaves_of(self, row: Row) -> tuple[tuple[str, ...], list[str]]:
        """Return the units that a row names in the trees, and those that no tree knows."""
        named = [leaf for column in self.trees.values() if (leaf := row.get(column)) is not None]
        leaves = tuple(leaf for leaf in named if leaf in self.above)
        return leaves, [leaf for leaf in named if leaf not in self.above]

    def units_of(self, leaves: Sequence[str], over: str) -> set[str]:
        """Return for which scored units a row of a view or type counts, each once."""
        return {unit for leaf in leaves for unit in self.chain(leaf, over) if unit in self.scored}

    def chain(self, leaf: str, over: str) -> tuple[str, ...]:
        """Return the units for which a row counts that names this one: itself, and mostly those above it."""
        return (leaf,) if over in self.named else self.above[leaf]


def event_types(catalogue: Mapping[str, Any]) -> EventTypes:
    """Return the columns of every type of an adopted catalogue document."""
    return {
        name: {
            **{field: KIND_OF_FIELD[declared["type"]] for field, declared in spec["fields"].items()},
            **EVENT_COLUMNS,
        }
        for name, spec in catalogue.get("types", {}).items()
    }


def compile_plan(document: SchemeDocument, types: EventTypes, months: Months | None = None) -> Plan:
    """Compile a scheme for the months that it rules, all it covers without; refused with `expression`."""
    zone = ZoneInfo(document.scheme.zone)
    first, last = months or (
        Month.parse(document.scheme.effective).ordinal,
        Month.parse(document.scheme.until).ordinal,
    )
    columns = {over: columns_of(document, over, types) for over in overs(document)}
    views = {over: view_of(over, document.views[over], types) for over in columns if over in document.views}
    measures: dict[str, list[CompiledMeasure]] = {over: [] for over in columns}
    for name, spec in document.event_measures.items():
        identity = measure_id(document, name)
        measures[spec.over].append(_measure(name, identity, spec, columns[spec.over], zone, (first, last)))
    layouts = {over: layout_of(document, over) for over in columns}
    above = _above(document)
    return Plan(
        id=scheme_id(document),
        first=first,
        last=last,
        events_of={over: _events(document, over) for over in columns},
        rows_of={over: _rows(views.get(over), _events(document, over)) for over in columns},
        measures={over: tuple(found) for over, found in measures.items()},
        columns=columns,
        views=views,
        layouts=layouts,
        flows={over: _flows(document, layouts[over], found) for over, found in measures.items()},
        stocks={
            over: tuple((layouts[over].slots[one.name], one) for one in found if one.stock)
            for over, found in measures.items()
        },
        trees=document.trees,
        above=above,
        scored=_scored(document),
        named=named_alone(document),
        absent=unscored(document, _chains(document, above), (first, last)),
    )


def _chains(
    document: SchemeDocument, above: Mapping[str, tuple[str, ...]]
) -> dict[str, Mapping[str, tuple[str, ...]]]:
    """Return for which units a row counts by the one that it names, of all that measures alone read."""
    found = frozenset[str]() if document.incidents is None else document.incidents.types
    named = named_alone(document)
    alone = {leaf: (leaf,) for leaf in above} if named else {}
    return {
        over: alone if over in named else above
        for over in overs(document)
        if found.isdisjoint(_events(document, over))
    }


def scheme_id(document: SchemeDocument) -> str:
    """Name a version of a scheme."""
    return f"{document.scheme.code}@{document.scheme.version}"


def measure_id(document: SchemeDocument, name: str) -> str:
    """Name a measure in messages and tables; two versions of a scheme share no sums."""
    return f"{scheme_id(document)}/{name}@{document.measures[name].version}"


def overs(document: SchemeDocument) -> list[str]:
    """Return what the measures of events run over, each once."""
    return sorted({spec.over for spec in document.event_measures.values()})


def named_alone(document: SchemeDocument) -> frozenset[str]:
    """Return the views and types whose rows count for the units that they name and for none above."""
    return frozenset(spec.over for spec in document.event_measures.values() if spec.counts_for == "named")


def columns_of(document: SchemeDocument, over: str, types: EventTypes) -> Columns:
    """Return the columns of a case view or an event type."""
    view = document.views.get(over)
    if view is None:
        if over not in types:
            raise refusal(f"There is no view or event type {over!r}.")
        return types[over]
    return {name: column_kind(view, name, types) for name in view.columns}


def parts_of(spec: MeasureSpec, columns: Columns) -> dict[str, Callable[[], object]]:
    """Return the expressions of a measure by their place in it, each to be compiled and perhaps refused."""
    found: dict[str, Callable[[], object]] = {"numerator": partial(numerator, spec.numerator, columns)}
    if spec.denominator is not None:
        found["denominator"] = partial(aggregate, spec.denominator, columns)
    if isinstance(spec.period_by, Span):
        found["period_by/from"] = partial(_instant, spec.period_by.from_, columns)
        found["period_by/until"] = partial(_instant, spec.period_by.until, columns)
    else:
        found["period_by"] = partial(_instant, spec.period_by, columns)
    return found


def _events(document: SchemeDocument, over: str) -> frozenset[str]:
    view = document.views.get(over)
    return frozenset({over} if view is None else view.events)


def _above(document: SchemeDocument) -> dict[str, tuple[str, ...]]:
    parents = {unit.code: unit.parent for unit in document.units}
    above: dict[str, tuple[str, ...]] = {}
    for code in parents:
        chain: list[str] = []
        at: str | None = code
        while at is not None and at not in chain:
            chain.append(at)
            at = parents.get(at)
        above[code] = tuple(chain)
    return above


def _scored(document: SchemeDocument) -> frozenset[str]:
    """Return the units that a group holds; of no other are sums asked for."""
    levels = {group.level for group in document.groups.values()}
    return frozenset(unit.code for unit in document.units if unit.level in levels)


def _rows(view: View | None, events: frozenset[str]) -> Callable[[Sequence[Report]], list[Row]]:
    if view is None:
        return lambda facts: [event_row(fact) for fact in facts]
    filtered = view if view.filters else None
    columns = [(name, *aggregate) for name, aggregate in view.aggregates.items()]

    def fold(facts: Sequence[Report]) -> list[Row]:
        rows = [(fact.type, event_row(fact)) for fact in facts if fact.type in events]
        if not rows:
            return []
        if filtered is not None:
            return [filtered.row(rows)]
        return [{name: aggregated(how, field, of, rows) for name, how, field, of in columns}]

    return fold


def _measure(
    name: str, identity: str, spec: MeasureSpec, columns: Columns, zone: ZoneInfo, months: tuple[int, int]
) -> CompiledMeasure:
    counting = numerator(spec.numerator, columns)
    found = keyed(spec.numerator)
    keys = tuple(aggregate(one, columns) for one in (() if found is None else found.counts))
    denominator = aggregate(spec.denominator, columns) if spec.denominator else None
    placed = _placed(spec, columns, zone)
    if isinstance(spec.period_by, Span):
        shares = _stock(counting, denominator or _nothing, spec.period_by, columns, zone, months)
    else:
        shares = _flow(counting, denominator or _nothing, placed, months)
    return CompiledMeasure(
        identity, name, spec.kind == "stock", spec.over, counting, keys, denominator, shares, placed
    )


def _flows(
    document: SchemeDocument, layout: Layout, measures: Sequence[CompiledMeasure]
) -> tuple[Flows, ...]:
    """Put the flows that have one `period_by` together, so that a row is placed once for all of them."""
    found: dict[Any, list[tuple[Slots, CompiledMeasure]]] = {}
    for measure in measures:
        if not measure.stock:
            alike = found.setdefault(document.event_measures[measure.name].period_by, [])
            alike.append((layout.slots[measure.name], measure))
    return tuple(Flows(group[0][1].placed, tuple(group)) for group in found.values())


def _flow(
    numerator: Callable[[Row], int],
    denominator: Callable[[Row], int],
    placed: Callable[[Row], int | None],
    months: tuple[int, int],
) -> Callable[[Row], list[Share]]:
    first, last = months

    def flow(row: Row) -> list[Share]:
        month = placed(row)
        if month is None or not first <= month <= last:
            return []
        return [Share(month, numerator(row), denominator(row))]

    return flow


def _placed(spec: MeasureSpec, columns: Columns, zone: ZoneInfo) -> Callable[[Row], int | None]:
    by = spec.period_by
    instant = _instant(by.from_ if isinstance(by, Span) else by, columns)

    def placed(row: Row) -> int | None:
        at = instant(row)
        return None if at is None else month_ordinal(at, zone)

    return placed


def _nothing(_row: Row) -> int:
    return 0


def _stock(
    numerator: Callable[[Row], int],
    denominator: Callable[[Row], int],
    span: Span,
    columns: Columns,
    zone: ZoneInfo,
    months: tuple[int, int],
) -> Callable[[Row], list[Share]]:
    """Compile a stock: in from its month's end, out from the end of the month in which it leaves."""
    enters, leaves = _instant(span.from_, columns), _instant(span.until, columns)
    first, last = months

    def stock(row: Row) -> list[Share]:
        start, end = enters(row), leaves(row)
        if start is None:
            return []
        came = max(month_ordinal(start, zone), first)
        went = last + 1 if end is None else month_ordinal(end, zone)
        if went <= came or came > last:
            return []
        amount, base = numerator(row), denominator(row)
        shares = [Share(came, amount, base)]
        return [*shares, Share(went, -amount, -base, rows=0)] if went <= last else shares

    return stock


def _instant(text: str, columns: Columns) -> Callable[[Row], Any]:
    kind, getter = value(text, columns)
    if kind is not Kind.TIME:
        raise refusal("A row is placed by an instant.")
    return getter


@lru_cache(maxsize=65536)
def _month_of_quarter(quarter: int, zone: ZoneInfo) -> int:
    return month_of(instants.of_micros(quarter * QUARTER_HOUR), zone).ordinal


def month_ordinal(micros: int, zone: ZoneInfo) -> int:
    """Return the month of an instant; months begin on a quarter of an hour in every zone since 1970."""
    return _month_of_quarter(micros // QUARTER_HOUR, zone)

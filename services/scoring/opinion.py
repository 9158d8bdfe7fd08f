"""A second opinion on measures: DuckDB recomputes them over facts, in memory, locked down and bounded.

It sees no file, no network and no setting; sums stay exact, and whoever divides does so in `Decimal`.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from threading import Event, Timer
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import duckdb
from sqlglot import exp

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import Kind
from services.scoring.domain.facts import Report
from services.scoring.domain.measuring import Measured, Place
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.statements import Dialect, Query, Table, statements
from shared.kernel import instants
from shared.kernel.errors import refuse
from shared.kernel.periods import Month
from shared.kernel.points import millionths

FACTS_PER_INSERT = 20_000
MEMORY_MB = 512
TIME_LIMIT_S = 25
THREADS = 1
_LOCKED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "max_temp_directory_size": "0B",
    "memory_limit": f"{MEMORY_MB}MB",
    "threads": str(THREADS),
}


def _begins(month: Month, zone: ZoneInfo) -> str:
    return str(instants.micros(month.starts(zone)))


def _seconds(node: exp.Expr) -> exp.Expr:
    """Write seconds between two instants in microseconds; DuckDB's own EXTRACT gives a DOUBLE."""
    micros = exp.cast(exp.paren(node.expression.unnest()), "DECIMAL(24, 0)", dialect="duckdb")
    return exp.paren(
        exp.Mul(this=micros, expression=exp.cast(exp.Literal.number("0.000001"), "DECIMAL(7, 6)"))
    )


DUCKDB = Dialect(
    name="duckdb",
    types={
        Kind.TEXT: "VARCHAR",
        Kind.NUMBER: "DECIMAL(38, 6)",
        Kind.TIME: "BIGINT",
        Kind.BOOLEAN: "BOOLEAN",
    },
    begins=_begins,
    seconds=_seconds,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one recomputation may take."""

    seconds: float = TIME_LIMIT_S


def recompute(
    document: SchemeDocument,
    types: EventTypes,
    groups: Iterable[Sequence[Report]],
    limits: Limits | None = None,
) -> Measured:
    """Recompute every measure of events over the standing facts of cases, or refuse what takes too much."""
    with Recomputation(document, types, limits or Limits()) as opened:
        opened.add(groups)
        return opened.measured()


class Recomputation:
    """Tables of facts in an engine of its own: filled as facts come, asked at the end.

    With `whole` all months of the scheme are measured as one, named by the first.
    """

    def __init__(
        self, document: SchemeDocument, types: EventTypes, limits: Limits, *, whole: bool = False
    ) -> None:
        self._told = statements(document, types, DUCKDB, whole=whole)
        self._limits = limits
        self._open = ExitStack()
        self._filling: Filling | None = None

    def __enter__(self) -> Self:
        connection = self._open.enter_context(locked_down())
        watch = Watch(connection, self._limits)
        self._open.enter_context(watch.kept())
        for sql in self._told.creating:
            connection.execute(sql)
        self._filling = Filling(connection, watch, self._told.tables)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return self._open.__exit__(kind, raised, traceback)

    @property
    def events(self) -> frozenset[str]:
        """The event types that are read."""
        return frozenset(table.event for table in self._told.tables)

    def add(self, groups: Iterable[Sequence[Report]]) -> None:
        """Take the standing facts of cases."""
        assert self._filling is not None, "not open"
        self._filling.add(groups)

    def measured(self) -> Measured:
        """Make rows of the facts and return what every measure is."""
        assert self._filling is not None, "not open"
        connection, watch = self._filling.connection, self._filling.watch
        self._filling.finish()
        for sql in self._told.making:
            watch.check()
            connection.execute(sql)
        found: dict[Place, Partials] = {}
        for query in self._told.queries:
            watch.check()
            found |= read(query, connection.execute(query.sql).fetchall())
        return found


def read(query: Query, rows: Iterable[Sequence[Any]]) -> dict[Place, Partials]:
    """Read the rows of a query; where nothing came and nothing stands there is no value."""
    found: dict[Place, Partials] = {}
    for unit, month, came, *amounts in rows:
        values = {
            value: millionths(Decimal(amount or 0))
            for value, amount in zip(query.values, amounts, strict=True)
        }
        for name in query.measures:
            partials = Partials(values[name, False], values.get((name, True), 0), int(came))
            found[name, unit, month] = partials
    return found


@contextmanager
def locked_down() -> Generator[duckdb.DuckDBPyConnection]:
    """Open DuckDB in memory without access to anything outside, and lock its settings."""
    connection = duckdb.connect(":memory:", config=_LOCKED)
    try:
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


class Watch:
    """Ends what runs in an engine when its time is over."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._over = Event()

    @contextmanager
    def kept(self) -> Generator[None]:
        """Refuse what takes longer or more than it may."""
        timer = Timer(self._limits.seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (duckdb.InterruptException, duckdb.OutOfMemoryException):
            raise self.refusal() from None
        finally:
            timer.cancel()

    def check(self) -> None:
        """Refuse when the time is over; between statements nothing is interrupted."""
        if self._over.is_set():
            raise self.refusal()

    def refusal(self) -> Exception:
        """Return the refusal."""
        detail = f"This takes more than {self._limits.seconds} s or {MEMORY_MB} MB; ask for less."
        return refuse(422, "too_much_to_recompute", detail)

    def _end(self) -> None:
        self._over.set()
        self._connection.interrupt()


class Filling:
    """Puts facts into their tables, many at a time."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, watch: Watch, tables: Sequence[Table]) -> None:
        self.connection = connection
        self.watch = watch
        self._tables = {table.event: table for table in tables}
        self._waiting: dict[str, list[tuple[Any, ...]]] = {event: [] for event in self._tables}
        self._cases, self._facts = 0, 0

    def add(self, groups: Iterable[Sequence[Report]]) -> None:
        """Take the facts of cases that are of types which measures read."""
        self.watch.check()
        for facts in groups:
            self._cases += 1
            for fact in facts:
                if fact.type in self._tables:
                    self._take(fact)

    def finish(self) -> None:
        """Put in what waits."""
        for event in self._tables:
            self._put_in(event)

    def _take(self, fact: Report) -> None:
        self._facts += 1
        rows = self._waiting[fact.type]
        rows.append(self._tables[fact.type].row(self._facts, self._cases, fact))
        if len(rows) >= FACTS_PER_INSERT:
            self.watch.check()
            self._put_in(fact.type)

    def _put_in(self, event: str) -> None:
        if self._waiting[event]:
            _insert(self.connection, self._tables[event], self._waiting[event])
            self._waiting[event].clear()


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    kinds: Mapping[str, Kind] = table.columns
    types = ["BIGINT", "BIGINT", "VARCHAR", "VARCHAR", *(DUCKDB.types[kind] for kind in kinds.values())]
    passed = ["VARCHAR" if kind == DUCKDB.types[Kind.NUMBER] else kind for kind in types]
    taken = [
        f"CAST(unnest(${at}::{given}[]) AS {kind})"
        for at, (given, kind) in enumerate(zip(passed, types, strict=True), 1)
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    texts = [
        [None if value is None else str(value) for value in column] if given == "VARCHAR" else column
        for given, column in zip(passed, columns, strict=True)
    ]
    connection.execute(f'INSERT INTO "{table.name}" SELECT {", ".join(taken)}', texts)

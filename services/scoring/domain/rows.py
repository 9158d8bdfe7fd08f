"""Facts as rows: text, booleans, instants in microseconds, numbers in millionths."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from services.scoring.domain.expressions import Columns, Kind, Row
from services.scoring.domain.facts import Report
from shared.kernel import instants
from shared.kernel.points import MILLIONTHS, millionths

AGGREGATES: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "first": itemgetter(0),
    "last": itemgetter(-1),
    "min": min,
    "max": max,
    "sum": sum,
}


def aggregated(how: str, field: str, of: str, rows: Sequence[tuple[str, Row]]) -> Any:
    """Aggregate a field over the events of a type, which come in the order they occurred."""
    if how == "count":
        return sum(kind == of for kind, _ in rows) * MILLIONTHS
    values = [found for kind, row in rows if kind == of and (found := row.get(field)) is not None]
    return AGGREGATES[how](values) if values else None


def event_row(fact: Report) -> Row:
    """Return a fact as a row: instants in microseconds, numbers in millionths."""
    data: Mapping[str, Any] = fact.data or {}
    return {name: _cell(found) for name, found in data.items()} | {
        "time": fact.time,
        "subject": fact.subject,
        "unit": fact.subject,
    }


def _cell(found: Any) -> Any:
    match found:
        case Instant() | bool():
            return found
        case int():
            return found * MILLIONTHS
        case Decimal():
            return millionths(found)
        case _:
            return found


def typed(data: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Read the texts of an event's data by the kinds that its type declares; instants become microseconds.

    Decimals become `Decimal`, so that a row can tell them from text.
    """
    return {name: _typed(found, columns.get(name)) for name, found in data.items()}


def _typed(found: Any, kind: Kind | None) -> Any:
    if not isinstance(found, str):
        return found
    if kind is Kind.TIME:
        return Instant(instants.parse_micros(found))
    return Decimal(found) if kind is Kind.NUMBER else found


class Instant(int):
    """Microseconds since 1970, told apart from a number of events or money."""

    __slots__ = ()

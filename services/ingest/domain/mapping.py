"""A mapping made ready: a pure function from a row of an existing system to its events.

Numbers come as text or integers, never through float: whoever reads JSON rows passes `parse_float=str`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.ingest.domain.catalogue import CatalogueDocument
from services.ingest.domain.mapping_cells import Read, Reader, Row, fields_of, pointer_to
from services.ingest.domain.mapping_document import (
    Cell,
    Corrects,
    DataCell,
    EventRule,
    Kind,
    MappingDocument,
    Scalar,
)
from shared.kernel.errors import refuse

Event: TypeAlias = dict[str, Any]
Rule: TypeAlias = Callable[[Row], Event | None]


@dataclass(frozen=True, slots=True)
class FeedMapping:
    """A compiled mapping; `columns` are the fields that it reads."""

    document: MappingDocument
    columns: frozenset[str]
    rules: tuple[Rule, ...]
    skips: Callable[[Row], bool]

    def events(self, row: Row) -> list[Event]:
        """Return the events of a row, or refuse it: a code `mapping_*` and a pointer that names the field."""
        if self.skips(row):
            return []
        found = [event for rule in self.rules if (event := rule(row)) is not None]
        if not found:
            raise refuse(422, "mapping_no_event", "No rule of the mapping holds for this row.")
        return found

    def check_header(self, names: Iterable[str]) -> None:
        """Refuse a table that lacks a column which the mapping reads."""
        for name in sorted(self.columns - set(names)):
            raise refuse(422, "mapping_column", f"The table has no column {name}.", pointer=pointer_to(name))


def compile_mapping(document: MappingDocument, catalogue: CatalogueDocument | None = None) -> FeedMapping:
    """Make a mapping ready; `catalogue` says the kinds that the document leaves to the adopted types."""
    reader = Reader(frozenset(document.empty), _zone(document.zone), document.fold)
    rules = tuple(
        _rule(rule, document.source, reader, _kinds(rule, f"/events/{place}", catalogue))
        for place, rule in enumerate(document.events)
    )

    def skips(row: Row) -> bool:
        return any(reader.meets(condition, row) for condition in document.skip)

    return FeedMapping(document, columns_of(document), rules, skips)


def columns_of(document: MappingDocument) -> frozenset[str]:
    """Return every field of a row that a mapping reads."""
    read = {condition.field for condition in document.skip}
    for rule in document.events:
        read |= {condition.field for condition in (*rule.when, *rule.retraction)}
        read |= {field for cell in _cells(rule) for field in fields_of(cell)}
    return frozenset(read)


def kind_of(cell: DataCell, rule: EventRule, name: str, catalogue: CatalogueDocument | None) -> Kind | None:
    """Return the kind of a field: as the mapping says, else as the type does."""
    declared = catalogue.types.get(rule.type) if catalogue is not None else None
    field = declared.fields.get(name) if declared is not None else None
    return cell.kind or (field.type if field is not None else None)


def _rule(rule: EventRule, source: str, reader: Reader, kinds: Mapping[str, Kind]) -> Rule:
    fixed = {"specversion": "1.0", "source": source, "type": rule.type}
    required = {
        "id": reader.text(rule.id),
        "subject": reader.text(rule.unit),
        "time": reader.time(rule.time),
    }
    optional = {
        "recorded": reader.time(rule.recorded) if rule.recorded is not None else None,
        "case": reader.text(rule.case) if rule.case is not None else None,
    }
    given = {name: read for name, read in optional.items() if read is not None}
    data = {name: reader.data(cell, kinds[name]) for name, cell in rule.data.items()}
    correction = _correction(rule.corrects, source, reader)

    def event(row: Row) -> Event | None:
        if not all(reader.meets(condition, row) for condition in rule.when):
            return None
        found = fixed | _all(required, row) | _present(given, row) | correction(row)
        if rule.retraction and all(reader.meets(condition, row) for condition in rule.retraction):
            if "revision" not in found:
                raise refuse(422, "mapping_retraction", "A retraction names what it retracts.")
            return found
        return found | {"data": _present(data, row)}

    return event


def _correction(corrects: Corrects | None, source: str, reader: Reader) -> Callable[[Row], dict[str, Scalar]]:
    if corrects is None:
        return lambda _row: {}
    read_id = reader.text(corrects.id)
    others: dict[str, Read] = {"revision": reader.integer(corrects.revision)}
    if corrects.source is not None:
        others["correctssource"] = reader.text(corrects.source)

    def correction(row: Row) -> dict[str, Scalar]:
        corrected = read_id(row)
        if corrected is None:
            return {}
        return {"correctssource": source, "correctsid": corrected} | _all(others, row)

    return correction


def _present(cells: Mapping[str, Read], row: Row) -> dict[str, Scalar]:
    return {name: value for name, read in cells.items() if (value := read(row)) is not None}


def _all(cells: Mapping[str, Read], row: Row) -> dict[str, Scalar]:
    found = _present(cells, row)
    for name in cells.keys() - found.keys():
        raise refuse(422, "mapping_missing", f"The row has nothing for {name}.", pointer=pointer_to(name))
    return found


def _kinds(rule: EventRule, path: str, catalogue: CatalogueDocument | None) -> dict[str, Kind]:
    found: dict[str, Kind] = {}
    for name, cell in rule.data.items():
        kind = kind_of(cell, rule, name, catalogue)
        if kind is None:
            detail = "Neither the mapping nor an adopted type says the kind of this field."
            raise refuse(422, "mapping_kind", detail, pointer=f"{path}/data/{name}")
        found[name] = kind
    return found


def _cells(rule: EventRule) -> Iterator[Cell]:
    yield from (rule.id, rule.unit, rule.time, *rule.data.values())
    yield from (cell for cell in (rule.recorded, rule.case) if cell is not None)
    if rule.corrects is not None:
        yield from (rule.corrects.id, rule.corrects.revision)
        yield from (cell for cell in (rule.corrects.source,) if cell is not None)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return None if name is None else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise refuse(422, "mapping_zone", "There is no such time zone.", pointer="/zone") from None

"""Reads one value of a row as a mapping says: its origin, its translation, its kind."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TypeAlias, cast

from services.ingest.domain.mapping_document import (
    Cell,
    Condition,
    DataCell,
    Kind,
    Scalar,
    TextCell,
    TimeCell,
    template_parts,
)
from shared.kernel import instants
from shared.kernel.codes import derive_code
from shared.kernel.errors import Refused, refuse
from shared.kernel.strict_json import LARGEST_INTEGER

Row: TypeAlias = Mapping[str, Scalar | None]
Read: TypeAlias = Callable[[Row], Scalar | None]
Write: TypeAlias = Callable[[Scalar], str]

_INTEGER = re.compile(r"[+-]?[0-9]{1,16}\Z")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?\Z")
_NOT_SLUG = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class Reader:
    """What holds for all cells of a mapping: the texts that mean absent, and how a local time is read."""

    empty: frozenset[str]
    zone: tzinfo | None
    fold: str

    def text(self, cell: TextCell) -> Read:
        """Return how to read a text or a code."""
        match cell.code:
            case "exact":
                return self._cell(cell, text_of)
            case "derive":
                return self._cell(cell, _code)
            case "slug":
                # what surrounds the fields of a template is written by the mapping and stays as it is
                return self._cell(cell, _code if cell.template is not None else _slug_code, _slug)

    def time(self, cell: TimeCell) -> Read:
        """Return how to read an instant; it is written in UTC, so that equal instants are equal texts."""
        return self._cell(cell, lambda value: self._instant(text_of(value), cell.formats))

    def integer(self, cell: Cell) -> Read:
        """Return how to read a whole number."""
        return self._cell(cell, _integer)

    def data(self, cell: DataCell, kind: Kind) -> Read:
        """Return how to read a field of the data."""
        match kind:
            case "text" | "code":
                return self.text(cell)
            case "time":
                return self.time(cell)
            case "decimal":
                return self._cell(cell, _decimal)
            case "integer":
                return self.integer(cell)
            case "boolean":
                return self._cell(cell, _boolean)

    def meets(self, condition: Condition, row: Row) -> bool:
        """Tell whether a row meets a condition."""
        value = self._value(row, condition.field)
        if condition.equals is None:
            return (value is not None) == condition.present
        wanted = (condition.equals,) if isinstance(condition.equals, str) else condition.equals
        return value is not None and text_of(value) in wanted

    def _cell(self, cell: Cell, convert: Callable[[Scalar], Scalar], write: Write | None = None) -> Read:
        origin = self._origin(cell, write or text_of)
        pointer = pointer_to(*sorted(fields_of(cell))[:1])

        def read(row: Row) -> Scalar | None:
            value = origin(row)
            if value is not None and cell.values:
                value = cell.values.get(text_of(value))
                if value is None:
                    raise refuse(
                        422, "mapping_word", "The mapping does not name this value.", pointer=pointer
                    )
            value = cell.default if value is None else value
            try:
                return None if value is None else convert(value)
            except Refused as refused:
                problem = refused.problem
                raise refuse(422, f"mapping_{problem.code}", problem.detail, pointer=pointer) from None

        return read

    def _origin(self, cell: Cell, write: Write) -> Read:
        if cell.constant is not None:
            return lambda _row: cell.constant
        if cell.field is not None:
            field = cell.field
            return lambda row: self._value(row, field)
        parts = template_parts(cell.template or "")

        def filled(row: Row) -> str | None:
            written: list[str] = []
            for literal, field in parts:
                value = None if field is None else self._value(row, field)
                if field is not None and value is None:
                    return None
                written += [literal, "" if value is None else write(value)]
            return "".join(written)

        return filled

    def _value(self, row: Row, field: str) -> Scalar | None:
        value = cast("object", row.get(field))
        if value is None or (isinstance(value, str) and value in self.empty):
            return None
        if not isinstance(value, str | int):
            detail = "A value is a text, an integer or a boolean; numbers with a fraction come as text."
            raise refuse(422, "mapping_value", detail, pointer=pointer_to(field))
        return value

    def _instant(self, written: str, formats: tuple[str, ...]) -> str:
        for form in formats:
            read = _parsed(written, form)
            if read is not None:
                aware = read if read.tzinfo is not None else self._localized(read)
                return instants.text(aware)
        raise refuse(422, "time", "The time has none of the formats of the mapping.")

    def _localized(self, naive: datetime) -> datetime:
        if self.zone is None:
            raise refuse(422, "time_zone", "The time has no zone and the mapping names none.")
        first, second = (naive.replace(tzinfo=self.zone, fold=fold) for fold in (0, 1))
        if first.utcoffset() == second.utcoffset():
            return first
        if first.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None) != naive:
            raise refuse(422, "time_gap", "The clocks jumped over this local time.")
        if self.fold == "refuse":
            raise refuse(422, "time_fold", "This local time was lived twice.")
        return first if self.fold == "first" else second


def text_of(value: Scalar) -> str:
    """Write a value as the text that conditions and `values` compare."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fields_of(cell: Cell) -> set[str]:
    """Return the fields of the row that a cell reads."""
    if cell.field is not None:
        return {cell.field}
    return {field for _, field in template_parts(cell.template or "") if field is not None}


def pointer_to(*fields: str) -> str:
    """Return the JSON pointer of a field in its row."""
    return "".join("/" + field.replace("~", "~0").replace("/", "~1") for field in fields)


def _parsed(written: str, form: str) -> datetime | None:
    if not written.isascii():
        return None
    try:
        read = datetime.fromisoformat(written) if form == "iso" else datetime.strptime(written, form)  # noqa: DTZ007 - the zone follows
    except ValueError:
        return None
    return read if instants.FIRST_YEAR <= read.year <= instants.LAST_YEAR else None


def _code(value: Scalar) -> str:
    return derive_code(text_of(value))


def _slug_code(value: Scalar) -> str:
    return derive_code(_slug(value))


def _slug(value: Scalar) -> str:
    return _NOT_SLUG.sub("-", text_of(value).lower()).strip("-")


def _integer(value: Scalar) -> int:
    if isinstance(value, bool) or _INTEGER.match(str(value)) is None or abs(int(value)) > LARGEST_INTEGER:
        raise refuse(422, "integer", "This is not a whole number within 2^53.")
    return int(value)


def _decimal(value: Scalar) -> str:
    if isinstance(value, bool) or _DECIMAL.match(str(value)) is None:
        raise refuse(422, "decimal", "A decimal is digits with at most one point, without a leading zero.")
    return str(value)


def _boolean(value: Scalar) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise refuse(422, "boolean", "A boolean is true or false; `values` translates other words.")

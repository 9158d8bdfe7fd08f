"""Checks of documents in files: the decisions of the services, each finding with its file and line."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dukao import yamls
from dukao.yamls import Sheet, UnreadableError
from services.ingest.domain import mapping_check
from services.ingest.domain.catalogue import CatalogueDocument
from services.ingest.domain.mapping_document import MappingDocument
from services.notify.domain import document as rules_document
from services.scoring.domain import check, reading
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.following import follows
from services.scoring.domain.versions import years_begin_alike
from services.supervision.domain import calendar_document
from shared.kernel.codes import derive_code
from shared.kernel.errors import Refused

MOST_UNITS = 100_000
UNIT_COLUMNS = ("unit_id", "parent_id", "name", "level")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a file, and where."""

    file: str
    line: int
    path: str
    code: str
    reason: str

    def record(self) -> dict[str, Any]:
        """Return the finding as it is printed."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Paper:
    """A document with the way back from its places to files and lines."""

    document: Any
    place_of: Callable[[str], tuple[str, int]]

    def finding(self, path: str, code: str, reason: str) -> Finding:
        """Return a finding at a JSON pointer."""
        return Finding(*self.place_of(path), path, code, reason)


def paper_of(sheet: Sheet) -> Paper:
    """Return the document of one file."""
    return Paper(sheet.value, lambda path: (sheet.file, sheet.line(path)))


def read_scheme(path: Path, units: Path | None, *, may_have_own: bool = False) -> Paper:
    """Read a scheme; a table of units fills the `units: []` of a scheme that leaves them to it.

    One that has units of its own is refused, unless it may: then the table is for others beside it.
    """
    sheet = yamls.read(path)
    leaves_them = _leaves_units(sheet)
    if units is None or (may_have_own and not leaves_them):
        return paper_of(sheet)
    if not leaves_them:
        raise UnreadableError(
            sheet.file, sheet.line("/units"), "units", "A table of units needs `units: []` here."
        )
    rows = read_units(units)
    lines = [line for line, _ in rows]

    def place_of(path: str) -> tuple[str, int]:
        steps = path.split("/")
        if steps[:2] == ["", "units"] and len(steps) > 2:
            return str(units), lines[int(steps[2])]
        return sheet.file, sheet.line(path)

    return Paper(sheet.value | {"units": [unit for _, unit in rows]}, place_of)


def leaves_units(path: Path) -> bool:
    """Tell whether a scheme leaves its units to a table."""
    return _leaves_units(yamls.read(path))


def read_units(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """Read a table of units with their lines; codes are derived from the identifiers."""
    text = yamls.decoded(path.read_bytes(), str(path), "utf-8-sig")
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = sorted(set(UNIT_COLUMNS) - set(reader.fieldnames or ()))
        if missing:
            columns = ",".join(UNIT_COLUMNS)
            raise UnreadableError(str(path), 1, "columns", f"{missing[0]} is missing; columns: {columns}")
        found = [(reader.line_num, _unit(row, str(path), reader.line_num)) for row in reader]
    except csv.Error as error:
        raise UnreadableError(str(path), reader.line_num + 1, "csv", str(error)) from None
    if len(found) > MOST_UNITS:
        raise UnreadableError(str(path), MOST_UNITS, "too_many", f"At most {MOST_UNITS} units are taken.")
    return found


def check_scheme(paper: Paper, catalogue: Mapping[str, Any]) -> list[Finding]:
    """Return everything that scoring would refuse in a scheme."""
    found = reading.read(paper.document)
    findings = found if isinstance(found, list) else check.findings(found, catalogue)
    return [paper.finding(one.path, one.code, one.reason) for one in findings]


def check_beside(paper: Paper, adopted: Sequence[SchemeDocument]) -> list[Finding]:
    """Return what adoption would refuse in a scheme, itself sound, beside adopted versions of it."""
    document = SchemeDocument.model_validate(paper.document)
    calendars = {one.scheme.code: one.calendar for one in adopted}
    findings = [*years_begin_alike(document, calendars), *follows(document, adopted)]
    return [paper.finding(one.path, one.code, one.reason) for one in findings]


def as_scheme(paper: Paper) -> SchemeDocument | list[Finding]:
    """Return a scheme, or every place that is not of its shape."""
    found = reading.read(paper.document)
    if isinstance(found, SchemeDocument):
        return found
    return [paper.finding(one.path, one.code, one.reason) for one in found]


def check_types(paper: Paper) -> list[Finding]:
    """Return everything that ingest would refuse in a catalogue."""
    return shaped(paper, CatalogueDocument, "catalogue")[1]


def check_rules(paper: Paper) -> list[Finding]:
    """Return everything that notify would refuse in rules of notices."""
    found = rules_document.read(paper.document)
    findings = found if isinstance(found, list) else []
    return [paper.finding(one.path, one.code, one.reason) for one in findings]


def check_calendar(paper: Paper) -> list[Finding]:
    """Return everything that supervision would refuse in a working calendar by itself."""
    found = calendar_document.read(paper.document)
    return [paper.finding(one.path, one.code, one.reason) for one in found] if isinstance(found, list) else []


def check_mapping(paper: Paper, document: MappingDocument, catalogue: CatalogueDocument) -> list[Finding]:
    """Return everything that is wrong with a mapping beside the catalogue that its events must pass."""
    return [
        paper.finding(one.path, one.code, one.reason) for one in mapping_check.findings(document, catalogue)
    ]


def shaped(paper: Paper, model: type[Model], code: str) -> tuple[Model | None, list[Finding]]:
    """Return a document as its model, or every place that is not of its shape."""
    try:
        return model.model_validate(paper.document), []
    except ValidationError as error:
        return None, [
            paper.finding(_pointer(one["loc"]), code, one["msg"].removeprefix("Value error, "))
            for one in error.errors(include_url=False, include_input=False)
        ]


def unreadable(error: UnreadableError) -> Finding:
    """Return the finding of a file that could not be read as YAML."""
    return Finding(error.file, error.line, "", error.code, error.reason)


def refused_at(paper: Paper, findings: Iterable[Mapping[str, str]]) -> list[Finding]:
    """Return what a service found in a document, with the lines of the file it came from."""
    return [paper.finding(one["path"], one["code"], one["reason"]) for one in findings]


def _leaves_units(sheet: Sheet) -> bool:
    return isinstance(sheet.value, dict) and sheet.value.get("units") == []


def _unit(row: Mapping[str, str | None], file: str, line: int) -> dict[str, Any]:
    cells = {column: row.get(column) for column in UNIT_COLUMNS}
    if None in row or None in cells.values():
        raise UnreadableError(file, line, "columns", "The line has more or fewer cells than the heading.")
    try:
        parent = cells["parent_id"]
        return {
            "code": derive_code(cells["unit_id"] or ""),
            "parent": derive_code(parent) if parent else None,
            "name": cells["name"],
            "level": cells["level"],
        }
    except Refused as refused:
        raise UnreadableError(file, line, refused.problem.code, refused.problem.detail) from None


def _pointer(location: Sequence[str | int]) -> str:
    return "".join(f"/{yamls.escaped(str(step))}" for step in location)

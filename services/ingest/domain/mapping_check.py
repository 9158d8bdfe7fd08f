"""The rules of a mapping check: a mapping beside the catalogue that its events must pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.ingest.domain.catalogue import CatalogueDocument, TypeSpec
from services.ingest.domain.mapping import kind_of
from services.ingest.domain.mapping_document import EventRule, MappingDocument, TimeCell


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a mapping is refused, and where: `path` is a JSON pointer into it."""

    path: str
    code: str
    reason: str


Check: TypeAlias = Callable[[MappingDocument, CatalogueDocument], Iterator[Finding]]


def findings(document: MappingDocument, catalogue: CatalogueDocument) -> list[Finding]:
    """Return everything that is wrong with a mapping, in the order of the rules."""
    return [finding for check in CHECKS for finding in check(document, catalogue)]


def the_zone_exists(document: MappingDocument, _catalogue: CatalogueDocument) -> Iterator[Finding]:
    """Local times are read in a zone that exists."""
    try:
        ZoneInfo(document.zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding("/zone", "zone", "There is no such time zone.")


def local_times_have_a_zone(document: MappingDocument, catalogue: CatalogueDocument) -> Iterator[Finding]:
    """A pattern without a zone needs the zone of the mapping."""
    if document.zone is not None:
        return
    for place, rule in enumerate(document.events):
        for name, cell in _times(rule, catalogue):
            if any(form != "iso" and "%z" not in form for form in cell.formats):
                path = f"/events/{place}/{name}/formats"
                yield Finding(path, "time_zone", "The pattern has no zone and the mapping names none.")


def the_source_may_send(document: MappingDocument, catalogue: CatalogueDocument) -> Iterator[Finding]:
    """The source is registered and may send every type of the mapping."""
    source = catalogue.sources.get(document.source)
    if source is None:
        yield Finding("/source", "unknown_source", f"No source {document.source} is in the catalogue.")
        return
    for place, rule in enumerate(document.events):
        if source.types != "all" and rule.type not in source.types:
            yield Finding(
                f"/events/{place}/type", "source_scope", f"{document.source} may not send {rule.type}."
            )


def types_are_adopted(document: MappingDocument, catalogue: CatalogueDocument) -> Iterator[Finding]:
    """Every rule names a type of the catalogue."""
    for place, rule in enumerate(document.events):
        if rule.type not in catalogue.types:
            yield Finding(
                f"/events/{place}/type", "unknown_type", f"No type {rule.type} is in the catalogue."
            )


def fields_are_declared(document: MappingDocument, catalogue: CatalogueDocument) -> Iterator[Finding]:
    """A mapping gives only fields that the type declares, of its kind, and all that it requires."""
    for path, rule, spec in _typed(document, catalogue):
        for name, cell in rule.data.items():
            declared = spec.fields.get(name)
            if declared is None:
                yield Finding(f"{path}/data/{name}", "unknown_field", f"{rule.type} does not declare {name}.")
            elif cell.kind not in {None, declared.type}:
                yield Finding(f"{path}/data/{name}/kind", "kind", f"{rule.type} declares {declared.type}.")
        for name, declared in spec.fields.items():
            if declared.required and name not in rule.data:
                yield Finding(f"{path}/data", "missing_field", f"{rule.type} requires {name}.")


def cases_are_given(document: MappingDocument, catalogue: CatalogueDocument) -> Iterator[Finding]:
    """A type that belongs to a case gets one, a type without gets none."""
    for path, rule, spec in _typed(document, catalogue):
        if spec.case == "required" and rule.case is None:
            yield Finding(path, "missing_case", f"{rule.type} belongs to a case.")
        elif spec.case == "none" and rule.case is not None:
            yield Finding(f"{path}/case", "case", f"{rule.type} has no case.")


CHECKS: tuple[Check, ...] = (
    the_zone_exists,
    local_times_have_a_zone,
    the_source_may_send,
    types_are_adopted,
    fields_are_declared,
    cases_are_given,
)


def _times(rule: EventRule, catalogue: CatalogueDocument) -> Iterator[tuple[str, TimeCell]]:
    yield "time", rule.time
    if rule.recorded is not None:
        yield "recorded", rule.recorded
    for name, cell in rule.data.items():
        if kind_of(cell, rule, name, catalogue) == "time":
            yield f"data/{name}", cell


def _typed(
    document: MappingDocument, catalogue: CatalogueDocument
) -> Iterator[tuple[str, EventRule, TypeSpec]]:
    for place, rule in enumerate(document.events):
        spec = catalogue.types.get(rule.type)
        if spec is not None:
            yield f"/events/{place}", rule, spec

"""The rules of the `incidents` section: fields that every event has, units, indicators that lose points."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.incident_section import FindingSpec, IncidentsSpec, InspectionSpec, LossSpec
from services.scoring.domain.measures import DecidedSpec
from services.scoring.domain.reading import Finding
from services.scoring.domain.trigger_check import trigger_findings

CODE, INTEGER, TIME = frozenset({"code"}), frozenset({"integer"}), frozenset({"time"})
TEXT, AMOUNT = frozenset({"code", "text"}), frozenset({"integer", "decimal"})
OF_EVENT = "time"
LATEST = "9999-12-31"

Field = tuple[str, str | None, frozenset[str], bool]


def incident_findings(document: SchemeDocument, catalogue: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the incidents of a scheme."""
    spec = document.incidents
    if spec is None:
        return
    types = catalogue.get("types", {})
    for place, one in enumerate(spec.findings):
        yield from _fields(f"/incidents/findings/{place}", one.type, _of_finding(one), types)
    for place, one in enumerate(spec.inspections):
        yield from _fields(f"/incidents/inspections/{place}", one.type, _of_inspection(one), types)
    yield from _units(document, spec)
    yield from _losses(document, spec)
    yield from trigger_findings(document, spec)
    yield from _rises(document, spec)
    yield from _jurisdictions(spec)


def _of_finding(spec: FindingSpec) -> tuple[Field, ...]:
    """Return the fields of a finding: where each is named, its kinds, whether every event has it."""
    points = spec.deducts.points if spec.deducts is not None else None
    return (
        ("object", spec.object, CODE, True),
        ("content", spec.content, CODE, True),
        ("years/from", spec.years.from_, INTEGER, True),
        ("years/until", spec.years.until, INTEGER, True),
        ("discovered", spec.discovered, TIME, True),
        ("status", spec.status, TEXT, True),
        ("severity", spec.severity, INTEGER, True),
        ("finder", spec.finder, TEXT, True),
        ("deducts/points", None if points is None or points[0].isdigit() else points, AMOUNT, False),
    )


def _of_inspection(spec: InspectionSpec) -> tuple[Field, ...]:
    return (
        ("object", spec.object, CODE, True),
        ("content", spec.content, CODE, False),
        ("years/from", spec.years.from_, INTEGER, True),
        ("years/until", spec.years.until, INTEGER, True),
        ("started", spec.started, TIME, True),
        ("ended", spec.ended, TIME, True),
        ("found", spec.found, INTEGER, True),
        ("inspector", spec.inspector, TEXT, True),
    )


def _fields(path: str, name: str, named: tuple[Field, ...], types: Mapping[str, Any]) -> Iterator[Finding]:
    declared = types.get(name)
    if declared is None:
        yield Finding(f"{path}/type", "unknown_type", f"There is no event type {name}.")
        return
    for place, field, kinds, needed in named:
        if field is None or (field == OF_EVENT and kinds == TIME):
            continue
        found = declared["fields"].get(field, {})
        if found.get("type") not in kinds:
            reason = f"{name} has no field {field} of type {' or '.join(sorted(kinds))}."
            yield Finding(f"{path}/{place}", "unknown_field", reason)
        elif needed and not found.get("required"):
            reason = f"{field} of {name} can be left out; what an incident is made of is required."
            yield Finding(f"{path}/{place}", "not_required", reason)


def _units(document: SchemeDocument, spec: IncidentsSpec) -> Iterator[Finding]:
    units = {one.code for one in document.units}
    named = [(f"/incidents/contents/{content}", unit) for content, unit in spec.contents.items()]
    for place, one in enumerate(spec.jurisdictions):
        path = f"/incidents/jurisdictions/{place}"
        named.append((f"{path}/inspectorate", one.inspectorate))
        named += [(f"{path}/units/{at}", unit) for at, unit in enumerate(one.units)]
    for path, unit in named:
        if unit not in units:
            yield Finding(path, "unknown_unit", f"There is no unit {unit}.")


def _losses(document: SchemeDocument, spec: IncidentsSpec) -> Iterator[Finding]:
    """What is lost is lost by an indicator whose measure takes what is decided of incidents."""
    measures = {one.code: document.measures.get(one.measure) for one in document.indicators}
    named = [
        (f"/incidents/findings/{place}/deducts/indicator", one.deducts.indicator)
        for place, one in enumerate(spec.findings)
        if one.deducts is not None
    ]
    for place, trigger in enumerate(spec.triggers):
        losses: Mapping[str, LossSpec] = dict(trigger.roles)
        named += [
            (f"/incidents/triggers/{place}/roles/{role}/indicator", loss.indicator)
            for role, loss in losses.items()
        ]
    for place, rise in enumerate(spec.rises):
        lost: Mapping[str, LossSpec] = dict(rise.roles)
        named += [
            (f"/incidents/rises/{place}/roles/{role}/indicator", loss.indicator)
            for role, loss in lost.items()
        ]
    for path, code in named:
        if code not in measures:
            yield Finding(path, "unknown_indicator", f"There is no indicator {code}.")
        elif not isinstance(measures[code], DecidedSpec):
            reason = f"{code} takes nothing of incidents; give it a measure `decided: incidents`."
            yield Finding(path, "takes_no_incidents", reason)


def _rises(document: SchemeDocument, spec: IncidentsSpec) -> Iterator[Finding]:
    """Events are counted in a month against a denominator; a level is between 0 and 1."""
    for place, one in enumerate(spec.rises):
        path = f"/incidents/rises/{place}"
        if one.code in {other.code for other in (*spec.triggers, *spec.rises[:place])}:
            yield Finding(f"{path}/code", "duplicate", f"{one.code} stands here a second time.")
        if one.group not in document.groups:
            yield Finding(f"{path}/group", "unknown_group", f"There is no group {one.group}.")
        if one.measure not in document.measures:
            yield Finding(f"{path}/measure", "unknown_measure", f"There is no measure {one.measure}.")
        else:
            measure = document.event_measures.get(one.measure)
            if measure is None or measure.denominator is None or measure.kind == "stock":
                reason = f"{one.measure} is no flow of events with a denominator: no count against exposure."
                yield Finding(f"{path}/measure", "no_exposure", reason)
        if one.content not in spec.contents:
            reason = f"No department owns {one.content}; a rise costs all its roles or none."
            yield Finding(f"{path}/content", "no_department", reason)
        if not Decimal(0) < Decimal(one.alpha) < 1:
            yield Finding(f"{path}/alpha", "alpha", "A level lies between 0 and 1, both left out.")


def _jurisdictions(spec: IncidentsSpec) -> Iterator[Finding]:
    """On any day one inspectorate at most is responsible for a unit."""
    for place, one in enumerate(spec.jurisdictions):
        if one.until is not None and one.until < one.from_:
            path = f"/incidents/jurisdictions/{place}/until"
            yield Finding(path, "dates", "A jurisdiction ends on the day on which it begins, or later.")
    of_unit: dict[str, list[tuple[str, str, int]]] = {}
    for place, one in enumerate(spec.jurisdictions):
        for unit in set(one.units):
            of_unit.setdefault(unit, []).append((one.from_, one.until or LATEST, place))
    for unit, days in sorted(of_unit.items()):
        for first, second in _overlapping(sorted(days)):
            one, other = spec.jurisdictions[first], spec.jurisdictions[second]
            reason = f"{unit} has two inspectorates: {one.inspectorate} and {other.inspectorate}."
            yield Finding(f"/incidents/jurisdictions/{second}/units", "two_inspectorates", reason)


def _overlapping(days: Sequence[tuple[str, str, int]]) -> Iterator[tuple[int, int]]:
    """Yield the places, lower first, of spans that begin before another of an earlier day has ended."""
    longest: tuple[str, int] | None = None
    for first, last, place in days:
        if longest is not None and first <= longest[0]:
            yield min(place, longest[1]), max(place, longest[1])
        if longest is None or last > longest[0]:
            longest = last, place

"""The rules of triggers: each has its own code, asks for one object, and for nothing that never is so."""

from collections.abc import Collection, Iterator

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.incident_section import ConditionSpec, FactName, IncidentsSpec
from services.scoring.domain.incidents.conditions import FACTS, Kind
from services.scoring.domain.incidents.facts import By
from services.scoring.domain.reading import Finding

FITTING = {
    "meets": frozenset({Kind.TYPE, Kind.WHO, Kind.OBJECT, Kind.CONTENT, Kind.YEARS}),
    "differs": frozenset({Kind.TYPE, Kind.WHO, Kind.OBJECT, Kind.CONTENT}),
    "is": frozenset({Kind.TYPE, Kind.WHO, Kind.OBJECT, Kind.CONTENT, Kind.NUMBER, Kind.BY}),
    "at_least": frozenset({Kind.NUMBER}),
    "at_most": frozenset({Kind.NUMBER}),
    "before": frozenset({Kind.DAY}),
}
SAME_OBJECT = {"finding.object", "inspection.object"}
FINDER = "finding.finder"


def trigger_findings(document: SchemeDocument, spec: IncidentsSpec) -> Iterator[Finding]:
    """Yield what is wrong with the triggers of a scheme."""
    seen: set[str] = set()
    for place, one in enumerate(spec.triggers):
        path = f"/incidents/triggers/{place}"
        if one.code in seen:
            yield Finding(f"{path}/code", "duplicate", f"{one.code} stands here a second time.")
        seen.add(one.code)
        yield from _conditions(f"{path}/when", one.when, document, spec)
    if spec.triggers and not spec.inspections:
        reason = "A trigger compares findings with inspections; no event type is one."
        yield Finding("/incidents/triggers", "no_inspections", reason)


def _conditions(
    path: str, conditions: Collection[ConditionSpec], document: SchemeDocument, spec: IncidentsSpec
) -> Iterator[Finding]:
    if not any({one.fact, one.meets} == SAME_OBJECT for one in conditions):
        reason = "A trigger is decided on one object: say {fact: finding.object, meets: inspection.object}."
        yield Finding(path, "no_object", reason)
    seen: set[ConditionSpec] = set()
    for place, one in enumerate(conditions):
        if one in seen:
            yield Finding(f"{path}/{place}", "duplicate", "This condition stands here a second time.")
        seen.add(one)
        yield from _condition(f"{path}/{place}", one, document, spec)
        asks = FINDER in {one.fact, one.meets, one.differs}
        if asks and any(finding.finder is None for finding in spec.findings):
            reason = "Not every event type of findings has a field `finder`: a source is no department."
            yield Finding(f"{path}/{place}", "no_finder", reason)


def _condition(
    path: str, one: ConditionSpec, document: SchemeDocument, spec: IncidentsSpec
) -> Iterator[Finding]:
    kind = FACTS[one.fact].kind
    tests = one.model_dump(by_alias=True, exclude_none=True, exclude={"fact", "same_day"})
    for test in tests:
        if kind not in FITTING[test]:
            reason = f"{one.fact} is {kind.value}, and nothing of that kind is asked: {test}."
            yield Finding(f"{path}/{test}", "condition", reason)
            return
    compared: tuple[tuple[str, FactName | None], ...] = (
        ("meets", one.meets),
        ("differs", one.differs),
        ("before", one.before),
    )
    for test, other in compared:
        if other is not None and FACTS[other].kind is not kind:
            reason = f"{one.fact} is {kind.value} and {other} is {FACTS[other].kind.value}: never compared."
            yield Finding(f"{path}/{test}", "condition", reason)
        elif other == one.fact:
            reason = f"{one.fact} is compared with itself."
            yield Finding(f"{path}/{test}", "condition", reason)
    for at, value in enumerate(one.is_ or ()):
        yield from _value(f"{path}/is/{at}", one, value, document, spec)


def _value(
    path: str, one: ConditionSpec, value: str, document: SchemeDocument, spec: IncidentsSpec
) -> Iterator[Finding]:
    """Yield why a fact is never this value."""
    kind = FACTS[one.fact].kind
    if kind is Kind.TYPE:
        section = spec.findings if one.fact == "finding.type" else spec.inspections
        if value not in {spec.type for spec in section}:
            reason = f"{value} is no event type that this section names for it."
            yield Finding(path, "unknown_type", reason)
    elif one.fact.endswith(".unit"):
        if value not in {unit.code for unit in document.units}:
            yield Finding(path, "unknown_unit", f"There is no unit {value}.")
    elif (kind is Kind.BY and value not in set(By)) or (kind is Kind.NUMBER and not _is_number(value)):
        yield Finding(path, "condition", f"{one.fact} is {kind.value}, which {value} is not.")


def _is_number(value: str) -> bool:
    return value.isascii() and value.removeprefix("-").isdigit() and str(int(value)) == value

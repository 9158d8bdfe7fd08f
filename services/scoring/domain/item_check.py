"""The rules of the `items` section: what it names exists, and events of an item meet in one case."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.item_section import ItemSpec, MatchSpec
from services.scoring.domain.reading import Finding

SUBJECT = "subject"
_UNITS, _TIMES, _NUMBERS = frozenset({"code", "text"}), frozenset({"time"}), frozenset({"integer"})


def item_findings(document: SchemeDocument, catalogue: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with the items of a scheme."""
    indicators = {one.code for one in document.indicators}
    for name, spec in document.items.items():
        path = f"/items/{name}"
        yield from _types(path, spec, catalogue.get("types", {}))
        if spec.indicator is not None and spec.indicator not in indicators:
            reason = f"There is no indicator {spec.indicator}."
            yield Finding(f"{path}/indicator", "unknown_indicator", reason)


def _types(path: str, spec: ItemSpec, types: Mapping[str, Any]) -> Iterator[Finding]:
    yield from _match(f"{path}/opens", spec.opens, types)
    if spec.completes is not None:
        yield from _match(f"{path}/completes", spec.completes, types)
    fields = types.get(spec.opens.type, {}).get("fields")
    if fields is None:
        return
    for place, field, kinds in (
        ("opens/unit", spec.opens.unit if spec.opens.unit != SUBJECT else None, _UNITS),
        ("opens/title", spec.opens.title, _UNITS),
        ("due/at", spec.due.at, _TIMES),
        ("due/day_of", spec.due.day_of, _TIMES),
        ("due/working_days_of", spec.due.working_days_of, _NUMBERS),
    ):
        if field is not None and fields.get(field, {}).get("type") not in kinds:
            reason = f"{spec.opens.type} has no field {field} of type {' or '.join(sorted(kinds))}."
            yield Finding(f"{path}/{place}", "unknown_field", reason)


def _match(path: str, match: MatchSpec, types: Mapping[str, Any]) -> Iterator[Finding]:
    declared = types.get(match.type)
    if declared is None:
        yield Finding(f"{path}/type", "unknown_type", f"There is no event type {match.type}.")
        return
    if declared.get("case") != "required":
        reason = f"Events of {match.type} need no case; what opens and completes an item meets in one."
        yield Finding(f"{path}/type", "no_case", reason)
    for field in match.when:
        if field not in declared["fields"]:
            yield Finding(f"{path}/when/{field}", "unknown_field", f"{match.type} has no field {field}.")

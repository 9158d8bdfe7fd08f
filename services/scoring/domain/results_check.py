"""The rules of ready results: both sides are measures of events, of different ones, and meet in a period."""

from collections.abc import Iterator

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.figures import scheme_months
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding
from services.scoring.domain.reconciling import reaches
from services.scoring.domain.result_section import ResultSpec
from shared.kernel.periods import Cycle


def results_can_be_reconciled(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Every ready result has two measures of events that read nothing in common, groups, and a period."""
    for name, spec in document.results.items():
        path = f"/results/{name}"
        for place, measure in (("official", spec.official), ("ours", spec.ours)):
            if measure not in document.event_measures:
                reason = f"There is no measure of events {measure}."
                yield Finding(f"{path}/{place}", "unknown_measure", reason)
        for group in spec.groups:
            if group not in document.groups:
                yield Finding(f"{path}/groups", "unknown_group", f"There is no group {group}.")
        common = sorted(_events(document, spec.official) & _events(document, spec.ours))
        if common:
            reason = f"Both measures read {', '.join(common)}: what was published is not a raw fact."
            yield Finding(f"{path}/ours", "same_events", reason)
        if not _is_compared(document, spec):
            reason = f"No {spec.cycle} lies whole within the scheme: it would never be compared."
            yield Finding(f"{path}/cycle", "never_due", reason)


def what_is_published_does_not_add_up(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What is published of units with others below counts for the unit that it names, and for none above."""
    parents = {unit.parent for unit in document.units}
    for name, spec in document.results.items():
        official = document.event_measures.get(spec.official)
        levels = {document.groups[group].level for group in spec.groups if group in document.groups}
        above = [one.code for one in document.units if one.level in levels and one.code in parents]
        if official is not None and official.counts_for != "named" and above:
            reason = f"{spec.official} adds up what is published below {above[0]}: write `counts_for: named`."
            yield Finding(f"/results/{name}/official", "adds_up", reason)


def _events(document: SchemeDocument, measure: str) -> set[str]:
    spec = document.event_measures.get(measure)
    if spec is None:
        return set()
    view = document.views.get(spec.over)
    return {spec.over} if view is None else set(view.events)


def _is_compared(document: SchemeDocument, spec: ResultSpec) -> bool:
    return any(
        reaches(document, document.calendar.containing(month, Cycle(spec.cycle)))
        for month in scheme_months(document)
    )

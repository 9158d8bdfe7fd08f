"""The rules of measures of events: they parse, read what there is, and begin with the scheme."""

from collections.abc import Iterator

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.keyed import keyed
from services.scoring.domain.measures import MeasureSpec
from services.scoring.domain.plan import EventTypes, columns_of, parts_of
from services.scoring.domain.reading import Finding
from shared.kernel.errors import Refused


def measures_compile(document: SchemeDocument, types: EventTypes) -> Iterator[Finding]:
    """Every measure parses and reads only what its events have; nothing is run to find out."""
    for name, spec in document.event_measures.items():
        try:
            columns = columns_of(document, spec.over, types)
        except Refused as refused:
            yield Finding(f"/measures/{name}/over", refused.problem.code, refused.problem.detail)
            continue
        for part, compiled in parts_of(spec, columns).items():
            try:
                compiled()
            except Refused as refused:
                yield Finding(f"/measures/{name}/{part}", refused.problem.code, refused.problem.detail)


def measures_have_owners(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The owner of a measure is a unit of the scheme."""
    codes = {unit.code for unit in document.units}
    for name, spec in document.measures.items():
        if spec.owner and spec.owner not in codes:
            yield Finding(f"/measures/{name}/owner", "unknown_unit", f"There is no unit {spec.owner}.")


def measures_begin_with_the_scheme(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A measure is taken alike in all months of a version of the scheme."""
    effective = document.scheme.effective
    for name, spec in document.measures.items():
        if spec.effective is not None and spec.effective > effective:
            reason = (
                f"{name} begins in {spec.effective}, the scheme in {effective}: write a version from then on."
            )
            yield Finding(f"/measures/{name}/effective", "measure_effective", reason)


def rows_count_for_the_same_units(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Measures over one view or type are summed together, so they count for the same units."""
    first: dict[str, tuple[str, str | None]] = {}
    for name, spec in document.event_measures.items():
        other, counts_for = first.setdefault(spec.over, (name, spec.counts_for))
        if counts_for != spec.counts_for:
            reason = f"{name} and {other} run over {spec.over}; write the same `counts_for` in both."
            yield Finding(f"/measures/{name}/counts_for", "counts_for", reason)


def keys_are_measured_alone(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What is compared or added beside an indicator's own measure is a sum; so is a volume."""
    used = {
        f"/indicators/{place}/method": name
        for place, one in enumerate(document.indicators)
        for name in one.method.further_measures.values()
    }
    gate = document.ranking.minimum_volume
    if gate is not None:
        used["/ranking/minimum_volume/measure"] = gate.measure
    for path, name in used.items():
        spec = document.event_measures.get(name)
        if spec is not None and _has_keys(spec):
            yield Finding(
                path, "bounded_keys", f"{name} is a min, max or count of keys; a sum is taken here."
            )


def _has_keys(spec: MeasureSpec) -> bool:
    try:
        return keyed(spec.numerator) is not None
    except Refused:  # `measures_compile` says so
        return False


def examples_name_what_exists(document: SchemeDocument, types: EventTypes) -> Iterator[Finding]:
    """Examples are of event types that there are, and expect what measures of events can give."""
    for at, one in enumerate(document.examples.cases if document.examples is not None else ()):
        path = f"/examples/cases/{at}"
        for place, event in enumerate(one.events):
            if event.type not in types:
                reason = f"There is no event type {event.type}."
                yield Finding(f"{path}/events/{place}/type", "unknown_type", reason)
        for place, expected in enumerate(one.expect):
            spec = document.event_measures.get(expected.measure)
            if spec is None:
                reason = f"There is no measure of events {expected.measure}."
                yield Finding(f"{path}/expect/{place}/measure", "unknown_measure", reason)
            elif (spec.denominator is None) != (expected.denominator is None):
                reason = f"{expected.measure} has {'a' if spec.denominator else 'no'} denominator."
                yield Finding(f"{path}/expect/{place}", "denominator", reason)

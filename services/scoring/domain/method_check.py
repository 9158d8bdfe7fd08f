"""The rules of methods: their parameters separate units, and the measures that they take fit them."""

from collections.abc import Iterator
from decimal import Decimal

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import MeasureSpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding


def methods_can_be_reached(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A method separates units: what each method says of its parameters."""
    for place, indicator in enumerate(document.indicators):
        path = f"/indicators/{place}/method/{indicator.method.name}"
        for fault in indicator.method.chosen.faults(Decimal(indicator.points)):
            yield Finding(f"{path}/{fault.path}", fault.code, fault.reason)


def further_measures_count_events(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What wins points is counted by flows of events, and an indicator of awards shows those of its first."""
    for place, indicator in enumerate(document.indicators):
        path = f"/indicators/{place}"
        for below, name in indicator.method.further_measures.items():
            yield from _counts_events(document, indicator, f"{path}/method/{below}", name)
        bonus = indicator.method.bonus
        if bonus is not None and indicator.measure != bonus.levels[0].measure:
            reason = f"The measure of a bonus is that of its first level, {bonus.levels[0].measure}."
            yield Finding(f"{path}/measure", "bonus_measure", reason)


def only_a_bonus_is_outside_the_boards(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Every other indicator belongs to a board."""
    for place, indicator in enumerate(document.indicators):
        if indicator.is_extra and indicator.method.bonus is None:
            reason = "Only a bonus stands outside the boards; say to which board or overlay this belongs."
            yield Finding(f"/indicators/{place}/board", "board_missing", reason)


def _counts_events(
    document: SchemeDocument, indicator: IndicatorSpec, path: str, name: str
) -> Iterator[Finding]:
    spec = document.measures.get(name)
    if spec is None:
        yield Finding(path, "unknown_measure", f"There is no measure {name}.")
    elif not isinstance(spec, MeasureSpec) or spec.denominator is not None:
        yield Finding(path, "bonus_counts", f"{name} is no plain sum of events; a bonus counts events.")
    elif "stock" in {spec.kind, *_kinds(document, indicator)}:
        yield Finding(path, "bonus_flow", "A bonus and what it is added to are flows, not stocks.")


def _kinds(document: SchemeDocument, indicator: IndicatorSpec) -> Iterator[str]:
    found = document.measures.get(indicator.measure)
    if found is not None:
        yield found.kind

"""The rules of measures in points: what they cost, and who takes them."""

from collections.abc import Iterator
from decimal import Decimal

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.measures import LATE_DAYS_TOLD, GivenSpec, ItemsSpec, PointsSpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding


def points_are_deducted_as_they_are(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What a measure gives in points only `deduct` takes, without `each`; what it counts costs `each`."""
    for place, indicator in enumerate(document.indicators):
        path, deduct = f"/indicators/{place}/method", indicator.method.deduct
        in_points = isinstance(document.measures.get(indicator.measure), PointsSpec)
        if in_points and deduct is None:
            reason = f"{indicator.measure} is in points; only `deduct` takes points."
            yield Finding(path, "points_are_deducted", reason)
        elif deduct is None or indicator.measure not in document.measures:
            continue
        elif in_points and deduct.each is not None:
            reason = f"{indicator.measure} is in points already; leave `each` out."
            yield Finding(f"{path}/deduct/each", "each_of_points", reason)
        elif not in_points and deduct.each is None:
            yield Finding(f"{path}/deduct/each", "each_missing", "Say what an event costs: `each: 0.5`.")


def late_days_cost_something(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A late day and the cap of an item are above 0, and a day alone does not pass the cap."""
    for name, spec in document.measures.items():
        if not isinstance(spec, ItemsSpec):
            continue
        if Decimal(spec.per_day) == 0:
            reason = "A late day that costs 0 deducts nothing."
            yield Finding(f"/measures/{name}/per_day", "per_day_zero", reason)
        if Decimal(spec.cap) == 0:
            reason = "A cap is above 0; leave the measure out if nothing is to be lost."
            yield Finding(f"/measures/{name}/cap", "cap_zero", reason)
        elif Decimal(spec.per_day) > Decimal(spec.cap):
            reason = f"A day costs {spec.per_day}, more than the cap of {spec.cap} over the item's life."
            yield Finding(f"/measures/{name}/per_day", "per_day_above_cap", reason)
        elif Decimal(spec.cap) > LATE_DAYS_TOLD * Decimal(spec.per_day):
            reason = f"An item tells its first {LATE_DAYS_TOLD} late days, which do not reach {spec.cap}."
            yield Finding(f"/measures/{name}/cap", "cap_out_of_reach", reason)


def points_have_one_indicator(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Who decides or gives names an indicator, and so does an item: such a measure belongs to one."""
    taken: dict[str, str] = {}
    for place, indicator in enumerate(document.indicators):
        if not isinstance(document.measures.get(indicator.measure), GivenSpec):
            continue
        first = taken.setdefault(indicator.measure, indicator.code)
        if first != indicator.code:
            reason = f"{indicator.measure} belongs to {first}; write {indicator.code} a measure of its own."
            yield Finding(f"/indicators/{place}/measure", "measure_taken", reason)

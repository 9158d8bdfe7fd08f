"""The rules of what persons give: a manual indicator has an assessor, whose people ask for it."""

from collections.abc import Iterator

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.measures import ManualPointsSpec, ManualValueSpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding


def manual_indicators_say_who_gives(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What persons give is of collection `manual`, by an assessor that is a unit of the scheme."""
    units = {unit.code for unit in document.units}
    for place, indicator in enumerate(document.indicators):
        spec = document.measures.get(indicator.measure)
        if not isinstance(spec, ManualPointsSpec | ManualValueSpec):
            continue
        path = f"/indicators/{place}"
        if indicator.collection != "manual":
            reason = f"{indicator.measure} is given by persons; write `collection: manual`."
            yield Finding(f"{path}/collection", "not_manual", reason)
        if not indicator.assessor:
            reason = "Say whose people ask for it: `assessor`, a unit of the scheme."
            yield Finding(f"{path}/assessor", "no_assessor", reason)
        elif indicator.assessor not in units:
            yield Finding(f"{path}/assessor", "unknown_unit", f"There is no unit {indicator.assessor}.")

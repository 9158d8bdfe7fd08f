"""The rule of what persons give: people of the indicator's assessor ask for it, others approve it."""

from collections.abc import Iterator

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.measures import ManualPointsSpec, ManualValueSpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding


def what_persons_give_is_manual(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What persons give is of collection `manual`."""
    for place, indicator in enumerate(document.indicators):
        spec = document.measures.get(indicator.measure)
        if not isinstance(spec, ManualPointsSpec | ManualValueSpec):
            continue
        if indicator.collection != "manual":
            reason = f"{indicator.measure} is given by persons; write `collection: manual`."
            yield Finding(f"/indicators/{place}/collection", "not_manual", reason)

"""The rule of the coverage meter: what machines give reaches what the scheme aims at."""

from collections.abc import Iterator
from fractions import Fraction

from services.scoring.domain.coverage import least, planned, target_of
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding
from shared.kernel.points import shown_ratio, text


def machines_cover_enough(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """In every group the points of machine and system together reach the target of the scheme."""
    target = target_of(document)
    if target is None:
        return
    if target > 1:
        yield Finding("/coverage", "coverage_above_one", f"{target} of the points is more than there are.")
        return
    for group, units in planned(document).items():
        if not units:
            continue
        unit, found = least(units)
        if found.share() < Fraction(target):
            share = text(shown_ratio(found.share()))
            reason = (
                f"{group}, {unit}: machine and system have {share} of the points, the target is {target}."
            )
            yield Finding("/coverage", "coverage_short", reason)

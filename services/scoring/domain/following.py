"""What a version of a scheme must be so that it goes on from those that are adopted."""

from collections.abc import Iterator, Sequence

from services.scoring.domain.assessment_check import days_are_ruled, days_stay
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.overlay_check import overlays_stay
from services.scoring.domain.reading import Finding
from services.scoring.domain.versions import measures_keep_their_meaning, overlaps


def follows(draft: SchemeDocument, adopted: Sequence[SchemeDocument]) -> Iterator[Finding]:
    """Refuse what does not go on from the adopted versions of the scheme: dates, overlays, days, measures."""
    yield from overlaps(draft, adopted)
    yield from overlays_stay(draft, adopted)
    yield from days_are_ruled(draft, adopted)
    yield from days_stay(draft, adopted)
    yield from measures_keep_their_meaning(draft, adopted)

"""What a trial runs: a draft over months that it need not have been written for, after those before it."""

from collections.abc import Iterable

from services.scoring.domain.document import Head, SchemeDocument
from services.scoring.domain.versions import ruled
from shared.kernel.periods import Month


def tried(draft: SchemeDocument, first: str | None, last: str | None) -> SchemeDocument:
    """Return a draft over the months of a trial, its own where none are named."""
    head = draft.scheme
    months = {"effective": first or head.effective, "until": last or head.until}
    return draft.model_copy(update={"scheme": head.model_copy(update=months)})


def before(draft: SchemeDocument, adopted: Iterable[SchemeDocument]) -> list[SchemeDocument]:
    """Return the adopted versions that a draft would follow, were it adopted, by their months."""
    head = draft.scheme
    older = [one for one in adopted if one.scheme.version < head.version or not is_of_year(head, one.scheme)]
    ruling = ruled([head, *(one.scheme for one in older)])
    by_number = {one.scheme.version: one for one in older}
    first = Month.parse(head.effective).ordinal
    return [by_number[version] for version, (_, last) in ruling.items() if last < first]


def is_of_year(one: Head, other: Head) -> bool:
    """Tell whether two versions cover months of the same year."""
    return one.year == other.year

"""What a trial runs: a draft over months that it need not have been written for."""

from services.scoring.domain.document import SchemeDocument


def tried(draft: SchemeDocument, first: str | None, last: str | None) -> SchemeDocument:
    """Return a draft over the months of a trial, its own where none are named."""
    head = draft.scheme
    months = {"effective": first or head.effective, "until": last or head.until}
    return draft.model_copy(update={"scheme": head.model_copy(update=months)})

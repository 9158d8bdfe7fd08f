"""What is received long after its time: a backfill, which only some may bring, and which is on record."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from services.ingest.domain.envelope import Candidate
from shared.kernel.errors import Problem

NOT_ALLOWED = Problem(
    403,
    "backfill",
    "The time lies further back than this source's bound; such events need the role backfill.",
    "/time",
)


def is_backfill(one: Candidate, received: datetime) -> bool:
    """Tell whether an event received then comes later than its source is allowed."""
    return one.late_after is not None and received > one.late_after


def remark(backfilled: Iterable[Candidate]) -> str:
    """Say for the audit who brought how many backfilled events of which source."""
    brought = Counter((one.sender.name, one.source) for one in backfilled)
    return ", ".join(f"{count} of {of} backfilled by {name}" for (name, of), count in sorted(brought.items()))

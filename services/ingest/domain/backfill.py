"""What is received long after its time: a backfill, which only some may bring, and which is on record.

A correction that keeps the time of its original, or of the revision before it, moves nothing and is none.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import structs

from services.ingest.domain.envelope import Candidate
from shared.kernel.digests import key_digest
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


def keys_of_corrected(one: Candidate) -> list[bytes]:
    """Return the keys of the reports whose time a correction may keep; none of any other event."""
    corrected = one.correction
    if corrected is None:
        return []
    revision_before = key_digest("revision", corrected.source, corrected.id, str(corrected.revision - 1))
    return [key_digest("event", corrected.source, corrected.id), revision_before]


def ruled(one: Candidate, times: Mapping[bytes, datetime]) -> Candidate | Problem:
    """Judge what comes too late; `times` are those of accepted reports by key."""
    if any(times.get(key) == one.time for key in keys_of_corrected(one)):
        return structs.replace(one, late_after=None)
    return one if one.sender.backfill else NOT_ALLOWED


def remark(backfilled: Iterable[Candidate]) -> str:
    """Say for the audit who brought how many backfilled events of which source."""
    brought = Counter((one.sender.name, one.source) for one in backfilled)
    return ", ".join(f"{count} of {of} backfilled by {name}" for (name, of), count in sorted(brought.items()))

"""What a candidate means beside what is already known: created, duplicate, or conflict.

Keys stand for (source, id), a business key, or a revision; each remembers the digest of its content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.ingest.domain.envelope import Candidate
from shared.kernel.digests import key_digest
from shared.kernel.records import Known


class Outcome(StrEnum):
    """How an event was answered; a report repeats a known fact under a new id and is kept."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REPORT = "report"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome of a candidate; `known` is what it repeats or contradicts."""

    outcome: Outcome
    candidate: Candidate
    known: Known | None = None
    why: str = ""


def keys_of(candidate: Candidate) -> list[bytes]:
    """Return every key that the candidate would hold."""
    return [
        key for key in (candidate.key, candidate.business_key, revision_key(candidate)) if key is not None
    ]


def revision_key(candidate: Candidate) -> bytes | None:
    """Return the key of (corrected event, revision); two contents under one revision are a conflict."""
    if candidate.correction is None:
        return None
    corrected = candidate.correction
    return key_digest("revision", corrected.source, corrected.id, str(corrected.revision))


def rule(candidate: Candidate, known: Mapping[bytes, Known]) -> Ruling:
    """Judge one candidate against what is known before it."""
    same = known.get(candidate.key)
    if same is not None:
        if same.content == candidate.content:
            return Ruling(Outcome.DUPLICATE, candidate, same)
        return Ruling(Outcome.CONFLICT, candidate, same, "id_conflict")
    for key, why in (
        (revision_key(candidate), "revision_conflict"),
        (candidate.business_key, "business_key_conflict"),
    ):
        fact = known.get(key or b"")
        if fact is not None:
            agrees = fact.content == candidate.content
            return Ruling(
                Outcome.REPORT if agrees else Outcome.CONFLICT, candidate, fact, "" if agrees else why
            )
    return Ruling(Outcome.CREATED, candidate)


def admit(
    candidates: Sequence[Candidate], known: Mapping[bytes, Known], last: Mapping[int, int]
) -> tuple[list[Ruling], dict[bytes, Known]]:
    """Judge candidates in order; `last` is the last number of each shard.

    Returns the rulings and the keys to remember, with the numbers that the accepted ones will get.
    """
    view, added, next_number = dict(known), dict[bytes, Known](), dict(last)
    rulings: list[Ruling] = []
    for candidate in candidates:
        ruling = rule(candidate, view)
        rulings.append(ruling)
        if ruling.outcome in {Outcome.CREATED, Outcome.REPORT}:
            next_number[candidate.shard] += 1
            place = Known(candidate.shard, next_number[candidate.shard], candidate.content)
            fresh = {key: place for key in keys_of(candidate) if key not in view}
            view |= fresh
            added |= fresh
    return rulings, added

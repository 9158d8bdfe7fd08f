"""What a candidate means beside what is already known: created, duplicate, conflict, or refused.

Keys stand for (source, id), a business key, or a revision; each remembers the digest of its content.

A correction has the type, unit and case of its original, or it is refused; so a source corrects only what it
might have sent. It may come before its original: then the original's key is *awaited*, under the negative
number of the correction, and becomes the original's own when that comes. An original that disagrees with the
correction before it is accepted all the same and kept as a conflict with it for a person. A correction names
the original itself, never another correction: that is refused, and one that turns out to do so when the
correction it names comes after it is such a conflict too.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import structs

from services.ingest.domain.envelope import PLACE_BYTES, Candidate, place_of
from shared.kernel.digests import key_digest
from shared.kernel.records import Known

MOVES = "correction_moves"
CHAINED = "correction_of_correction"
NOTHING_BUT_PLACE = bytes(32 - PLACE_BYTES)


class Outcome(StrEnum):
    """How an event was answered; a report repeats a known fact under a new id and is kept."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REPORT = "report"
    CONFLICT = "conflict"
    REFUSED = "refused"


ACCEPTED_OUTCOMES = frozenset({Outcome.CREATED, Outcome.REPORT})
SURE_OUTCOMES = frozenset({Outcome.CREATED, Outcome.DUPLICATE})


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """The outcome of a candidate; `known` is what it repeats, `contradicts` what a person sees beside it.

    A correction that is accepted tells the number of its original if that came before it; an original that of
    a correction which came before it: so a reader needs no index to know whether there is one.
    """

    outcome: Outcome
    candidate: Candidate
    known: Known | None = None
    contradicts: Known | None = None
    why: str = ""
    corrects_number: int | None = None
    corrected_by: int | None = None

    @property
    def body(self) -> bytes:
        """The event with the numbers that it tells."""
        told = b""
        if self.corrects_number is not None:
            told += b'"correctsnumber":"%d",' % self.corrects_number
        if self.corrected_by is not None:
            told += b'"correctedby":"%d",' % self.corrected_by
        return b"{" + told + self.candidate.body[1:] if told else self.candidate.body


def keys_of(candidate: Candidate) -> list[bytes]:
    """Return every key that the candidate would hold."""
    if candidate.correction is None:
        return _plain_keys(candidate)
    own = (candidate.key, candidate.business_key, revision_key(candidate), _marking_key(candidate))
    return [key for key in own if key is not None]


def keys_to_read(candidate: Candidate) -> list[bytes]:
    """Return every key that its ruling depends on."""
    if candidate.correction is None:
        return _plain_keys(candidate)
    original = (original_key(candidate), _marked_key(candidate))
    return [*keys_of(candidate), *(key for key in original if key is not None)]


def keys_of_all(candidates: Sequence[Candidate]) -> list[bytes]:
    """Return every key that the rulings of a batch depend on."""
    return [key for one in candidates for key in keys_to_read(one)]


def original_key(candidate: Candidate) -> bytes | None:
    """Return the key of the event that a correction revises."""
    corrected = candidate.correction
    return None if corrected is None else key_digest("event", corrected.source, corrected.id)


def revision_key(candidate: Candidate) -> bytes | None:
    """Return the key of (corrected event, revision); two contents under one revision are a conflict."""
    if candidate.correction is None:
        return None
    corrected = candidate.correction
    return key_digest("revision", corrected.source, corrected.id, str(corrected.revision))


def withdrawals(accepted: Sequence[Candidate]) -> list[bytes]:
    """Return the keys of the events that retractions among these withdraw."""
    keys = [original_key(one) for one in accepted if one.correction is not None and one.correction.withdraws]
    return [key for key in keys if key is not None]


def is_awaited(known: Known) -> bool:
    """Tell whether a key stands for an original that has not come yet."""
    return known.number < 0


def rule(candidate: Candidate, known: Mapping[bytes, Known]) -> Ruling:
    """Judge one candidate against what is known before it."""
    same = known.get(candidate.key)
    if same is not None and not is_awaited(same):
        return _again(candidate, same, known)
    if (_marked_key(candidate) or b"") in known:
        return Ruling(Outcome.REFUSED, candidate, why=CHAINED)
    original = known.get(original_key(candidate) or b"")
    if original is not None and place_of(original.content) != place_of(candidate.content):
        return Ruling(Outcome.REFUSED, candidate, why=MOVES)
    reason = "" if same is None else _disagreement(candidate, same)
    early = same if reason else None
    for key, why in (
        (revision_key(candidate), "revision_conflict"),
        (candidate.business_key, "business_key_conflict"),
    ):
        fact = known.get(key or b"")
        if fact is not None and fact.content != candidate.content:
            return Ruling(Outcome.CONFLICT, candidate, fact, fact, why)
        if fact is not None:
            return Ruling(Outcome.REPORT, candidate, fact, early, reason)
    return Ruling(Outcome.CREATED, candidate, None, early, reason)


def admit(
    candidates: Sequence[Candidate], known: Mapping[bytes, Known], last: Mapping[int, int]
) -> tuple[list[Ruling], dict[bytes, Known]]:
    """Judge candidates in order; `last` is the last number of each shard.

    Returns the rulings and the keys to remember, with the numbers that the accepted ones will get; those that
    are known already were awaited and are replaced.
    """
    view, added, next_number = dict(known), dict[bytes, Known](), dict(last)
    rulings: list[Ruling] = []
    for candidate in candidates:
        plain = candidate.correction is None and candidate.key not in view and candidate.business_key is None
        ruling = Ruling(Outcome.CREATED, candidate) if plain else _tied(rule(candidate, view), view)
        rulings.append(ruling)
        if plain or ruling.outcome in ACCEPTED_OUTCOMES:
            number = next_number[candidate.shard] = next_number[candidate.shard] + 1
            if plain:
                view[candidate.key] = added[candidate.key] = Known(candidate.shard, number, candidate.content)
                continue
            fresh = held(candidate, number, view)
            view |= fresh
            added |= fresh
    return rulings, added


def admit_new(
    candidates: Sequence[Candidate], known: Mapping[bytes, Known], last: Mapping[int, int]
) -> tuple[list[Ruling], dict[bytes, Known]] | None:
    """Judge candidates of which only some were looked up, with all their keys; the rest are taken for new.

    None unless each is created or the same as one of those looked up or before it. Then whatever was taken
    for new is to be remembered, so the unique index finds what was known after all.
    """
    if any(candidate.correction is not None for candidate in candidates):
        return None
    rulings, added = admit(candidates, known, last)
    return (rulings, added) if all(ruling.outcome in SURE_OUTCOMES for ruling in rulings) else None


def _plain_keys(candidate: Candidate) -> list[bytes]:
    key, business = candidate.key, candidate.business_key
    return [key] if business is None else [key, business]


def _tied(ruling: Ruling, view: Mapping[bytes, Known]) -> Ruling:
    candidate = ruling.candidate
    original, awaited = view.get(original_key(candidate) or b""), view.get(candidate.key)
    if original is not None and not is_awaited(original):
        ruling = structs.replace(ruling, corrects_number=original.number)
    if awaited is not None and is_awaited(awaited) and awaited.shard == candidate.shard:
        ruling = structs.replace(ruling, corrected_by=-awaited.number)
    return ruling


def _marking_key(candidate: Candidate) -> bytes | None:
    """Return the key by which a correction is known to be one."""
    return None if candidate.correction is None else key_digest("correction", candidate.source, candidate.id)


def _marked_key(candidate: Candidate) -> bytes | None:
    """Return the key that is held if the event which a correction names is itself a correction."""
    corrected = candidate.correction
    return None if corrected is None else key_digest("correction", corrected.source, corrected.id)


def _disagreement(candidate: Candidate, awaited: Known) -> str:
    """Return why an event is not the original that the correction before it speaks of, if it is not."""
    if candidate.correction is not None:
        return CHAINED
    return MOVES if place_of(awaited.content) != place_of(candidate.content) else ""


def _again(candidate: Candidate, same: Known, known: Mapping[bytes, Known]) -> Ruling:
    """Answer a known id: with the receipt of the fact that it was first answered with, or as a conflict."""
    if same.content != candidate.content:
        return Ruling(Outcome.CONFLICT, candidate, same, same, "id_conflict")
    fact = known.get(revision_key(candidate) or candidate.business_key or b"")
    return Ruling(
        Outcome.DUPLICATE, candidate, fact if fact is not None and fact.content == same.content else same
    )


def held(candidate: Candidate, number: int, view: Mapping[bytes, Known]) -> dict[bytes, Known]:
    """Return the keys that an accepted event holds as the first, and that of an original it waits for."""
    place = Known(candidate.shard, number, candidate.content)
    held = {key: place for key in keys_of(candidate) if key not in view or is_awaited(view[key])}
    original = original_key(candidate)
    if original is not None and original not in view:
        held[original] = Known(candidate.shard, -number, place_of(candidate.content) + NOTHING_BUT_PLACE)
    return held

"""The short way of a plain event: read, checked and written in its canonical form in one pass over its bytes.

It takes only what the strict decoder and `candidate` take, with the same result. Whatever is unusual (an
escape, a null attribute, a correction) or wrong is left to them, and so are all answers.
"""

from collections.abc import Mapping, Sized
from datetime import datetime
from functools import partial

import msgspec
from msgspec import UNSET, UnsetType

from services.ingest.domain.binding import decode_event
from services.ingest.domain.catalogue import Catalogue
from services.ingest.domain.envelope import (
    LARGEST_EVENT_BYTES,
    Candidate,
    business_key,
    case_of,
    check_values,
    content_of,
    event_key,
    scope_of,
    unit_of,
)
from services.ingest.domain.sources import TOPIC, Sender
from services.ingest.domain.totals import counted
from shared.kernel import instants
from shared.kernel.codes import is_id
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.shards import shard_of
from shared.kernel.strict_json import LIMITS, MIB, Limits

LARGEST_BATCH_EVENTS = 500
_BLANKS = b" \t\r\n"
_WRONG = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Refused)


class _Plain(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """The attributes of a plain event, in canonical order."""

    case: str | UnsetType = UNSET
    data: msgspec.Raw
    datacontenttype: str | UnsetType = UNSET
    id: str
    recorded: str | UnsetType = UNSET
    source: str
    specversion: str
    subject: str
    time: str
    type: str


class _Content(msgspec.Struct, gc=False):
    """What makes two reports the same, in canonical order."""

    case: str | UnsetType
    data: msgspec.Raw
    subject: str
    time: str
    type: str


_READER = msgspec.json.Decoder(_Plain)
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_IN_BATCH = Limits(depth=LIMITS.depth - 1)
_write = msgspec.json.Encoder().encode


def quick(raw: bytes, catalogue: Catalogue, sender: Sender = TOPIC) -> Candidate | None:
    """Return the candidate of a plain event that is right, else None."""
    if len(raw) > LARGEST_EVENT_BYTES or b"\\" in raw:
        return None
    try:
        return _candidate(raw, _READER.decode(raw), catalogue, sender)
    except _WRONG:
        return None


def read_event(raw: bytes, catalogue: Catalogue, sender: Sender, limits: Limits = LIMITS) -> object:
    """Return a plain event as its candidate, another decoded, or the Problem why it cannot be read."""
    plain = quick(raw, catalogue, sender)
    if plain is not None:
        return plain
    try:
        return decode_event(raw, limits)
    except Refused as refused:
        return refused.problem


def read_batch(
    raw: bytes, catalogue: Catalogue, sender: Sender
) -> tuple[list[object], Mapping[int, str]] | None:
    """Return the events of a batch as `read_event` does; of those that cannot be read the digests by place.

    None if it is no JSON array of anything: the strict decoder says what is wrong with the whole. Too many
    are refused before any is looked at.
    """
    if len(raw) > MIB:
        return None
    try:
        parts = [bytes(part) for part in _PARTS.decode(raw)]
    except _WRONG:
        return None
    check_count(parts)
    events = [read_event(part, catalogue, sender, _IN_BATCH) for part in parts]
    unread = {
        place: sha256_hex(parts[place]) for place, event in enumerate(events) if isinstance(event, Problem)
    }
    return (events, unread) if events else None


def check_count(parts: Sized) -> None:
    """Refuse a batch of too many events."""
    if len(parts) > LARGEST_BATCH_EVENTS:
        raise refuse(413, "batch_too_large", f"A batch has at most {LARGEST_BATCH_EVENTS} events.")


def _candidate(raw: bytes, event: _Plain, catalogue: Catalogue, sender: Sender) -> Candidate | None:
    scope, event_type = scope_of(event.type, event.source, catalogue, sender)
    if event_type.reader is None or not _attributes_are_right(event):
        return None
    data = event_type.reader.decode(event.data)
    written = msgspec.Raw(_write(data))
    event.data = written
    body = _write(event)
    if not _says_the_same(raw, body):
        return None

    value_of = partial(getattr, data)
    if event_type.times or event_type.texts:
        check_values(event_type, value_of)
    subject = unit_of(event.subject, scope)
    time = instants.parse(event.time)
    case = case_of(None if event.case is UNSET else event.case, event_type)
    content = _write(_Content(event.case, written, subject, event.time, event.type))
    return Candidate(  # its fields in order: with their names this line takes six times as long
        event.source,
        event.id,
        event_type.name,
        shard_of(case or subject),
        subject,
        case,
        time,
        _instant(event.recorded),
        body,
        event_key(event.source, event.id),
        content_of(content, event_type.name, subject, case),
        business_key(event_type, value_of),
        None,
        catalogue.version,
        sender,
        scope.late_after(time),
        counted(scope, event_type.name, event.id, time, value_of),
    )


def _attributes_are_right(event: _Plain) -> bool:
    """Tell whether they are what every event has; the source is a registered code by now."""
    return (
        event.specversion == "1.0"
        and event.datacontenttype in {UNSET, "application/json"}
        and is_id(event.id)
    )


def _says_the_same(raw: bytes, written: bytes) -> bool:
    """Tell whether nothing was left out or respelt on the way from one to the other, blanks aside.

    Without escapes strings are spelt alike; of two members with one key the first is left out, and zero loses
    its sign: both make the text shorter. No other number has two spellings that are read as an integer.
    """
    return len(raw) == len(written) or (
        len(raw.translate(None, _BLANKS)) == len(written.translate(None, _BLANKS))
    )


def _instant(text: str | UnsetType) -> datetime | None:
    return None if isinstance(text, UnsetType) else instants.parse(text)

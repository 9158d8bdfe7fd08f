"""What an event from outside must be, and the candidate that is made of it before any lock."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import msgspec

from services.ingest.domain.catalogue import Catalogue, EventType, check_data
from services.ingest.domain.sources import TOPIC, WRONG_TYPE, WRONG_UNIT, Scope, Sender
from services.ingest.domain.totals import Counted, counted
from shared.kernel import instants
from shared.kernel.canonical import canonical
from shared.kernel.codes import is_code, is_id
from shared.kernel.digests import key_digest, key_digests_after, sha256
from shared.kernel.errors import Refused, refuse
from shared.kernel.shards import shard_of

LARGEST_EVENT_BYTES = 256 << 10
PLACE_BYTES = 8
PLACES_KEPT = 1 << 14
SOURCES_KEPT = 1 << 10
REQUIRED = ("specversion", "id", "source", "type", "time", "subject")
OPTIONAL = frozenset(
    {"datacontenttype", "case", "recorded", "correctssource", "correctsid", "revision", "data"}
)
KNOWN = OPTIONAL | set(REQUIRED)
_CASE = re.compile(r"[!-~]{1,128}\Z")
_HIDDEN = frozenset({"Cf", "Cs", "Co"})  # in ASCII there is none, nor anything that is not NFC


class Correction(msgspec.Struct, frozen=True, gc=False):
    """Which report an event revises, or withdraws."""

    source: str
    id: str
    revision: int
    withdraws: bool


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """An event that is valid by itself.

    `content` digests what makes two reports the same, its first 8 bytes their place: type, unit and case.
    `body` is the canonical event without what ingest adds; `version` is the catalogue's that took it.
    `late_after` is when it is received as a backfill, `counted` what it adds to the totals of its day.
    """

    source: str
    id: str
    type: str
    shard: int
    subject: str
    case: str | None
    time: datetime
    recorded: datetime | None
    body: bytes
    key: bytes
    content: bytes
    business_key: bytes | None
    correction: Correction | None
    version: int
    sender: Sender
    late_after: datetime | None
    counted: Counted | None

    @property
    def fed(self) -> datetime:
        """When a feed says that it came: as its source recorded it, else as it occurred."""
        return self.recorded or self.time


def candidate(event: object, catalogue: Catalogue, sender: Sender = TOPIC) -> Candidate:
    """Check an event and prepare it, or refuse it by its code."""
    attributes = _object(event)
    body = canonical(attributes)
    if len(body) > LARGEST_EVENT_BYTES:
        raise refuse(413, "event_too_large", f"An event has at most {LARGEST_EVENT_BYTES} bytes.")
    _check_attributes(attributes)
    scope, event_type = scope_of(_string(attributes, "type"), attributes["source"], catalogue, sender)
    subject = unit_of(attributes["subject"], scope)
    case = case_of(attributes.get("case"), event_type)
    time = instants.parse(_string(attributes, "time"), "/time")
    recorded = attributes.get("recorded")
    correction = _correction(attributes)
    _check_content(attributes, event_type, correction)
    return Candidate(
        source=attributes["source"],
        id=attributes["id"],
        type=event_type.name,
        shard=shard_of(case or subject),
        subject=subject,
        case=case,
        time=time,
        recorded=None if recorded is None else instants.parse(_string(attributes, "recorded"), "/recorded"),
        body=body,
        key=event_key(attributes["source"], attributes["id"]),
        content=content_of(_content(attributes), event_type.name, subject, case),
        business_key=None if correction else business_key(event_type, attributes["data"].__getitem__),
        correction=correction,
        version=catalogue.version,
        sender=sender,
        late_after=scope.late_after(time),
        counted=counted(scope, event_type.name, attributes["id"], time, (attributes.get("data") or {}).get),
    )


def event_key(source: str, event_id: str) -> bytes:
    """Return the key of an event of a source."""
    return _keys_of(source)(event_id)


def content_of(canonical_content: bytes, event_type: str, subject: str, case: str | None) -> bytes:
    """Return the digest of what makes two reports the same, its first bytes that of their place."""
    return _place(event_type, subject, case) + sha256(canonical_content)[PLACE_BYTES:]


def place_of(content: bytes) -> bytes:
    """Return the part of a content's digest that tells its type, unit and case."""
    return content[:PLACE_BYTES]


def scope_of(name: str, source: str, catalogue: Catalogue, sender: Sender) -> tuple[Scope, EventType]:
    """Return what a source may do and the type of its event, or refuse."""
    if name.startswith("dukao."):
        raise refuse(
            422, "reserved_type", "Types that begin with dukao. are the platform's own.", pointer="/type"
        )
    event_type = catalogue.types.get(name)
    if event_type is None:
        raise refuse(422, "unknown_type", "No adopted catalogue has this type.", pointer="/type")
    scope = catalogue.scopes.get(source)
    problem = WRONG_TYPE if scope is None else scope.problem(name, sender)
    if scope is None or problem is not None:
        raise Refused(problem or WRONG_TYPE)
    return scope, event_type


def unit_of(subject: object, scope: Scope) -> str:
    """Return the unit that an event speaks of, or refuse what the source may not speak of."""
    if not isinstance(subject, str) or not is_code(subject):
        raise refuse(422, "code_charset", "A unit is a code of 0-9 A-Z a-z : . _ -", pointer="/subject")
    if not scope.covers(subject):
        raise Refused(WRONG_UNIT)
    return subject


def case_of(case: object, event_type: EventType) -> str | None:
    """Return the case that an event belongs to, if its type has one, or refuse."""
    if case is None:
        if event_type.spec.case == "required":
            raise refuse(422, "missing_field", "The type belongs to a case.", pointer="/case")
        return None
    if event_type.spec.case == "none" or not isinstance(case, str) or _CASE.match(case) is None:
        raise refuse(422, "case", "The type has no case, or this cannot be one.", pointer="/case")
    return case


def check_values(event_type: EventType, value_of: Callable[[str], object]) -> None:
    """Refuse impossible times and texts that are not what they look like; data has its type's shape."""
    for name in event_type.times:
        value = value_of(name)
        if isinstance(value, str):
            instants.parse(value, f"/data/{name}")
    for name in event_type.texts:
        value = value_of(name)
        if isinstance(value, str) and not value.isascii():
            _check_text(value, f"/data/{name}")


def business_key(event_type: EventType, value_of: Callable[[str], object]) -> bytes | None:
    """Return the key of what makes an event unique across sources, if its type says so."""
    if not event_type.spec.business_key:
        return None
    values = [str(value_of(name)) for name in event_type.spec.business_key]
    return key_digest("business", event_type.name, *values)


def _object(event: object) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise refuse(422, "event", "An event is a JSON object.")
    return cast("dict[str, Any]", event)


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    for name in REQUIRED:
        if attributes.get(name) is None:
            raise refuse(422, "missing_field", f"The attribute {name} is missing.", pointer=f"/{name}")
    if attributes["specversion"] != "1.0":
        raise refuse(422, "specversion", "CloudEvents 1.0 is taken.", pointer="/specversion")
    if not attributes.keys() <= KNOWN:
        raise refuse(422, "unknown_field", "An attribute is not known.")
    _check_identity(attributes)


def _check_identity(attributes: Mapping[str, Any]) -> None:
    if attributes.get("datacontenttype", "application/json") != "application/json":
        raise refuse(422, "datacontenttype", "Data is JSON.", pointer="/datacontenttype")
    for name in ("id", "source"):
        if not is_id(_string(attributes, name)):
            raise refuse(422, "id", "At most 128 printable ASCII characters.", pointer=f"/{name}")


def _correction(attributes: Mapping[str, Any]) -> Correction | None:
    source, name, revision = (attributes.get(key) for key in ("correctssource", "correctsid", "revision"))
    if source is None and name is None and revision is None:
        return None
    named = isinstance(source, str) and isinstance(name, str) and is_id(source) and is_id(name)
    if not named or type(revision) is not int or revision < 1:
        raise refuse(422, "correction", "A correction has correctssource, correctsid and a revision from 1.")
    if (source, name) == (attributes["source"], attributes["id"]):
        raise refuse(422, "correction", "A correction has an id of its own.", pointer="/correctsid")
    return Correction(
        cast("str", source), cast("str", name), revision, withdraws=attributes.get("data") is None
    )


def _check_content(
    attributes: Mapping[str, Any], event_type: EventType, correction: Correction | None
) -> None:
    data = attributes.get("data")
    if data is None:
        if correction is None:
            raise refuse(422, "missing_field", "Only a retraction has no data.", pointer="/data")
        return
    check_data(event_type, data)
    check_values(event_type, data.get)


def _check_text(text: str, pointer: str) -> None:
    hidden = any(unicodedata.category(character) in _HIDDEN for character in text)
    if hidden or not unicodedata.is_normalized("NFC", text):
        raise refuse(422, "text", "Text is NFC without invisible characters.", pointer=pointer)


def _content(attributes: Mapping[str, Any]) -> bytes:
    kept = ("type", "subject", "time", "case", "data", "correctssource", "correctsid", "revision")
    return canonical({name: attributes[name] for name in kept if attributes.get(name) is not None})


@lru_cache(maxsize=PLACES_KEPT)
def _place(event_type: str, subject: str, case: str | None) -> bytes:
    return sha256("\n".join((event_type, subject, case or "")).encode())[:PLACE_BYTES]


@lru_cache(maxsize=SOURCES_KEPT)
def _keys_of(source: str) -> Callable[[str], bytes]:
    return key_digests_after("event", source)


def _string(attributes: Mapping[str, Any], name: str) -> str:
    value = attributes[name]
    if not isinstance(value, str):
        raise refuse(422, "field", "This attribute is a string.", pointer=f"/{name}")
    return value

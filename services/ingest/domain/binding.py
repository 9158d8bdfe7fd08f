"""How a CloudEvent travels outside its body: attributes in headers, over HTTP (`ce-`) and Kafka (`ce_`)."""

import json
from collections.abc import Iterable, Sequence
from typing import TypeAlias, cast

import msgspec

from shared.kernel import media_types
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Refused, refuse
from shared.kernel.shards import shard_of
from shared.kernel.strict_json import LIMITS, Json, Limits, decode

Headers: TypeAlias = Sequence[tuple[str, bytes | None]]

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BINARY = "application/json"
KAFKA_PREFIX = "ce_"
TOPIC_PREFIX = "in."
REVISION_DIGITS = 9
_STRUCTURED_ONLY = (("content-type", STRUCTURED.encode()),)


class Message(msgspec.Struct, frozen=True, gc=False):
    """A record of the inbound topic of a source, not yet read; `aborted` if its transaction took it back.

    With `unread_from` it stands for all from that offset to its own, of which nothing can be read.
    """

    source: str
    topic: str
    partition: int
    offset: int
    value: bytes | None
    headers: Headers = ()
    key: bytes | None = None
    sent_ms: int = 0
    aborted: bool = False
    unread_from: int | None = None

    @property
    def plain(self) -> bytes | None:
        """The bytes of a structured event that no header says anything else of, if it is one."""
        if self.aborted:
            return None
        return self.value if not self.headers or tuple(self.headers) == _STRUCTURED_ONLY else None

    @property
    def digest(self) -> str:
        """The digest of what was sent, which stands for it in the work list."""
        return sha256_hex(self.value or b"")

    @property
    def at(self) -> tuple[str, int]:
        """The partition that it came from."""
        return self.topic, self.partition

    @property
    def first(self) -> int:
        """The first offset that it stands for."""
        return self.offset if self.unread_from is None else self.unread_from

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"{self.topic}/{self.partition}/{self.first}"


def is_at_home(key: bytes | None, grouped_by: str) -> bool:
    """Tell whether a record's key, where it has one, leads to the shard of its event's case or unit."""
    if key is None or key == grouped_by.encode():
        return True
    try:
        return shard_of(key.decode()) == shard_of(grouped_by)
    except UnicodeDecodeError:
        return False


def topic_of(source: str) -> str:
    """Return the one inbound topic of a source; a colon, which no topic has, becomes `-` and a digest."""
    plain = source.replace(":", "-")
    return TOPIC_PREFIX + (plain if plain == source else f"{plain}-{sha256_hex(source.encode())[:8]}")


def decode_event(raw: bytes, limits: Limits = LIMITS) -> Json:
    """Decode one event; a version that is written as a number is refused as that, not as a number."""
    try:
        return decode(raw, limits=limits)
    except Refused as refused:
        if refused.problem.code == "number" and _has_version_by_number(raw):
            raise refuse(422, "specversion", "CloudEvents 1.0 is taken.", pointer="/specversion") from None
        raise


def _has_version_by_number(raw: bytes) -> bool:
    try:
        found: object = json.loads(raw)
    except ValueError:
        return False
    return isinstance(found, dict) and isinstance(cast("dict[str, object]", found).get("specversion"), float)


def binary_event(attributes: Iterable[tuple[str, str]], data: Json) -> dict[str, Json]:
    """Return the event of attributes in headers and data in the body; no data is what a retraction has."""
    found: dict[str, Json] = {}
    for name, value in attributes:
        if name in found or name == "data":
            raise refuse(400, "duplicate_key", "An attribute stands twice, or data in a header.")
        found[name] = value
    revision = found.get("revision")
    if (
        isinstance(revision, str)
        and revision.isascii()
        and revision.isdecimal()
        and len(revision) <= REVISION_DIGITS
    ):
        found["revision"] = int(revision)
    return found if data is None else found | {"data": data}


def read(message: Message) -> Json:
    """Read the event of a record, or refuse what cannot be read or is another source's."""
    if message.aborted:
        raise refuse(409, "aborted", "The transaction that sent the record took it back.")
    if message.unread_from is not None:
        count = message.offset - message.first + 1
        raise refuse(422, "unreadable", f"No record can be read here: {count} from this offset on.")
    event = _event(message.value, message.headers)
    if isinstance(event, dict) and event.get("source") not in {None, message.source}:
        raise refuse(403, "source_scope", "The topic is another source's.", pointer="/source")
    return event


def _event(value: bytes | None, headers: Headers) -> Json:
    named = [(name.lower(), _text(written or b"")) for name, written in headers]
    attributes = [
        (name.removeprefix(KAFKA_PREFIX), text) for name, text in named if name.startswith(KAFKA_PREFIX)
    ]
    written = [text for name, text in named if name == "content-type"]
    kind = media_types.in_utf_8(written) if written else None
    if kind not in ({None, BINARY} if attributes else {None, STRUCTURED}):
        raise refuse(415, "content_type", f"Taken: {STRUCTURED}, or {BINARY} with {KAFKA_PREFIX} headers.")
    if attributes:
        return binary_event(attributes, decode(value) if value else None)
    if not value:
        raise refuse(400, "empty", "The record has no value.")
    return decode_event(value)


def _text(written: bytes) -> str:
    try:
        return written.decode()
    except UnicodeDecodeError:
        raise refuse(400, "encoding", "A header is not UTF-8.") from None

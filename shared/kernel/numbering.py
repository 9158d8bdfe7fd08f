"""How drafts become records: dense numbers, a running digest, `received` that never falls."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.kernel import instants
from shared.kernel.digests import chain
from shared.kernel.records import Draft, Head, Record

_RECEIVED = b'"received":"'


class Numbered(NamedTuple):
    """The records of one shard as columns, and the head of the shard after them."""

    first: int
    bodies: list[bytes]
    chains: list[bytes]
    head: Head


def numbered(stream: str, shard: int, head: Head, drafts: Sequence[Draft], now: datetime) -> Numbered:
    """Number the drafts of one shard after its head; `now` is the database's clock."""
    place, digest, received = head
    told: _Told | None = None
    bodies: list[bytes] = []
    chains: list[bytes] = []
    for draft in drafts:
        place += 1
        stamp = draft.received or now
        if told is None or received is None or stamp > received:
            received = stamp if received is None else max(received, stamp)
            told = _Told(stream, shard, received)
        body = told.spliced(place, draft)
        digest = chain(digest, body)
        bodies.append(body)
        chains.append(digest)
    return Numbered(head.number + 1, bodies, chains, Head(place, digest, received))


def number(stream: str, shard: int, head: Head, drafts: Sequence[Draft], now: datetime) -> list[Record]:
    """Return the same as records."""
    first, bodies, chains, _ = numbered(stream, shard, head, drafts, now)
    return [
        Record(stream, shard, place, body, digest)
        for place, (body, digest) in enumerate(zip(bodies, chains, strict=True), first)
    ]


def received_of(record: Record) -> datetime:
    """Return the `received` that was spliced into a record."""
    start = record.body.index(_RECEIVED) + len(_RECEIVED)
    return instants.parse(record.body[start : record.body.index(b'"', start)].decode())


class _Told:
    """What the stream says at the front of every record with one `received`."""

    def __init__(self, stream: str, shard: int, received: datetime) -> None:
        stamp = instants.text(received).encode()
        self._shared = b'","partitionkey":"%d","received":"%b",' % (shard, stamp)
        self._own = b'"id":"%b/%d/%%d","time":"%b",' % (stream.encode().replace(b"%", b"%%"), shard, stamp)

    def spliced(self, place: int, draft: Draft) -> bytes:
        """Return the draft with what the stream says of it."""
        own = self._own % place if draft.own else b""
        return b'{"sequence":"%d%b%b%b' % (place, self._shared, own, draft.body[1:])

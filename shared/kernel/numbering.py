"""How drafts become records: dense numbers, a running digest, `received` that never falls."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from shared.kernel import instants
from shared.kernel.digests import chain
from shared.kernel.records import Draft, Head, Record

_RECEIVED = b'"received":"'


def number(stream: str, shard: int, head: Head, drafts: Sequence[Draft], now: datetime) -> list[Record]:
    """Number the drafts of one shard after its head; `now` is the database's clock."""
    digest, received = head.chain, head.received
    records: list[Record] = []
    for place, draft in enumerate(drafts, head.number + 1):
        stamp = draft.received or now
        received = stamp if received is None else max(received, stamp)
        body = _splice(stream, shard, place, received, draft)
        digest = chain(digest, body)
        records.append(Record(stream, shard, place, body, digest))
    return records


def head_after(records: Sequence[Record], drafts: Sequence[Draft], head: Head, now: datetime) -> Head:
    """Return the head of the shard once the records are appended."""
    latest = max(now if draft.received is None else draft.received for draft in drafts)
    return Head(records[-1].number, records[-1].chain, max(head.received or latest, latest))


def received_of(record: Record) -> datetime:
    """Return the `received` that was spliced into a record."""
    start = record.body.index(_RECEIVED) + len(_RECEIVED)
    return instants.parse(record.body[start : record.body.index(b'"', start)].decode())


def _splice(stream: str, shard: int, place: int, received: datetime, draft: Draft) -> bytes:
    stamp = _stamp(received)
    own = f'"id":"{stream}/{shard}/{place}","time":"{stamp}",' if draft.own else ""
    front = f'{{"sequence":"{place}","partitionkey":"{shard}","received":"{stamp}",{own}'
    return front.encode() + draft.body[1:]


@lru_cache(maxsize=64)
def _stamp(received: datetime) -> str:
    """Write an instant that most records of a batch share."""
    return instants.text(received)

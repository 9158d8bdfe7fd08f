"""The three times of an accepted event: when it occurred, was recorded by its source, and was received."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

import msgspec

from shared.kernel.instants import EPOCH
from shared.kernel.records import Draft, Head


class Times(msgspec.Struct, frozen=True, gc=False):
    """An accepted event's times; `recorded` only where its source says."""

    occurred: datetime
    recorded: datetime | None
    received: datetime


def newest(heads: Mapping[int, Head]) -> datetime | None:
    """Return how far time has come in any of these shards."""
    return max((head.received for head in heads.values() if head.received is not None), default=None)


def received_by_feed(heads: Mapping[int, Head], stamps: Iterable[datetime]) -> list[datetime]:
    """Return the `received` of each event by what the feed says, one clock for all shards that never falls.

    `heads` are those of every shard. In which groups events are committed does not matter, only their order.
    """
    return list(accumulate(stamps, max, initial=newest(heads) or EPOCH))[1:]


def received_each(heads: Mapping[int, Head], drafts: Sequence[Draft], now: datetime) -> list[datetime]:
    """Return the `received` of each draft as its shard will number it: never falling within the shard."""
    last = {shard: head.received for shard, head in heads.items()}
    found: list[datetime] = []
    for draft in drafts:
        stamp, before = draft.received or now, last[draft.shard]
        last[draft.shard] = received = stamp if before is None or stamp > before else before
        found.append(received)
    return found

"""The three times of an accepted event: when it occurred, was recorded by its source, and was received."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from shared.kernel.records import Draft, Head


class Times(msgspec.Struct, frozen=True, gc=False):
    """An accepted event's times; `recorded` only where its source says."""

    occurred: datetime
    recorded: datetime | None
    received: datetime


def received_each(heads: Mapping[int, Head], drafts: Sequence[Draft], now: datetime) -> list[datetime]:
    """Return the `received` of each draft as its shard will number it: never falling within the shard."""
    last = {shard: head.received for shard, head in heads.items()}
    found: list[datetime] = []
    for draft in drafts:
        stamp, before = draft.received or now, last[draft.shard]
        last[draft.shard] = received = stamp if before is None or stamp > before else before
        found.append(received)
    return found

"""The port to a broker: ordered, bounded, at least once; and a broker in memory for unit tests."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from shared.kernel.errors import Unavailable
from shared.kernel.records import Record
from shared.kernel.shards import partition_of


class Producer(Protocol):
    """Sends records in order; returning means that all of them are acknowledged."""

    async def send(self, records: Sequence[Record]) -> None: ...
    async def close(self) -> None: ...


class Subscription(Protocol):
    """Reads partitions that are assigned by hand."""

    async def assign(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Read exactly these (stream, partition) from the offsets given."""
        ...

    async def poll(self, limit: int) -> list[Record]:
        """Return what has come, in order within each partition; empty after a short wait."""
        ...

    async def close(self) -> None: ...


class MemoryBroker:
    """Topics as lists. It keeps every record; `records` may be edited by a test to lose or double some."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Record]] = {}
        self.away = False

    async def send(self, records: Sequence[Record]) -> None:
        """Append to the partition of each record's shard."""
        if self.away:
            raise Unavailable("the broker is away")
        for record in records:
            self.records.setdefault((record.stream, partition_of(record.shard)), []).append(record)

    async def close(self) -> None:
        """Nothing is open."""

    def subscribe(self) -> "MemorySubscription":
        """Open a subscription."""
        return MemorySubscription(self)


class MemorySubscription:
    """Reads a memory broker's lists."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._offsets: dict[tuple[str, int], int] = {}

    async def assign(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Read from the offsets given."""
        self._offsets = dict(offsets)

    async def poll(self, limit: int) -> list[Record]:
        """Return what has not been read yet; an offset behind the end starts over."""
        found: list[Record] = []
        for place in [] if self._broker.away else self._offsets:
            kept = self._broker.records.get(place, [])
            offset = self._offsets[place] if self._offsets[place] <= len(kept) else 0
            new = kept[offset : offset + limit - len(found)]
            self._offsets[place] = offset + len(new)
            found += [record._replace(offset=at) for at, record in enumerate(new, offset)]
        await asyncio.sleep(0)
        return found

    async def close(self) -> None:
        """Forget the offsets."""
        self._offsets = {}

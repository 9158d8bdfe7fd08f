"""The port in memory, for unit tests: the same rules, a transaction that leaves nothing when it fails."""

import asyncio
import copy
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from shared.kernel.errors import Fenced
from shared.kernel.instants import EPOCH
from shared.kernel.numbering import number, numbered
from shared.kernel.records import Draft, Head, Known, Position, Reached, Record
from shared.kernel.shards import shards_of
from shared.messaging.port import Transaction
from shared.storage.transaction import RELAY


@dataclass(slots=True)
class MemoryState:
    """What a service's shared tables hold."""

    heads: dict[tuple[str, int], Head] = field(default_factory=dict[tuple[str, int], Head])
    records: dict[tuple[str, int], list[Record]] = field(default_factory=dict[tuple[str, int], list[Record]])
    keys: dict[bytes, Known] = field(default_factory=dict[bytes, Known])
    positions: dict[tuple[str, str, int], Position] = field(
        default_factory=dict[tuple[str, str, int], Position]
    )
    epochs: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    clock: datetime = EPOCH
    audit: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])


class MemoryExchange:
    """Transactions one after the other over a state in memory; the clock moves a millisecond at each."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, *, actor: str, action: str, detail: str = "") -> AsyncGenerator[Transaction]:
        """Open a transaction that changes state."""
        async with self._lock:
            changed = copy.deepcopy(self.state)
            changed.clock += timedelta(milliseconds=1)
            yield MemoryTransaction(changed)
            changed.audit.append((actor, action, detail))
            self.state = changed

    def own(self, consumer: str, streams: Sequence[str], partition: int, epoch: int) -> None:
        """Give a partition to a worker with this epoch, as a lease does."""
        self.state.epochs[consumer, partition] = epoch
        for stream in streams:
            for shard in shards_of(partition):
                self.state.positions.setdefault((consumer, stream, shard), Position(stream, shard))


class MemoryTransaction:
    """One open transaction over a copy of the state."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    @property
    def now(self) -> datetime:
        """The clock of the state."""
        return self._state.clock

    async def lock(self, stream: str, shards: Sequence[int]) -> dict[int, Head]:
        """Return the heads of the shards."""
        return {shard: self._state.heads.get((stream, shard), Head()) for shard in sorted(set(shards))}

    async def known(self, keys: Sequence[bytes]) -> dict[bytes, Known]:
        """Return what the keys stand for."""
        return {key: self._state.keys[key] for key in keys if key in self._state.keys}

    async def remember(self, rows: Mapping[bytes, Known]) -> None:
        """Add keys; a key that is there already is our own mistake."""
        assert not self._state.keys.keys() & rows.keys()
        self._state.keys.update(rows)

    async def append(self, stream: str, drafts: Sequence[Draft]) -> list[tuple[int, int]]:
        """Number and archive the drafts; return (shard, number) in the order given."""
        ordered = sorted(enumerate(drafts), key=lambda pair: pair[1].shard)
        receipts: dict[int, tuple[int, int]] = {}
        for shard, pairs in groupby(ordered, key=lambda pair: pair[1].shard):
            group = list(pairs)
            head = self._state.heads.get((stream, shard), Head())
            own = [draft for _, draft in group]
            records = number(stream, shard, head, own, self.now)
            self._state.records.setdefault((stream, shard), []).extend(records)
            self._state.heads[stream, shard] = numbered(stream, shard, head, own, self.now).head
            receipts |= {place: (shard, r.number) for (place, _), r in zip(group, records, strict=True)}
        return [receipts[place] for place in range(len(drafts))]

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        """Return up to `limit` records that follow number `after`."""
        return self._state.records.get((stream, shard), [])[after : after + limit]

    async def read_each(
        self, stream: str, after: Sequence[tuple[int, int]], limit: int, room_bytes: int
    ) -> list[list[Record]]:
        """Return up to `limit` records of each (shard, number) until `room_bytes` are full."""
        found: list[list[Record]] = []
        for shard, last in after:
            if room_bytes > 0:
                found.append(await self.read(stream, shard, last, limit))
                room_bytes -= sum(len(record.body) for record in found[-1])
        return found

    async def reached(self, stream: str) -> dict[int, Reached]:
        """Return how far each shard of a stream has come."""
        at = self._state.positions
        return {
            shard: Reached(head.number, at.get((RELAY, stream, shard), Position(stream, shard)).number)
            for (of, shard), head in self._state.heads.items()
            if of == stream
        }

    async def fence(self, consumer: str, epochs: Mapping[int, int]) -> dict[tuple[str, int], Position]:
        """Return the positions of my partitions, or raise Fenced."""
        if not epochs or any(self._state.epochs.get((consumer, p)) != epoch for p, epoch in epochs.items()):
            raise Fenced(f"{consumer}: another worker owns a partition")
        mine = {shard for partition in epochs for shard in shards_of(partition)}
        return {
            (position.stream, position.shard): position
            for (name, _, shard), position in self._state.positions.items()
            if name == consumer and shard in mine
        }

    async def advance(self, consumer: str, positions: Sequence[Position]) -> None:
        """Write how far the consumer has come."""
        for position in positions:
            place = consumer, position.stream, position.shard
            offset = max(self._state.positions[place].offset, position.offset)
            self._state.positions[place] = position._replace(offset=offset)

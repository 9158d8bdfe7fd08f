"""The port between the protocol and its store: about eight operations inside one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from shared.kernel.records import Draft, Head, Known, Position, Record

Answer = tuple[str, Draft]


class Transaction(Protocol):
    """One transaction over a service's state, its outbox and its positions."""

    @property
    def now(self) -> datetime: ...
    async def lock(self, stream: str, shards: Sequence[int]) -> dict[int, Head]: ...
    async def known(self, keys: Sequence[bytes]) -> dict[bytes, Known]: ...
    async def remember(self, rows: Mapping[bytes, Known]) -> None: ...
    async def append(self, stream: str, drafts: Sequence[Draft]) -> list[tuple[int, int]]: ...
    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]: ...
    async def fence(self, consumer: str, epochs: Mapping[int, int]) -> dict[tuple[str, int], Position]: ...
    async def advance(self, consumer: str, positions: Sequence[Position]) -> None: ...


class Handler(Protocol):
    """Turns a batch into state and answers; never commits, publishes or asks the time."""

    async def __call__(self, tx: Any, batch: Sequence[Record]) -> Sequence[Answer]:
        """Apply records that are dense and in order within each shard."""
        ...

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop whatever is cached of these partitions."""
        ...


class Archive(Protocol):
    """Where a gap is filled from: the producer's outbox."""

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]: ...

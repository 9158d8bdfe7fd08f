"""How far every hop has come, read by one statement and so at one instant of the database.

A hop writes its effects, its answers and its positions in one transaction. So where a snapshot shows stage A
at the head of ingest, stage B at the head of stage A's answers and ranking at the head of stage B's, the
standing holds all that was accepted. The statement is one row of seven arrays, each read along a primary key.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from shared.kernel.shards import SHARDS

POLL_S = 0.05
STALL_S = 60.0
LIMIT_S = 1_800.0

Vector = tuple[int, ...]

_HEAD = (
    "ARRAY(SELECT number * {shards} + shard FROM {schema}.stream_shards"
    " WHERE stream = '{stream}' ORDER BY shard)"
)
_PLACE = (
    "ARRAY(SELECT number * {shards} + shard FROM {schema}.positions"
    " WHERE consumer = '{consumer}' AND stream = '{stream}' ORDER BY shard)"
)
_SNAPSHOT = "SELECT " + ", ".join(
    (
        _HEAD.format(shards=SHARDS, schema="ingest", stream="ingest.accepted"),
        _PLACE.format(shards=SHARDS, schema="ingest", consumer="relay", stream="ingest.accepted"),
        _PLACE.format(shards=SHARDS, schema="scoring", consumer="scoring-a", stream="ingest.accepted"),
        _HEAD.format(shards=SHARDS, schema="scoring", stream="scoring.partials"),
        _PLACE.format(shards=SHARDS, schema="scoring", consumer="scoring-b", stream="scoring.partials"),
        _HEAD.format(shards=SHARDS, schema="scoring", stream="scoring.entries"),
        _PLACE.format(shards=SHARDS, schema="ranking", consumer="ranking", stream="scoring.entries"),
    )
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The last number of each shard at each hop; `a_out` and `b_out` are what a stage has answered."""

    accepted: Vector
    relayed: Vector
    a: Vector
    a_out: Vector
    b: Vector
    b_out: Vector
    ranking: Vector

    @property
    def scored(self) -> bool:
        """Whether the ledger holds all that was accepted."""
        return self.a == self.accepted and self.b == self.a_out

    @property
    def complete(self) -> bool:
        """Whether the standing holds all that was accepted."""
        return self.scored and self.ranking == self.b_out


async def snapshot(owner: asyncpg.Connection) -> Snapshot:
    """Read where everything stands."""
    (row,) = await owner.fetch(_SNAPSHOT)
    return Snapshot(*(_vector(packed) for packed in row))


async def reach(owner: asyncpg.Connection, events: int, *, hop: str = "complete") -> Snapshot:
    """Wait until so many records were accepted and have come through; raise when nothing moves any more."""
    return await until(
        owner,
        lambda seen: (
            sum(seen.accepted) >= events
            and (seen.relayed == seen.accepted if hop == "relayed" else getattr(seen, hop))
        ),
    )


async def follow(owner: asyncpg.Connection, accepted: Vector) -> Snapshot:
    """Wait until the standing surely holds all up to these numbers, while more may come."""
    a = await until(owner, lambda seen: covers(seen.a, accepted))
    b = await until(owner, lambda seen: covers(seen.b, a.a_out))
    return await until(owner, lambda seen: covers(seen.ranking, b.b_out))


def covers(one: Vector, other: Vector) -> bool:
    """Tell whether the first is at or past the second in every shard."""
    return all(a >= b for a, b in zip(one, other, strict=True))


async def until(owner: asyncpg.Connection, holds: Callable[[Snapshot], bool]) -> Snapshot:
    """Look until a snapshot is as wanted; raise when nothing moves any more, or after half an hour."""
    last, since, end = None, 0.0, time.monotonic() + LIMIT_S
    while not holds(seen := await snapshot(owner)):
        since = 0.0 if seen != last else since + POLL_S
        if since > STALL_S or time.monotonic() > end:
            raise TimeoutError(f"Nothing has moved for {since:.0f} s: {seen}")
        last = seen
        await asyncio.sleep(POLL_S)
    return seen


def _vector(packed: list[int]) -> Vector:
    found = [0] * SHARDS
    for one in packed:
        number, shard = divmod(one, SHARDS)
        found[shard] = number
    return tuple(found)

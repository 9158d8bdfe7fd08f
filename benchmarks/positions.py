"""How far every hop has come, read by one statement and so at one instant of the database.

A hop writes its effects, its answers and its positions in one transaction. So where a snapshot shows stage A
at the head of ingest, stage B at the head of stage A's answers and ranking at the head of stage B's, the
standing holds all that was accepted.
"""

import asyncio
from dataclasses import dataclass

import asyncpg

from shared.kernel.shards import SHARDS

POLL_S = 0.05
STALL_S = 60.0

Vector = tuple[int, ...]

_SNAPSHOT = """
    WITH wanted(hop, consumer, stream) AS (VALUES
        ('accepted', NULL, 'ingest.accepted'), ('relayed', 'relay', 'ingest.accepted'),
        ('a', 'scoring-a', 'ingest.accepted'), ('a_out', NULL, 'scoring.partials'),
        ('b', 'scoring-b', 'scoring.partials'), ('b_out', NULL, 'scoring.entries'),
        ('ranking', 'ranking', 'scoring.entries')),
    found AS (
        SELECT NULL AS consumer, stream, shard, number FROM ingest.stream_shards
        UNION ALL SELECT NULL, stream, shard, number FROM scoring.stream_shards
        UNION ALL SELECT consumer, stream, shard, number FROM ingest.positions
        UNION ALL SELECT consumer, stream, shard, number FROM scoring.positions
        UNION ALL SELECT consumer, stream, shard, number FROM ranking.positions)
    SELECT hop, array_agg(shard::int) AS shards, array_agg(number) AS numbers
    FROM wanted JOIN found USING (stream)
    WHERE wanted.consumer IS NOT DISTINCT FROM found.consumer GROUP BY hop"""


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
    rows = {row["hop"]: row for row in await owner.fetch(_SNAPSHOT)}
    return Snapshot(**{hop: _vector(rows.get(hop)) for hop in Snapshot.__slots__})


async def reach(owner: asyncpg.Connection, events: int, *, hop: str = "complete") -> Snapshot:
    """Wait until so many records were accepted and have come through; raise when nothing moves any more."""
    last, since = None, 0.0
    while True:
        seen = await snapshot(owner)
        if sum(seen.accepted) >= events and (
            seen.relayed == seen.accepted if hop == "relayed" else getattr(seen, hop)
        ):
            return seen
        since = 0.0 if seen != last else since + POLL_S
        if since > STALL_S:
            raise TimeoutError(f"Nothing has moved for {STALL_S:.0f} s: {seen}")
        last = seen
        await asyncio.sleep(POLL_S)


def _vector(row: asyncpg.Record | None) -> Vector:
    found = [0] * SHARDS
    if row is not None:
        for shard, number in zip(row["shards"], row["numbers"], strict=True):
            found[shard] = number
    return tuple(found)

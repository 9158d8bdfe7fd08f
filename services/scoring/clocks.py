"""The clock of each shard: the newest tick that stage A applied there, a fact like any other."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from services.scoring.contract import Tick
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

_SAVE = """
    INSERT INTO clocks SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[])
    ON CONFLICT (shard) DO UPDATE SET minute = excluded.minute, received = excluded.received"""
_SAVE_ITEMS = """
    INSERT INTO items_told SELECT * FROM unnest($1::smallint[], $2::text[])
    ON CONFLICT (shard) DO UPDATE SET until = excluded.until"""
_REACHED = """
    SELECT count(*) AS shards, min(LEAST(c.received, i.until)) AS at
    FROM clocks c JOIN items_told i USING (shard)"""
_PASSED = """
    SELECT shard, c.received, i.until FROM clocks c FULL JOIN items_told i USING (shard)"""
_READ = "SELECT shard, minute, received FROM clocks WHERE shard = ANY($1::smallint[])"


class Clock(NamedTuple):
    """How far the clock of a shard has come: a whole minute in UTC, and when its tick was received."""

    minute: str
    received: str


def clock_of(tick: AcceptedEvent) -> Clock:
    """Return what a tick says."""
    return Clock(envelope.decode_data(tick, Tick).minute, tick.received)


class Passed(NamedTuple):
    """When the newest tick of a shard was received, and until when its items are told; None if never."""

    ticked: str | None
    items: str | None

    def is_past(self, closes: str) -> bool:
        """Tell whether all that the shard received before an instant has been applied, items included."""
        return self.ticked is not None and self.items is not None and min(self.ticked, self.items) >= closes


async def save(tx: PostgresTransaction, clocks: Mapping[int, Clock]) -> None:
    """Put the clocks of shards forward to the newest ticks of a batch; without one nothing is asked."""
    if clocks:
        shards = sorted(clocks)
        minutes, received = zip(*(clocks[shard] for shard in shards), strict=True)
        await tx.many(_SAVE, shards, list(minutes), list(received))


async def read(tx: PostgresTransaction, shards: Collection[int]) -> dict[int, Clock]:
    """Return the clocks of shards; one that has had no tick is left out."""
    rows = await tx.many(_READ, sorted(shards))
    return {row["shard"]: Clock(row["minute"], row["received"]) for row in rows}


async def save_items(tx: PostgresTransaction, told: Mapping[int, str]) -> None:
    """Note until when all items of shards have been told; without word of any nothing is asked."""
    if told:
        await tx.many(_SAVE_ITEMS, list(told), list(told.values()))


async def reached(tx: PostgresTransaction) -> str | None:
    """Return the instant before which all that every shard received has been applied, items included.

    None while a shard has had no tick, or nothing was said of its items.
    """
    row = (await tx.many(_REACHED))[0]
    return row["at"] if row["shards"] == SHARDS else None


async def passed(tx: PostgresTransaction) -> dict[int, Passed]:
    """Return of every shard how far its clock and its items have come."""
    known = {row["shard"]: Passed(row["received"], row["until"]) for row in await tx.many(_PASSED)}
    return {shard: known.get(shard, Passed(None, None)) for shard in range(SHARDS)}

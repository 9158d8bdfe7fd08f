"""The clock of the shards: a tick each minute of the database, or under the replay clock of the feed."""

from collections.abc import Mapping
from datetime import datetime

from services.ingest import watching
from services.ingest.contract import ACCEPTED, SOURCE, TICK, Tick
from services.ingest.domain.catalogue import Catalogue
from services.ingest.domain.times import newest
from shared.contracts.envelope import encode
from shared.kernel import instants
from shared.kernel.digests import key_digest
from shared.kernel.records import Draft, Head, Known
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

EVERY_SHARD = range(SHARDS)
BEFORE_THE_FEED = instants.EPOCH


async def is_due(tx: PostgresTransaction) -> bool:
    """Tell whether the database's minute has no tick yet."""
    ((now,),) = await tx.execute("SELECT clock_timestamp()")
    return not await tx.known([key(instants.text(_minute(now)))])


async def tick(tx: PostgresTransaction, catalogue: Catalogue) -> bool:
    """Number one tick per shard for the database's minute; False if this minute has its tick."""
    await tx.lock(ACCEPTED, EVERY_SHARD)
    return await _tick(tx, catalogue, _minute(tx.now), received=None)


async def tick_by_feed(tx: PostgresTransaction, catalogue: Catalogue, before: Mapping[int, Head]) -> bool:
    """Number one tick per shard when what was appended since `before` reached a later minute of the feed."""
    reached, was = newest(await tx.lock(ACCEPTED, EVERY_SHARD)), newest(before)
    if reached is None or (was is not None and _minute(reached) <= _minute(was)):
        return False
    return await _tick(tx, catalogue, _minute(reached), received=_minute(reached))


async def _tick(
    tx: PostgresTransaction, catalogue: Catalogue, minute: datetime, received: datetime | None
) -> bool:
    told = Tick(minute=instants.text(minute))
    minutes_key = key(told.minute)
    if await tx.known([minutes_key]):
        return False
    drafts = [Draft(s, encode(TICK, SOURCE, f"shard-{s}", told), received=received) for s in EVERY_SHARD]
    receipts = await tx.append(ACCEPTED, drafts)
    await tx.remember({minutes_key: Known(*receipts[0], minutes_key)})
    await watching.look(tx, catalogue, minute, received)
    return True


def key(minute: str) -> bytes:
    """Return the key of a minute's tick."""
    return key_digest("tick", minute)


def _minute(instant: datetime) -> datetime:
    return instant.replace(second=0, microsecond=0)

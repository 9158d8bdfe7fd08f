"""Commands of ingest: adopting a catalogue and letting the clock tick."""

from typing import Any

from services.ingest import store
from services.ingest.contract import ACCEPTED, SOURCE, TICK, TYPES_ADOPTED, Tick, TypesAdopted
from services.ingest.domain.catalogue import parse
from shared.contracts.envelope import encode
from shared.kernel import instants
from shared.kernel.digests import key_digest
from shared.kernel.errors import refuse
from shared.kernel.records import Draft, Known
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

EVERY_SHARD = range(SHARDS)


async def draft_types(tx: PostgresTransaction, document: dict[str, Any], author: str) -> store.Drafted:
    """Check a catalogue and keep it as a draft."""
    parse(document)
    return await store.draft(tx, document, author)


async def adopt_types(tx: PostgresTransaction, version: int, approver: str) -> store.Drafted:
    """Put a draft in force by another person than its author; every shard is told."""
    drafted = await store.drafted(tx, version)
    if drafted.author == approver:
        raise refuse(403, "same_person", "A catalogue is adopted by another person than its author.")
    if drafted.approver is not None:
        raise refuse(409, "already_adopted", "This version is in force.")
    await store.adopt(tx, version, approver)
    told = TypesAdopted(version=version, document=drafted.document)
    await tx.append(
        ACCEPTED, [Draft(s, encode(TYPES_ADOPTED, SOURCE, f"shard-{s}", told)) for s in EVERY_SHARD]
    )
    return drafted


async def tick(tx: PostgresTransaction) -> bool:
    """Number one tick per shard for the database's minute; False if this minute has its tick."""
    await tx.lock(ACCEPTED, EVERY_SHARD)
    minute = instants.text(tx.now.replace(second=0, microsecond=0))
    key = key_digest("tick", minute)
    if await tx.known([key]):
        return False
    told = Tick(minute=minute)
    receipts = await tx.append(
        ACCEPTED, [Draft(s, encode(TICK, SOURCE, f"shard-{s}", told)) for s in EVERY_SHARD]
    )
    await tx.remember({key: Known(*receipts[0], key)})
    return True

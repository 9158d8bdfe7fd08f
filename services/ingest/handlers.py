"""Commands of ingest: drafting and adopting a catalogue."""

from typing import Any

from services.ingest import store
from services.ingest.clock import BEFORE_THE_FEED, EVERY_SHARD
from services.ingest.contract import ACCEPTED, SOURCE, TYPES_ADOPTED, TypesAdopted
from services.ingest.domain.catalogue import check_size, check_unchanged, parse
from shared.contracts.envelope import encode
from shared.kernel.errors import refuse
from shared.kernel.records import Draft
from shared.storage.transaction import PostgresTransaction


async def draft_types(tx: PostgresTransaction, document: dict[str, Any], author: str) -> store.Drafted:
    """Check a catalogue, also beside all that were adopted, and keep it as a draft."""
    check_size(document)
    parsed = parse(document)
    await store.lock_catalogues(tx)
    check_unchanged(parsed, await store.adopted_specs(tx, parsed.types))
    return await store.draft(tx, document, author)


async def adopt_types(
    tx: PostgresTransaction, version: int, approver: str, *, replay: bool = False
) -> store.Drafted:
    """Put a draft in force by another person than its author; every shard is told.

    Under the replay clock that comes before whatever the feed will bring.
    """
    await store.lock_catalogues(tx)
    drafted = await store.drafted(tx, version)
    if drafted.author == approver:
        raise refuse(403, "same_person", "A catalogue is adopted by another person than its author.")
    if drafted.approver is not None:
        raise refuse(409, "already_adopted", "This version is in force.")
    if version < await store.adopted_version(tx):
        raise refuse(409, "older_than_adopted", "A newer version is in force; draft this catalogue again.")
    parsed = parse(drafted.document)
    check_unchanged(parsed, await store.adopted_specs(tx, parsed.types))
    await store.adopt(tx, version, approver)
    told = TypesAdopted(version=version, document=drafted.document)
    received = BEFORE_THE_FEED if replay else None
    drafts = [
        Draft(s, encode(TYPES_ADOPTED, SOURCE, f"shard-{s}", told), received=received) for s in EVERY_SHARD
    ]
    await tx.append(ACCEPTED, drafts)
    return drafted

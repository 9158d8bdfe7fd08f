"""Commands of ingest: drafting and adopting a catalogue, taking a source's manifest of a day."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.ingest import arrivals, papers, store, watching
from services.ingest.clock import BEFORE_THE_FEED, EVERY_SHARD
from services.ingest.contract import ACCEPTED, SOURCE, TYPES_ADOPTED, TypesAdopted
from services.ingest.domain import manifests
from services.ingest.domain.catalogue import (
    CatalogueDocument,
    check_size,
    check_topics,
    check_unchanged,
    parse,
)
from services.ingest.domain.sources import Sender
from services.ingest.domain.times import newest
from services.ingest.papers import Paper
from shared.contracts.envelope import encode
from shared.kernel import periods
from shared.kernel.errors import Refused, refuse
from shared.kernel.records import Draft
from shared.storage.transaction import PostgresTransaction

DAY = timedelta(days=1)
FARTHEST_ZONE = timedelta(hours=14)
NO_MANIFEST = "No source in force of this code declares a manifest."


async def draft_types(tx: PostgresTransaction, document: dict[str, Any], author: str) -> store.Drafted:
    """Check a catalogue, also beside all that were adopted, and keep it as a draft."""
    check_size(document)
    parsed = parse(document)
    await store.lock_catalogues(tx)
    check_topics(parsed, await papers.adopted_sources(tx))
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
    before = await papers.adopted_sources(tx)
    check_topics(parsed, before)
    check_unchanged(parsed, await store.adopted_specs(tx, parsed.types))
    await store.adopt(tx, version, approver)
    told = TypesAdopted(version=version, document=drafted.document)
    received = BEFORE_THE_FEED if replay else None
    drafts = [
        Draft(s, encode(TYPES_ADOPTED, SOURCE, f"shard-{s}", told), received=received) for s in EVERY_SHARD
    ]
    await tx.append(ACCEPTED, drafts)
    heads = await tx.lock(ACCEPTED, EVERY_SHARD)
    await count_from(tx, parsed, newest(heads) or BEFORE_THE_FEED, before)
    return drafted


async def take_manifest(
    tx: PostgresTransaction, source: str, day: str, document: object, sender: Sender, *, replay: bool = False
) -> Paper:
    """Keep a source's manifest of a day and compare it at once; every shard is told if that opens or settles.

    A manifest that says another thing than the one before it has the next revision. A day that is counted no
    longer takes another all the same, or what came late could never agree.
    """
    await tx.lock(ACCEPTED, EVERY_SHARD)
    _, catalogue = await store.adopted_catalogue(tx)
    spec = catalogue.sources.get(source)
    if spec is None or spec.manifest is None:
        raise refuse(404, "not_found", NO_MANIFEST)
    stranger = catalogue.scopes[source].stranger(sender)
    if stranger is not None:
        raise Refused(stranger)
    _check_begun(tx, day, replay=replay)
    before = await papers.paper(tx, source, day)
    if before is None:
        await _check_counted(tx, source, day)
    manifest = manifests.read(document, spec.manifest)
    found = manifests.compare(manifest, await arrivals.totals_of(tx, source, day))
    if before is not None and before.manifest == manifest:
        paper = before
        await papers.compared(tx, paper, found)
    else:
        revision = 1 if before is None else before.revision + 1
        paper = Paper(source, day, revision, manifest, found)
        await papers.save(tx, paper, found, sender.name)
    received = BEFORE_THE_FEED if replay else None
    await watching.tell(tx, watching.mismatch(before, paper, found), received)
    return paper


def _check_begun(tx: PostgresTransaction, day: str, *, replay: bool) -> None:
    asked = periods.day(day, "/day")
    if not replay and asked > (tx.now.astimezone(UTC) + FARTHEST_ZONE).date():
        raise refuse(422, "time_in_future", "The day has not begun.", pointer="/day")


async def _check_counted(tx: PostgresTransaction, source: str, day: str) -> None:
    since = await papers.counted_since(tx, source)
    if since is not None and day < since:
        raise refuse(409, "not_counted", f"What this source's manifests count is counted from {since} on.")


async def count_from(
    tx: PostgresTransaction, document: CatalogueDocument, now: datetime, before: set[str]
) -> None:
    """Let manifests begin with a new source, or with the first whole day after what they count changed."""
    declared = {
        code: (spec.manifest, (now.astimezone(ZoneInfo(spec.manifest.zone)) + DAY).date())
        for code, spec in document.sources.items()
        if spec.manifest is not None
    }
    await papers.count_from(tx, declared, before)

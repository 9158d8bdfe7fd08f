"""Commands on calendars: one person drafts a version, another adopts it, and every shard is told."""

from collections.abc import Sequence
from datetime import date

from services.supervision import store
from services.supervision.contract import CALENDAR_ADOPTED, CALENDARS, SOURCE, CalendarAdopted
from services.supervision.domain.calendar_document import CalendarDocument, Finding, knows_less, read
from services.supervision.store import CalendarRow
from shared.contracts import envelope
from shared.kernel.canonical import canonical
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.instants import EPOCH
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

LARGEST_DOCUMENT_BYTES = 256 << 10


async def draft(tx: PostgresTransaction, document: object, author: str) -> CalendarRow:
    """Check a calendar, also beside the one in force, and keep it as a draft."""
    parsed = _parsed(document)
    head, written = parsed.calendar, canonical(parsed.written())
    if len(written) > LARGEST_DOCUMENT_BYTES:
        raise refuse(413, "calendar_too_large", f"A calendar has at most {LARGEST_DOCUMENT_BYTES} bytes.")
    await store.lock_calendars(tx, head.zone)
    await _check_beside_adopted(tx, parsed)
    row = CalendarRow(head.zone, head.version, parsed.written(), sha256_hex(written), author, None)
    first, last = date.fromisoformat(head.first), date.fromisoformat(head.last)
    if not await store.draft_calendar(tx, row, first, last):
        raise refuse(409, "already_adopted", "An adopted version never changes; write a new version.")
    return row


async def adopt(
    tx: PostgresTransaction, zone: str, version: int, approver: str, *, replay: bool = False
) -> CalendarRow:
    """Put a draft in force by another person than its author; every shard hears it in its own order.

    Under the replay clock that is as late as what the shard has lived through.
    """
    await store.lock_calendars(tx, zone)
    row = await found(tx, zone, version)
    if row.author == approver:
        raise refuse(403, "same_person", "A calendar is adopted by another person than its author.")
    if row.approver is not None:
        raise refuse(409, "already_adopted", "This version is in force.")
    parsed = _parsed(row.document)
    await _check_beside_adopted(tx, parsed)
    await store.adopt_calendar(tx, zone, version, approver)
    head = parsed.calendar
    told = CalendarAdopted(
        zone=zone,
        version=version,
        digest=row.digest,
        first=head.first,
        last=head.last,
        document=row.document,
    )
    await _tell_every_shard(tx, told, replay=replay)
    return row


async def check_read(tx: PostgresTransaction, zone: str, version: int, digest: str) -> None:
    """Refuse unless a version still has the content that was read; nobody redrafts it until I commit."""
    await store.lock_calendars(tx, zone)
    if (await found(tx, zone, version)).digest != digest:
        raise refuse(409, "digest_changed", "The version has another content; read it again.")


async def found(tx: PostgresTransaction, zone: str, version: int | None) -> CalendarRow:
    """Return a version of a zone's calendar, without a number the one in force, or refuse with 404."""
    row = await (store.adopted_calendar(tx, zone) if version is None else store.calendar(tx, zone, version))
    if row is None:
        raise refuse(
            404, "not_found", "This zone has no such calendar; without one every due time is provisional."
        )
    return row


async def _check_beside_adopted(tx: PostgresTransaction, parsed: CalendarDocument) -> None:
    """A version comes after the one in force and knows at least its days."""
    before = await store.adopted_calendar(tx, parsed.calendar.zone)
    if before is None:
        return
    if parsed.calendar.version <= before.version:
        detail = f"Version {before.version} is in force; the next one is {before.version + 1}."
        code = "already_adopted" if parsed.calendar.version == before.version else "older_than_adopted"
        raise refuse(409, code, detail)
    less = knows_less(parsed, CalendarDocument.model_validate(before.document))
    if less:
        raise _refused(less)


async def _tell_every_shard(tx: PostgresTransaction, told: CalendarAdopted, *, replay: bool) -> None:
    shards = range(SHARDS)
    body = envelope.encode(CALENDAR_ADOPTED, SOURCE, told.zone, told)
    heads = await tx.lock(CALENDARS, shards)
    clock = await store.clock(tx, shards) if replay else {}
    drafts = [
        Draft(shard, body, received=max(clock[shard], heads[shard].received or EPOCH) if replay else None)
        for shard in shards
    ]
    await tx.append(CALENDARS, drafts)


def _parsed(document: object) -> CalendarDocument:
    parsed = read(document)
    if isinstance(parsed, list):
        raise _refused(parsed)
    return parsed


def _refused(found: Sequence[Finding]) -> Refused:
    listed = [{"path": one.path, "code": one.code, "reason": one.reason} for one in found]
    detail = f"{len(found)} findings; the first: {found[0].reason}"
    return Refused(Problem(422, "calendar_refused", detail, extra={"findings": listed}))

"""What a person decides of the work lists: an entry and its event change in one transaction."""

from typing import Any, cast

from services.ingest import worklists
from services.ingest.committing import Admission
from services.ingest.contract import ACCEPTED
from services.ingest.domain.admission import is_awaited
from services.ingest.domain.decisions import (
    Decision,
    State,
    as_correction,
    corrected_by,
    lies_at,
)
from services.ingest.domain.envelope import Candidate
from services.ingest.domain.sources import Sender
from services.ingest.gateway import Records
from services.ingest.racing import redone
from services.ingest.taking import check_sent
from services.ingest.worklists import WorkList
from shared.contracts import envelope
from shared.kernel.digests import key_digest
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.strict_json import decode
from shared.storage import excerpts
from shared.storage.transaction import PostgresTransaction

DETAIL_CHARACTERS = 200
PAGE_RECORDS = 1_000


async def dismiss(admission: Admission, name: WorkList, number: int, by: str, reason: str) -> dict[str, Any]:
    """Leave an entry as it is: what was refused stays out, of a conflict the first counts."""
    decision = Decision(State.DISMISSED, by, reason)
    action = f"dismiss {name}"
    async with admission.exchange.begin(actor=by, action=action, detail=_detail(number, reason)) as tx:
        await worklists.decide(tx, name, number, decision)
        return await worklists.entry(tx, name, number)


async def fix(
    admission: Admission, number: int, event: object, sender: Sender, reason: str, *, anyones: bool
) -> dict[str, Any]:
    """Take the event that stands for what was refused, and link it; one that is in already is linked too.

    It is of the source that was refused. Another account than the one whose was refused fixes it if it speaks
    for that source, or if `anyones` may be fixed; what could not be read is of no source.
    """
    await admission.newest()
    async with admission.exchange.reading() as tx:
        refused = await worklists.entry(tx, WorkList.REFUSALS, number)
    speaks = refused["source"] in admission.catalogue.spoken_for(sender)
    if not (anyones or speaks or refused["client"] == sender.client):
        raise refuse(404, "not_found", "The list has no such entry.")
    worklists.check_open(refused)
    ready = _good((await admission.judge([event], sender))[0])
    if refused["source"] not in {None, ready.source}:
        raise refuse(409, "other_source", "What was refused was of another source.", pointer="/event/source")

    async def once() -> dict[str, Any]:
        detail = _detail(number, reason)
        async with admission.exchange.begin(actor=sender.name, action="fix refusals", detail=detail) as tx:
            decision = Decision(State.FIXED, sender.name, reason, (ready.source, ready.id))
            return await _taken(tx, admission, WorkList.REFUSALS, number, ready, decision)

    return await redone(once)


async def replay_refused(
    admission: Admission, records: Records, number: int, by: str, reason: str
) -> dict[str, Any]:
    """Take a refused record as it lies in its topic, if it may be taken now; nothing changes if not."""
    await admission.newest()
    async with admission.exchange.reading() as tx:
        refused = await worklists.entry(tx, WorkList.REFUSALS, number)
    worklists.check_open(refused)
    message = await records.record(refused["source"], *lies_at(refused))
    if message is None or message.digest != refused["digest"]:
        raise refuse(410, "record_gone", "The topic has another record there, or none any more.")
    ready = _good((await admission.judge([message]))[0])

    async def once() -> dict[str, Any]:
        detail = _detail(number, reason)
        async with admission.exchange.begin(actor=by, action="replay refusals", detail=detail) as tx:
            await check_sent(tx, message, replay=admission.replay)
            decision = Decision(State.REPLAYED, by, reason, (ready.source, ready.id))
            return await _taken(tx, admission, WorkList.REFUSALS, number, ready, decision)

    return await redone(once)


async def replay(
    admission: Admission, number: int, by: str, reason: str, revision: int | None
) -> dict[str, Any]:
    """Take the conflicting event as a correction of the first, with the next revision if none is named."""
    async with admission.exchange.reading() as tx:
        found = await worklists.entry(tx, WorkList.CONFLICTS, number)
        worklists.check_open(found)
        kept = cast("dict[str, Any]", decode(found["body"].encode()))
        original = corrected_by(kept, await accepted(tx, found), found["why"])
        chosen = await _next_revision(tx, original) if revision is None else revision
    made = as_correction(kept, number, original, chosen)
    in_time = Sender(by, backfill=True)  # it was judged when it came
    ready = _good((await admission.judge([made], in_time))[0])

    async def once() -> dict[str, Any]:
        detail = _detail(number, reason)
        async with admission.exchange.begin(actor=by, action="replay conflicts", detail=detail) as tx:
            decision = Decision(State.REPLAYED, by, reason, (ready.source, ready.id))
            return await _taken(tx, admission, WorkList.CONFLICTS, number, ready, decision)

    return await redone(once)


async def accepted(tx: PostgresTransaction, conflict: dict[str, Any]) -> dict[str, Any]:
    """Return the accepted event that a conflict contradicts."""
    record = (await tx.read(ACCEPTED, conflict["shard"], conflict["number"] - 1, 1))[0]
    return cast("dict[str, Any]", decode(record.body))


def _good(judged: Candidate | Problem) -> Candidate:
    if isinstance(judged, Problem):
        raise Refused(judged)
    return judged


async def _taken(
    tx: PostgresTransaction,
    admission: Admission,
    name: WorkList,
    number: int,
    ready: Candidate,
    decision: Decision,
) -> dict[str, Any]:
    """Admit before the entry is locked, in the order in which every batch locks."""
    (answer,) = await admission.admit(tx, [ready])
    if answer.problem is not None:
        raise Refused(answer.problem)
    await worklists.decide(tx, name, number, decision)
    return await worklists.entry(tx, name, number)


async def _next_revision(tx: PostgresTransaction, original: tuple[str, str]) -> int:
    """Return the revision after the highest that was accepted, however its source counts."""
    shard, first = await _first_of(tx, original)
    after, highest = first - 1, 0
    while page := await tx.read(ACCEPTED, shard, after, PAGE_RECORDS):
        highest = max(highest, *(_revision_of(record.body, original) for record in page))
        after = page[-1].number
    return highest + 1


async def _first_of(tx: PostgresTransaction, original: tuple[str, str]) -> tuple[int, int]:
    """Return shard and number of the first record of an event: its own, or that of a correction before it."""
    key = key_digest("event", *original)
    at = (await tx.known([key]))[key]
    if is_awaited(at):
        return at.shard, -at.number
    place = at.shard, at.number
    body = (await excerpts.bodies(tx, ACCEPTED, [place]))[place]
    return at.shard, int(envelope.decode(body).correctedby or at.number)


def _revision_of(body: bytes, original: tuple[str, str]) -> int:
    """Return the revision of a record that corrects an event; of any other 0."""
    event = envelope.decode(body)
    corrects = (event.correctssource, event.correctsid) == original
    return event.revision or 0 if corrects else 0


def _detail(number: int, reason: str) -> str:
    return f"{number}: {reason}"[:DETAIL_CHARACTERS]

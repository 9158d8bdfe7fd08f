"""Commands of notify: rules come into force at a point that never moves, entries are signed for."""

from collections.abc import Mapping
from dataclasses import asdict

from services.notify import inbox, store
from services.notify.contract import CONSUMER
from services.notify.domain.document import Finding, RulesDocument, read
from services.notify.inbox import Entry
from services.notify.rulebook import place_of
from services.notify.store import Adopted
from shared.kernel.canonical import digest
from shared.kernel.errors import Problem, Refused, hidden, refuse
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Action, Role, Subject
from shared.web.tokens import allow


def checked(document: object) -> RulesDocument:
    """Return a document that can be adopted, or refuse it with every finding."""
    found = read(document)
    if isinstance(found, RulesDocument):
        return found
    raise _refused(found)


async def adopt(
    tx: PostgresTransaction, document: RulesDocument, person: str, if_match: str | None
) -> Adopted:
    """Put rules in force for what follows the records that are applied now; the same again is no version.

    No batch of the consumer runs meanwhile, so that each record has one version, whenever it is applied.
    """
    await tx.execute("LOCK TABLE positions IN EXCLUSIVE MODE")
    newest = await store.newest_rules(tx)
    _check_unchanged(newest, if_match)
    written = document.model_dump(mode="json")
    if newest is not None and newest.digest == digest(written):
        tx.remarks.append(f"as version {newest.version}")
        return newest
    adopted = await store.add_rules(tx, written, await _cut(tx), person)
    tx.remarks.append(f"version {adopted.version}, {adopted.digest.hex()}")
    return adopted


async def sign(tx: PostgresTransaction, notice: str, subject: Subject) -> Entry:
    """Sign for an entry of the person's unit; it stays signed by whoever was first."""
    found = await entry(tx, notice, subject)
    allow(subject, Action(frozenset({Role(found.role)})))
    if found.state == "cancelled":
        raise refuse(409, "notice_cancelled", "What it reminded of is over; there is nothing to sign for.")
    await inbox.sign(tx, notice, subject.name)
    return await entry(tx, notice, subject)


async def entry(tx: PostgresTransaction, notice: str, subject: Subject) -> Entry:
    """Return an entry of the person's units; another unit's is not there."""
    found = await inbox.entry(tx, subject.unit, notice)
    if found is not None:
        return found
    of_anybody = await inbox.entry(tx, "/", notice)
    if of_anybody is not None:
        raise hidden("There is no such entry.")
    raise refuse(404, "not_found", "There is no such entry.")


async def _cut(tx: PostgresTransaction) -> Mapping[str, int]:
    rows = await tx.many(
        "SELECT stream, shard, number FROM positions WHERE consumer = $1 AND number > 0 ORDER BY 1, 2",
        CONSUMER,
    )
    return {place_of(row["stream"], row["shard"]): row["number"] for row in rows}


def etag(adopted: Adopted | None) -> str:
    """Return the ETag of the rules in force: their version."""
    return f'"{0 if adopted is None else adopted.version}"'


def _check_unchanged(newest: Adopted | None, if_match: str | None) -> None:
    if if_match is None or if_match.strip() == "*":
        return
    if etag(newest) not in {tag.strip() for tag in if_match.split(",")}:
        detail = "Somebody adopted other rules since you read them; read them again."
        raise Refused(Problem(412, "changed_meanwhile", detail, headers={"etag": etag(newest)}))


def _refused(findings: list[Finding]) -> Refused:
    first = findings[0]
    extra = {"findings": [asdict(one) for one in findings]}
    return Refused(Problem(422, "rules_refused", first.reason, pointer=first.path, extra=extra))

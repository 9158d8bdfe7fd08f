"""Commands of replies: people of a unit speak of an entry, people of the assessor answer once."""

from datetime import datetime

from services.scoring import replies, reviews
from services.scoring.asking import Schemes
from services.scoring.replies import Reply
from services.scoring.reply_answers import NewReply
from shared.kernel.errors import hidden, refuse
from shared.kernel.periods import Month
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Subject, covers


class Desk:
    """Where units speak and assessors answer."""

    def __init__(self) -> None:
        self._schemes = Schemes()

    async def send(self, tx: PostgresTransaction, asked: NewReply, subject: Subject) -> Reply:
        """Keep a reply; the same words of the same person answer with the first."""
        entry = await reviews.entry(tx, asked.entry)
        if entry is None:
            raise refuse(404, "not_found", "There is no such entry.", pointer="/entry")
        cell = str(Month.of_ordinal(entry.month)), entry.unit, entry.indicator
        paths = (await self._schemes.question(tx, (entry.scheme, entry.version), cell)).paths
        if not covers(subject.unit, paths[0]):
            raise hidden("There is no such entry.", pointer="/entry", what=f"entry {entry.id}")
        number = await replies.add(tx, entry, paths, await _now(tx), subject.name, asked.says)
        return await find(tx, number, subject)

    async def answer(self, tx: PostgresTransaction, number: int, says: str, subject: Subject) -> Reply:
        """Keep the answer to a reply with its date."""
        found = await find(tx, number, subject)
        if not covers(subject.unit, found.paths[-1]) or covers(found.paths[0], subject.unit):
            reason = "Only people of the assessor, or of a unit above it, answer; never the unit's own."
            raise refuse(403, "not_assessor", reason)
        if found.person == subject.name:
            raise refuse(403, "same_person", "Nobody answers what they said themselves.")
        if found.answered_at is not None and found.answer != says:
            raise refuse(409, "answered", f"{found.answered_by} answered this.")
        await replies.answer(tx, number, await _now(tx), subject.name, says)
        return await find(tx, number, subject)


async def find(tx: PostgresTransaction, number: int, subject: Subject) -> Reply:
    """Return a reply that this person may see, or refuse with 404."""
    found = await replies.find(tx, number)
    if found is None:
        raise refuse(404, "not_found", "There is no such reply.")
    if not any(covers(subject.unit, path) for path in found.paths):
        raise hidden("There is no such reply.")
    return found


async def _now(tx: PostgresTransaction) -> datetime:
    rows = await tx.many("SELECT clock_timestamp() AS now")
    return rows[0]["now"]

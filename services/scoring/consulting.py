"""Commands of consultations: what the state of a version allows is done, anything else says what it does."""

from services.scoring import consultations, store
from services.scoring.consultations import Comment
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.life import Act
from shared.kernel.errors import refuse
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Action, Role, Subject, Thing
from shared.web.tokens import allow

SPEAKERS = Action(frozenset({Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER}))


async def open_round(tx: PostgresTransaction, code: str, version: int, person: str) -> int:
    """Open the next round of consultation and return its number."""
    found = await consultations.locked(tx, code, version)
    consultations.check(found, Act.OPEN_ROUND)
    return await consultations.open_round(tx, found, person)


async def close_round(tx: PostgresTransaction, code: str, version: int, person: str) -> int:
    """Close the open round of consultation and return its number."""
    found = await consultations.locked(tx, code, version)
    consultations.check(found, Act.CLOSE_ROUND)
    return await consultations.close_round(tx, found, person)


async def comment(
    tx: PostgresTransaction, code: str, version: int, unit: str, subject: Subject, said: str
) -> Comment:
    """Keep what a person says for a unit in the open round."""
    document = (await store.drafted(tx, code, version)).document
    allow(subject, SPEAKERS, Thing(unit=path_of(document, unit)))
    found = await consultations.version(tx, code, version)
    consultations.check(found, Act.COMMENT)
    number = await consultations.comment(tx, found, unit, subject.name, said)
    return await _comment(tx, code, version, number)


async def answer(
    tx: PostgresTransaction, code: str, version: int, number: int, person: str, text: str
) -> Comment:
    """Answer a comment, once and not by who made it."""
    found = await consultations.locked(tx, code, version)
    said = await _comment(tx, code, version, number)
    consultations.check(found, Act.ANSWER)
    if said.answer is not None:
        raise refuse(409, "already_answered", "This comment has its answer.")
    if said.person == person:
        raise refuse(403, "same_person", "A comment is answered by another person than made it.")
    await consultations.answer(tx, found, number, person, text)
    return await _comment(tx, code, version, number)


def path_of(document: SchemeDocument, unit: str) -> str:
    """Return a unit below those above it, as tokens write it, or refuse a unit that the scheme has not."""
    parents = {one.code: one.parent for one in document.units}
    if unit not in parents:
        raise refuse(422, "unknown_unit", "The scheme has no such unit.", pointer="/unit")
    steps: list[str] = []
    at: str | None = unit
    while at is not None:
        steps.append(at)
        at = parents[at]
    return "/" + "/".join(reversed(steps))


async def _comment(tx: PostgresTransaction, code: str, version: int, number: int) -> Comment:
    for one in await consultations.comments(tx, code, version):
        if one.comment == number:
            return one
    raise refuse(404, "not_found", "The version has no such comment.")

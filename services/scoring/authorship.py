"""Whose people write a scheme: authors of the whole, or of the unit whose own scheme it is."""

from services.scoring import store
from services.scoring.consulting import path_of
from services.scoring.domain.document import ParentSpec, SchemeDocument
from shared.kernel.errors import Refused
from shared.storage.transaction import PostgresTransaction
from shared.web.access import EVERYTHING, Action, Role, Subject, Thing, covers
from shared.web.tokens import allow

AUTHORS = Action(frozenset({Role.AUTHOR}))


async def check_code(tx: PostgresTransaction, draft: SchemeDocument, subject: Subject) -> None:
    """Let an author write a draft if that is of their units, and so is whatever has its code already."""
    if covers(subject.unit, "/"):
        return
    for parent in (draft.parent, *await store.parents(tx, draft.scheme.code)):
        allow(subject, AUTHORS, await _place(tx, parent))


async def check(tx: PostgresTransaction, code: str, version: int, subject: Subject) -> None:
    """Let an author lead the consultation on a version if that is of their units, or refuse with 404."""
    await check_code(tx, (await store.scheme(tx, code, version)).document, subject)


async def _place(tx: PostgresTransaction, parent: ParentSpec | None) -> Thing:
    """Return the unit whose own scheme it is, by the adopted version above it; else the whole."""
    if parent is None:
        return EVERYTHING
    try:
        above = await store.scheme(tx, parent.scheme, parent.version)
        return EVERYTHING if above.approver is None else Thing(path_of(above.document, parent.unit))
    except Refused:
        return EVERYTHING

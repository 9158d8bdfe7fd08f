"""What stands behind a cell: who may see it, and the rows of its versions, a page at a time."""

from collections.abc import Collection

from services.scoring import evidence, points, shown, sources_shown
from services.scoring.answers import ShownRow
from services.scoring.domain.measures import DecidedSpec, GivenSpec
from services.scoring.evidence import Cursor, Wanted
from services.scoring.questions import Question
from shared.kernel.errors import hidden
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Subject, covers


def check_sees(subject: Subject, paths: Collection[str], missing: str = "") -> None:
    """Let people of a cell's unit and assessor, by their paths, and whoever is above one see it."""
    if not any(covers(subject.unit, path) for path in paths):
        raise hidden(missing)


async def rows(
    tx: PostgresTransaction, question: Question, begin: Cursor | None, limit: int, wanted: Wanted
) -> tuple[list[ShownRow], Cursor | None]:
    """Return a page of the rows behind a cell, version by version."""
    page: list[ShownRow] = []
    for piece in question.each:
        if begin is not None and begin.month > piece.last:
            continue
        found, following = await _rows_of(tx, piece, begin, limit - len(page), wanted)
        page += found
        if following is not None:
            return page, following
        begin = None
    return page, None


async def _rows_of(
    tx: PostgresTransaction, question: Question, begin: Cursor | None, limit: int, wanted: Wanted
) -> tuple[list[ShownRow], Cursor | None]:
    """Return rows of one version: cases and events, or what others concluded and gave."""
    if isinstance(question.spec, GivenSpec):
        given, following = await points.rows(tx, question, begin, limit, wanted)
        is_decided = isinstance(question.spec, DecidedSpec)
        return await sources_shown.beside(tx, given) if is_decided else given, following
    told, following = await evidence.rows(tx, question, begin, limit, wanted)
    return shown.rows_of_events(question, told), following

"""The work lists: what was refused and what contradicts, each open until a person has dealt with it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.ingest.domain.decisions import Decision, State
from shared.kernel import instants
from shared.kernel.errors import refuse
from shared.storage.transaction import PostgresTransaction

LATER = 1 << 61  # ranks what is not at the top of its list below all that is

_REFUSALS = """
    SELECT id AS rank, * FROM refusals WHERE id > $1 AND ($3::text IS NULL OR state = $3)
        AND ($4::text IS NULL OR source = $4) AND ($5::text IS NULL OR code = $5)
        AND ($6::text IS NULL OR client = $6 OR place IS NOT NULL AND source = ANY($7::text[]))
    ORDER BY id LIMIT $2"""
_CONFLICTS = f"""
    SELECT * FROM (SELECT *, CASE WHEN withdrawn AND state = 'open' THEN id ELSE id + {LATER} END AS rank
        FROM conflicts) c
    WHERE rank > $1 AND ($3::text IS NULL OR state = $3)
        AND ($4::text IS NULL OR source = $4) AND ($5::text IS NULL OR why = $5)
        AND $6::text IS NULL AND cardinality($7::text[]) = 0 ORDER BY rank LIMIT $2"""  # noqa: S608 - a number of ours

_TELL_AGAIN = """
    DELETE FROM inbound_told WHERE topic = $1 AND code = $2 AND NOT EXISTS (SELECT FROM refusals
        WHERE client = $1 AND code = $2 AND state = 'open' AND place IS NOT NULL)"""


class WorkList(StrEnum):
    """The two lists."""

    REFUSALS = "refusals"
    CONFLICTS = "conflicts"


_PAGES = {WorkList.REFUSALS: _REFUSALS, WorkList.CONFLICTS: _CONFLICTS}


@dataclass(frozen=True, slots=True)
class Only:
    """What a page is narrowed to; the code of a conflict is its `why`, and no conflict is a client's own.

    With a client, what lies in the topics of `spoken_for` is seen too.
    """

    state: State | None = None
    source: str | None = None
    code: str | None = None
    client: str | None = None
    spoken_for: Collection[str] = ()

    def shows(self, refused: Mapping[str, Any]) -> bool:
        """Tell whether a refusal is the client's own, or lies in a topic that it speaks for."""
        if self.client in {None, refused["client"]}:
            return True
        return refused["place"] is not None and refused["source"] in self.spoken_for


EVERYTHING = Only()


async def page(
    tx: PostgresTransaction, name: WorkList, after: int, limit: int, only: Only = EVERYTHING
) -> dict[str, Any]:
    """Return entries that follow a rank, oldest first; conflicts with what was withdrawn come before all."""
    told = only.state, only.source, only.code, only.client, list(only.spoken_for)
    rows = await tx.many(_PAGES[name], after, limit, *told)
    return {"items": [_shown(row) for row in rows], "next": rows[-1]["rank"] if len(rows) == limit else None}


async def entry(tx: PostgresTransaction, name: WorkList, number: int) -> dict[str, Any]:
    """Return an entry, or refuse with 404."""
    rows = await tx.many(f"SELECT * FROM {name} WHERE id = $1", number)  # noqa: S608 - one of two names
    if not rows:
        raise refuse(404, "not_found", "The list has no such entry.")
    return _shown(rows[0])


async def open_at(tx: PostgresTransaction, code: str, place: str) -> list[int]:
    """Return the open refusals of a code whose place begins so."""
    sql = "SELECT id FROM refusals WHERE state = 'open' AND code = $1 AND starts_with(place, $2) ORDER BY id"
    return [row["id"] for row in await tx.many(sql, code, place)]


async def decide(tx: PostgresTransaction, name: WorkList, number: int, decision: Decision) -> None:
    """Keep what was decided of an open entry; refuse with 409 what was decided before."""
    became = decision.event or (None, None)
    rows = await tx.many(
        f"UPDATE {name} SET state = $2, decided_by = $3, decided_at = clock_timestamp(), reason = $4, "  # noqa: S608 - one of two names
        "became_source = $5, became_id = $6 WHERE id = $1 AND state = 'open' RETURNING *",
        number,
        decision.state.value,
        decision.by,
        decision.reason,
        *became,
    )
    if not rows:
        check_open(await entry(tx, name, number))
    elif name is WorkList.REFUSALS and rows[0]["place"] is not None:
        await _let_tell_again(tx, rows[0]["client"], rows[0]["code"])


async def _let_tell_again(tx: PostgresTransaction, topic: str, code: str) -> None:
    """Forget that persons were told of a topic's refusals when none of this code is open any more."""
    await tx.many("SELECT FROM inbound_told WHERE topic = $1 AND code = $2 FOR UPDATE", topic, code)
    await tx.many(_TELL_AGAIN, topic, code)


def check_open(found: Mapping[str, Any]) -> None:
    """Refuse an entry that a person has dealt with."""
    if found["state"] != State.OPEN:
        raise refuse(409, "already_decided", f"It was {found['state']} by {found['decided_by']}.")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    hidden = {"rank", "content"}
    return {name: _text(value) for name, value in row.items() if name not in hidden}


def _text(value: Any) -> Any:
    return instants.text(value) if isinstance(value, datetime) else value

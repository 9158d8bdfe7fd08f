"""Tables of replies (绩效沟通): what a unit says to an entry, and the dated answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.scoring.listing import Listing
from services.scoring.reviews import Entry
from shared.storage.transaction import PostgresTransaction

Begin = tuple[int]

_ADD = """
    INSERT INTO replies (entry, scheme, unit, indicator, month, paths, at, person, says)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"""
_ANSWER = """
    UPDATE replies SET answered_at = $2, answered_by = $3, answer = $4
    WHERE number = $1 AND answered_at IS NULL"""
_OF_CELL = """
    SELECT * FROM replies WHERE scheme = $1 AND unit = $2 AND indicator = $3 AND month = ANY($4::int[])
    ORDER BY number LIMIT $5"""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply of a unit to an entry, with its answer once there is one."""

    number: int
    entry: int
    scheme: str
    unit: str
    indicator: str
    month: int
    paths: tuple[str, ...]
    at: datetime
    person: str
    says: str
    answered_at: datetime | None
    answered_by: str | None
    answer: str | None


async def add(
    tx: PostgresTransaction, entry: Entry, paths: Sequence[str], at: datetime, person: str, says: str
) -> int:
    """Keep a reply, the same of the same person only once, and return its number."""
    cell = entry.scheme, entry.unit, entry.indicator, entry.month
    await tx.many(_ADD, entry.id, *cell, list(paths), at, person, says)
    statement = "SELECT number FROM replies WHERE entry = $1 AND person = $2 AND says = $3"
    return (await tx.many(statement, entry.id, person, says))[0]["number"]


async def answer(tx: PostgresTransaction, number: int, at: datetime, person: str, says: str) -> None:
    """Keep the answer to a reply; the first stays."""
    await tx.many(_ANSWER, number, at, person, says)


async def find(tx: PostgresTransaction, number: int) -> Reply | None:
    """Return a reply."""
    rows = await tx.many("SELECT * FROM replies WHERE number = $1 FOR UPDATE", number)
    return _read(rows[0]) if rows else None


async def of_cell(
    tx: PostgresTransaction, cell: tuple[str, str, str], months: Sequence[int], limit: int
) -> list[Reply]:
    """Return replies to entries of (scheme, unit, indicator) in months."""
    return [_read(row) for row in await tx.many(_OF_CELL, *cell, list(months), limit)]


def _read(row: Mapping[str, Any]) -> Reply:
    told: dict[str, Any] = dict(row) | {"paths": tuple(row["paths"])}
    return Reply(**told)


LISTING = Listing("replies", "number", Begin, 0, _read, {"answered": "(answered_at IS NOT NULL)"})

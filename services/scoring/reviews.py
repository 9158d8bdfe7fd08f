"""Tables of reviews: the entry that is asked about, where the review stands, every step with its person."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.scoring import store
from services.scoring.domain.reviews import State
from services.scoring.listing import Listing
from services.scoring.requests import Taken
from services.scoring.traces import PlainText
from shared.storage.transaction import PostgresTransaction

Begin = tuple[PlainText]

_ENTRY = "SELECT id, scheme, version, month, unit, indicator, old, new, at FROM entries WHERE id = $1"
_ADD = "INSERT INTO reviews VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, NULL)"
_OF_CELL = """
    SELECT * FROM reviews WHERE scheme = $1 AND unit = $2 AND indicator = $3 AND month = ANY($4::int[])
    ORDER BY id LIMIT $5"""
_PERSONS = """
    SELECT DISTINCT person FROM reviews r JOIN review_steps s ON s.review = r.id
    WHERE scheme = $1 AND unit = $2 AND indicator = $3 AND month = $4"""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger; `at` is its date as an instant."""

    id: int
    scheme: str
    version: int
    month: int
    unit: str
    indicator: str
    old: Decimal | None
    new: Decimal | None
    at: str


@dataclass(frozen=True, slots=True)
class Review:
    """A review; `paths` are those of its unit and of the assessor, if there is one."""

    id: str
    entry: int
    scheme: str
    unit: str
    indicator: str
    month: int
    paths: tuple[str, ...]
    state: State
    asked: Mapping[str, Any]
    decided: Mapping[str, Any] | None = None


async def entry(tx: PostgresTransaction, number: int) -> Entry | None:
    """Return an entry of the ledger."""
    rows = await tx.many(_ENTRY, number)
    return Entry(**dict(rows[0])) if rows else None


async def worked(tx: PostgresTransaction, zone: str) -> dict[date, bool]:
    """Return the days that the working calendar in force says something of, and whether they are worked."""
    document = await store.newest_calendar(tx, zone) or {"notices": []}
    days = [day for notice in document["notices"] for day in notice["days"]]
    return {date.fromisoformat(day["day"]): day["kind"] != "rest" for day in days}


async def add(tx: PostgresTransaction, one: Review) -> None:
    """Keep a new review."""
    row = (one.id, one.entry, one.scheme, one.unit, one.indicator, one.month, list(one.paths), one.state)
    await tx.many(_ADD, *row, json.dumps(one.asked))


async def move(tx: PostgresTransaction, review: str, state: State, decided: Mapping[str, Any] | None) -> None:
    """Note where a review stands from here on, and what was decided."""
    told = None if decided is None else json.dumps(decided)
    await tx.many("UPDATE reviews SET state = $2, decided = $3 WHERE id = $1", review, state, told)


async def note(tx: PostgresTransaction, review: str, step: int, taken: Taken) -> None:
    """Keep a step; none is ever changed."""
    statement = "INSERT INTO review_steps VALUES ($1, $2, $3, $4, $5, $6)"
    await tx.many(statement, review, step, taken.at, taken.what, taken.person, taken.reason)


async def find(tx: PostgresTransaction, review: str) -> Review | None:
    """Return a review."""
    rows = await tx.many("SELECT * FROM reviews WHERE id = $1", review)
    return _read(rows[0]) if rows else None


async def of_entry(tx: PostgresTransaction, number: int) -> list[Review]:
    """Return every review of an entry, the first first."""
    rows = await tx.many("SELECT * FROM reviews WHERE entry = $1", number)
    return sorted(map(_read, rows), key=lambda one: int(one.id.partition("-")[2]))


async def of_cell(
    tx: PostgresTransaction, cell: tuple[str, str, str], months: Sequence[int], limit: int
) -> list[Review]:
    """Return reviews of (scheme, unit, indicator) in months."""
    return [_read(row) for row in await tx.many(_OF_CELL, *cell, list(months), limit)]


async def persons(tx: PostgresTransaction, cell: tuple[str, str, str], month: int) -> set[str]:
    """Return who took any step of a review of (scheme, unit, indicator) in a month."""
    return {row["person"] for row in await tx.many(_PERSONS, *cell, month)}


async def steps(tx: PostgresTransaction, review: str) -> list[Taken]:
    """Return the steps of a review in order, the asking first."""
    statement = "SELECT at, what, person, reason FROM review_steps WHERE review = $1 ORDER BY step"
    return [Taken(**dict(row)) for row in await tx.many(statement, review)]


def _read(row: Mapping[str, Any]) -> Review:
    told: dict[str, Any] = dict(row) | {
        "paths": tuple(row["paths"]),
        "state": State(row["state"]),
        "asked": json.loads(row["asked"]),
        "decided": None if row["decided"] is None else json.loads(row["decided"]),
    }
    return Review(**told)


LISTING = Listing("reviews", "id", Begin, "", _read, {})

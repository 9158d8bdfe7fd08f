"""Tables of requests for manual points: what was asked, where it stands, and every step with its person."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.scoring.domain.requests import State
from services.scoring.listing import Listing
from services.scoring.traces import PlainText
from shared.storage.transaction import PostgresTransaction

Begin = tuple[PlainText]

_ADD = "INSERT INTO requests VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_OF_CELL = """
    SELECT * FROM requests
    WHERE scheme = $1 AND unit = $2 AND indicator = $3 AND month = $4 ORDER BY id"""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `paths` are those of its unit and of the assessor, `asked` is what was asked as it came."""

    id: str
    scheme: str
    unit: str
    indicator: str
    month: int
    sha256: str
    paths: tuple[str, ...]
    state: State
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Taken:
    """A step: when, which, by whom, why."""

    at: datetime
    what: str
    person: str
    reason: str


async def add(tx: PostgresTransaction, one: Request) -> None:
    """Keep a new request."""
    row = (one.id, one.scheme, one.unit, one.indicator, one.month, one.sha256, list(one.paths), one.state)
    await tx.many(_ADD, *row, json.dumps(one.asked))


async def move(tx: PostgresTransaction, request: str, state: State) -> None:
    """Note where a request stands from here on."""
    await tx.many("UPDATE requests SET state = $2 WHERE id = $1", request, state)


async def note(tx: PostgresTransaction, request: str, step: int, taken: Taken) -> None:
    """Keep a step; none is ever changed."""
    statement = "INSERT INTO request_steps VALUES ($1, $2, $3, $4, $5, $6)"
    await tx.many(statement, request, step, taken.at, taken.what, taken.person, taken.reason)


async def find(tx: PostgresTransaction, request: str) -> Request | None:
    """Return a request."""
    rows = await tx.many("SELECT * FROM requests WHERE id = $1", request)
    return _read(rows[0]) if rows else None


async def steps(tx: PostgresTransaction, request: str) -> list[Taken]:
    """Return the steps of a request in order, the asking first."""
    statement = "SELECT at, what, person, reason FROM request_steps WHERE request = $1 ORDER BY step"
    return [Taken(**dict(row)) for row in await tx.many(statement, request)]


async def of_cell(
    tx: PostgresTransaction, scheme: str, unit: str, indicator: str, month: int
) -> list[Request]:
    """Return every request of a cell."""
    return [_read(row) for row in await tx.many(_OF_CELL, scheme, unit, indicator, month)]


def _read(row: Mapping[str, Any]) -> Request:
    told: dict[str, Any] = dict(row) | {
        "paths": tuple(row["paths"]),
        "state": State(row["state"]),
        "asked": json.loads(row["asked"]),
    }
    return Request(**told)


LISTING = Listing("requests", "id", Begin, "", _read, {})

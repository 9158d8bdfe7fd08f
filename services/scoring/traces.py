"""Tables that lead back from a cell: its entries, what waits in suspense, how fresh it is."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from services.scoring.store import columns
from shared.kernel import instants
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

PlainText = Annotated[str, Meta(pattern=r"\A[^\x00]*\Z")]


class Doubted(NamedTuple):
    """Why a case waits, and what of it; also where a page goes on, so bounded by what the tables take."""

    shard: Annotated[int, Meta(ge=0, lt=SHARDS)]
    grp: bytes
    why: PlainText
    what: PlainText


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One change of a month cell."""

    id: int
    month: int
    old: Decimal | None
    new: Decimal | None
    cause: Sequence[Mapping[str, Any]]
    known_at: str


@dataclass(frozen=True, slots=True)
class Until:
    """Which entries were known: those up to an id, and whose newest `received` lies before an instant."""

    entry: int = (1 << 63) - 1
    before: str = "9"


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry with the cell that it changed."""

    scheme: tuple[str, int]
    group: str
    unit: str
    indicator: str
    entry: LedgerEntry


class SuspenseEntry(NamedTuple):
    """An entry of 0 points: a case waits from here on, or it is settled, and the record that did it."""

    id: int
    settles: bool
    cause: str


EVERYTHING = Until()
_PAGE = {
    settled: f"SELECT shard, grp, why, what FROM suspense WHERE (shard, grp, why, what) > ($1, $2, $3, $4) "  # noqa: S608
    f"{where} ORDER BY shard, grp, why, what LIMIT $5"
    for settled, where in (
        (False, "AND settled IS NULL"),
        (True, "AND settled IS NOT NULL"),
        (None, ""),
    )
}
_DOUBTS = (
    "unnest($1::smallint[], $2::bytea[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY "
    "n(shard, grp, why, what, cause, nth)"
)
_SETTLE = f"""
    WITH gone AS (
        UPDATE suspense s SET settled = n.cause FROM {_DOUBTS}
        WHERE (s.shard, s.grp, s.why, s.what) = (n.shard, n.grp, n.why, n.what) AND s.settled IS NULL
        RETURNING s.shard, s.grp, s.why, s.what, n.cause, n.nth)
    INSERT INTO suspense_entries (shard, grp, why, what, settles, cause)
    SELECT shard, grp, why, what, true, cause FROM gone ORDER BY nth"""  # noqa: S608 - no text of others
_SUSPEND = f"""
    WITH come AS (
        INSERT INTO suspense (shard, grp, why, what, opened)
        SELECT shard, grp, why, what, cause FROM {_DOUBTS}
        ON CONFLICT (shard, grp, why, what) DO UPDATE SET opened = excluded.opened, settled = NULL)
    INSERT INTO suspense_entries (shard, grp, why, what, settles, cause)
    SELECT shard, grp, why, what, false, cause FROM {_DOUBTS} ORDER BY nth"""  # noqa: S608 - no text of others
_ENTRIES_OF = """
    SELECT id, shard, grp, why, what, settles, cause FROM suspense_entries
    JOIN unnest($1::smallint[], $2::bytea[], $3::text[], $4::text[]) n(shard, grp, why, what)
    USING (shard, grp, why, what) ORDER BY id"""
_ENTRY = "e.id, month, old, new, ranges::text AS ranges, at"


async def entries(
    tx: PostgresTransaction,
    scheme: tuple[str, int],
    cell: tuple[str, str, str],
    months: Sequence[int],
    limit: int,
    until: Until = EVERYTHING,
) -> list[LedgerEntry]:
    """Return the newest entries of (group, unit, indicator) in months, oldest first."""
    rows = await tx.many(
        f"SELECT {_ENTRY} FROM entries e JOIN causes c ON c.digest = e.cause "  # noqa: S608 - columns
        "WHERE scheme = $1 AND version = $2 AND grp = $3 AND unit = $4 AND indicator = $5 "
        "AND month = ANY($6::int[]) AND e.id <= $8 AND at < $9 ORDER BY e.id DESC LIMIT $7",
        *scheme,
        *cell,
        list(months),
        limit,
        until.entry,
        until.before,
    )
    return [_entry(row) for row in reversed(rows)]


async def entry(tx: PostgresTransaction, number: int) -> Placed | None:
    """Return an entry by its id."""
    rows = await tx.many(
        f"SELECT {_ENTRY}, scheme, version, grp, unit, indicator FROM entries e "  # noqa: S608 - columns
        "JOIN causes c ON c.digest = e.cause WHERE e.id = $1",
        number,
    )
    if not rows:
        return None
    (row,) = rows
    scheme = row["scheme"], row["version"]
    return Placed(scheme, row["grp"], row["unit"], row["indicator"], _entry(row))


def _entry(row: Mapping[str, Any]) -> LedgerEntry:
    cause = json.loads(row["ranges"])
    return LedgerEntry(row["id"], row["month"], row["old"], row["new"], cause, row["at"])


async def save_doubts(
    tx: PostgresTransaction, opened: Mapping[Doubted, str], settled: Mapping[Doubted, str]
) -> None:
    """Post what waits in suspense from here on and what no longer does, each with the record that did it."""
    if settled:
        await tx.many(_SETTLE, *columns([(*doubt, cause) for doubt, cause in sorted(settled.items())], 5))
    if opened:
        await tx.many(_SUSPEND, *columns([(*doubt, cause) for doubt, cause in sorted(opened.items())], 5))


async def suspended(
    tx: PostgresTransaction, after: Doubted | None, limit: int, *, settled: bool | None
) -> dict[Doubted, list[SuspenseEntry]]:
    """Return a page of what waits in suspense, was settled, or with None both, each with its entries."""
    rows = await tx.many(
        _PAGE[settled],
        *(after or (-1, b"", "", "")),
        limit,
    )
    found = {
        Doubted(row["shard"], row["grp"], row["why"], row["what"]): list[SuspenseEntry]() for row in rows
    }
    for row in await tx.many(_ENTRIES_OF, *columns(list(found), 4)) if found else ():
        doubt = Doubted(row["shard"], row["grp"], row["why"], row["what"])
        found[doubt].append(SuspenseEntry(row["id"], row["settles"], row["cause"]))
    return found


async def fresh_at(
    tx: PostgresTransaction, code: str, versions: Sequence[int], groups: Sequence[str]
) -> str | None:
    """Return the newest `received` that the cells of groups contain in versions of a scheme."""
    rows = await tx.many(
        "SELECT max(fresh_at) AS newest FROM freshness "
        "WHERE scheme = $1 AND version = ANY($2::int[]) AND grp = ANY($3::text[])",
        code,
        list(versions),
        list(groups),
    )
    return rows[0]["newest"]


async def now(tx: PostgresTransaction, *, replay: bool) -> datetime:
    """Return the time: that of the database, in a replay the newest `received` that is scored."""
    at = await newest(tx) if replay else None
    if at is not None:
        return instants.parse(at, "/time")
    rows = await tx.many("SELECT clock_timestamp() AS now")
    return rows[0]["now"]


async def newest(tx: PostgresTransaction) -> str | None:
    """Return the newest `received` that any cell contains."""
    rows = await tx.many("SELECT max(fresh_at) AS newest FROM freshness")
    return rows[0]["newest"]

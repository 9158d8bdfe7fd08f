"""Lists and counts of items, as persons ask for them."""

from dataclasses import dataclass
from datetime import datetime

from services.supervision.domain.machine import OPEN_STATES, State
from services.supervision.store import ItemRow, item_row
from shared.storage.transaction import PostgresTransaction

EVERYTHING = "/"
_LATE = ("red", "done_late")
_LIST = """
    SELECT * FROM items WHERE id > $1
        AND (state = $3 OR $3::text IS NULL) AND (light = $4 OR $4::text IS NULL)
        AND (kind = $5 OR $5::text IS NULL) AND (unit = $6 OR $6::text IS NULL)
        AND (scheme = $7 OR $7::text IS NULL) AND (indicator = $8 OR $8::text IS NULL)
        AND ($9::bool IS NULL OR (state = ANY($10::text[])) = $9)
        AND ($11::bool IS NULL OR (light = ANY($12::text[])) = $11)
        AND (provisional = $14 OR $14::bool IS NULL)
        AND ($13 = '/' OR EXISTS (
            SELECT FROM unnest(paths || bearers || assessor) p WHERE starts_with(p || '/', $13 || '/')))
    ORDER BY id LIMIT $2"""
# Open is what is not done or cancelled: what its unit works on, and what was submitted and waits.
_COUNT = """
    SELECT count(*) AS given, count(*) FILTER (WHERE waits OR NOT stopped) AS open,
        count(*) FILTER (WHERE waits AND stopped) AS submitted,
        count(*) FILTER (WHERE CASE WHEN stopped THEN waits AND due <= done ELSE due < $1 END) AS overdue,
        count(*) FILTER (WHERE provisional AND (waits OR NOT stopped)) AS provisional,
        count(*) FILTER (WHERE stopped AND NOT waits) AS done,
        count(*) FILTER (WHERE stopped AND NOT waits AND due <= done) AS done_late
    FROM (SELECT due, done, provisional, COALESCE(done < $1, FALSE) AS stopped, state = 'submitted' AS waits
        FROM items
        WHERE given < $1 AND NOT state IN ('withdrawn', 'cancelled') AND (unit = $2 OR $2::text IS NULL)
        AND ($3 = '/' OR EXISTS (
            SELECT FROM unnest(paths || assessor) p WHERE starts_with(p || '/', $3 || '/')))) told"""

# The last step of a path is the unit itself.
_BY_INDICATOR_AND_UNIT = """
    SELECT indicator, substring(path FROM '[^/]+$') AS unit, count(*) AS items FROM items, unnest(paths) path
    WHERE scheme = $1 AND indicator IS NOT NULL AND NOT state IN ('withdrawn', 'cancelled')
    GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items; `below` is the unit path that must lie above one of an item's, or above its assessor's."""

    below: str
    state: str | None = None
    light: str | None = None
    kind: str | None = None
    unit: str | None = None
    scheme: str | None = None
    indicator: str | None = None
    open: bool | None = None
    overdue: bool | None = None
    provisional: bool | None = None


async def listed(tx: PostgresTransaction, wanted: Wanted, after: str, limit: int) -> list[ItemRow]:
    """Return a page of items in the order of their ids."""
    rows = await tx.many(
        _LIST,
        after,
        limit,
        wanted.state,
        wanted.light,
        wanted.kind,
        wanted.unit,
        wanted.scheme,
        wanted.indicator,
        wanted.open,
        [state.value for state in (*OPEN_STATES, State.SUBMITTED)],
        wanted.overdue,
        list(_LATE),
        wanted.below.rstrip("/") or EVERYTHING,
        wanted.provisional,
    )
    return [item_row(row) for row in rows]


async def counted(tx: PostgresTransaction, at: datetime, unit: str | None, below: str) -> dict[str, int]:
    """Count the items given, open, overdue and done just before an instant."""
    (row,) = await tx.many(_COUNT, at, unit, below.rstrip("/") or EVERYTHING)
    return dict(row)


async def by_indicator_and_unit(tx: PostgresTransaction, scheme: str) -> dict[tuple[str, str], int]:
    """Return how many items each unit has of each indicator of a scheme; those taken back do not count.

    An item is one of its lead unit and of every unit among its shares.
    """
    rows = await tx.many(_BY_INDICATOR_AND_UNIT, scheme)
    return {(row["indicator"], row["unit"]): row["items"] for row in rows}


async def newest_tick(tx: PostgresTransaction) -> datetime | None:
    """Return the newest tick of any shard."""
    (row,) = await tx.many("SELECT max(minute) AS minute FROM clock")
    return row["minute"]

"""The rebuilds of a service as rows, so that each worker knows of all, and the lock by which one works."""

from dataclasses import dataclass

from shared.storage.transaction import PostgresTransaction

WAITING_S = 60  # a worker takes up what it was asked within the second

_ALONE = (
    "SELECT pg_try_advisory_xact_lock(hashtextextended('dukao rebuild ' || current_schema(), 0)) AS alone"
)
_START = "INSERT INTO rebuilds (person, document) VALUES ($1, $2::text::jsonb) RETURNING id"
_KEEP = "UPDATE rebuilds SET document = $2::text::jsonb WHERE id = $1"
_FIND = """
    SELECT person, document::text AS document,
        at < clock_timestamp() - make_interval(secs => $2::int) AS old FROM rebuilds WHERE id = $1"""
_NEWEST = "SELECT COALESCE(max(id), 0) AS id FROM rebuilds"


@dataclass(frozen=True, slots=True)
class Kept:
    """A rebuild as its worker wrote it last; `old` if it was asked for long ago."""

    person: str
    document: str
    old: bool


async def alone(tx: PostgresTransaction) -> bool:
    """Tell whether no other transaction rebuilds this schema; then none does until mine ends."""
    return (await tx.many(_ALONE))[0]["alone"]


async def start(tx: PostgresTransaction, person: str, document: str) -> int:
    """Keep a rebuild that is asked for and return its number."""
    return (await tx.many(_START, person, document))[0]["id"]


async def keep(tx: PostgresTransaction, number: int, document: str) -> None:
    """Keep how far a rebuild is and what it found."""
    await tx.many(_KEEP, number, document)


async def find(tx: PostgresTransaction, number: int) -> Kept | None:
    """Return a rebuild of any worker, if there was one."""
    rows = await tx.many(_FIND, number, WAITING_S)
    return Kept(**rows[0]) if rows else None


async def newest(tx: PostgresTransaction) -> int:
    """Return the number of the rebuild that was asked for last."""
    return (await tx.many(_NEWEST))[0]["id"]

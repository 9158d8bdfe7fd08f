"""The tables of ingest beside the shared ones."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.canonical import canonical, digest_hex
from shared.storage.transaction import PostgresTransaction

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Draft:
    """A catalogue document with who drafted and who adopted it."""

    version: int
    document: dict[str, Any]
    digest: str
    drafted_by: str
    adopted_by: str | None


async def move_clock(tx: PostgresTransaction, minute: datetime) -> bool:
    """Move the clock on; false if it is there already."""
    rows = await tx.execute(
        "UPDATE clock SET minute = :minute WHERE minute < :minute RETURNING minute", minute=minute
    )
    return bool(rows)


async def save_refusals(tx: PostgresTransaction, rows: Sequence[tuple[object, ...]]) -> None:
    """Keep (door, code, pointer, digest) of what was refused."""
    columns = ("at", "door", "code", "pointer", "digest")
    await tx.copy("refusals", columns, [(tx.now, *row) for row in rows])


async def save_conflicts(tx: PostgresTransaction, rows: Sequence[tuple[object, ...]]) -> None:
    """Keep (code, source, id, first shard, first number, body) of what contradicts a known event."""
    columns = ("at", "code", "source", "event_id", "first_shard", "first_number", "body")
    await tx.copy("conflicts", columns, [(tx.now, *row) for row in rows])


async def page(tx: PostgresTransaction, table: str, after: int, limit: int) -> Sequence[Mapping[str, Any]]:
    """Return rows that follow a cursor, oldest first."""
    assert table in {"refusals", "conflicts"}
    query = f"SELECT * FROM {table} WHERE id > $1 ORDER BY id LIMIT $2"  # noqa: S608 - one of two names
    return await tx.many(query, after, limit)


async def offsets(tx: PostgresTransaction, *, lock: bool = False) -> dict[Place, int]:
    """Return the next offset of every inbound partition."""
    ending = " ORDER BY topic, partition FOR UPDATE" if lock else ""
    rows = await tx.many('SELECT topic, partition, "offset" FROM inbound' + ending)
    return {(row["topic"], row["partition"]): row["offset"] for row in rows}


async def move_offsets(tx: PostgresTransaction, moved: Mapping[Place, int]) -> None:
    """Write the next offset of inbound partitions."""
    await tx.many(
        """INSERT INTO inbound (topic, partition, "offset")
           SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
           ON CONFLICT (topic, partition) DO UPDATE SET "offset" = excluded."offset" """,
        [topic for topic, _ in moved],
        [partition for _, partition in moved],
        list(moved.values()),
    )


async def save_draft(tx: PostgresTransaction, document: dict[str, Any], person: str) -> Draft:
    """Keep a new version of the catalogue, not yet in force."""
    await tx.execute("LOCK TABLE catalogues IN EXCLUSIVE MODE")
    last = (await tx.execute("SELECT coalesce(max(version), 0) FROM catalogues"))[0][0]
    draft = Draft(last + 1, document, digest_hex(document), person, None)
    await tx.execute(
        "INSERT INTO catalogues (version, document, digest, drafted_by) VALUES (:v, :document, :digest, :by)",
        v=draft.version,
        document=canonical(document).decode(),
        digest=draft.digest,
        by=person,
    )
    return draft


async def adopt(tx: PostgresTransaction, version: int, person: str) -> bool:
    """Put a version in force; false if it already is."""
    rows = await tx.execute(
        """UPDATE catalogues SET adopted_by = :by, adopted_at = clock_timestamp()
           WHERE version = :v AND adopted_by IS NULL RETURNING version""",
        by=person,
        v=version,
    )
    return bool(rows)


async def drafts(tx: PostgresTransaction, version: int | None = None) -> list[Draft]:
    """Return the versions of the catalogue, newest first."""
    rows = await tx.many(
        """SELECT version, document, digest, drafted_by, adopted_by FROM catalogues
           WHERE $1::int IS NULL OR version = $1 ORDER BY version DESC LIMIT 200""",
        version,
    )
    return [
        Draft(r["version"], json.loads(r["document"]), r["digest"], r["drafted_by"], r["adopted_by"])
        for r in rows
    ]


async def in_force(tx: PostgresTransaction) -> tuple[int, dict[str, Any]] | None:
    """Return the adopted catalogue that was adopted last."""
    rows = await tx.many(
        "SELECT version, document FROM catalogues WHERE adopted_by IS NOT NULL "
        "ORDER BY adopted_at DESC LIMIT 1"
    )
    return (rows[0]["version"], json.loads(rows[0]["document"])) if rows else None

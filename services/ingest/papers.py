"""Where manifests are kept: the newest of each source and day, and from which day on there can be one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.ingest.domain.manifests import Compared, Comparison, Manifest
from services.ingest.domain.sources import ManifestSpec
from shared.kernel import instants
from shared.storage.transaction import PostgresTransaction

_SAVE = """
    INSERT INTO manifests (source, day, revision, manifest, told_by, told_at, state, comparison)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (source, day) DO UPDATE
    SET revision = excluded.revision, manifest = excluded.manifest, told_by = excluded.told_by,
        told_at = excluded.told_at, state = excluded.state, comparison = excluded.comparison"""
_PAGE = """
    SELECT * FROM manifests WHERE id > $1 AND ($2::text IS NULL OR source = $2)
        AND ($3::text IS NULL OR state = $3) ORDER BY id LIMIT $4"""
_COUNT_FROM = """
    INSERT INTO countings (source, spec, since) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
    ON CONFLICT (source) DO UPDATE SET spec = excluded.spec, since = excluded.since"""
_SETTLED = """
    SELECT source, day FROM manifests WHERE (source, day) NOT IN (SELECT source, day FROM moved_days)"""
_KNOWN_SOURCES = """
    SELECT DISTINCT jsonb_object_keys(document->'sources') AS source FROM catalogues
    WHERE approver IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Paper:
    """The newest manifest of a day, and what it was compared with last."""

    source: str
    day: str
    revision: int
    manifest: Manifest
    compared: Comparison


async def paper(tx: PostgresTransaction, source: str, day: str) -> Paper | None:
    """Return the newest manifest of a source's day."""
    found = await papers(tx, [(source, day)])
    return found[0] if found else None


async def papers(tx: PostgresTransaction, days: Sequence[tuple[str, str]]) -> list[Paper]:
    """Return the newest manifests of those days that have one."""
    if not days:
        return []
    rows = await tx.many(
        "SELECT source, day, revision, manifest, state, comparison FROM manifests "
        "WHERE (source, day) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY source, day",
        *zip(*days, strict=True),
    )
    return [
        Paper(
            row["source"],
            row["day"],
            row["revision"],
            Manifest.model_validate_json(row["manifest"]),
            _read(row),
        )
        for row in rows
    ]


async def save(tx: PostgresTransaction, told: Paper, comparison: Comparison, by: str) -> None:
    """Keep a manifest with what it was compared with."""
    place = told.source, told.day, told.revision
    kept = told.manifest.model_dump_json()
    await tx.many(_SAVE, *place, kept, by, tx.now, comparison.state.value, _written(comparison))


async def compared(tx: PostgresTransaction, told: Paper, comparison: Comparison) -> None:
    """Keep what a manifest was compared with this time."""
    await tx.many(
        "UPDATE manifests SET state = $3, comparison = $4 WHERE source = $1 AND day = $2",
        told.source,
        told.day,
        comparison.state.value,
        _written(comparison),
    )


async def settled(tx: PostgresTransaction) -> list[Paper]:
    """Return the manifests of whose days nothing came since a tick compared them, or they came themselves."""
    return await papers(tx, [(row["source"], row["day"]) for row in await tx.many(_SETTLED)])


async def page(
    tx: PostgresTransaction, after: int, limit: int, *, source: str | None, state: str | None
) -> list[dict[str, Any]]:
    """Return manifests that follow an id, each as it is shown."""
    return [_shown(row) for row in await tx.many(_PAGE, after, source, state, limit)]


async def shown(tx: PostgresTransaction, source: str, day: str) -> dict[str, Any] | None:
    """Return the manifest of a day as it is shown."""
    rows = await tx.many("SELECT * FROM manifests WHERE source = $1 AND day = $2", source, day)
    return _shown(rows[0]) if rows else None


async def counted_since(tx: PostgresTransaction, source: str) -> str | None:
    """Return the first day that is counted whole, None when all of a source's days are."""
    rows = await tx.many("SELECT since FROM countings WHERE source = $1", source)
    return rows[0]["since"] if rows else None


async def count_from(
    tx: PostgresTransaction, declared: Mapping[str, tuple[ManifestSpec, date]], adopted_before: set[str]
) -> None:
    """Keep from which day on sources are counted: a new one all of it, a changed one the day given."""
    rows = await tx.many("SELECT source, spec, since FROM countings")
    known = {row["source"]: (row["spec"], row["since"]) for row in rows}
    await tx.many("DELETE FROM countings WHERE source <> ALL($1::text[])", list(declared))
    since: dict[str, tuple[str, str | None]] = {}
    for source, (spec, from_day) in declared.items():
        written = spec.model_dump_json()
        if known.get(source, ("", None))[0] != written:
            since[source] = written, from_day.isoformat() if source in adopted_before else None
    if since:
        specs, days = zip(*since.values(), strict=True)
        await tx.many(_COUNT_FROM, list(since), specs, days)


async def adopted_sources(tx: PostgresTransaction) -> set[str]:
    """Return every source that was ever adopted."""
    return {row["source"] for row in await tx.many(_KNOWN_SOURCES)}


def _written(comparison: Comparison) -> str:
    found = {"count": comparison.count, "digest": comparison.digest}
    return json.dumps({"found": found, "differing": comparison.differing})


def _read(row: Mapping[str, Any]) -> Comparison:
    kept = json.loads(row["comparison"])
    found = kept["found"]
    return Comparison(Compared(row["state"]), found["count"], found["digest"], tuple(kept["differing"]))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "source": row["source"],
        "day": row["day"],
        "revision": row["revision"],
        "state": row["state"],
        "manifest": json.loads(row["manifest"]),
        "told_by": row["told_by"],
        "told_at": instants.text(row["told_at"]),
        **json.loads(row["comparison"]),
    }

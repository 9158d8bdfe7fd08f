"""Tables of scoring: catalogues, schemes in force, partials of stage A."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from services.scoring.domain.document import ParentSpec, SchemeDocument
from shared.kernel.canonical import digest_hex
from shared.kernel.errors import refuse
from shared.kernel.periods import PeriodCalendar
from shared.storage.transaction import PostgresTransaction

_SCHEME = """
    SELECT s.document, digest, c.document AS catalogue, author, approver FROM schemes s
    JOIN catalogues c ON c.version = s.catalogue WHERE code = :code AND s.version = :version"""
_SAVE_CATALOGUE = """
    INSERT INTO catalogues SELECT :version, jsonb_set(told, '{types}', known || (told -> 'types'))
    FROM (SELECT CAST(:document AS jsonb)) new(told), (SELECT COALESCE((SELECT document -> 'types'
        FROM catalogues WHERE version < :version ORDER BY version DESC LIMIT 1), '{}'))  old(known)
    ON CONFLICT DO NOTHING"""
_LOAD_PARTIALS = """
    SELECT shard, scheme, over, unit, month, numbers FROM partials
    JOIN unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::int[])
        n(shard, scheme, over, unit, month) USING (shard, scheme, over, unit, month)"""
_PARTIALS_OF = """
    SELECT over, unit, month, numbers FROM partials
    WHERE shard = $1 AND scheme = $2 AND unit = ANY($3::text[])"""
_SAVE_PARTIALS = """
    INSERT INTO partials (shard, scheme, over, unit, month, numbers)
    SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[])
    ON CONFLICT (shard, scheme, over, unit, month) DO UPDATE SET numbers = excluded.numbers"""
_NUMBERS = msgspec.json.Decoder(list[int])
_ENCODER = msgspec.json.Encoder()

PartialCell = tuple[int, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A stored version of a scheme with the catalogue it was checked against."""

    document: SchemeDocument
    digest: str
    catalogue: Mapping[str, Any]
    author: str
    approver: str | None


async def save_catalogue(tx: PostgresTransaction, version: int, document: Mapping[str, Any]) -> None:
    """Keep an adopted catalogue with the types of all before it; every shard tells of it, the first is kept.

    A type that is withdrawn is refused by ingest from then on; what was accepted is still read and scored.
    """
    await tx.execute(_SAVE_CATALOGUE, version=version, document=json.dumps(document))


async def save_calendar(
    tx: PostgresTransaction, zone: str, version: int, document: Mapping[str, Any], received: str
) -> None:
    """Keep an adopted working calendar; every shard tells of it, it was received when the first was."""
    await tx.execute(
        "INSERT INTO calendars AS c SELECT CAST(:zone AS text), CAST(:version AS int), "
        "CAST(:document AS jsonb), CAST(:received AS text) WHERE NOT EXISTS (SELECT FROM calendars k "
        "WHERE (k.zone, k.version) = (:zone, :version) AND k.received <= :received) "
        "ON CONFLICT (zone, version) DO UPDATE SET received = LEAST(c.received, excluded.received)",
        zone=zone,
        version=version,
        document=json.dumps(document),
        received=received,
    )


async def working_calendars(tx: PostgresTransaction, zone: str) -> list[tuple[str, Mapping[str, Any]]]:
    """Return when each working calendar of a zone was received, and its document, the first first."""
    rows = await tx.execute(
        "SELECT received, document FROM calendars WHERE zone = :zone ORDER BY version", zone=zone
    )
    return [(row.received, row.document) for row in rows]


async def newest_calendar(tx: PostgresTransaction, zone: str) -> Mapping[str, Any] | None:
    """Return the document of the working calendar of a zone with the highest version."""
    rows = await tx.execute(
        "SELECT document FROM calendars WHERE zone = :zone ORDER BY version DESC LIMIT 1", zone=zone
    )
    return rows[0].document if rows else None


async def newest_catalogue_version(tx: PostgresTransaction) -> int:
    """Return the version of the newest catalogue, 0 when there is none."""
    rows = await tx.execute("SELECT max(version) AS version FROM catalogues")
    return rows[0].version or 0


async def newest_catalogue(tx: PostgresTransaction) -> tuple[int, Mapping[str, Any]]:
    """Return the newest catalogue, version 0 when there is none."""
    rows = await tx.execute("SELECT version, document FROM catalogues ORDER BY version DESC LIMIT 1")
    return (rows[0].version, rows[0].document) if rows else (0, {})


async def draft(tx: PostgresTransaction, document: SchemeDocument, catalogue: int, author: str) -> None:
    """Keep a draft; an adopted version never changes."""
    written = document.written()
    rows = await tx.execute(
        "INSERT INTO schemes (code, version, document, digest, catalogue, author) "
        "VALUES (:code, :version, CAST(:document AS jsonb), :digest, :catalogue, :author) "
        "ON CONFLICT (code, version) DO UPDATE SET document = excluded.document, digest = excluded.digest, "
        "catalogue = excluded.catalogue, author = excluded.author WHERE schemes.approver IS NULL RETURNING 1",
        code=document.scheme.code,
        version=document.scheme.version,
        document=json.dumps(written),
        digest=digest_hex(written),
        catalogue=catalogue,
        author=author,
    )
    if not rows:
        raise refuse(409, "already_adopted", "An adopted version never changes; write a new version.")


async def scheme(tx: PostgresTransaction, code: str, version: int) -> Scheme:
    """Return a version of a scheme, or refuse with 404."""
    return _found(await tx.execute(_SCHEME, code=code, version=version))


async def parents(tx: PostgresTransaction, code: str) -> list[ParentSpec | None]:
    """Return what the versions of a scheme name as the scheme above them, each once."""
    rows = await tx.many("SELECT DISTINCT document->>'parent' AS parent FROM schemes WHERE code = $1", code)
    return [None if row["parent"] is None else ParentSpec.model_validate_json(row["parent"]) for row in rows]


async def drafted(tx: PostgresTransaction, code: str, version: int) -> Scheme:
    """Return a version of a scheme that nobody redrafts or adopts until I commit, or refuse with 404."""
    return _found(await tx.execute(f"{_SCHEME} FOR UPDATE OF s", code=code, version=version))


def _found(rows: Sequence[Any]) -> Scheme:
    if not rows:
        raise refuse(404, "not_found", "There is no such version of a scheme.")
    row = rows[0]
    document = SchemeDocument.model_validate(row.document)
    return Scheme(document, row.digest, row.catalogue, row.author, row.approver)


async def calendars(tx: PostgresTransaction) -> dict[str, PeriodCalendar]:
    """Return by scheme the calendar of its periods, which all its adopted versions have."""
    rows = await tx.many(
        "SELECT DISTINCT code, (document->'scheme'->>'first_month')::int AS first_month FROM schemes "
        "WHERE approver IS NOT NULL"
    )
    return {row["code"]: PeriodCalendar(row["first_month"]) for row in rows}


async def below(tx: PostgresTransaction, code: str) -> list[str]:
    """Return the adopted schemes of which any version names this one as its parent."""
    rows = await tx.many(
        "SELECT DISTINCT code FROM schemes "
        "WHERE approver IS NOT NULL AND document->'parent'->>'scheme' = $1 ORDER BY code",
        code,
    )
    return [row["code"] for row in rows]


async def calendar(tx: PostgresTransaction, code: str) -> PeriodCalendar:
    """Return the calendar that all adopted versions of a scheme have, or refuse if there is none."""
    rows = await tx.many(
        "SELECT (document->'scheme'->>'first_month')::int AS first_month FROM schemes "
        "WHERE code = $1 AND approver IS NOT NULL LIMIT 1",
        code,
    )
    if not rows:
        raise refuse(404, "not_found", "No adopted version of this scheme covers the period.")
    return PeriodCalendar(rows[0]["first_month"])


async def adopted_version(
    tx: PostgresTransaction, code: str, version: int | None, months: tuple[str, str]
) -> int:
    """Return the newest adopted version that covers any of (first, last), or the one asked for, or refuse."""
    rows = await tx.many(
        "SELECT max(version) AS version FROM schemes WHERE code = $1 AND approver IS NOT NULL "
        "AND (version = $2::int OR $2::int IS NULL) "
        "AND document->'scheme'->>'effective' <= $4 AND document->'scheme'->>'until' >= $3",
        code,
        version,
        *months,
    )
    if rows[0]["version"] is None:
        raise refuse(404, "not_found", "No adopted version of this scheme covers the period.")
    return rows[0]["version"]


async def adopted_numbers(tx: PostgresTransaction, code: str, months: tuple[str, str]) -> list[int]:
    """Return the adopted versions that cover any of the months (first, last), by number."""
    rows = await tx.many(
        "SELECT version FROM schemes WHERE code = $1 AND approver IS NOT NULL "
        "AND document->'scheme'->>'effective' <= $3 AND document->'scheme'->>'until' >= $2 ORDER BY version",
        code,
        *months,
    )
    return [row["version"] for row in rows]


async def adopted_before(tx: PostgresTransaction, code: str, version: int) -> int | None:
    """Return the newest adopted version of a scheme below a version, if there is one."""
    rows = await tx.many(
        "SELECT max(version) AS version FROM schemes WHERE code = $1 AND version < $2::int AND approver IS NOT NULL",
        code,
        version,
    )
    return rows[0]["version"]


async def adopt(tx: PostgresTransaction, code: str, version: int, approver: str) -> None:
    """Note who adopted a version."""
    await tx.execute(
        "UPDATE schemes SET approver = :approver WHERE code = :code AND version = :version",
        approver=approver,
        code=code,
        version=version,
    )


async def adopted_versions(tx: PostgresTransaction, code: str) -> list[SchemeDocument]:
    """Return the adopted versions of a scheme, newest first; nobody adopts beside me until I commit."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(:code, 0))", code=code)
    rows = await tx.execute(
        "SELECT document FROM schemes WHERE code = :code AND approver IS NOT NULL ORDER BY version DESC",
        code=code,
    )
    return [SchemeDocument.model_validate(row.document) for row in rows]


async def adopted_after(tx: PostgresTransaction, code: str, version: int) -> list[SchemeDocument]:
    """Return the adopted versions of a scheme above a version; nobody adopts one until I commit."""
    await hold_adoptions(tx, code)
    rows = await tx.many(
        "SELECT document FROM schemes WHERE code = $1 AND version > $2::int AND approver IS NOT NULL "
        "ORDER BY version",
        code,
        version,
    )
    return [SchemeDocument.model_validate(row["document"]) for row in rows]


async def hold_adoptions(tx: PostgresTransaction, code: str) -> None:
    """Let nobody adopt a version of a scheme until I commit; others may hold it beside me."""
    await tx.many("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", code)


async def months_scored(
    tx: PostgresTransaction, code: str, ruled: Collection[tuple[int, int]]
) -> dict[tuple[int, str, str, str], int]:
    """Count by (version, group, unit, indicator) the months that have a value, of (version, month) asked."""
    rows = await tx.many(
        "SELECT version, grp, unit, indicator, count(*) AS months FROM cells "
        "JOIN unnest($2::int[], $3::int[]) n(version, month) USING (version, month) WHERE scheme = $1 "
        "GROUP BY version, grp, unit, indicator",
        code,
        *columns(ruled, 2),
    )
    return {(row["version"], row["grp"], row["unit"], row["indicator"]): row["months"] for row in rows}


async def put_in_force(tx: PostgresTransaction, stage: str, shard: int, code: str, version: int) -> None:
    """Note that a shard of a stage applies a version from here on."""
    await tx.execute(
        "INSERT INTO in_force VALUES (:stage, :shard, :code, :version) ON CONFLICT DO NOTHING",
        stage=stage,
        shard=shard,
        code=code,
        version=version,
    )


async def take_out_of_force(tx: PostgresTransaction, stage: str, shard: int, code: str, version: int) -> None:
    """Note that another version took the place of this one."""
    await tx.execute(
        "DELETE FROM in_force WHERE stage = :stage AND shard = :shard AND code = :code AND version = :version",
        stage=stage,
        shard=shard,
        code=code,
        version=version,
    )


async def in_force(tx: PostgresTransaction, stage: str, shard: int) -> list[tuple[str, int]]:
    """Return the versions that a shard of a stage applies."""
    rows = await tx.execute(
        "SELECT code, version FROM in_force WHERE stage = :stage AND shard = :shard ORDER BY code, version",
        stage=stage,
        shard=shard,
    )
    return [(row.code, row.version) for row in rows]


async def load_partials(
    tx: PostgresTransaction, cells: Iterable[PartialCell]
) -> dict[PartialCell, list[int]]:
    """Return the partials of stage A that are known, by (shard, scheme, over, unit, month)."""
    rows = await tx.many(_LOAD_PARTIALS, *columns(cells, 5))
    return {
        (row["shard"], row["scheme"], row["over"], row["unit"], row["month"]): _NUMBERS.decode(row["numbers"])
        for row in rows
    }


async def partials_of(
    tx: PostgresTransaction, shard: int, scheme: str, units: Sequence[str]
) -> dict[PartialCell, list[int]]:
    """Return the partials of units that a shard of stage A keeps under a scheme."""
    rows = await tx.many(_PARTIALS_OF, shard, scheme, list(units))
    return {
        (shard, scheme, row["over"], row["unit"], row["month"]): _NUMBERS.decode(row["numbers"])
        for row in rows
    }


async def save_partials(tx: PostgresTransaction, partials: Mapping[PartialCell, Sequence[int]]) -> None:
    """Write absolute partials of stage A."""
    rows = [(*cell, _ENCODER.encode(numbers).decode()) for cell, numbers in sorted(partials.items())]
    await tx.many(_SAVE_PARTIALS, *columns(rows, 6))


def columns(rows: Iterable[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Turn rows into columns, so that a statement takes them as arrays."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]

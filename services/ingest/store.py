"""What ingest keeps beside its archive: catalogues, refusals, conflicts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.ingest.domain.admission import Ruling
from services.ingest.domain.catalogue import NOTHING_ADOPTED, Catalogue, compile_catalogue, parse
from shared.kernel.canonical import digest_hex
from shared.kernel.errors import Problem, refuse
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused: never the body, only its digest; `place` is topic/partition/offset for Kafka."""

    problem: Problem
    digest: str
    client: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Drafted:
    """A version of the catalogue and who stands behind it."""

    version: int
    document: dict[str, Any]
    author: str
    approver: str | None


async def adopted_catalogue(tx: PostgresTransaction) -> tuple[int, Catalogue]:
    """Return the newest adopted catalogue; version 0 when there is none."""
    rows = await tx.execute(
        "SELECT version, document FROM catalogues WHERE approver IS NOT NULL ORDER BY version DESC LIMIT 1"
    )
    if not rows:
        return 0, NOTHING_ADOPTED
    return rows[0].version, compile_catalogue(parse(rows[0].document))


async def draft(tx: PostgresTransaction, document: dict[str, Any], author: str) -> Drafted:
    """Keep a draft under the next version."""
    rows = await tx.execute(
        "INSERT INTO catalogues (version, document, digest, author) "
        "SELECT COALESCE(max(version), 0) + 1, CAST(:document AS jsonb), :digest, :author FROM catalogues "
        "RETURNING version",
        document=json.dumps(document),
        digest=digest_hex(document),
        author=author,
    )
    return Drafted(rows[0].version, document, author, None)


async def drafted(tx: PostgresTransaction, version: int) -> Drafted:
    """Lock and return a version, or refuse with 404."""
    rows = await tx.execute(
        "SELECT version, document, author, approver FROM catalogues WHERE version = :version FOR UPDATE",
        version=version,
    )
    if not rows:
        raise refuse(404, "not_found", "There is no such version.")
    return Drafted(*rows[0])


async def adopt(tx: PostgresTransaction, version: int, approver: str) -> None:
    """Note who adopted a version."""
    await tx.execute(
        "UPDATE catalogues SET approver = :approver WHERE version = :version",
        approver=approver,
        version=version,
    )


async def note_refusals(tx: PostgresTransaction, refusals: Sequence[Refusal]) -> None:
    """Keep what was refused for the work list."""
    rows = [
        (r.problem.code, r.problem.detail, r.problem.pointer, r.digest, r.client, r.place) for r in refusals
    ]
    await tx.copy("refusals", ("code", "detail", "pointer", "digest", "client", "place"), rows)


async def note_conflicts(tx: PostgresTransaction, rulings: Sequence[Ruling]) -> None:
    """Keep conflicting events for a person."""
    rows = [
        (r.why, r.candidate.source, r.candidate.id, r.known.shard, r.known.number, r.candidate.body.decode())
        for r in rulings
        if r.known is not None
    ]
    await tx.copy("conflicts", ("why", "source", "event_id", "shard", "number", "body"), rows)


async def page(tx: PostgresTransaction, table: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Return rows of a work list that follow an id."""
    assert table in {"refusals", "conflicts"}
    rows = await tx.many(f"SELECT * FROM {table} WHERE id > $1 ORDER BY id LIMIT $2", after, limit)  # noqa: S608 - one of two names
    return [{name: _shown(value) for name, value in row.items()} for row in rows]


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

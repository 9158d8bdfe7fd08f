"""Tables of ranking: schemes, the newest figures, how fresh they are."""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from services.ranking.contract import EntriesPosted
from services.ranking.domain.standings import Figure, Rules
from services.ranking.domain.tiers import Tier
from shared.contracts.scoring import FigureState
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import refuse
from shared.storage.transaction import PostgresTransaction

Key = tuple[str, str, str]


async def save_scheme(tx: PostgresTransaction, code: str, version: int, document: dict[str, Any]) -> None:
    """Keep the newest version of a scheme; every shard tells of it."""
    await tx.execute(
        "INSERT INTO schemes VALUES (:code, :version, CAST(:document AS jsonb)) ON CONFLICT (code) DO UPDATE "
        "SET version = excluded.version, document = excluded.document WHERE schemes.version < excluded.version",
        code=code,
        version=version,
        document=json.dumps(document),
    )


async def scheme(tx: PostgresTransaction, code: str) -> dict[str, Any]:
    """Return a scheme's document, or refuse with 404."""
    rows = await tx.execute("SELECT document FROM schemes WHERE code = :code", code=code)
    if not rows:
        raise refuse(404, "not_found", "No scheme of this code is in force.")
    return rows[0].document


async def rules(tx: PostgresTransaction, code: str) -> Rules:
    """Return the rules of a scheme; before it is heard of, those that every scheme begins with."""
    rows = await tx.execute("SELECT document FROM schemes WHERE code = :code", code=code)
    return rules_of(rows[0].document) if rows else Rules(places=2)


def rules_of(document: dict[str, Any]) -> Rules:
    """Return what a scheme says of its standings."""
    gate = document.get("ranking", {}).get("minimum_volume") or {"at_least": 0}
    tiers = tuple(Tier(tier["code"], Decimal(tier["share"])) for tier in document.get("tiers", ()))
    return Rules(places=document["scheme"].get("places", 2), tiers=tiers, at_least=gate["at_least"])


async def save_figures(tx: PostgresTransaction, posted: Sequence[EntriesPosted]) -> None:
    """Write absolute figures, the newest last."""
    rows = {
        (one.scheme, one.group, f.period, f.unit, f.indicator): (
            f.board,
            Decimal(f.points),
            None if f.value is None else Decimal(f.value),
            f.state.value,
            f.volume,
        )
        for one in posted
        for f in one.figures
    }
    if rows:
        await tx.many(
            "INSERT INTO figures SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], "
            "$6::text[], $7::numeric[], $8::numeric[], $9::text[], $10::bigint[]) "
            "ON CONFLICT (scheme, grp, period, unit, indicator) DO UPDATE SET board = excluded.board, "
            "points = excluded.points, value = excluded.value, state = excluded.state, volume = excluded.volume",
            *(list(column) for column in zip(*((*key, *row) for key, row in rows.items()), strict=True)),
        )
    for one in posted:
        await tx.execute(
            "INSERT INTO freshness VALUES (:scheme, :grp, :fresh) ON CONFLICT (scheme, grp) DO UPDATE "
            "SET fresh_at = GREATEST(freshness.fresh_at, excluded.fresh_at)",
            scheme=one.scheme,
            grp=one.group,
            fresh=one.fresh_at,
        )


async def figures(tx: PostgresTransaction, key: Key) -> dict[str, list[Figure]]:
    """Return the figures of (scheme, group, period) by unit."""
    rows = await tx.many("SELECT * FROM figures WHERE scheme = $1 AND grp = $2 AND period = $3", *key)
    found: dict[str, list[Figure]] = {}
    for row in rows:
        figure = Figure(
            row["indicator"],
            row["board"],
            row["points"],
            row["value"],
            FigureState(row["state"]),
            row["volume"],
        )
        found.setdefault(row["unit"], []).append(figure)
    return found


async def fresh_at(tx: PostgresTransaction, code: str, group: str) -> str | None:
    """Return the newest `received` that a group's figures contain."""
    rows = await tx.execute(
        "SELECT fresh_at FROM freshness WHERE scheme = :code AND grp = :grp", code=code, grp=group
    )
    return rows[0].fresh_at if rows else None


async def as_of(tx: PostgresTransaction) -> str:
    """Return the digest of the position vector that an answer stands on."""
    rows = await tx.execute(
        "SELECT stream, shard, number FROM positions WHERE consumer = 'ranking' AND number > 0 ORDER BY 1, 2"
    )
    return sha256_hex(_vector((row.stream, row.shard, row.number) for row in rows))


async def periods(tx: PostgresTransaction) -> list[dict[str, str]]:
    """Return every standing there is."""
    rows = await tx.execute("SELECT DISTINCT scheme, grp, period FROM figures ORDER BY 1, 2, 3")
    return [{"scheme": row.scheme, "group": row.grp, "period": row.period} for row in rows]


def _vector(rows: Iterable[tuple[str, int, int]]) -> bytes:
    return "\n".join(f"{stream} {shard} {number}" for stream, shard, number in rows).encode()

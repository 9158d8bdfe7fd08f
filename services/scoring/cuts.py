"""Cuts of periods on their way to be told: how far each is, and which heads it waits for."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from services.scoring.domain.document import Head
from services.scoring.store import columns
from shared.storage.transaction import PostgresTransaction

Heads = Mapping[str, Mapping[int, int]]

_SCHEMES = """
    SELECT code, document->>'scheme' AS head FROM schemes WHERE approver IS NOT NULL AND code IN (
        SELECT code FROM schemes
        WHERE approver IS NOT NULL AND document->'scheme'->>'grace_days' IS NOT NULL)
    ORDER BY code, version"""
_KNOWN = "SELECT scheme, period FROM cuts"
_OPEN = """
    SELECT scheme, period, version, cut, day, step, heads::text AS heads FROM cuts
    WHERE step < $1 ORDER BY cut, scheme, period"""
_ADD = """
    INSERT INTO cuts SELECT *, 0, $6::text::jsonb
    FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING"""
_PUT = """
    UPDATE cuts SET step = $3::smallint, heads = $4::text::jsonb
    WHERE (scheme, period) = ($1, $2) AND step = $5::smallint RETURNING 1"""
_HEADS = """
    SELECT stream, shard, number FROM stream_shards
    WHERE stream = ANY($1::text[]) AND number > 0 ORDER BY stream, shard"""
_POSITIONS = """
    SELECT stream, shard, number FROM positions WHERE consumer = $1 AND stream = ANY($2::text[])"""
_WRITERS = "SELECT FROM stream_shards WHERE stream = $1 ORDER BY shard FOR SHARE"
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/cuts', 0)) AS alone"
_READ_HEADS = msgspec.json.Decoder(dict[str, dict[int, int]])


@dataclass(frozen=True, slots=True)
class Cut:
    """The cut of a period of a version: T, the day before it, its step, what it waits for."""

    scheme: str
    period: str
    version: int
    cut: str
    day: str
    step: int
    heads: Heads


async def alone(tx: PostgresTransaction) -> bool:
    """Tell whether no other worker settles cuts until I commit."""
    return bool((await tx.many(_ALONE))[0]["alone"])


async def heads_of_schemes(tx: PostgresTransaction) -> dict[str, list[Head]]:
    """Return the adopted versions of each scheme of which any has grace, by code."""
    found: dict[str, list[Head]] = {}
    for row in await tx.many(_SCHEMES):
        found.setdefault(row["code"], []).append(Head.model_validate_json(row["head"]))
    return found


async def known(tx: PostgresTransaction) -> set[tuple[str, str]]:
    """Return (scheme, period) of every cut that was noted."""
    return {(row["scheme"], row["period"]) for row in await tx.many(_KNOWN)}


async def under_way(tx: PostgresTransaction, told: int) -> list[Cut]:
    """Return the cuts that are not at the step `told`, the earliest first."""
    rows = await tx.many(_OPEN, told)
    return [
        Cut(
            scheme=row["scheme"],
            period=row["period"],
            version=row["version"],
            cut=row["cut"],
            day=row["day"],
            step=row["step"],
            heads=_READ_HEADS.decode(row["heads"]),
        )
        for row in rows
    ]


async def add(tx: PostgresTransaction, found: Sequence[tuple[str, str, int, str, str]], heads: Heads) -> None:
    """Note cuts (scheme, period, version, T, day) at their first step; one that is there stays as it is."""
    await tx.many(_ADD, *columns(found, 5), json.dumps(heads))


async def put(tx: PostgresTransaction, one: Cut, step: int, heads: Heads) -> bool:
    """Let a cut be at a step, and wait for heads; tell whether it was still where it is known to be."""
    return bool(await tx.many(_PUT, one.scheme, one.period, step, json.dumps(heads), one.step))


async def heads(tx: PostgresTransaction, streams: Collection[str]) -> Heads:
    """Return how far own streams reach by stream and shard."""
    found: dict[str, dict[int, int]] = {}
    for row in await tx.many(_HEADS, sorted(streams)):
        found.setdefault(row["stream"], {})[row["shard"]] = row["number"]
    return found


async def wait_for_writers(tx: PostgresTransaction, stream: str) -> None:
    """Let every transaction that appends to a stream end: its heads are then those of all it began before."""
    await tx.many(_WRITERS, stream)


async def positions(tx: PostgresTransaction, consumer: str, streams: Collection[str]) -> Heads:
    """Return how far a consumer has applied streams, by stream and shard."""
    found: dict[str, dict[int, int]] = {}
    for row in await tx.many(_POSITIONS, consumer, sorted(streams)):
        found.setdefault(row["stream"], {})[row["shard"]] = row["number"]
    return found

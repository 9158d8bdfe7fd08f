"""What ingest keeps beside its archive: catalogues, refusals, conflicts."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.ingest.contract import ACCEPTED
from services.ingest.domain.admission import Ruling
from services.ingest.domain.catalogue import NOTHING_ADOPTED, Catalogue, TypeSpec, compile_catalogue, parse
from shared.contracts import envelope
from shared.kernel.canonical import digest_hex
from shared.kernel.digests import key_digest
from shared.kernel.errors import Problem, refuse
from shared.storage import excerpts
from shared.storage.transaction import PostgresTransaction

_REPEATABLE = """
    INSERT INTO refusals (client, digest, code, detail, pointer, source, times)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[])
    ORDER BY 1, 2, 3
    ON CONFLICT (client, digest, code) WHERE state = 'open' AND place IS NULL DO UPDATE
        SET times = refusals.times + excluded.times, last_at = clock_timestamp()"""
_TELL_INBOUND = """
    INSERT INTO inbound_told (topic, code) SELECT * FROM unnest($1::text[], $2::text[]) ORDER BY 1, 2
    ON CONFLICT (topic, code) DO UPDATE SET topic = excluded.topic RETURNING topic, code, xmax = 0 AS is_new"""
_CONFLICTS = """
    INSERT INTO conflicts (why, source, event_id, content, shard, number, body, times, withdrawn)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::smallint[], $6::bigint[],
        $7::text[], $8::bigint[], $9::bool[]) ORDER BY 1, 2, 3, 4
    ON CONFLICT (why, source, event_id, content) DO UPDATE
        SET times = conflicts.times + excluded.times, last_at = clock_timestamp(),
            withdrawn = conflicts.withdrawn OR excluded.withdrawn
    RETURNING why, source, event_id, content, xmax = 0 AS is_new"""
_REMEMBER_WITHDRAWN = """
    INSERT INTO withdrawn (key) SELECT DISTINCT * FROM unnest($1::bytea[]) ORDER BY 1 ON CONFLICT DO NOTHING"""
_WITHDRAWN = """
    UPDATE conflicts SET withdrawn = true
    WHERE state = 'open' AND (shard, number) IN (SELECT * FROM unnest($1::smallint[], $2::bigint[]))"""

_MARK_WITHDRAWN = """
    UPDATE conflicts SET withdrawn = (shard, number) IN (
        SELECT k.shard, k.number FROM withdrawn w JOIN keys k ON k.key = w.key)
    WHERE state = 'open'"""
_NOTE_ADOPTED = """
    INSERT INTO catalogues (version, document, digest, author, approver) VALUES ($1, $2::text::jsonb, '', '', '')
    ON CONFLICT (version) DO UPDATE SET approver = COALESCE(catalogues.approver, '')"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused: never the body, only its digest; `place` is topic/partition/offset for Kafka."""

    problem: Problem
    digest: str
    client: str
    place: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Drafted:
    """A version of the catalogue and who stands behind it."""

    version: int
    document: dict[str, Any]
    author: str
    approver: str | None


async def adopted_version(tx: PostgresTransaction) -> int:
    """Return the version of the newest adopted catalogue; 0 when there is none."""
    rows = await tx.many("SELECT max(version) AS version FROM catalogues WHERE approver IS NOT NULL")
    return rows[0]["version"] or 0


async def adopted_catalogue(tx: PostgresTransaction) -> tuple[int, Catalogue]:
    """Return the newest adopted catalogue with its version; 0 when there is none."""
    rows = await tx.execute(
        "SELECT version, document FROM catalogues WHERE approver IS NOT NULL ORDER BY version DESC LIMIT 1"
    )
    if not rows:
        return 0, NOTHING_ADOPTED
    return rows[0].version, compile_catalogue(parse(rows[0].document), rows[0].version)


async def lock_catalogues(tx: PostgresTransaction) -> None:
    """Let nobody draft or adopt beside me until I commit; who reads what is in force does not wait."""
    await tx.execute("LOCK TABLE catalogues IN SHARE ROW EXCLUSIVE MODE")


async def adopted_specs(tx: PostgresTransaction, names: Collection[str]) -> list[tuple[str, TypeSpec]]:
    """Return every meaning under which these types were ever adopted."""
    rows = await tx.many(
        "SELECT DISTINCT t.key AS name, t.value::text AS spec "
        "FROM catalogues, jsonb_each(document->'types') t "
        "WHERE approver IS NOT NULL AND t.key = ANY($1::text[]) ORDER BY 1, 2",
        list(names),
    )
    return [(row["name"], TypeSpec.model_validate_json(row["spec"])) for row in rows]


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
    """Return a version, or refuse with 404."""
    rows = await tx.execute(
        "SELECT version, document, author, approver FROM catalogues WHERE version = :version",
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
    """Keep what was refused for the work list; what a client sends again while it is open is counted."""
    placed = [
        (r.problem.code, r.problem.detail, r.problem.pointer, r.digest, r.client, r.place, r.source)
        for r in refusals
        if r.place is not None
    ]
    await tx.copy("refusals", ("code", "detail", "pointer", "digest", "client", "place", "source"), placed)
    sent: dict[tuple[str, str, str], list[Any]] = {}
    for r in refusals:
        if r.place is None:
            first = [r.problem.detail, r.problem.pointer, r.source, 0]
            sent.setdefault((r.client, r.digest, r.problem.code), first)[-1] += 1
    if sent:
        await tx.many(_REPEATABLE, *zip(*sent, strict=True), *zip(*sent.values(), strict=True))


async def untold(tx: PostgresTransaction, refusals: Sequence[Refusal]) -> list[Refusal]:
    """Return the first of each inbound topic and code that persons have not been told of, and note that they are.

    The row is locked, so that whoever deals with the last one of them sees these.
    """
    first: dict[tuple[str, str], Refusal] = {}
    for refusal in refusals:
        first.setdefault((refusal.client, refusal.problem.code), refusal)
    if not first:
        return []
    rows = await tx.many(_TELL_INBOUND, *zip(*first, strict=True))
    return [first[row["topic"], row["code"]] for row in rows if row["is_new"]]


async def note_conflicts(tx: PostgresTransaction, rulings: Sequence[Ruling]) -> list[Ruling]:
    """Keep what contradicts an accepted event for a person; return what is not there yet.

    The same again is counted and stays as it is.
    """
    first: dict[tuple[str, str, str, bytes], Ruling] = {}
    found: dict[tuple[str, str, str, bytes], list[Any]] = {}
    for ruling in rulings:
        at, one = ruling.contradicts, ruling.candidate
        if at is not None:
            key = ruling.why, one.source, one.id, one.content
            first.setdefault(key, ruling)
            known = found.setdefault(key, [at.shard, abs(at.number), one.body.decode(), 0])
            known[-1] += 1
    if not found:
        return []
    shards, numbers, bodies, times = zip(*found.values(), strict=True)
    gone = await _withdrawn(tx, set(zip(shards, numbers, strict=True)))
    withdrawn = [place in gone for place in zip(shards, numbers, strict=True)]
    rows = await tx.many(_CONFLICTS, *zip(*found, strict=True), shards, numbers, bodies, times, withdrawn)
    return [
        first[row["why"], row["source"], row["event_id"], row["content"]] for row in rows if row["is_new"]
    ]


async def note_withdrawn(tx: PostgresTransaction, keys: Sequence[bytes]) -> None:
    """Let conflicts with these events go to the top of the list: what counted was withdrawn."""
    if not keys:
        return
    await tx.many(_REMEMBER_WITHDRAWN, keys)
    places = list((await tx.known(keys)).values())
    if places:
        await tx.many(_WITHDRAWN, [at.shard for at in places], [at.number for at in places])


async def _withdrawn(tx: PostgresTransaction, places: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return which of these accepted events were withdrawn."""
    events = {
        place: envelope.decode(body) for place, body in (await excerpts.bodies(tx, ACCEPTED, places)).items()
    }
    keys = {place: key_digest("event", event.source, event.id) for place, event in events.items()}
    rows = await tx.many("SELECT key FROM withdrawn WHERE key = ANY($1::bytea[])", list(set(keys.values())))
    gone = {row["key"] for row in rows}
    return {place for place, key in keys.items() if key in gone}


async def mark_withdrawn(tx: PostgresTransaction) -> None:
    """Let of the open conflicts just those be on top whose accepted event was withdrawn."""
    await tx.many(_MARK_WITHDRAWN)


async def note_adopted(tx: PostgresTransaction, version: int, document: dict[str, Any]) -> None:
    """Let a shadow know of an adoption that came after what it copied."""
    await tx.many(_NOTE_ADOPTED, version, json.dumps(document))


async def drop_awaited(tx: PostgresTransaction, keys: Sequence[bytes]) -> None:
    """Make room for originals that corrections were waiting for."""
    if keys:
        await tx.many("DELETE FROM keys WHERE key = ANY($1::bytea[]) AND number < 0", keys)


async def now(tx: PostgresTransaction) -> datetime:
    """Return the database's clock, by which a record of an inbound topic is judged before any shard is locked."""
    (row,) = await tx.many("SELECT clock_timestamp() AS now")
    return row["now"]

"""How far partitions of inbound topics were taken, and by which record of each its topic is known again."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from shared.storage.transaction import PostgresTransaction

Place: TypeAlias = tuple[str, int]

_OPEN = """
    INSERT INTO inbound (topic, partition, "offset")
    SELECT topic, partition, 0 FROM unnest($1::text[], $2::int[]) new(topic, partition)
    ORDER BY 1, 2 ON CONFLICT DO NOTHING"""
_LOCK = """
    SELECT topic, partition, "offset", paused FROM inbound
    WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
    ORDER BY topic, partition FOR UPDATE"""
_ADVANCE = """
    UPDATE inbound t SET "offset" = n.next,
        digest = CASE WHEN t."offset" = n.next THEN t.digest ELSE n.digest END
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[]) n(topic, partition, next, digest)
    WHERE t.topic = n.topic AND t.partition = n.partition"""
_LANDMARKS = """
    SELECT topic, partition, COALESCE(seen, "offset" - 1) AS at, COALESCE(seen_digest, digest) AS digest,
        seen IS DISTINCT FROM "offset" - 1 AS moved
    FROM inbound WHERE digest IS NOT NULL OR seen IS NOT NULL"""
_LAST = 'SELECT topic, partition, "offset" - 1 AS at, digest FROM inbound WHERE digest IS NOT NULL'
_SEE = """
    UPDATE inbound t SET seen = n.at, seen_digest = n.digest
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[]) n(topic, partition, at, digest)
    WHERE t.topic = n.topic AND t.partition = n.partition AND t."offset" > n.at"""
_FORGET = """
    UPDATE inbound SET seen = NULL, seen_digest = NULL
    WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))"""
_PAUSE = """
    INSERT INTO orders (kind, consumer, partition, reason, person)
    SELECT 'pause', topic, partition, $3, $4 FROM unnest($1::text[], $2::smallint[]) p(topic, partition)
    ON CONFLICT DO NOTHING RETURNING *"""
_RESUME = """
    UPDATE orders SET outcome = 'resumed', closer = $3, closed = clock_timestamp()
    WHERE kind = 'pause' AND closed IS NULL
        AND (consumer, partition) IN (SELECT * FROM unnest($1::text[], $2::smallint[])) RETURNING *"""
_REST = """
    UPDATE inbound i SET paused = EXISTS (SELECT FROM orders o WHERE o.kind = 'pause' AND o.closed IS NULL
        AND o.consumer = i.topic AND o.partition = i.partition)
    WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))"""
_PAUSED = """
    SELECT i.topic, i.partition, o.person FROM inbound i JOIN orders o ON o.kind = 'pause'
        AND o.closed IS NULL AND o.consumer = i.topic AND o.partition = i.partition
    WHERE i.paused"""
_STATES = """
    SELECT i.topic, i.partition, i."offset" AS taken, o.reason, o.person, o.at
    FROM inbound i LEFT JOIN orders o ON o.kind = 'pause' AND o.closed IS NULL
        AND o.consumer = i.topic AND o.partition = i.partition
    ORDER BY i.topic, i.partition"""


class Held(NamedTuple):
    """A locked partition: the next offset to take, and whether nothing is taken of it now."""

    offset: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Landmark:
    """A record that was taken: another digest at its offset is another topic of the same name."""

    offset: int
    digest: str


async def offsets(tx: PostgresTransaction) -> dict[Place, int]:
    """Return the next offset to take of every inbound partition that was read before."""
    rows = await tx.many('SELECT topic, partition, "offset" FROM inbound')
    return {(row["topic"], row["partition"]): row["offset"] for row in rows}


async def lock(tx: PostgresTransaction, places: Collection[Place]) -> dict[Place, Held]:
    """Lock inbound partitions in order and return how each stands; a new one at offset 0."""
    topics, partitions = zip(*sorted(set(places)), strict=True)
    await tx.many(_OPEN, topics, partitions)
    rows = await tx.many(_LOCK, topics, partitions)
    return {(row["topic"], row["partition"]): Held(row["offset"], row["paused"]) for row in rows}


async def advance(
    tx: PostgresTransaction, reached: Mapping[Place, int], digests: Mapping[Place, str]
) -> None:
    """Write the next offset to take of partitions that are locked, and what was taken before it if it was."""
    topics, partitions = zip(*reached, strict=True)
    values = [digests.get(place) for place in reached]
    await tx.many(_ADVANCE, topics, partitions, list(reached.values()), values)


async def landmarks(tx: PostgresTransaction, *, moved: bool = False) -> dict[Place, Landmark]:
    """Return the record by which each topic is known: that of the last look, else the last that was taken.

    `moved` leaves out partitions of which nothing was taken since that look.
    """
    rows = await tx.many(_LANDMARKS)
    return {
        (row["topic"], row["partition"]): Landmark(row["at"], row["digest"])
        for row in rows
        if row["moved"] or not moved
    }


async def last_taken(tx: PostgresTransaction) -> dict[Place, Landmark]:
    """Return the record of each inbound partition that was taken last."""
    rows = await tx.many(_LAST)
    return {(row["topic"], row["partition"]): Landmark(row["at"], row["digest"]) for row in rows}


async def see(tx: PostgresTransaction, found: Mapping[Place, Landmark]) -> None:
    """Keep these records as those by which their topics are known."""
    if found:
        await lock(tx, found)
        topics, partitions = zip(*found, strict=True)
        at, digests = [one.offset for one in found.values()], [one.digest for one in found.values()]
        await tx.many(_SEE, topics, partitions, at, digests)


async def jump(tx: PostgresTransaction, to: Mapping[Place, int]) -> None:
    """Let partitions that are locked be read from other offsets; no record of theirs is known then."""
    if to:
        await advance(tx, to, {})
        await tx.many(_FORGET, *zip(*to, strict=True))


async def paused(tx: PostgresTransaction) -> dict[Place, str]:
    """Return the partitions of which nothing is taken now, and by whose order."""
    return {(row["topic"], row["partition"]): row["person"] for row in await tx.many(_PAUSED)}


async def states(tx: PostgresTransaction) -> Sequence[Mapping[str, Any]]:
    """Return every partition that was taken from or paused, with the order by which it rests."""
    return await tx.many(_STATES)


async def pause(
    tx: PostgresTransaction, places: Collection[Place], reason: str, person: str
) -> Sequence[Mapping[str, Any]]:
    """Let partitions rest until a person lets them go on; return the orders, none for what rests already."""
    return await _order(tx, places, _PAUSE, reason, person)


async def resume(
    tx: PostgresTransaction, places: Collection[Place], person: str
) -> Sequence[Mapping[str, Any]]:
    """Let partitions that rest go on; return the orders that this closes."""
    return await _order(tx, places, _RESUME, person)


async def _order(
    tx: PostgresTransaction, places: Collection[Place], statement: str, *told: str
) -> Sequence[Mapping[str, Any]]:
    """Give or close orders; who takes from a partition sees under its lock whether it rests."""
    await lock(tx, places)
    topics, partitions = zip(*sorted(places), strict=True)
    orders = await tx.many(statement, topics, partitions, *told)
    await tx.many(_REST, topics, partitions)
    return orders

"""Tables of stage A's cases: their events, the facts that reports repeat, the units they are found under."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.scoring.store import columns
from shared.storage.transaction import PostgresTransaction

Key = tuple[int, bytes]
Found = tuple[str, int, bytes, int]
NAMES_PER_PAGE = 20_000

_FIND = """
    SELECT u.unit, p.month, p.grp, p.shard FROM unnest($1::text[]) WITH ORDINALITY u(unit, place)
    CROSS JOIN LATERAL (SELECT c.month, c.grp, c.shard FROM case_places c
        WHERE c.unit = u.unit AND c.month BETWEEN $2 AND $3 AND (c.month, c.grp, c.shard) > ($4, $5, $6)
        ORDER BY c.month, c.grp, c.shard LIMIT $7) p
    ORDER BY u.place, p.month, p.grp, p.shard LIMIT $7"""


@dataclass(frozen=True, slots=True)
class Case:
    """The accepted events of one case as they were received, joined by commas."""

    shard: int
    grp: bytes
    events: bytes


async def load(tx: PostgresTransaction, keys: Iterable[Key]) -> dict[Key, Case]:
    """Return the cases that are known, by (shard, group)."""
    shards, groups = columns(keys, 2)
    if not shards:
        return {}
    rows = await tx.many(
        "SELECT shard, grp, events FROM cases "
        "JOIN unnest($1::smallint[], $2::bytea[]) n(shard, grp) USING (shard, grp)",
        shards,
        groups,
    )
    return {(row["shard"], row["grp"]): Case(row["shard"], row["grp"], row["events"]) for row in rows}


async def of_shard(tx: PostgresTransaction, shard: int, limit: int) -> AsyncIterator[list[Case]]:
    """Yield the cases of a shard by their group, in pages."""
    after = b""
    while page := await _following(tx, shard, after, limit):
        yield page
        after = page[-1].grp


async def add(tx: PostgresTransaction, cases: Sequence[Case]) -> None:
    """Add events to cases."""
    await tx.many(
        "INSERT INTO cases AS c (shard, grp, events) "
        "SELECT * FROM unnest($1::smallint[], $2::bytea[], $3::bytea[]) "
        "ON CONFLICT (shard, grp) DO UPDATE SET events = c.events || ','::bytea || excluded.events",
        [case.shard for case in cases],
        [case.grp for case in cases],
        [case.events for case in cases],
    )


async def drop(tx: PostgresTransaction, keys: Sequence[Key]) -> None:
    """Take away cases that were joined to another."""
    shards, groups = columns(keys, 2)
    await tx.many(
        "DELETE FROM cases c USING unnest($1::smallint[], $2::bytea[]) n(shard, grp) "
        "WHERE c.shard = n.shard AND c.grp = n.grp",
        shards,
        groups,
    )


async def load_roots(tx: PostgresTransaction, keys: Iterable[Key]) -> dict[Key, bytes]:
    """Return the facts to which first reports belong, by (shard, root)."""
    shards, roots = columns(keys, 2)
    rows = await tx.many(
        "SELECT shard, root, grp FROM roots "
        "JOIN unnest($1::smallint[], $2::bytea[]) n(shard, root) USING (shard, root)",
        shards,
        roots,
    )
    return {(row["shard"], row["root"]): row["grp"] for row in rows}


async def save_roots(tx: PostgresTransaction, roots: Mapping[Key, bytes]) -> None:
    """Note to which fact first reports belong."""
    shards, keys = columns(roots, 2)
    await tx.many(
        "INSERT INTO roots SELECT * FROM unnest($1::smallint[], $2::bytea[], $3::bytea[]) "
        "ON CONFLICT DO NOTHING",
        shards,
        keys,
        list(roots.values()),
    )


async def among(
    tx: PostgresTransaction, shard: int, units: Sequence[str], months: tuple[int, int], limit: int
) -> AsyncIterator[list[Case]]:
    """Yield the cases of a shard found under units in months, each once, by their group, in pages.

    Their names are sorted for every page of names anew, so that these are long.
    """
    after = b""
    while True:
        rows = await tx.many(
            "SELECT DISTINCT grp FROM case_places WHERE unit = ANY($2::text[]) "
            "AND month BETWEEN $3 AND $4 AND shard = $1 AND grp > $5 ORDER BY grp LIMIT $6",
            shard,
            list(units),
            *months,
            after,
            NAMES_PER_PAGE,
        )
        keys = [(shard, row["grp"]) for row in rows]
        for at in range(0, len(keys), limit):
            some = keys[at : at + limit]
            found = await load(tx, some)
            yield [found[key] for key in some if key in found]
        if len(keys) < NAMES_PER_PAGE:
            return
        after = keys[-1][1]


async def save_places(tx: PostgresTransaction, gained: Sequence[Found], lost: Sequence[Found]) -> None:
    """Note under which units and months cases are found from here on, and no longer."""
    if lost:
        await tx.many(
            "DELETE FROM case_places c USING unnest($1::text[], $2::int[], $3::bytea[], $4::smallint[]) "
            "n(unit, month, grp, shard) "
            "WHERE (c.unit, c.month, c.grp, c.shard) = (n.unit, n.month, n.grp, n.shard)",
            *columns(lost, 4),
        )
    if gained:
        await tx.many(
            "INSERT INTO case_places SELECT * FROM "
            "unnest($1::text[], $2::int[], $3::bytea[], $4::smallint[]) ON CONFLICT DO NOTHING",
            *columns(gained, 4),
        )


async def find(
    tx: PostgresTransaction, units: Sequence[str], months: range, first: Found | None, limit: int
) -> list[Found]:
    """Return cases found under units in months, in the order of the units given.

    `first` is where the first unit begins, itself included. Reads at most `limit` index entries a unit.
    """
    if not units:
        return []
    begin = (months[0], b"", -1) if first is None else (first[1], first[2], first[3] - 1)
    rows = list(await tx.many(_FIND, units[:1], months[0], months[-1], *begin, limit))
    if len(rows) < limit:
        rest = list(units[1:])
        rows += await tx.many(_FIND, rest, months[0], months[-1], months[0], b"", -1, limit - len(rows))
    return [(row["unit"], row["month"], row["grp"], row["shard"]) for row in rows]


async def _following(tx: PostgresTransaction, shard: int, after: bytes, limit: int) -> list[Case]:
    rows = await tx.many(
        "SELECT shard, grp, events FROM cases WHERE shard = $1 AND grp > $2 ORDER BY grp LIMIT $3",
        shard,
        after,
        limit,
    )
    return [Case(row["shard"], row["grp"], row["events"]) for row in rows]

"""Compares two schemas of a service bit for bit: the rows of its domain tables, the chains of its outbox."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from shared.kernel.records import Record
from shared.storage.tables import SHARED
from shared.storage.transaction import PostgresTransaction

SHOWN_ROWS = 20
FETCH_ROWS = 1_000
VERSIONS = "schema_versions"

_TABLES = """
    SELECT c.relname AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
      AND NOT a.attisdropped AND a.attidentity = '' AND NOT c.relname = ANY($1::text[])
    GROUP BY c.relname ORDER BY c.relname"""
_HEADS = (
    "SELECT stream, shard, number, chain FROM stream_shards WHERE number > 0 AND NOT stream = ANY($1::text[])"
)


@dataclass(frozen=True, slots=True)
class TableDifference:
    """Rows that only one side has, by their count and the first of them, as PostgreSQL writes them."""

    table: str
    rows: int
    only_live: int
    only_shadow: int
    live: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChainDifference:
    """The first number at which the outboxes of a shard part."""

    stream: str
    shard: int
    number: int
    live: int
    shadow: int


async def domain_tables(
    tx: PostgresTransaction, commanded: Collection[str], own: Collection[str] = ()
) -> dict[str, list[str]]:
    """Return the tables that events make, with their columns; identities are no content.

    Of the shared tables only those of `own` are among them.
    """
    rows = await tx.many(_TABLES, [*({*SHARED} - {*own}), VERSIONS, *commanded])
    return {row["name"]: list(row["columns"]) for row in rows}


async def compare_table(
    live: PostgresTransaction, shadow: PostgresTransaction, table: str, columns: Sequence[str]
) -> TableDifference:
    """Walk both sides in one order and tell what only one of them has."""
    ours, theirs = _lines(live, table, columns), _lines(shadow, table, columns)
    rows, counts = 0, [0, 0]
    samples: tuple[list[str], list[str]] = [], []
    left, right = await anext(ours, None), await anext(theirs, None)
    while left is not None or right is not None:
        if left == right:
            rows += 1
            left, right = await anext(ours, None), await anext(theirs, None)
            continue
        side = 0 if right is None or (left is not None and left.encode() < right.encode()) else 1
        counts[side] += 1
        line = left if side == 0 else right
        if line is not None and len(samples[side]) < SHOWN_ROWS:
            samples[side].append(line)
        if side == 0:
            left = await anext(ours, None)
        else:
            right = await anext(theirs, None)
    return TableDifference(table, rows, counts[0], counts[1], tuple(samples[0]), tuple(samples[1]))


async def compare_chains(
    live: PostgresTransaction, shadow: PostgresTransaction, commanded: Collection[str]
) -> list[ChainDifference]:
    """Return where the outboxes part; streams that commands write are not made again."""
    ours, theirs = await _heads(live, commanded), await _heads(shadow, commanded)
    return [
        ChainDifference(
            *place,
            await _parting(live, shadow, place, min(ours.get(place, _NONE)[0], theirs.get(place, _NONE)[0])),
            ours.get(place, _NONE)[0],
            theirs.get(place, _NONE)[0],
        )
        for place in sorted(ours.keys() | theirs.keys())
        if ours.get(place) != theirs.get(place)
    ]


_NONE = (0, b"")


async def _heads(
    tx: PostgresTransaction, commanded: Collection[str]
) -> dict[tuple[str, int], tuple[int, bytes]]:
    rows = await tx.many(_HEADS, list(commanded))
    return {(row["stream"], row["shard"]): (row["number"], row["chain"]) for row in rows}


async def _parting(
    live: PostgresTransaction, shadow: PostgresTransaction, place: tuple[str, int], most: int
) -> int:
    """Return the first number whose chains differ: once they do, all that follow do."""
    same, other = 0, most + 1
    while other - same > 1:
        middle = (same + other) // 2
        if await _chain(live, place, middle) == await _chain(shadow, place, middle):
            same = middle
        else:
            other = middle
    return other


async def _chain(tx: PostgresTransaction, place: tuple[str, int], number: int) -> bytes:
    found: list[Record] = await tx.read(*place, number - 1, 1)
    return found[0].chain if found else b""


async def _lines(tx: PostgresTransaction, table: str, columns: Sequence[str]) -> AsyncIterator[str]:
    """Yield the rows of a table as text, in the order of their bytes."""
    row = f"ROW({', '.join(columns)})::text"
    statement = text(f'SELECT {row} AS line FROM {table} ORDER BY {row} COLLATE "C"')  # noqa: S608 - names of the catalogue
    options = {"yield_per": FETCH_ROWS}
    async with tx.connection.stream(statement, execution_options=options) as found:
        async for line in found.scalars():
            yield line

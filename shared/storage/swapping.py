"""Puts rebuilt rows in the place of live ones, in one transaction that fences off every worker."""

from collections.abc import Mapping, Sequence

from shared.kernel.errors import refuse
from shared.storage.transaction import PostgresTransaction

Reached = Mapping[tuple[str, str, int], tuple[int, bytes]]

_LOCK = """
    SELECT consumer, stream, shard, number, chain FROM positions WHERE consumer = ANY($1::text[])
    ORDER BY consumer, stream, shard FOR UPDATE"""
_RUNNING = """
    SELECT l.consumer, l.partition FROM leases l WHERE l.consumer = ANY($1::text[]) AND NOT EXISTS (
        SELECT 1 FROM orders o WHERE o.kind = 'pause' AND o.closed IS NULL
        AND o.consumer = l.consumer AND o.partition = l.partition) LIMIT 1"""
_FENCE = (
    "UPDATE leases SET epoch = epoch + 1 WHERE consumer = ANY($1::text[])",
    "UPDATE positions SET epoch = epoch + 1 WHERE consumer = ANY($1::text[])",
)
_IDENTITY = """
    SELECT attname AS name FROM pg_attribute
    WHERE attrelid = $1::regclass AND attidentity <> '' AND NOT attisdropped"""


async def positions_of(tx: PostgresTransaction, consumers: Sequence[str]) -> Reached:
    """Lock the positions of consumers, which no batch passes, and return them."""
    rows = await tx.many(_LOCK, list(consumers))
    return {(row["consumer"], row["stream"], row["shard"]): (row["number"], row["chain"]) for row in rows}


async def refuse_unless_paused(tx: PostgresTransaction, consumers: Sequence[str]) -> None:
    """Refuse while any partition of any consumer may go on."""
    running = await tx.many(_RUNNING, list(consumers))
    if running:
        name, partition = running[0]["consumer"], running[0]["partition"]
        raise refuse(409, "not_paused", f"Pause every consumer first; {name} goes on in {partition}.")


async def swap(
    tx: PostgresTransaction, shadow: str, tables: Mapping[str, Sequence[str]], consumers: Sequence[str]
) -> None:
    """Replace the rows of tables by those of the shadow; whoever worked on them starts over."""
    for statement in _FENCE:
        await tx.many(statement, list(consumers))
    for table in tables:
        await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await tx.execute("SET CONSTRAINTS ALL DEFERRED")
    for table, columns in tables.items():
        await _replace(tx, shadow, table, columns)
    await tx.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        await tx.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


async def _replace(tx: PostgresTransaction, shadow: str, table: str, columns: Sequence[str]) -> None:
    identity = [row["name"] for row in await tx.many(_IDENTITY, table)]
    names = ", ".join([*identity, *columns])
    taken = f"SELECT {names} FROM {shadow}.{table}"  # noqa: S608 - names of the catalogue
    await tx.execute(f"DELETE FROM {table}")  # noqa: S608 - likewise
    await tx.execute(f"INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE {taken}")
    for name in identity:
        await tx.many(
            f"SELECT setval(pg_get_serial_sequence($1, $2), max({name})) FROM {table}",  # noqa: S608 - likewise
            table,
            name,
        )

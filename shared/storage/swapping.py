"""Puts rebuilt rows in the place of live ones, in one transaction that fences off every worker.

Rows that others name by their identity keep it: those that are there and right are left alone.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter

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
_WRONG = """
    WITH live AS (SELECT {key}, ROW({within})::text AS cell, ROW({names})::text AS line,
            row_number() OVER (PARTITION BY ROW({names})::text ORDER BY {key}) AS nth FROM {table}),
        made AS (SELECT ROW({names})::text AS line,
            row_number() OVER (PARTITION BY ROW({names})::text ORDER BY {key}) AS nth FROM {shadow}.{table})
    DELETE FROM {table} t USING live l LEFT JOIN made m USING (line, nth)
    WHERE t.{key} = l.{key} AND m.nth IS NULL RETURNING t.{key} AS id, l.cell"""
_MISSING = """
    WITH live AS (SELECT {key}, ROW({names})::text AS line,
            row_number() OVER (PARTITION BY ROW({names})::text ORDER BY {key}) AS nth FROM {table}),
        made AS (SELECT {key}, ROW({within})::text AS cell, ROW({names})::text AS line,
            row_number() OVER (PARTITION BY ROW({names})::text ORDER BY {key}) AS nth FROM {shadow}.{table}),
        paired AS (SELECT m.{key} AS made, m.cell, l.{key} AS kept,
            COALESCE(max(l.{key}) OVER (PARTITION BY m.cell ORDER BY m.{key}), 0) AS low,
            min(l.{key}) OVER (PARTITION BY m.cell ORDER BY m.{key} DESC) AS high
            FROM made m LEFT JOIN live l USING (line, nth))
    SELECT made, cell, low, high FROM paired WHERE kept IS NULL ORDER BY made"""
_FREE = """
    SELECT min(n) AS id FROM generate_series($1::bigint + 1, $2::bigint - 1) n
    WHERE NOT n = ANY($3::bigint[]) AND NOT EXISTS (SELECT FROM {table} t WHERE t.{key} = n)"""
_LAST = "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass) AS last"
_RESTORE = """
    INSERT INTO {table} ({key}, {names}) OVERRIDING SYSTEM VALUE
    SELECT n.given, {names} FROM {shadow}.{table} s
    JOIN unnest($1::bigint[], $2::bigint[]) n(made, given) ON n.made = s.{key}"""


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
    tx: PostgresTransaction,
    shadow: str,
    tables: Mapping[str, Sequence[str]],
    consumers: Sequence[str],
    named: Mapping[str, Sequence[str]],
) -> None:
    """Replace the rows of tables by those of the shadow; whoever worked on them starts over.

    `named` are tables whose rows others name, with the columns within which they follow each other.
    """
    for statement in _FENCE:
        await tx.many(statement, list(consumers))
    for table in tables:
        await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await tx.execute("SET CONSTRAINTS ALL DEFERRED")
    for table, columns in tables.items():
        if table in named:
            await _restore(tx, shadow, table, columns, named[table])
        else:
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
        await _go_on_from(tx, table, name)


async def _restore(
    tx: PostgresTransaction, shadow: str, table: str, columns: Sequence[str], within: Sequence[str]
) -> None:
    """Remove rows that are wrong and add those that are missing, each numbered between its neighbours."""
    ((key,),) = [row.values() for row in await tx.many(_IDENTITY, table)]
    names = {"table": table, "shadow": shadow, "key": key}
    names |= {"names": ", ".join(columns), "within": ", ".join(within)}
    freed = await tx.many(_WRONG.format(**names))
    missing = await tx.many(_MISSING.format(**names))
    beyond = 1 + ((await tx.many(_LAST, table, key))[0]["last"] or 0)
    own: dict[str, list[int]] = {}
    for one in sorted(freed, key=itemgetter("id")):
        own.setdefault(one["cell"], []).append(one["id"])
    others = [one["id"] for one in freed]
    given: dict[str, int] = {}
    numbers: dict[int, int] = {}
    for row in missing:
        low, high = max(row["low"], given.get(row["cell"], 0)), row["high"] or beyond
        mine = [at for at in own.get(row["cell"], ()) if low < at < high]
        if mine:
            found = mine[0]
        else:
            free = await tx.many(_FREE.format(**names), low, high, [*others, *numbers.values()])
            found = free[0]["id"] or beyond
        assert found < high or found == beyond == high, "a row that was removed leaves its number"
        beyond = max(beyond, found + 1)
        given[row["cell"]] = numbers[row["made"]] = found
    await tx.many(_RESTORE.format(**names), list(numbers), list(numbers.values()))
    await _go_on_from(tx, table, key)


async def _go_on_from(tx: PostgresTransaction, table: str, key: str) -> None:
    """Let the next row have the next number."""
    reached = (await tx.many(_LAST, table, key))[0]["last"] or 0
    last = f"SELECT setval(pg_get_serial_sequence($1, $2), GREATEST(max({key}), $3::bigint, 1)) FROM {table}"  # noqa: S608 - names of the catalogue
    await tx.many(last, table, key, reached)

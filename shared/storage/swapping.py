"""Puts rebuilt rows in the place of live ones, in one transaction that fences off every worker.

Rows that others name by their identity keep it: those that are there and right are left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.kernel.errors import refuse
from shared.storage.renumbering import ENDLESS, Missing, numbered
from shared.storage.transaction import PostgresTransaction

Reached = Mapping[tuple[str, str, int], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Named:
    """A table whose rows others name by number: the columns `within` which they follow each other.

    `by` are the tables and columns that name them; the columns of `said` they have as the row that is named.
    """

    within: Sequence[str]
    said: Sequence[str] = ()
    by: Sequence[tuple[str, str]] = ()


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
        made AS (SELECT {key}, ROW({within})::text AS cell, ROW({said})::text AS said,
            ROW({names})::text AS line,
            row_number() OVER (PARTITION BY ROW({names})::text ORDER BY {key}) AS nth FROM {shadow}.{table}),
        paired AS (SELECT m.{key} AS made, m.cell, m.said, l.{key} AS kept,
            COALESCE(max(l.{key}) OVER (PARTITION BY m.cell ORDER BY m.{key}), 0) AS low,
            min(l.{key}) OVER (PARTITION BY m.cell ORDER BY m.{key} DESC) AS high
            FROM made m LEFT JOIN live l USING (line, nth))
    SELECT made, cell, said, low, high FROM paired WHERE kept IS NULL ORDER BY made"""
_GAPS = """
    SELECT after + 1 AS first, before - 1 AS last FROM (
        SELECT id AS after, lead(id) OVER (ORDER BY id) AS before
        FROM (SELECT {key} AS id FROM {table} UNION VALUES (0::bigint), ($1::bigint)) known) around
    WHERE before > after + 1 ORDER BY 1"""
_SAID = "SELECT DISTINCT {column} AS id, ROW({said})::text AS said FROM {by}"
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
    named: Mapping[str, Named],
) -> None:
    """Replace the rows of tables by those of the shadow; whoever worked on them starts over.

    Rows of the tables of `named` keep their numbers.
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
    tx: PostgresTransaction, shadow: str, table: str, columns: Sequence[str], named: Named
) -> None:
    """Remove rows that are wrong and add those that are missing, each numbered between its neighbours."""
    ((key,),) = [row.values() for row in await tx.many(_IDENTITY, table)]
    names = {"table": table, "shadow": shadow, "key": key}
    names |= {"names": ", ".join(columns), "within": ", ".join(named.within), "said": ", ".join(named.said)}
    owners = {row["id"]: row["cell"] for row in await tx.many(_WRONG.format(**names))}
    found = await tx.many(_MISSING.format(**names))
    cells: dict[str, str] = {}
    for row in found:
        cells.setdefault(row["said"], row["cell"])
    for by, column in named.by:
        for row in await tx.many(_SAID.format(by=by, column=column, **names)):
            owners[row["id"]] = cells.get(row["said"], row["said"])
    beyond = 1 + ((await tx.many(_LAST, table, key))[0]["last"] or 0)
    gaps = [(row["first"], row["last"]) for row in await tx.many(_GAPS.format(**names), beyond)]
    missing = [Missing(row["made"], row["cell"], row["low"], row["high"] or ENDLESS) for row in found]
    given = numbered(missing, gaps, owners, beyond)
    await tx.many(_RESTORE.format(**names), list(given), list(given.values()))
    await _go_on_from(tx, table, key)


async def _go_on_from(tx: PostgresTransaction, table: str, key: str) -> None:
    """Let the next row have the next number."""
    reached = (await tx.many(_LAST, table, key))[0]["last"] or 0
    last = f"SELECT setval(pg_get_serial_sequence($1, $2), GREATEST(max({key}), $3::bigint, 1)) FROM {table}"  # noqa: S608 - names of the catalogue
    await tx.many(last, table, key, reached)

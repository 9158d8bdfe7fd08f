"""Tables of supervision: schemes and calendars in force, acts, each shard's clock, items as they were told."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.kernel.instants import EPOCH
from shared.storage.transaction import PostgresTransaction

_COLUMNS = (
    "id, shard, grp, version, facts, kind, state, light, unit, paths, bearers, assessor, scheme, indicator, given, "
    "due, done, changes, provisional, told"
)
_SAVE_ITEMS = f"""
    INSERT INTO items ({_COLUMNS})
    SELECT id, shard, grp, version, facts, kind, state, light, unit, string_to_array(paths, ' '),
        string_to_array(bearers, ' '), assessor, scheme, indicator, given, due, done, changes, provisional, told
    FROM unnest($1::text[], $2::smallint[], $3::bytea[], $4::int[], $5::int[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
        $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::bool[], $20::bytea[]) n({_COLUMNS})
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, facts = excluded.facts,
        kind = excluded.kind, state = excluded.state, light = excluded.light, unit = excluded.unit,
        paths = excluded.paths, bearers = excluded.bearers, assessor = excluded.assessor,
        scheme = excluded.scheme, indicator = excluded.indicator,
        given = excluded.given, due = excluded.due, done = excluded.done, changes = excluded.changes,
        provisional = excluded.provisional, told = excluded.told"""  # noqa: S608 - names of this module


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item as it was told last; `grp` names the case that opened it, `changes` when to look again.

    `paths` are those of its units, `bearers` of others that bear late days of it, `assessor` that of who
    assesses its indicator.
    """

    id: str
    shard: int
    grp: bytes | None
    version: int
    facts: int
    kind: str
    state: str
    light: str
    unit: str
    paths: tuple[str, ...]
    bearers: tuple[str, ...]
    assessor: str | None
    scheme: str | None
    indicator: str | None
    given: datetime
    due: datetime | None
    done: datetime | None
    changes: datetime | None
    provisional: bool
    told: bytes


@dataclass(frozen=True, slots=True)
class CalendarRow:
    """A version of a zone's calendar; nobody has adopted a draft yet."""

    zone: str
    version: int
    document: dict[str, Any]
    digest: str
    author: str
    approver: str | None


@dataclass(frozen=True, slots=True)
class ActRow:
    """A person's act as it is in the stream."""

    shard: int
    item: str
    number: int
    body: bytes


async def save_keys(tx: PostgresTransaction, keys: Mapping[str, Sequence[str]]) -> None:
    """Keep which fields make an event of a type the same fact as another; they never change."""
    for name, fields in sorted(keys.items()):
        await tx.many(
            "INSERT INTO business_keys VALUES ($1, $2::text[]) ON CONFLICT DO NOTHING", name, list(fields)
        )


async def business_keys(tx: PostgresTransaction) -> dict[str, tuple[str, ...]]:
    """Return the business keys of types that have one."""
    rows = await tx.many("SELECT type, fields FROM business_keys")
    return {row["type"]: tuple(row["fields"]) for row in rows}


async def put_in_force(
    tx: PostgresTransaction, shard: int, code: str, version: int, document: Mapping[str, Any]
) -> None:
    """Note that a shard applies a version of a scheme from here on."""
    await tx.many(
        "INSERT INTO schemes VALUES ($1, $2, $3::jsonb) ON CONFLICT DO NOTHING",
        code,
        version,
        json.dumps(document),
    )
    await tx.many("INSERT INTO in_force VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", shard, code, version)


async def take_out_of_force(tx: PostgresTransaction, shard: int, code: str, version: int) -> None:
    """Note that another version took the place of this one."""
    await tx.many(
        "DELETE FROM in_force WHERE shard = $1 AND code = $2 AND version = $3", shard, code, version
    )


async def in_force(tx: PostgresTransaction, shard: int) -> list[tuple[str, int]]:
    """Return the versions of schemes that a shard applies."""
    rows = await tx.many("SELECT code, version FROM in_force WHERE shard = $1 ORDER BY code, version", shard)
    return [(row["code"], row["version"]) for row in rows]


async def scheme(tx: PostgresTransaction, code: str, version: int) -> dict[str, Any]:
    """Return the document of an adopted version."""
    rows = await tx.many("SELECT document FROM schemes WHERE code = $1 AND version = $2", code, version)
    return rows[0]["document"]


async def newest_scheme(tx: PostgresTransaction, code: str) -> dict[str, Any] | None:
    """Return the newest document of a scheme that was heard of."""
    rows = await tx.many("SELECT document FROM schemes WHERE code = $1 ORDER BY version DESC LIMIT 1", code)
    return rows[0]["document"] if rows else None


async def schemes(tx: PostgresTransaction) -> list[str]:
    """Return the codes of the schemes that were heard of."""
    return [row["code"] for row in await tx.many("SELECT DISTINCT code FROM schemes ORDER BY code")]


async def lock_calendars(tx: PostgresTransaction, zone: str) -> None:
    """Let nobody draft or adopt calendars of a zone beside me until I commit."""
    await tx.many("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", zone)


async def draft_calendar(tx: PostgresTransaction, row: CalendarRow, first: date, last: date) -> bool:
    """Keep a draft in the place of an earlier one; false where the version is adopted."""
    rows = await tx.many(
        "INSERT INTO calendars VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7) ON CONFLICT (zone, version) DO UPDATE "
        "SET first = excluded.first, last = excluded.last, document = excluded.document, "
        "digest = excluded.digest, author = excluded.author WHERE calendars.approver IS NULL RETURNING 1",
        row.zone,
        row.version,
        first,
        last,
        json.dumps(row.document),
        row.digest,
        row.author,
    )
    return bool(rows)


async def adopt_calendar(tx: PostgresTransaction, zone: str, version: int, approver: str) -> None:
    """Note who adopted a version."""
    await tx.many(
        "UPDATE calendars SET approver = $3 WHERE zone = $1 AND version = $2", zone, version, approver
    )


async def calendar(tx: PostgresTransaction, zone: str, version: int) -> CalendarRow | None:
    """Return a version of a zone's calendar."""
    rows = await tx.many(
        "SELECT zone, version, document, digest, author, approver FROM calendars "
        "WHERE zone = $1 AND version = $2",
        zone,
        version,
    )
    return CalendarRow(**dict(rows[0])) if rows else None


async def adopted_calendar(tx: PostgresTransaction, zone: str) -> CalendarRow | None:
    """Return the newest adopted version of a zone's calendar."""
    rows = await tx.many(
        "SELECT max(version) AS version FROM calendars WHERE zone = $1 AND approver IS NOT NULL", zone
    )
    version = rows[0]["version"]
    return None if version is None else await calendar(tx, zone, version)


async def calendars(tx: PostgresTransaction) -> list[dict[str, Any]]:
    """Return every version of every calendar without its days."""
    rows = await tx.many(
        "SELECT zone, version, document->'calendar'->>'title' AS title, first, last, digest, author, approver "
        "FROM calendars ORDER BY zone, version"
    )
    return [dict(row) for row in rows]


async def put_calendar_in_force(tx: PostgresTransaction, shard: int, zone: str, version: int) -> None:
    """Note that a shard counts by a version from here on; the highest it heard of counts."""
    await tx.many(
        "INSERT INTO calendars_in_force AS c VALUES ($1, $2, $3) ON CONFLICT (shard, zone) "
        "DO UPDATE SET version = GREATEST(c.version, excluded.version)",
        shard,
        zone,
        version,
    )


async def calendars_in_force(tx: PostgresTransaction, shard: int) -> dict[str, int]:
    """Return the versions of calendars by which a shard counts, by zone."""
    rows = await tx.many("SELECT zone, version FROM calendars_in_force WHERE shard = $1", shard)
    return {row["zone"]: row["version"] for row in rows}


async def move_clock(tx: PostgresTransaction, minutes: Mapping[int, datetime]) -> None:
    """Note the newest tick of shards."""
    await tx.many(
        "INSERT INTO clock SELECT * FROM unnest($1::smallint[], $2::timestamptz[]) "
        "ON CONFLICT (shard) DO UPDATE SET minute = GREATEST(clock.minute, excluded.minute)",
        list(minutes),
        list(minutes.values()),
    )


async def clock(tx: PostgresTransaction, shards: Iterable[int]) -> dict[int, datetime]:
    """Return the newest tick of shards; long ago where there was none."""
    wanted = list(shards)
    rows = await tx.many("SELECT shard, minute FROM clock WHERE shard = ANY($1::smallint[])", wanted)
    return dict.fromkeys(wanted, EPOCH) | {row["shard"]: row["minute"] for row in rows}


async def add_acts(tx: PostgresTransaction, acts: Sequence[ActRow]) -> None:
    """Keep acts beside what they act on."""
    await tx.copy(
        "acts",
        ("shard", "item", "number", "body"),
        [(act.shard, act.item, act.number, act.body) for act in acts],
    )


async def acts(tx: PostgresTransaction, items: Mapping[str, int]) -> dict[str, list[ActRow]]:
    """Return the acts on items (with their shards), in order."""
    rows = await tx.many(
        "SELECT a.shard, a.item, a.number, a.body FROM unnest($1::smallint[], $2::text[]) n(shard, item) "
        "JOIN acts a ON a.shard = n.shard AND a.item = n.item ORDER BY a.item, a.number",
        list(items.values()),
        list(items),
    )
    found: dict[str, list[ActRow]] = {}
    for row in rows:
        found.setdefault(row["item"], []).append(ActRow(**dict(row)))
    return found


async def items(tx: PostgresTransaction, ids: Iterable[str]) -> dict[str, ItemRow]:
    """Return items by their ids; unknown ones are left out."""
    statement = f"SELECT {_COLUMNS} FROM items WHERE id = ANY($1::text[])"  # noqa: S608 - names of this module
    return {row.id: row for row in map(item_row, await tx.many(statement, list(ids)))}


async def items_of_cases(tx: PostgresTransaction, cases: Iterable[tuple[int, bytes]]) -> dict[str, ItemRow]:
    """Return the items that events of cases opened."""
    shards, groups = zip(*cases, strict=True)
    statement = f"""SELECT {_COLUMNS} FROM items JOIN unnest($1::smallint[], $2::bytea[]) n(shard, grp)
        USING (shard, grp)"""  # noqa: S608 - names of this module
    return {row.id: row for row in map(item_row, await tx.many(statement, list(shards), list(groups)))}


async def items_due(
    tx: PostgresTransaction, minutes: Mapping[int, datetime], limit: int
) -> dict[str, ItemRow]:
    """Return items that are another by the clock alone, at most `limit` of them."""
    statement = f"""SELECT {_COLUMNS} FROM unnest($1::smallint[], $2::timestamptz[]) n(at_shard, minute)
        JOIN items ON shard = at_shard AND changes <= minute ORDER BY id LIMIT $3"""  # noqa: S608 - names of this module
    rows = await tx.many(statement, list(minutes), list(minutes.values()), limit)
    return {row.id: row for row in map(item_row, rows)}


async def items_of_shard(tx: PostgresTransaction, shard: int, after: str, limit: int) -> list[ItemRow]:
    """Return a page of the items of a shard that a person opened or events did, by id."""
    statement = f"SELECT {_COLUMNS} FROM items WHERE shard = $1 AND id > $2 ORDER BY id LIMIT $3"  # noqa: S608 - names of this module
    return [item_row(row) for row in await tx.many(statement, shard, after, limit)]


async def save_items(tx: PostgresTransaction, rows: Sequence[ItemRow]) -> None:
    """Write items as they are told."""
    columns = [list(column) for column in zip(*map(_values, rows), strict=True)]
    if columns:
        await tx.many(_SAVE_ITEMS, *columns)


def item_row(row: Mapping[str, Any]) -> ItemRow:
    """Read a row of items."""
    values: dict[str, Any] = {name.strip(): row[name.strip()] for name in _COLUMNS.split(",")}
    values |= {name: tuple(row[name]) for name in ("paths", "bearers")}
    return ItemRow(**values)


def _values(row: ItemRow) -> tuple[Any, ...]:
    """Return the columns of a row; paths hold no blanks, and PostgreSQL's unnest takes arrays of one length."""
    return (
        row.id, row.shard, row.grp, row.version, row.facts, row.kind, row.state, row.light, row.unit,
        " ".join(row.paths), " ".join(row.bearers), row.assessor, row.scheme, row.indicator, row.given, row.due,
        row.done, row.changes, row.provisional, row.told,
    )  # fmt: skip

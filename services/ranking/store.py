"""Tables of figures: the newest of each unit, how fresh each group is, and which feeds are silent."""

from collections.abc import Collection, Mapping

import msgspec

from services.ranking.domain.rows import Group, Row, Silence, VersionPeriod, VersionUnit
from services.ranking.domain.schemes import Figures, Scheme
from shared.storage.transaction import PostgresTransaction

_SAVE_ROWS = """
    INSERT INTO figures AS f (scheme, grp, version, period, unit, worth, points, volume, number)
    SELECT $1, $2, * FROM unnest(
        $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[])
    ON CONFLICT (scheme, grp, version, period, unit) DO UPDATE
    SET worth = excluded.worth, points = excluded.points, volume = excluded.volume, number = excluded.number
    WHERE f.number < excluded.number"""
_SAVE_GROUP = """
    INSERT INTO groups VALUES (:scheme, :grp, :shard, :version, :fresh) ON CONFLICT (scheme, grp) DO UPDATE
    SET version = GREATEST(groups.version, excluded.version), fresh_at = GREATEST(groups.fresh_at, excluded.fresh_at)"""
_SAVE_SILENCES = """
    INSERT INTO silences AS s (scheme, grp, version, unit, months, number)
    SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::text[], $6::bigint[])
    ON CONFLICT (scheme, grp, version, unit) DO UPDATE SET months = excluded.months, number = excluded.number
    WHERE s.number < excluded.number"""
_WORTH = msgspec.json.Decoder(dict[str, int | None])
_POINTS = msgspec.json.Decoder(dict[str, int])
_SILENT = msgspec.json.Decoder(dict[str, list[str]])


async def save_rows(tx: PostgresTransaction, group: Group, rows: Mapping[tuple[int, str, str], Row]) -> None:
    """Write figures by (version, period, unit); what stands on a newer record stays."""
    if rows:
        columns = [
            (*key, _written(row.worth), _written(row.points), row.volume, row.number)
            for key, row in sorted(rows.items())
        ]
        await tx.many(_SAVE_ROWS, *group, *(list(column) for column in zip(*columns, strict=True)))


async def save_group(tx: PostgresTransaction, group: Group, shard: int, version: int, fresh_at: str) -> None:
    """Note where a group's figures come, the newest version of its scheme and how fresh they are."""
    await tx.execute(_SAVE_GROUP, scheme=group[0], grp=group[1], shard=shard, version=version, fresh=fresh_at)


async def save_silences(
    tx: PostgresTransaction, group: Group, silences: Mapping[VersionUnit, Silence]
) -> None:
    """Write which feeds are silent by (version, unit); what stands on a newer record stays."""
    if silences:
        columns = [
            (*key, msgspec.json.encode(one.months).decode(), one.number)
            for key, one in sorted(silences.items())
        ]
        await tx.many(_SAVE_SILENCES, *group, *(list(column) for column in zip(*columns, strict=True)))


async def silences(tx: PostgresTransaction, group: Group) -> dict[VersionUnit, Silence]:
    """Return which feeds of a group's units are silent, by (version, unit)."""
    found = await tx.many(
        "SELECT version, unit, months, number FROM silences WHERE scheme = $1 AND grp = $2", *group
    )
    return {
        (row["version"], row["unit"]): Silence(_SILENT.decode(row["months"]), row["number"]) for row in found
    }


async def rows(
    tx: PostgresTransaction, group: Group, wanted: Collection[VersionPeriod]
) -> dict[VersionPeriod, dict[str, Row]]:
    """Return the figures of a group's units by (version, period)."""
    found: dict[VersionPeriod, dict[str, Row]] = {key: {} for key in wanted}
    if wanted:
        for row in await tx.many(
            "SELECT version, period, unit, worth, points, volume, number FROM figures "
            "JOIN unnest($3::int[], $4::text[]) n(version, period) USING (version, period) "
            "WHERE scheme = $1 AND grp = $2",
            *group,
            *(list(column) for column in zip(*wanted, strict=True)),
        ):
            worth, points = _WORTH.decode(row["worth"]), _POINTS.decode(row["points"])
            found[row["version"], row["period"]][row["unit"]] = Row(
                worth, row["volume"], row["number"], points
            )
    return found


async def figures(tx: PostgresTransaction, group: Group, schemes: Mapping[str, Scheme]) -> dict[str, Figures]:
    """Return by period the figures of every unit of a group."""
    found = await rows(tx, group, [(scheme.version, period) for period, scheme in schemes.items()])
    silent = await silences(tx, group)
    return {
        period: scheme.group_figures(group[1], period, found[scheme.version, period], silent)
        for period, scheme in schemes.items()
    }


async def groups_of(tx: PostgresTransaction, code: str, shard: int) -> list[str]:
    """Return the groups of a scheme whose figures come in a shard."""
    rows = await tx.execute(
        "SELECT grp FROM groups WHERE scheme = :code AND shard = :shard ORDER BY grp", code=code, shard=shard
    )
    return [row.grp for row in rows]


async def fresh_at(tx: PostgresTransaction, group: Group) -> str | None:
    """Return the newest `received` that a group's figures contain."""
    rows = await tx.execute(
        "SELECT fresh_at FROM groups WHERE scheme = :scheme AND grp = :grp", scheme=group[0], grp=group[1]
    )
    return rows[0].fresh_at if rows else None


async def periods_of(tx: PostgresTransaction, group: Group) -> set[str]:
    """Return the periods that a group has figures of, or was told of."""
    rows = await tx.many(
        "SELECT period FROM figures WHERE scheme = $1 AND grp = $2 "
        "UNION SELECT period FROM places WHERE scheme = $1 AND grp = $2",
        *group,
    )
    return {row["period"] for row in rows}


async def figures_of(tx: PostgresTransaction, name: str) -> list[tuple[str, str]]:
    """Return the (group, period) that a trial has figures of, in order."""
    rows = await tx.many("SELECT DISTINCT grp, period FROM figures WHERE scheme = $1 ORDER BY 1, 2", name)
    return [(row["grp"], row["period"]) for row in rows]


async def drop_group(tx: PostgresTransaction, group: Group) -> None:
    """Forget the figures of a group of a trial."""
    await tx.many("DELETE FROM figures WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM silences WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM groups WHERE scheme = $1 AND grp = $2", *group)


def _written(values: Mapping[str, int | None]) -> str:
    return msgspec.json.encode(values).decode()

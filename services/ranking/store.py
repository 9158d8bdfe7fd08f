"""Tables of figures: those of each unit now and on days before, how fresh they are, which feeds are silent."""

from collections.abc import Collection, Iterable, Mapping
from itertools import pairwise
from operator import itemgetter
from typing import Any

import msgspec

from services.ranking.domain.rows import Group, Row, Silence, VersionPeriod, VersionUnit
from services.ranking.domain.schemes import Figures, Scheme
from shared.storage.transaction import PostgresTransaction

_SAVE_ROWS = """
    INSERT INTO figures AS f (scheme, grp, version, period, unit, worth, points, volume, number, day)
    SELECT $1, $2, * FROM unnest(
        $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[])
    ON CONFLICT (scheme, grp, version, period, unit) DO UPDATE
    SET worth = excluded.worth, points = excluded.points, volume = excluded.volume, number = excluded.number,
        day = excluded.day
    WHERE f.number < excluded.number"""
_SAVE_PAST = """
    INSERT INTO figures_past AS f (scheme, grp, version, period, unit, worth, points, volume, number, day)
    SELECT $1, $2, * FROM unnest(
        $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[])
    ON CONFLICT (scheme, grp, version, period, unit, day) DO UPDATE
    SET worth = excluded.worth, points = excluded.points, volume = excluded.volume, number = excluded.number
    WHERE f.number < excluded.number"""
_ROWS_ON = """
    SELECT DISTINCT ON (version, period, unit) version, period, unit, worth, points, volume, number, day
    FROM (
        SELECT f.* FROM figures f JOIN unnest($3::int[], $4::text[]) n(version, period) USING (version, period)
        WHERE scheme = $1 AND grp = $2 AND day <= $5
        UNION ALL
        SELECT p.* FROM figures f JOIN unnest($3::int[], $4::text[]) n(version, period) USING (version, period)
        CROSS JOIN LATERAL (
            SELECT * FROM figures_past p
            WHERE (p.scheme, p.grp, p.version, p.period, p.unit) = ($1, $2, f.version, f.period, f.unit)
                AND p.day <= $5 ORDER BY p.day DESC LIMIT 1) p
        WHERE f.scheme = $1 AND f.grp = $2) known
    ORDER BY version, period, unit, number DESC"""
_SAVE_GROUP = """
    WITH known AS (
        INSERT INTO days AS d SELECT $1, $2, * FROM unnest($6::text[], $7::int[], $8::text[])
        ON CONFLICT (scheme, grp, day) DO UPDATE
        SET version = GREATEST(d.version, excluded.version), fresh_at = GREATEST(d.fresh_at, excluded.fresh_at))
    INSERT INTO groups VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scheme, grp) DO UPDATE
    SET version = GREATEST(groups.version, excluded.version), fresh_at = GREATEST(groups.fresh_at, excluded.fresh_at)"""
_SAVE_AT_CUT = """
    INSERT INTO cut_figures (scheme, grp, version, period, unit, worth, points, volume, number)
    SELECT $1, $2, version, period, unit, worth, points, volume, number FROM unnest(
        $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::text[])
        n(version, period, unit, worth, points, volume, number, day)
    ON CONFLICT DO NOTHING"""
_AT_CUT = """
    SELECT version, period, unit, worth, points, volume, number, '' AS day FROM cut_figures
    WHERE (scheme, grp, version, period) = ($1, $2, $3, $4)"""
_SAVE_MIXED = """
    INSERT INTO cuts_mixed SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[])
    ON CONFLICT DO NOTHING"""
_MIXED = """
    SELECT EXISTS (SELECT FROM cuts_mixed WHERE (scheme, grp, period) = ($1, $2, $3)
        AND first <= $4 AND until > $4) AS mixed"""
_MOVE_SILENCES = """
    INSERT INTO silences_past AS p SELECT s.* FROM silences s
    JOIN unnest($3::int[], $4::text[], $5::text[]) n(version, unit, day) USING (version, unit)
    WHERE s.scheme = $1 AND s.grp = $2 AND s.day < n.day
    ON CONFLICT (scheme, grp, version, unit, day) DO UPDATE SET months = excluded.months, number = excluded.number
    WHERE p.number < excluded.number"""
_SAVE_SILENCES_PAST = """
    INSERT INTO silences_past AS p (scheme, grp, version, unit, day, months, number)
    SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[])
    ON CONFLICT (scheme, grp, version, unit, day) DO UPDATE SET months = excluded.months, number = excluded.number
    WHERE p.number < excluded.number"""
_SAVE_SILENCES = """
    INSERT INTO silences AS s (scheme, grp, version, unit, day, months, number)
    SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::text[], $6::text[], $7::bigint[])
    ON CONFLICT (scheme, grp, version, unit) DO UPDATE
    SET day = excluded.day, months = excluded.months, number = excluded.number
    WHERE s.number < excluded.number"""
_SILENCES = """
    SELECT DISTINCT ON (version, unit) version, unit, months, number FROM silences
    WHERE scheme = $1 ORDER BY version, unit, grp = $2 DESC, grp"""
_SILENCES_ON = """
    SELECT DISTINCT ON (version, unit) version, unit, months, number
    FROM (SELECT * FROM silences UNION ALL SELECT * FROM silences_past) known
    WHERE scheme = $1 AND day <= $3 ORDER BY version, unit, grp = $2 DESC, grp, number DESC"""
_WORTH = msgspec.json.Decoder(dict[str, int | None])
_POINTS = msgspec.json.Decoder(dict[str, int])
_SILENT = msgspec.json.Decoder(dict[str, list[str]])


async def save_rows(tx: PostgresTransaction, group: Group, rows: Mapping[tuple[int, str, str], Row]) -> None:
    """Write figures by (version, period, unit); what stands on a newer record stays."""
    if rows:
        await tx.many(_SAVE_ROWS, *group, *_columns(rows.items()))


async def save_past(
    tx: PostgresTransaction, group: Group, rows: Mapping[tuple[int, str, str, str], Row]
) -> None:
    """Write by (version, period, unit, day) what figures were at the end of a day."""
    if rows:
        await tx.many(_SAVE_PAST, *group, *_columns((key[:3], row) for key, row in rows.items()))


async def save_at_cut(
    tx: PostgresTransaction, group: Group, rows: Mapping[tuple[int, str, str], Row]
) -> None:
    """Write the figures at the cut by (version, period, unit); the first that is told of a unit counts."""
    if rows:
        await tx.many(_SAVE_AT_CUT, *group, *_columns(rows.items()))


async def save_mixed(tx: PostgresTransaction, group: Group, found: Collection[tuple[str, str, str]]) -> None:
    """Note of which days of periods no standing is known: the first, and the one after the last."""
    if found:
        periods, firsts, untils = zip(*sorted(found), strict=True)
        await tx.many(_SAVE_MIXED, *group, list(periods), list(firsts), list(untils))


async def mixed(tx: PostgresTransaction, group: Group, period: str, day: str) -> bool:
    """Tell whether the standing of a period as of a day cannot be told: something came behind a later day."""
    return bool((await tx.many(_MIXED, *group, period, day))[0]["mixed"])


async def save_group(
    tx: PostgresTransaction,
    group: Group,
    shard: int,
    version: int,
    fresh_at: str,
    days: Mapping[str, tuple[int, str]],
) -> None:
    """Note where a group's figures come, the newest version of its scheme and how fresh they are, also by day."""
    by_day = [(day, *found) for day, found in sorted(days.items())]
    known = [list(column) for column in zip(*by_day, strict=True)] or [[], [], []]
    await tx.many(_SAVE_GROUP, *group, shard, version, fresh_at, *known)


async def save_silences(
    tx: PostgresTransaction, group: Group, told: Mapping[tuple[int, str, str], Silence]
) -> None:
    """Write what is told by (version, unit, day) of silent feeds, and keep what it was at the end of each day."""
    by_unit: dict[VersionUnit, list[tuple[int, str, str, str, int]]] = {}
    for (version, unit, day), one in sorted(told.items(), key=lambda item: item[1].number):
        written = version, unit, day, msgspec.json.encode(one.months).decode(), one.number
        by_unit.setdefault((version, unit), []).append(written)
    if by_unit:
        await tx.many(_MOVE_SILENCES, *group, *zip(*(rows[0][:3] for rows in by_unit.values()), strict=True))
        past = [old for rows in by_unit.values() for old, new in pairwise(rows) if old[2] < new[2]]
        if past:
            await tx.many(_SAVE_SILENCES_PAST, *group, *zip(*past, strict=True))
        await tx.many(_SAVE_SILENCES, *group, *zip(*(rows[-1] for rows in by_unit.values()), strict=True))


async def silences(
    tx: PostgresTransaction, group: Group, day: str | None = None
) -> dict[VersionUnit, Silence]:
    """Return which feeds of a scheme's units are silent, or were at the end of a day, by (version, unit).

    Where the group was not told it of a unit, another was that had the unit in this version.
    """
    found = await (tx.many(_SILENCES, *group) if day is None else tx.many(_SILENCES_ON, *group, day))
    return {
        (row["version"], row["unit"]): Silence(_SILENT.decode(row["months"]), row["number"]) for row in found
    }


async def rows(
    tx: PostgresTransaction, group: Group, wanted: Collection[VersionPeriod]
) -> dict[VersionPeriod, dict[str, Row]]:
    """Return the figures of a group's units by (version, period)."""
    if not wanted:
        return {}
    found = await tx.many(
        "SELECT version, period, unit, worth, points, volume, number, day FROM figures "
        "JOIN unnest($3::int[], $4::text[]) n(version, period) USING (version, period) "
        "WHERE scheme = $1 AND grp = $2",
        *group,
        *(list(column) for column in zip(*wanted, strict=True)),
    )
    return _by_unit(wanted, found)


async def rows_on(
    tx: PostgresTransaction, group: Group, wanted: Collection[VersionPeriod], day: str
) -> dict[VersionPeriod, dict[str, Row]]:
    """Return the same as they were at the end of a day; units of which nothing was told by then are not there."""
    found = await tx.many(_ROWS_ON, *group, *(list(column) for column in zip(*wanted, strict=True)), day)
    return _by_unit(wanted, found)


async def figures(
    tx: PostgresTransaction, group: Group, schemes: Mapping[str, Scheme], day: str | None = None
) -> dict[str, Figures]:
    """Return by period the figures of every unit of a group, with a day as they were at its end."""
    wanted = [(scheme.version, period) for period, scheme in schemes.items()]
    found = await (rows(tx, group, wanted) if day is None else rows_on(tx, group, wanted, day))
    silent = await silences(tx, group, day)
    return {
        period: scheme.group_figures(group[1], period, found[scheme.version, period], silent)
        for period, scheme in schemes.items()
    }


async def figures_at_cut(
    tx: PostgresTransaction, group: Group, period: str, scheme: Scheme, day: str
) -> Figures:
    """Return the figures of every unit of a group at a cut; what feeds are silent is as of the day before."""
    wanted = scheme.version, period
    found = _by_unit([wanted], await tx.many(_AT_CUT, *group, *wanted))
    return scheme.group_figures(group[1], period, found[wanted], await silences(tx, group, day))


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


async def fresh_on(tx: PostgresTransaction, group: Group, day: str) -> str | None:
    """Return the newest `received` that a group's figures contained at the end of a day."""
    rows = await tx.many(
        "SELECT max(fresh_at) AS fresh_at FROM days WHERE scheme = $1 AND grp = $2 AND day <= $3", *group, day
    )
    return rows[0]["fresh_at"]


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


async def save_folded(tx: PostgresTransaction, name: str, shard: int, folded: int) -> None:
    """Note that a shard of stage A is in what a shard tells of a trial."""
    await tx.many("INSERT INTO trial_shards VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", name, shard, folded)


async def folded(tx: PostgresTransaction, name: str) -> dict[str, int]:
    """Return by group of a trial how many shards of stage A are in its figures."""
    rows = await tx.many(
        "SELECT grp, count(folded) AS shards FROM groups g LEFT JOIN trial_shards USING (scheme, shard) "
        "WHERE g.scheme = $1 GROUP BY grp",
        name,
    )
    return {row["grp"]: row["shards"] for row in rows}


async def drop_folded(tx: PostgresTransaction, name: str, shard: int) -> None:
    """Forget which shards of stage A are in what a shard told of a trial."""
    await tx.many("DELETE FROM trial_shards WHERE scheme = $1 AND shard = $2", name, shard)


async def drop_group(tx: PostgresTransaction, group: Group) -> None:
    """Forget the figures of a group of a trial."""
    await tx.many("DELETE FROM figures WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM figures_past WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM cuts_mixed WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM days WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM silences WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM silences_past WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM groups WHERE scheme = $1 AND grp = $2", *group)


def _by_unit(
    wanted: Collection[VersionPeriod], rows: Iterable[Mapping[str, Any]]
) -> dict[VersionPeriod, dict[str, Row]]:
    found: dict[VersionPeriod, dict[str, Row]] = {key: {} for key in wanted}
    for row in rows:
        worth, points = _WORTH.decode(row["worth"]), _POINTS.decode(row["points"])
        found[row["version"], row["period"]][row["unit"]] = Row(
            worth, row["volume"], row["number"], points, row["day"]
        )
    return found


def _columns(rows: Iterable[tuple[tuple[int, str, str], Row]]) -> list[list[Any]]:
    written = [
        (*key, _written(row.worth), _written(row.points), row.volume, row.number, row.day)
        for key, row in sorted(rows, key=itemgetter(0))
    ]
    return [list(column) for column in zip(*written, strict=True)]


def _written(values: Mapping[str, int | None]) -> str:
    return msgspec.json.encode(values).decode()

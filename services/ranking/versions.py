"""Tables of schemes: the versions that are heard of, and which of them is in force in a period."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from services.ranking.domain.documents import Document, calendar_of
from services.ranking.domain.rows import Group
from services.ranking.domain.schemes import Scheme
from shared.kernel.periods import JANUARY, Cycle, Month, Period, PeriodCalendar
from shared.kernel.reigns import reigns
from shared.storage.transaction import PostgresTransaction

_OF_PERIOD = """
    SELECT 1 FROM {} f
    WHERE f.scheme = $1 AND f.grp = $2 AND f.version = s.version AND f.period = n.period{}"""
_RULING = """
    SELECT n.period, array_agg(s.version) AS versions, array_agg(effective) AS effective,
        array_agg(until) AS until,
        (array_agg(s.version ORDER BY effective <= n.first OR {} DESC, s.version DESC)
            FILTER (WHERE until >= n.first))[1] AS version
    FROM unnest($3::text[], $4::text[], $5::text[], $6::text[]) n(period, begins, first, last)
    JOIN (SELECT version, document->'scheme'->>'effective' AS effective, document->'scheme'->>'until' AS until
        FROM schemes WHERE code = $1) s ON effective <= n.last AND until >= n.begins
    WHERE s.version <= {} GROUP BY n.period HAVING bool_or(until >= n.first)"""
_IN_FORCE = _RULING.format(
    f"EXISTS ({_OF_PERIOD.format('figures', '')})",
    "COALESCE((SELECT version FROM groups WHERE scheme = $1 AND grp = $2), s.version)",
)
_IN_FORCE_ON = _RULING.format(
    " OR ".join(
        f"EXISTS ({_OF_PERIOD.format(table, ' AND f.day <= $7')})" for table in ("figures", "figures_past")
    ),
    "(SELECT max(version) FROM days WHERE scheme = $1 AND grp = $2 AND day <= $7)",
)

_AT_CUT = _RULING.format(
    f"EXISTS ({_OF_PERIOD.format('cut_figures', '')})",
    "$7::int",
)


@dataclass(frozen=True, slots=True)
class OfYear:
    """The version in force in a period, those of its months before it, and those of its year before them."""

    newest: int
    before: tuple[int, ...]
    earlier: tuple[int, ...]


async def save(tx: PostgresTransaction, code: str, version: int, document: Document) -> None:
    """Keep a version of a scheme; every shard tells of it."""
    await tx.execute(
        "INSERT INTO schemes VALUES (:code, :version, CAST(:document AS jsonb)) ON CONFLICT DO NOTHING",
        code=code,
        version=version,
        document=json.dumps(document),
    )


async def trial(tx: PostgresTransaction, name: str) -> Scheme | None:
    """Return the draft that a trial runs, without what it follows; None where none of this name does."""
    rows = await tx.many(
        "SELECT version, document FROM schemes WHERE code = $1 ORDER BY version DESC LIMIT 1", name
    )
    return Scheme(rows[0]["version"], rows[0]["document"]) if rows else None


async def drop(tx: PostgresTransaction, name: str) -> None:
    """Forget what a trial ran and followed."""
    await tx.many("DELETE FROM schemes WHERE code = $1", name)


async def in_force(
    tx: PostgresTransaction, group: Group, periods: Collection[str], day: str | None = None
) -> dict[str, Scheme]:
    """Return for each period the newest version that covers it, is heard of, and is not ahead of its figures.

    One that begins inside a period takes it with its first figures of the period: then its months have come.
    With a day by the figures that had been told at its end; none where none had.
    """
    if day is None:
        return await _ruling(tx, group, periods, _IN_FORCE)
    return await _ruling(tx, group, periods, _IN_FORCE_ON, day)


async def at_cut(tx: PostgresTransaction, group: Group, period: str, version: int) -> Scheme | None:
    """Return the version that the figures at the cut of a period are of; None while it is not heard of."""
    found = (await _ruling(tx, group, [period], _AT_CUT, version)).get(period)
    return None if found is None or found.version != version else found


async def _ruling(
    tx: PostgresTransaction, group: Group, periods: Collection[str], statement: str, *then: str | int
) -> dict[str, Scheme]:
    calendar = await _calendar(tx, group[0])
    named = [(period, calendar.parse(period)) for period in sorted(periods)]
    spans = [(period, str(_year(calendar, at).first), str(at.first), str(at.last)) for period, at in named]
    columns = [list(column) for column in zip(*spans, strict=True)]
    rows = await tx.many(statement, *group, *columns, *then)
    wanted = {row["period"]: _of_year(row, calendar) for row in rows}
    documents = await tx.many(
        "SELECT version, document FROM schemes WHERE code = $1 AND version = ANY($2::int[])",
        group[0],
        sorted({version for one in wanted.values() for version in (one.newest, *one.before, *one.earlier)}),
    )
    known = {row["version"]: row["document"] for row in documents}
    found = {one: _scheme(one, known) for one in set(wanted.values())}
    return {period: found[one] for period, one in wanted.items()}


async def groups_of(tx: PostgresTransaction, code: str) -> list[str]:
    """Return the names of the groups of all versions of a scheme that are heard of."""
    rows = await tx.many(
        "SELECT DISTINCT jsonb_object_keys(document->'groups') AS name FROM schemes WHERE code = $1 "
        "ORDER BY name",
        code,
    )
    return [row["name"] for row in rows]


async def heard_of(tx: PostgresTransaction, group: Group) -> list[int]:
    """Return the versions of a group's scheme that are heard of, and last that of its newest figures."""
    rows = await tx.many(
        "SELECT version FROM (SELECT 0 AS of, version FROM schemes WHERE code = $1 UNION ALL "
        "SELECT 1, version FROM groups WHERE scheme = $1 AND grp = $2) known ORDER BY of, version",
        *group,
    )
    return [row["version"] for row in rows]


async def is_heard(tx: PostgresTransaction, group: Group, day: str) -> bool:
    """Tell whether the newest version that a group had figures of by the end of a day is heard of."""
    rows = await tx.many(
        "SELECT NOT EXISTS (SELECT 1 FROM (SELECT max(version) AS version FROM days "
        "WHERE scheme = $1 AND grp = $2 AND day <= $3) told WHERE version IS NOT NULL AND NOT EXISTS ("
        "SELECT 1 FROM schemes WHERE code = $1 AND schemes.version = told.version)) AS heard",
        *group,
        day,
    )
    return rows[0]["heard"]


async def _calendar(tx: PostgresTransaction, code: str) -> PeriodCalendar:
    """Return the calendar of the periods of a scheme, which all its versions have."""
    rows = await tx.many("SELECT document->'scheme' AS scheme FROM schemes WHERE code = $1 LIMIT 1", code)
    return calendar_of(rows[0]) if rows else JANUARY


def _scheme(wanted: OfYear, known: Mapping[int, Document]) -> Scheme:
    before, earlier = (tuple(known[one] for one in versions) for versions in (wanted.before, wanted.earlier))
    return Scheme(wanted.newest, known[wanted.newest], before, earlier)


def _of_year(row: Mapping[str, Any], calendar: PeriodCalendar) -> OfYear:
    """Return the version that is in force in a period, and those that ruled months of its year before it."""
    at, newest = calendar.parse(row["period"]), row["version"]
    covered = {
        version: (Month.parse(first).ordinal, Month.parse(last).ordinal)
        for version, first, last in zip(row["versions"], row["effective"], row["until"], strict=True)
        if version <= newest
    }
    begins = _year(calendar, at).first.ordinal
    ruled = {version: last for version, (_, last) in reigns(covered).items() if last >= begins}
    older = sorted(ruled.keys() - {newest}, reverse=True)
    return OfYear(
        newest,
        tuple(one for one in older if ruled[one] >= at.first.ordinal),
        tuple(one for one in older if ruled[one] < at.first.ordinal),
    )


def _year(calendar: PeriodCalendar, period: Period) -> Period:
    return calendar.containing(period.first, Cycle.YEAR)

"""Tables of ranking: schemes, the newest figures, how fresh each group is, and what was told of each unit."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from services.ranking.domain.moves import NOWHERE, Move, Spot
from services.ranking.domain.scores import Kind
from services.ranking.domain.standings import Figure, Rules
from services.ranking.domain.tiers import Tier
from shared.kernel.figures import FigureState
from shared.kernel.periods import LENGTH_MONTHS, Cycle, Month, Period
from shared.kernel.points import of_parts, parts_of, short_text
from shared.kernel.reigns import reigns
from shared.storage.transaction import PostgresTransaction

Group = tuple[str, str]
VersionPeriod = tuple[int, str]
Figures = dict[str, list[Figure]]
FIRST_MONTH, LAST_MONTH = "0000-01", "9999-12"

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
_IN_FORCE = """
    SELECT n.period, array_agg(s.version) AS versions, array_agg(effective) AS effective,
        array_agg(until) AS until, (array_agg(s.version ORDER BY effective <= n.first OR EXISTS (
            SELECT 1 FROM figures f WHERE f.scheme = $1 AND f.grp = $2 AND f.version = s.version
                AND f.period = n.period) DESC, s.version DESC))[1] AS version
    FROM unnest($3::text[], $4::text[], $5::text[]) n(period, first, last)
    JOIN (SELECT version, document->'scheme'->>'effective' AS effective, document->'scheme'->>'until' AS until
        FROM schemes WHERE code = $1) s ON effective <= n.last AND until >= n.first
    LEFT JOIN groups g ON g.scheme = $1 AND g.grp = $2
    WHERE s.version <= COALESCE(g.version, s.version) GROUP BY n.period"""
_WORTH = msgspec.json.Decoder(dict[str, int | None])
_POINTS = msgspec.json.Decoder(dict[str, int])


class Row(NamedTuple):
    """The figures of a unit in a period by indicator, and the number of the record that they stand on.

    `points` are those of figures whose months several versions rule, in parts of 10^-12.
    """

    worth: Mapping[str, int | None]
    volume: int
    number: int
    points: Mapping[str, int] = {}

    def merged(self, newer: "Row") -> "Row":
        """Put newer figures in the place of those that they are of."""
        kept = {code: points for code, points in self.points.items() if code not in newer.worth}
        return newer._replace(worth={**self.worth, **newer.worth}, points={**kept, **newer.points})


@dataclass(frozen=True)
class Scheme:
    """A version of a scheme as ranking needs it, in one period or in all.

    `before` are the versions that ruled months of the period before it, the newest first: what they have
    alone counts there too.
    """

    version: int
    document: Mapping[str, Any]
    before: tuple[Mapping[str, Any], ...] = ()

    @cached_property
    def rules(self) -> Rules:
        """What the scheme says of its standings."""
        gate = self.document.get("ranking", {}).get("minimum_volume") or {"at_least": 0}
        tiers = tuple(Tier(tier["code"], Decimal(tier["share"])) for tier in self.document.get("tiers", ()))
        return Rules(places=self.document["scheme"].get("places", 2), tiers=tiers, at_least=gate["at_least"])

    @cached_property
    def indicators(self) -> tuple[Mapping[str, Any], ...]:
        """The indicators of the version, then those of the versions before it."""
        documents = (self.document, *self.before)
        return tuple(one for document in documents for one in document["indicators"])

    @cached_property
    def boards(self) -> dict[str, str]:
        """The titles of the boards by their codes, those of the versions before it too."""
        documents = (*reversed(self.before), self.document)
        return {
            one["code"]: one.get("title", one["code"]) for each in documents for one in each.get("boards", ())
        }

    @cached_property
    def measures(self) -> dict[str, Mapping[str, Any]]:
        """The measures by name, those of the versions before it too."""
        documents = (*reversed(self.before), self.document)
        return {name: one for each in documents for name, one in each.get("measures", {}).items()}

    @cached_property
    def points(self) -> dict[str, int]:
        """The points of every indicator, in parts of 10^-12; those outside the boards are in no total to reach."""
        return {one["code"]: parts_of(_points(one)) for one in reversed(self.indicators)}

    def indicator(self, code: str) -> Mapping[str, Any]:
        """Return an indicator as the newest version has it."""
        return next(one for one in self.indicators if one["code"] == code)

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Where the points of every indicator stand, and whether it deducts."""
        return {
            one["code"]: Kind(one.get("board"), self.points[one["code"]], "deduct" in one["method"])
            for one in reversed(self.indicators)
        }

    def kinds_with(self, points: Mapping[str, int]) -> Mapping[str, Kind]:
        """Return the same with points that were told beside figures."""
        told = {code: self.kinds[code]._replace(points=found) for code, found in points.items()}
        return {**self.kinds, **told} if told else self.kinds

    def absent(self, group: str, period: str) -> dict[str, frozenset[str]]:
        """Return by unit of a group what is due in a period and does not apply to it, of those that have any."""
        wanted, found = Period.parse(period), dict[str, set[str]]()
        for code in {one["code"] for one in self.indicators if one.get("not_applicable")}:
            one = self.indicator(code)
            if group in one["groups"] and _is_due(one, wanted):
                months = self._taken_from(one, wanted)
                for unit in self._named_absent(code):
                    said = [
                        told for at in months if (told := self._is_absent(code, group, unit, at)) is not None
                    ]
                    if said and all(said):
                        found.setdefault(unit, set()).add(code)
        members = self.members(group)
        return {unit: frozenset(codes) for unit, codes in found.items() if unit in members}

    def _named_absent(self, code: str) -> set[str]:
        mine = [one for one in self.indicators if one["code"] == code]
        return {unit for one in mine for said in one.get("not_applicable", ()) for unit in said["units"]}

    def _is_absent(self, code: str, group: str, unit: str, month: str) -> bool | None:
        """Tell whether an indicator does not apply to a unit in a month, None where it does not have it then."""
        mine = self._in_month(code, group, unit, month)
        return None if mine is None else bool(_absences(mine, unit, month))

    def _in_month(self, code: str, group: str, unit: str, month: str) -> Mapping[str, Any] | None:
        """Return an indicator of a unit as the version that rules a month has it."""
        ruling = next(one for one in (self.document, *self.before) if _covers(one, month))
        return next((one for one in _of(ruling, group, unit) if one["code"] == code), None)

    def reason(self, indicator: str, group: str, unit: str, period: str) -> str | None:
        """Return why an indicator does not apply to a unit in a period: what the schemes say of its months."""
        months = self._taken_from(self.indicator(indicator), Period.parse(period))
        of_months = ((month, self._in_month(indicator, group, unit, month)) for month in months)
        said = [one for month, mine in of_months if mine is not None for one in _absences(mine, unit, month)]
        return "；".join(dict.fromkeys(one["reason"] for one in said)) or None

    def _taken_from(self, indicator: Mapping[str, Any], period: Period) -> list[str]:
        """Return the months of the scheme that a figure is taken from; of a stock that is the last."""
        cycle = Cycle(indicator.get("cycle", "month"))
        if LENGTH_MONTHS[cycle] > LENGTH_MONTHS[period.cycle] and not _is_always_due(indicator):
            period = Period.containing(period.last, cycle)
        documents = (self.document, *self.before)
        months = [str(at) for at in period.months() if any(_covers(one, str(at)) for one in documents)]
        measure = self.document.get("measures", {}).get(indicator.get("measure"), {})
        return months[-1:] if measure.get("kind") == "stock" else months

    def due(self, group: str, period: str) -> dict[str, dict[str, int]]:
        """Return by unit of a group the points of what it is due in a period."""
        at = Period.parse(period)
        due = [one for one in self.document["indicators"] if group in one["groups"] and _is_due(one, at)]
        common = {one["code"]: self.points[one["code"]] for one in due if not one.get("units")}
        found = dict.fromkeys(self.members(group), common)
        for one in due:
            for unit in found.keys() & set(one.get("units", ())):
                found[unit] = {**found[unit], one["code"]: self.points[one["code"]]}
        for unit in found if self.before else ():
            gone = self._gone(group, unit, at)
            found[unit] = {**found[unit], **{code: self.points[code] for code in gone}}
        return found

    def _gone(self, group: str, unit: str, period: Period) -> set[str]:
        """Return what a unit was due in the months of the versions before and no longer has."""
        newer, found = {one["code"] for one in _of(self.document, group, unit)}, set[str]()
        for document in self.before:
            mine = [one for one in _of(document, group, unit) if one["code"] not in newer]
            newer |= {one["code"] for one in mine}
            found |= {one["code"] for one in mine if _is_due(one, period)}
        return found

    def figures(
        self, group: str, unit: str, due: Collection[str], row: Row | None, absent: Collection[str] = ()
    ) -> list[Figure]:
        """Return the figures of a unit: what came, and of what did not whether it is due and applies."""
        row = row or NO_ROW
        kinds = self.kinds_with(row.points)
        found: dict[str, Figure] = {}
        for one in self.indicators:
            code = one["code"]
            if code not in found and (_is_for(one, group, unit) or code in row.worth):
                value = None if code in absent else row.worth.get(code)
                state = FigureState.NOT_DUE
                if code in absent:
                    state = FigureState.NOT_APPLICABLE
                elif code in due or code in row.worth:
                    state = FigureState.NOT_ASSESSED if value is None else FigureState.SCORED
                points = Decimal(short_text(kinds[code].points) if code in row.points else _points(one))
                worth = None if value is None else of_parts(value)
                found[code] = Figure(
                    code, kinds[code].board, points, worth, state, row.volume, kinds[code].deducts
                )
        return list(found.values())

    def members(self, group: str) -> dict[str, str]:
        """Return the names of a group's units by their codes; none if the scheme has no such group."""
        level = self.document["groups"].get(group, {}).get("level")
        return {unit["code"]: unit["name"] for unit in self.document["units"] if unit["level"] == level}


NO_ROW = Row({}, 0, 0)


async def save_scheme(tx: PostgresTransaction, code: str, version: int, document: Mapping[str, Any]) -> None:
    """Keep a version of a scheme; every shard tells of it."""
    await tx.execute(
        "INSERT INTO schemes VALUES (:code, :version, CAST(:document AS jsonb)) ON CONFLICT DO NOTHING",
        code=code,
        version=version,
        document=json.dumps(document),
    )


async def trial(tx: PostgresTransaction, name: str) -> Scheme | None:
    """Return what a trial runs, None where none of this name does."""
    rows = await tx.many("SELECT version, document FROM schemes WHERE code = $1", name)
    return Scheme(rows[0]["version"], rows[0]["document"]) if rows else None


async def drop_scheme(tx: PostgresTransaction, name: str) -> None:
    """Forget what a trial ran."""
    await tx.many("DELETE FROM schemes WHERE code = $1", name)


async def drop_group(tx: PostgresTransaction, group: Group) -> None:
    """Forget the figures of a group of a trial."""
    await tx.many("DELETE FROM figures WHERE scheme = $1 AND grp = $2", *group)
    await tx.many("DELETE FROM groups WHERE scheme = $1 AND grp = $2", *group)


async def figures_of(tx: PostgresTransaction, name: str) -> list[tuple[str, str]]:
    """Return the (group, period) that a trial has figures of, in order."""
    rows = await tx.many("SELECT DISTINCT grp, period FROM figures WHERE scheme = $1 ORDER BY 1, 2", name)
    return [(row["grp"], row["period"]) for row in rows]


async def in_force(tx: PostgresTransaction, group: Group, periods: Collection[str]) -> dict[str, Scheme]:
    """Return for each period the newest version that covers it, is heard of, and is not ahead of its figures.

    One that begins inside a period takes it with its first figures of the period: then its months have come.
    """
    spans = [(period, str(months.first), str(months.last)) for period, months in _parsed(periods)]
    rows = await tx.many(_IN_FORCE, *group, *(list(column) for column in zip(*spans, strict=True)))
    wanted = {row["period"]: [row["version"], *_ruled_before(row)] for row in rows}
    documents = await tx.many(
        "SELECT version, document FROM schemes WHERE code = $1 AND version = ANY($2::int[])",
        group[0],
        sorted({version for versions in wanted.values() for version in versions}),
    )
    known = {row["version"]: row["document"] for row in documents}
    found = {versions: _scheme(versions, known) for versions in set(map(tuple, wanted.values()))}
    return {period: found[tuple(versions)] for period, versions in wanted.items()}


def _scheme(versions: Sequence[int], known: Mapping[int, Mapping[str, Any]]) -> Scheme:
    newest, *before = versions
    return Scheme(newest, known[newest], tuple(known[version] for version in before))


def _ruled_before(row: Mapping[str, Any]) -> list[int]:
    """Return the versions that ruled months of a period before the one that is in force, the newest first."""
    at, newest = Period.parse(row["period"]), row["version"]
    covered = {
        version: (Month.parse(first).ordinal, Month.parse(last).ordinal)
        for version, first, last in zip(row["versions"], row["effective"], row["until"], strict=True)
        if version <= newest
    }
    ruling = {version for version, (_, last) in reigns(covered).items() if last >= at.first.ordinal}
    return sorted(ruling - {newest}, reverse=True)


async def versions(tx: PostgresTransaction, group: Group) -> list[int]:
    """Return the versions of a group's scheme that are heard of, and last that of its newest figures."""
    rows = await tx.many(
        "SELECT version FROM (SELECT 0 AS of, version FROM schemes WHERE code = $1 UNION ALL "
        "SELECT 1, version FROM groups WHERE scheme = $1 AND grp = $2) known ORDER BY of, version",
        *group,
    )
    return [row["version"] for row in rows]


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


async def figures(tx: PostgresTransaction, group: Group, schemes: Mapping[str, Scheme]) -> dict[str, Figures]:
    """Return by period the figures of every unit of a group."""
    found = await rows(tx, group, [(scheme.version, period) for period, scheme in schemes.items()])
    return {
        period: _figures(scheme, group[1], period, found[scheme.version, period])
        for period, scheme in schemes.items()
    }


def _figures(scheme: Scheme, group: str, period: str, rows: Mapping[str, Row]) -> Figures:
    absent = scheme.absent(group, period)
    return {
        unit: scheme.figures(group, unit, due, rows.get(unit), absent.get(unit, ()))
        for unit, due in scheme.due(group, period).items()
    }


async def told(tx: PostgresTransaction, group: Group, periods: Collection[str]) -> dict[str, dict[str, Spot]]:
    """Return what was last told of a group's units, by period and unit."""
    rows = await tx.many(
        "SELECT * FROM places WHERE scheme = $1 AND grp = $2 AND period = ANY($3::text[])",
        *group,
        list(periods),
    )
    found: dict[str, dict[str, Spot]] = {period: {} for period in periods}
    for row in rows:
        found[row["period"]][row["unit"]] = Spot(
            row["rank"], row["tier"], row["points"], row["low"], row["high"]
        )
    return found


async def tell(tx: PostgresTransaction, group: Group, moved: Mapping[str, Sequence[Move]]) -> None:
    """Keep what is told of units, by period."""
    rows = [
        (*group, period, m.unit, m.new.rank, m.new.tier, m.new.points, m.new.low, m.new.high)
        for period, ms in moved.items()
        for m in ms
        if m.new != NOWHERE
    ]
    if rows:
        await tx.many(
            "INSERT INTO places SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[], "
            "$6::text[], $7::numeric[], $8::numeric[], $9::numeric[]) ON CONFLICT (scheme, grp, period, unit) "
            "DO UPDATE SET rank = excluded.rank, tier = excluded.tier, points = excluded.points, "
            "low = excluded.low, high = excluded.high",
            *(list(column) for column in zip(*rows, strict=True)),
        )
    gone = [(period, m.unit) for period, ms in moved.items() for m in ms if m.new == NOWHERE]
    if gone:
        await tx.many(
            "DELETE FROM places p USING unnest($3::text[], $4::text[]) n(period, unit) "
            "WHERE p.scheme = $1 AND p.grp = $2 AND p.period = n.period AND p.unit = n.unit",
            *group,
            *(list(column) for column in zip(*gone, strict=True)),
        )


async def standings(
    tx: PostgresTransaction, after: tuple[str, str, str], limit: int
) -> list[tuple[str, str, str]]:
    """Return a page of the (scheme, group, period) that have a standing."""
    rows = await tx.many(
        "SELECT DISTINCT scheme, grp, period FROM places WHERE (scheme, grp, period) > ($1, $2, $3) "
        "ORDER BY 1, 2, 3 LIMIT $4",
        *after,
        limit,
    )
    return [(row["scheme"], row["grp"], row["period"]) for row in rows]


def _written(values: Mapping[str, int | None]) -> str:
    return msgspec.json.encode(values).decode()


def _covers(document: Mapping[str, Any], month: str) -> bool:
    return document["scheme"]["effective"] <= month <= document["scheme"]["until"]


def _of(document: Mapping[str, Any], group: str, unit: str) -> list[Mapping[str, Any]]:
    """Return the indicators that a unit of a group has in a version."""
    return [one for one in document["indicators"] if _is_for(one, group, unit)]


def _points(indicator: Mapping[str, Any]) -> str:
    return indicator["points"] if "board" in indicator else "0"


def _is_for(indicator: Mapping[str, Any], group: str, unit: str) -> bool:
    return group in indicator["groups"] and (not indicator.get("units") or unit in indicator["units"])


def _is_always_due(indicator: Mapping[str, Any]) -> bool:
    return bool(indicator["method"].keys() & {"deduct", "bonus"})


def _absences(indicator: Mapping[str, Any], unit: str, month: str) -> list[Mapping[str, Any]]:
    """Return what is said of an indicator of a unit not applying to it in a month."""
    return [
        one
        for one in indicator.get("not_applicable", ())
        if unit in one["units"] and one.get("from", FIRST_MONTH) <= month <= one.get("until", LAST_MONTH)
    ]


def _is_due(indicator: Mapping[str, Any], period: Period) -> bool:
    """Tell whether a cycle of an indicator ends in a period; a deduction or bonus is due in every one."""
    if _is_always_due(indicator):
        return True
    return Period.containing(period.last, Cycle(indicator.get("cycle", "month"))).last == period.last


def _parsed(periods: Collection[str]) -> list[tuple[str, Period]]:
    return [(period, Period.parse(period)) for period in sorted(periods)]

"""Tables of ranking: schemes, the newest figures, how fresh each group is, and what was told of each unit."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.ranking.contract import EntriesPosted
from services.ranking.domain.moves import NOWHERE, Move, Spot
from services.ranking.domain.standings import Figure, Rules
from services.ranking.domain.tiers import Tier
from shared.kernel.figures import FigureState
from shared.kernel.periods import Cycle, Period
from shared.storage.transaction import PostgresTransaction

Group = tuple[str, str]
Figures = dict[str, list[Figure]]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A version of a scheme as ranking needs it."""

    version: int
    document: Mapping[str, Any]

    @property
    def rules(self) -> Rules:
        """What the scheme says of its standings."""
        gate = self.document.get("ranking", {}).get("minimum_volume") or {"at_least": 0}
        tiers = tuple(Tier(tier["code"], Decimal(tier["share"])) for tier in self.document.get("tiers", ()))
        return Rules(places=self.document["scheme"].get("places", 2), tiers=tiers, at_least=gate["at_least"])

    def awaited(self, group: str, period: str) -> list[Figure]:
        """Return what a unit of a group has until its figures come: all that is due, not yet assessed."""
        return [
            Figure(one["code"], one["board"], Decimal(one["points"]), None, FigureState.NOT_ASSESSED)
            for one in self.document["indicators"]
            if group in one["groups"] and _is_due(one, Period.parse(period))
        ]

    def members(self, group: str) -> dict[str, str]:
        """Return the names of a group's units by their codes; none if the scheme has no such group."""
        level = self.document["groups"].get(group, {}).get("level")
        return {unit["code"]: unit["name"] for unit in self.document["units"] if unit["level"] == level}


async def save_scheme(tx: PostgresTransaction, code: str, version: int, document: Mapping[str, Any]) -> None:
    """Keep a version of a scheme; every shard tells of it."""
    await tx.execute(
        "INSERT INTO schemes VALUES (:code, :version, CAST(:document AS jsonb)) ON CONFLICT DO NOTHING",
        code=code,
        version=version,
        document=json.dumps(document),
    )


async def in_force(tx: PostgresTransaction, group: Group, periods: Collection[str]) -> dict[str, Scheme]:
    """Return for each period the newest version that covers it, is heard of, and is not ahead of its figures."""
    spans = [(period, str(months.first), str(months.last)) for period, months in _parsed(periods)]
    rows = await tx.many(
        "SELECT n.period, max(s.version) AS version FROM unnest($3::text[], $4::text[], $5::text[]) n(period, first, last) "
        "JOIN schemes s ON s.code = $1 AND s.document->'scheme'->>'effective' <= n.last "
        "AND s.document->'scheme'->>'until' >= n.first LEFT JOIN groups g ON g.scheme = $1 AND g.grp = $2 "
        "WHERE s.version <= COALESCE(g.version, s.version) GROUP BY n.period",
        *group,
        *(list(column) for column in zip(*spans, strict=True)),
    )
    documents = await tx.many(
        "SELECT version, document FROM schemes WHERE code = $1 AND version = ANY($2::int[])",
        group[0],
        sorted({row["version"] for row in rows}),
    )
    found = {row["version"]: Scheme(row["version"], row["document"]) for row in documents}
    return {row["period"]: found[row["version"]] for row in rows}


async def save_figures(tx: PostgresTransaction, shard: int, posted: Sequence[EntriesPosted]) -> None:
    """Write absolute figures of a shard's groups, the newest last."""
    rows = {
        (one.scheme, one.group, one.version, f.period, f.unit, f.indicator): (
            f.board,
            Decimal(f.points),
            None if f.value is None else Decimal(f.value),
            f.state.value,
            f.volume,
        )
        for one in posted
        for f in one.figures
    }
    if rows:
        await tx.many(
            "INSERT INTO figures (scheme, grp, version, period, unit, indicator, board, points, value, state, volume) "
            "SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], "
            "$8::numeric[], $9::numeric[], $10::text[], $11::bigint[]) "
            "ON CONFLICT (scheme, grp, version, period, unit, indicator) DO UPDATE SET board = excluded.board, "
            "points = excluded.points, value = excluded.value, state = excluded.state, volume = excluded.volume",
            *(list(column) for column in zip(*((*key, *row) for key, row in rows.items()), strict=True)),
        )
    by_group: dict[Group, tuple[int, str]] = {}
    for one in posted:
        version, fresh = by_group.get((one.scheme, one.group), (0, ""))
        by_group[one.scheme, one.group] = max(version, one.version), max(fresh, one.fresh_at)
    for (code, name), (version, fresh) in sorted(by_group.items()):
        await tx.execute(
            "INSERT INTO groups VALUES (:scheme, :grp, :shard, :version, :fresh) ON CONFLICT (scheme, grp) DO UPDATE "
            "SET version = GREATEST(groups.version, excluded.version), "
            "fresh_at = GREATEST(groups.fresh_at, excluded.fresh_at)",
            scheme=code,
            grp=name,
            shard=shard,
            version=version,
            fresh=fresh,
        )


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
    """Return by period the figures of every unit of a group; what is due and did not come is not assessed."""
    rows = await tx.many(
        "SELECT f.* FROM figures f JOIN unnest($3::text[], $4::int[]) n(period, version) USING (period, version) "
        "WHERE scheme = $1 AND grp = $2",
        *group,
        list(schemes),
        [found.version for found in schemes.values()],
    )
    awaited = {
        period: {one.indicator: one for one in found.awaited(group[1], period)}
        for period, found in schemes.items()
    }
    known = {
        period: {unit: dict(awaited[period]) for unit in found.members(group[1])}
        for period, found in schemes.items()
    }
    for row in rows:
        known[row["period"]][row["unit"]][row["indicator"]] = Figure(
            row["indicator"],
            row["board"],
            row["points"],
            row["value"],
            FigureState(row["state"]),
            row["volume"],
        )
    return {
        period: {unit: list(found.values()) for unit, found in units.items()}
        for period, units in known.items()
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


def _is_due(indicator: Mapping[str, Any], period: Period) -> bool:
    """Tell whether a cycle of an indicator ends in a period; a deduction is due in every one."""
    if "deduct" in indicator["method"]:
        return True
    return Period.containing(period.last, Cycle(indicator.get("cycle", "month"))).last == period.last


def _parsed(periods: Collection[str]) -> list[tuple[str, Period]]:
    return [(period, Period.parse(period)) for period in sorted(periods)]

"""The table of places: what was last told of each unit of a standing."""

from collections.abc import Collection, Mapping, Sequence

from services.ranking.domain.moves import NOWHERE, Move, Spot
from services.ranking.domain.rows import Group
from shared.storage.transaction import PostgresTransaction

_TELL = """
    INSERT INTO places SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::numeric[], $8::numeric[],
        $9::numeric[])
    ON CONFLICT (scheme, grp, period, unit) DO UPDATE
    SET rank = excluded.rank, tier = excluded.tier, points = excluded.points, low = excluded.low,
        high = excluded.high"""

_STANDINGS = """
    SELECT scheme, grp, period, EXISTS (
        SELECT 1 FROM closes c
        WHERE (c.scheme, c.period, c.grp) = (known.scheme, known.period, known.grp)) AS closed
    FROM (SELECT scheme, grp, period FROM places UNION SELECT scheme, grp, period FROM closes) known
    WHERE (scheme, grp, period) > ($1, $2, $3) ORDER BY 1, 2, 3 LIMIT $4"""


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
        await tx.many(_TELL, *(list(column) for column in zip(*rows, strict=True)))
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
) -> list[tuple[str, str, str, bool]]:
    """Return a page of the (scheme, group, period) that have a standing, and whether it is closed."""
    rows = await tx.many(_STANDINGS, *after, limit)
    return [(row["scheme"], row["grp"], row["period"], row["closed"]) for row in rows]

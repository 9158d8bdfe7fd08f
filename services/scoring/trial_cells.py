"""The month cells of trials and how fresh they are; those of schemes in force are other tables."""

from collections.abc import Sequence

from services.scoring.ledger import Entry, Group
from services.scoring.store import columns
from shared.kernel.points import of_parts, parts_of
from shared.storage.transaction import PostgresTransaction

_CELLS = """
    SELECT unit, month, indicator, value FROM trial_cells
    WHERE scheme = $1 AND version = $2 AND grp = $3 AND unit = ANY($4::text[])"""
_KEEP = """
    INSERT INTO trial_cells (scheme, version, grp, unit, month, indicator, value)
    SELECT $1, $2, $3, * FROM unnest($4::text[], $5::int[], $6::text[], $7::numeric[])
    ON CONFLICT (scheme, version, grp, unit, month, indicator) DO UPDATE SET value = excluded.value"""
_REMOVE = """
    DELETE FROM trial_cells c USING unnest($4::text[], $5::int[], $6::text[]) n(unit, month, indicator)
    WHERE (c.scheme, c.version, c.grp, c.unit, c.month, c.indicator)
        = ($1, $2, $3, n.unit, n.month, n.indicator)"""
_FRESH = """
    INSERT INTO trial_freshness VALUES ($1, $2, $3, $4) ON CONFLICT (scheme, version, grp)
    DO UPDATE SET fresh_at = GREATEST(trial_freshness.fresh_at, excluded.fresh_at)"""
_FRESH_AT = """
    SELECT max(fresh_at) AS newest FROM trial_freshness WHERE scheme = $1 AND grp = ANY($2::text[])"""
_DROP = "DELETE FROM trial_cells WHERE scheme = $1 AND version = $2 AND grp = $3"
_DROP_FRESH = "DELETE FROM trial_freshness WHERE scheme = $1 AND version = $2 AND grp = $3"


async def cells(
    tx: PostgresTransaction, group: Group, units: Sequence[str]
) -> dict[str, dict[tuple[int, str], int]]:
    """Return the cells of units of a group by (month, indicator), in parts of 10^-12."""
    found: dict[str, dict[tuple[int, str], int]] = {unit: {} for unit in units}
    for row in await tx.many(_CELLS, *group, list(units)):
        found[row["unit"]][row["month"], row["indicator"]] = parts_of(row["value"])
    return found


async def post(tx: PostgresTransaction, group: Group, entries: Sequence[Entry], fresh_at: str) -> None:
    """Keep the cells that entries lead to, and the newest `received` of what they contain."""
    await tx.many(_FRESH, *group, fresh_at)
    kept = [(e.unit, e.month, e.indicator, of_parts(e.new)) for e in entries if e.new is not None]
    gone = [(e.unit, e.month, e.indicator) for e in entries if e.new is None]
    if kept:
        await tx.many(_KEEP, *group, *columns(kept, 4))
    if gone:
        await tx.many(_REMOVE, *group, *columns(gone, 3))


async def drop(tx: PostgresTransaction, group: Group) -> None:
    """Forget the cells of a group, and how fresh they were."""
    await tx.many(_DROP, *group)
    await tx.many(_DROP_FRESH, *group)


async def fresh_at(tx: PostgresTransaction, scheme: str, groups: Sequence[str]) -> str | None:
    """Return the newest `received` that the cells of groups of a trial contain, in any of its versions."""
    rows = await tx.many(_FRESH_AT, scheme, list(groups))
    return rows[0]["newest"]

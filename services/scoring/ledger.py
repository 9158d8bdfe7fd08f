"""The ledger and the cells that its entries lead to; only here are they written."""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from services.scoring.causes import Range, Ranges
from services.scoring.store import columns
from shared.kernel.digests import key_digest
from shared.kernel.points import of_parts, parts_of
from shared.storage.swapping import Named
from shared.storage.transaction import PostgresTransaction

Group = tuple[str, int, str]

NAMED_ENTRIES = Named(
    within=("scheme", "version", "grp", "unit", "month", "indicator"),
    said=("scheme", "unit", "indicator", "month"),
    by=(("reviews", "entry"), ("replies", "entry")),
)

_CAUSES = """
    INSERT INTO causes (digest, ranges)
    SELECT digest, told::jsonb FROM unnest($1::bytea[], $2::text[]) n(digest, told) ON CONFLICT DO NOTHING"""
_KEEP = """
    INSERT INTO cells (scheme, version, grp, unit, month, indicator, value)
    SELECT $1, $2, $3, * FROM unnest($4::text[], $5::int[], $6::text[], $7::numeric[])
    ON CONFLICT (scheme, version, grp, unit, month, indicator) DO UPDATE SET value = excluded.value"""
_REMOVE = """
    DELETE FROM cells c USING unnest($4::text[], $5::int[], $6::text[]) n(unit, month, indicator)
    WHERE (c.scheme, c.version, c.grp, c.unit, c.month, c.indicator)
        = ($1, $2, $3, n.unit, n.month, n.indicator)"""
_FRESH = """
    INSERT INTO freshness VALUES ($1, $2, $3, $4, $5) ON CONFLICT (scheme, version, grp)
    DO UPDATE SET fresh_at = GREATEST(freshness.fresh_at, excluded.fresh_at),
        received = GREATEST(freshness.received, excluded.received)
    RETURNING GREATEST(received, (
        SELECT max(received) FROM freshness WHERE scheme = $1 AND grp = $3)) AS received,
        GREATEST(fresh_at, (
        SELECT max(fresh_at) FROM freshness WHERE scheme = $1 AND grp = $3)) AS known_at"""


class Fresh(NamedTuple):
    """The newest `received` of what brought rows, and that of a scheme that was adopted; "" without one.

    `begins` is the first instant of the scheme's months.
    """

    received: str
    begun: str
    begins: str = ""

    @property
    def at(self) -> str:
        """The newest `received` of what a batch contains."""
        return self.received or self.begun


class Dated(NamedTuple):
    """The date of what is posted of a group, and since when it is known, which never falls.

    `brought_at` is the newest `received` of the batch itself.
    """

    at: str
    known_at: str
    brought_at: str


class Entry(NamedTuple):
    """What a month cell was and is in parts of 10^-12, `None` where it has no value, and what moved it."""

    unit: str
    month: int
    indicator: str
    old: int | None
    new: int | None
    cause: Ranges


async def post(
    tx: PostgresTransaction, group: Group, entries: Sequence[Entry], fresh: Fresh, *, replay: bool = False
) -> Dated:
    """Write entries of a group with causes and dates, the cells they lead to, and how fresh they are.

    Their date, which is returned, is the newest `received` that the group's cells contain with this batch, in
    any version, so that one that was behind does not date its entries before those it goes on from; that of a
    scheme that was adopted where nothing else came. It is known since the newest of both; in a replay, where
    an adoption has the time of the database and the rows that of the feed, since the newest of the rows, and
    with a scheme no earlier than its months begin.
    """
    newest = fresh.at if replay else max(fresh.received, fresh.begun)
    kept_until = await tx.many(_FRESH, *group, newest, fresh.received)
    at = kept_until[0]["received"] if fresh.received else fresh.begun
    known_at = kept_until[0]["known_at"]
    if replay:
        known_at = max(kept_until[0]["received"], fresh.begins)
    named = await _causes(tx, {entry.cause for entry in entries})
    scheme, version, name = group
    await tx.copy(
        "entries",
        ("scheme", "version", "grp", "month", "unit", "indicator", "old", "new", "cause", "at"),
        [
            (
                scheme,
                version,
                name,
                e.month,
                e.unit,
                e.indicator,
                _value(e.old),
                _value(e.new),
                named[e.cause],
                at,
            )
            for e in entries
        ],
    )
    kept = [(e.unit, e.month, e.indicator, of_parts(e.new)) for e in entries if e.new is not None]
    gone = [(e.unit, e.month, e.indicator) for e in entries if e.new is None]
    if kept:
        await tx.many(_KEEP, *group, *columns(kept, 4))
    if gone:
        await tx.many(_REMOVE, *group, *columns(gone, 3))
    return Dated(at, known_at, known_at if fresh.begun else newest)


async def cells(
    tx: PostgresTransaction, group: Group, units: Sequence[str]
) -> dict[str, dict[tuple[int, str], int]]:
    """Return the cells of units of a group by (month, indicator), in parts of 10^-12."""
    found: dict[str, dict[tuple[int, str], int]] = {unit: {} for unit in units}
    for row in await tx.many(
        "SELECT unit, month, indicator, value FROM cells "
        "WHERE scheme = $1 AND version = $2 AND grp = $3 AND unit = ANY($4::text[])",
        *group,
        list(units),
    ):
        found[row["unit"]][row["month"], row["indicator"]] = parts_of(row["value"])
    return found


def causes_text(ranges: Iterable[tuple[str, int, int, int]]) -> str:
    """Write a list of causes as its digest takes it."""
    return json.dumps([dict(zip(Range._fields, one, strict=True)) for one in ranges])


async def _causes(tx: PostgresTransaction, wanted: Collection[Ranges]) -> dict[Ranges, bytes]:
    """Write lists of causes, each once, and return the digests that name them."""
    told = {ranges: causes_text(ranges) for ranges in wanted}
    named = {ranges: key_digest("cause", written) for ranges, written in told.items()}
    if named:
        rows = sorted((named[ranges], written) for ranges, written in told.items())
        await tx.many(_CAUSES, *columns(rows, 2))
    return named


def _value(parts: int | None) -> Any:
    return None if parts is None else of_parts(parts)

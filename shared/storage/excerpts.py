"""Single bodies out of archive rows, whose bytes are stored so that a part is read without the rest."""

import struct
from collections.abc import Collection
from itertools import accumulate

from shared.storage.transaction import PostgresTransaction

_ROWS = """
    SELECT w.shard, w.number, o.first FROM unnest($2::smallint[], $3::bigint[]) w(shard, number)
    CROSS JOIN LATERAL (SELECT first FROM outbox
        WHERE stream = $1 AND shard = w.shard AND first <= w.number ORDER BY first DESC LIMIT 1) o"""
_SIZES = """
    SELECT shard, first, sizes FROM outbox
    WHERE stream = $1 AND (shard, first) IN (SELECT * FROM unnest($2::smallint[], $3::bigint[]))"""
_BODIES = """
    SELECT w.shard, w.number, substring(o.bodies FROM w.start FOR w.size) AS body
    FROM unnest($2::smallint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[])
        w(shard, first, number, start, size)
    JOIN outbox o ON o.stream = $1 AND o.shard = w.shard AND o.first = w.first"""


async def bodies(
    tx: PostgresTransaction, stream: str, places: Collection[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    """Return the bodies of archived records by (shard, number)."""
    if not places:
        return {}
    rows = await tx.many(_ROWS, stream, *zip(*sorted(places), strict=True))
    at = {(row["shard"], row["number"]): row["first"] for row in rows}
    found = await tx.many(_SIZES, stream, *zip(*{(s, first) for (s, _), first in at.items()}, strict=True))
    sizes = {(row["shard"], row["first"]): _sizes(row["sizes"]) for row in found}
    starts = {key: [0, *accumulate(of_row)] for key, of_row in sizes.items()}
    wanted = [
        (shard, first, number, starts[shard, first][number - first] + 1, sizes[shard, first][number - first])
        for (shard, number), first in at.items()
    ]
    read = await tx.many(_BODIES, stream, *zip(*wanted, strict=True))
    return {(row["shard"], row["number"]): row["body"] for row in read}


def _sizes(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(packed) // 4}I", packed)

"""What an answer stands on: how far the consumers behind it have come, as one digest."""

from collections.abc import Sequence

from shared.kernel.digests import sha256_hex
from shared.storage.transaction import PostgresTransaction

_REACHED = """
    SELECT consumer, stream, shard, number FROM positions
    WHERE consumer = ANY($1::text[]) AND number > 0 ORDER BY consumer, stream, shard"""


async def positions_digest(tx: PostgresTransaction, consumers: Sequence[str]) -> str:
    """Return the digest of the consumers' position vector; a shard without a record has no place in it."""
    rows = await tx.many(_REACHED, list(consumers))
    lines = [f"{row['consumer']} {row['stream']} {row['shard']} {row['number']}" for row in rows]
    return sha256_hex("\n".join(lines).encode())

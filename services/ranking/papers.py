"""Table of the days of which a source's manifest and the archive differ, as ingest tells of them."""

from collections.abc import Iterable

from services.ranking.domain.closing import Mismatch
from shared.storage.transaction import PostgresTransaction

_SAVE = """
    INSERT INTO mismatches (source, day, state, difference)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
    ON CONFLICT (source, day) DO UPDATE SET state = excluded.state, difference = excluded.difference"""
_SETTLE = """
    DELETE FROM mismatches
    WHERE (source, day) IN (SELECT * FROM unnest($1::text[], $2::text[]))"""
_WITHIN = """
    SELECT source, day, state, difference FROM mismatches WHERE day >= $1 AND day < $2
    ORDER BY source, day"""


async def save(tx: PostgresTransaction, opened: Iterable[Mismatch]) -> None:
    """Keep what differs from now on."""
    rows = [(one.source, one.day, one.state, one.difference) for one in opened]
    if rows:
        await tx.many(_SAVE, *(list(column) for column in zip(*rows, strict=True)))


async def settle(tx: PostgresTransaction, agreed: Iterable[tuple[str, str]]) -> None:
    """Forget the days of sources that agree again."""
    rows = list(agreed)
    if rows:
        await tx.many(_SETTLE, *(list(column) for column in zip(*rows, strict=True)))


async def within(tx: PostgresTransaction, first: str, until: str) -> tuple[Mismatch, ...]:
    """Return what differs now of days from `first` on, `until` left out, by source and day."""
    return tuple(Mismatch(**row) for row in await tx.many(_WITHIN, first, until))

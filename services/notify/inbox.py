"""Inbox entries as they are read and signed for: notices whose channel is the inbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.storage.transaction import PostgresTransaction

_ENTRY = """
    SELECT n.id, n.event, n.kind, n.at, n.rule, n.severity, n.role, n.recipient, n.told, n.cancelled,
        jsonb_strip_nulls(jsonb_build_object(
            'scheme', c.title, 'unit', u.name, 'group', c.groups ->> (n.told ->> 'group'),
            'old', c.tiers ->> (n.told ->> 'old'), 'new', c.tiers ->> (n.told ->> 'new'))) AS names,
        s.person AS signed_by, s.at AS signed_at,
        CASE WHEN s.notice IS NOT NULL THEN 'signed' WHEN n.cancelled IS NOT NULL THEN 'cancelled'
            ELSE 'open' END AS state
    FROM notices n LEFT JOIN sign_offs s ON s.notice = n.id
        LEFT JOIN schemes c ON c.scheme = n.told ->> 'scheme'
        LEFT JOIN units u ON u.scheme = c.scheme AND u.unit = n.told ->> 'unit'
    WHERE n.channel = 'inbox' AND ($1 = '/' OR n.recipient = substring($1 from '[^/]*$') OR EXISTS (
        SELECT FROM units p
        WHERE p.unit = n.recipient AND (p.path = $1 OR starts_with(p.path, $1 || '/'))))"""
_PAGE = f"""
    SELECT * FROM ({_ENTRY} AND ($2::text IS NULL OR n.recipient = $2)
        AND ($3::timestamptz IS NULL OR (n.at, n.id) < ($3, $4))
        AND ($5::text IS NULL OR n.severity = $5)) e
    WHERE $6::text IS NULL OR state = $6 ORDER BY at DESC, id DESC LIMIT $7"""  # noqa: S608 - names of this module


@dataclass(frozen=True, slots=True)
class Entry:
    """An inbox entry: signed for, cancelled before that, or open.

    `names` are what its scheme calls what is told: scheme, unit, group, old, new.
    """

    id: str
    event: str
    kind: str
    at: datetime
    rule: str
    severity: str
    role: str
    recipient: str
    told: Mapping[str, Any]
    cancelled: datetime | None
    names: Mapping[str, str]
    signed_by: str | None
    signed_at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for: those of units below a path, and of these only such."""

    below: str
    unit: str | None = None
    severity: str | None = None
    state: str | None = None


async def page(tx: PostgresTransaction, wanted: Wanted, after: Entry | None, limit: int) -> list[Entry]:
    """Return a page of entries, the newest first, following one."""
    rows = await tx.many(
        _PAGE,
        wanted.below,
        wanted.unit,
        None if after is None else after.at,
        None if after is None else after.id,
        wanted.severity,
        wanted.state,
        limit,
    )
    return [Entry(**dict(row)) for row in rows]


async def entry(tx: PostgresTransaction, below: str, notice: str) -> Entry | None:
    """Return an entry, if a unit below the path has it."""
    rows = await tx.many(f"{_ENTRY} AND n.id = $2", below, notice)
    return Entry(**dict(rows[0])) if rows else None


async def sign(tx: PostgresTransaction, notice: str, person: str) -> None:
    """Note who signed for an entry, now by the database's clock; of several persons the first."""
    await tx.many(
        "INSERT INTO sign_offs (notice, person) VALUES ($1, $2) ON CONFLICT DO NOTHING", notice, person
    )

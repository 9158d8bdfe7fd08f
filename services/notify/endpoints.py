"""Tables of webhook endpoints: where to, how they stand, and the secrets that sign."""

from dataclasses import dataclass
from datetime import datetime

from shared.storage.transaction import PostgresTransaction

_COLUMNS = "code, url, title, state, reason, created, creator"
_SIGNING = """
    SELECT endpoint, secret FROM webhook_secrets
    WHERE endpoint = ANY($1::text[]) AND (until IS NULL OR until > now()) ORDER BY endpoint, number DESC"""
_SIGN_FROM_NOW = """
    INSERT INTO webhook_secrets (endpoint, number, secret, created)
    SELECT $1, COALESCE(max(number), 0) + 1, $2, now() FROM webhook_secrets WHERE endpoint = $1"""
_SIGN_UNTIL = """
    UPDATE webhook_secrets SET until = now() + make_interval(hours => $2)
    WHERE endpoint = $1 AND (until IS NULL OR until > now() + make_interval(hours => $2))"""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where notices are sent: `on`, `paused` by a person, or `disabled` because the receiver said so."""

    code: str
    url: str
    title: str
    state: str
    reason: str
    created: datetime
    creator: str


@dataclass(frozen=True, slots=True)
class SecretSeen:
    """A secret that signs, as it may be shown: since when, and until when if another took its place."""

    number: int
    created: datetime
    until: datetime | None


async def endpoints(tx: PostgresTransaction, after: str, limit: int) -> list[Endpoint]:
    """Return a page of endpoints in the order of their codes."""
    statement = f"SELECT {_COLUMNS} FROM webhooks WHERE code > $1 ORDER BY code LIMIT $2"  # noqa: S608 - names of this module
    return [Endpoint(**dict(row)) for row in await tx.many(statement, after, limit)]


async def endpoint(tx: PostgresTransaction, code: str, *, lock: bool = False) -> Endpoint | None:
    """Return an endpoint, locked for a change if asked for."""
    locking = "FOR UPDATE" if lock else ""
    statement = f"SELECT {_COLUMNS} FROM webhooks WHERE code = $1 {locking}"  # noqa: S608 - names of this module
    rows = await tx.many(statement, code)
    return Endpoint(**dict(rows[0])) if rows else None


async def add_endpoint(tx: PostgresTransaction, code: str, url: str, title: str, person: str) -> bool:
    """Add an endpoint; tell whether its code was free."""
    rows = await tx.many(
        "INSERT INTO webhooks (code, url, title, state, reason, created, creator) "
        "VALUES ($1, $2, $3, 'on', '', now(), $4) ON CONFLICT DO NOTHING RETURNING code",
        code,
        url,
        title,
        person,
    )
    return bool(rows)


async def count(tx: PostgresTransaction) -> int:
    """Return how many endpoints there are."""
    (row,) = await tx.many("SELECT count(*) AS endpoints FROM webhooks")
    return row["endpoints"]


async def set_state(tx: PostgresTransaction, code: str, state: str, reason: str) -> None:
    """Let an endpoint stand otherwise."""
    await tx.many("UPDATE webhooks SET state = $2, reason = $3 WHERE code = $1", code, state, reason)


async def disable(tx: PostgresTransaction, code: str, reason: str) -> None:
    """Send no more to an endpoint that is on; what a person paused stays paused."""
    await tx.many(
        "UPDATE webhooks SET state = 'disabled', reason = $2 WHERE code = $1 AND state = 'on'", code, reason
    )


async def remove(tx: PostgresTransaction, code: str) -> None:
    """Remove an endpoint with its secrets; what was sent to it stays on record."""
    await tx.many("DELETE FROM webhooks WHERE code = $1", code)


async def add_secret(tx: PostgresTransaction, code: str, secret: str, *, keep_old_hours: int) -> None:
    """Let a new secret sign; those before it sign for some hours more."""
    await tx.many(_SIGN_UNTIL, code, keep_old_hours)
    await tx.many(_SIGN_FROM_NOW, code, secret)


async def secrets_seen(tx: PostgresTransaction, code: str) -> list[SecretSeen]:
    """Return the secrets that sign now, the newest first, without what they are."""
    rows = await tx.many(
        "SELECT number, created, until FROM webhook_secrets WHERE endpoint = $1 "
        "AND (until IS NULL OR until > now()) ORDER BY number DESC",
        code,
    )
    return [SecretSeen(**dict(row)) for row in rows]


async def signing(tx: PostgresTransaction, codes: list[str]) -> dict[str, list[str]]:
    """Return the secrets that sign now by endpoint, the newest first."""
    found: dict[str, list[str]] = {code: [] for code in codes}
    for row in await tx.many(_SIGNING, codes):
        found[row["endpoint"]].append(row["secret"])
    return found

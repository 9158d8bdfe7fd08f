"""Tables of deliveries and their attempts: what waits, who works on it, what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notify.domain.retries import Kind, Reply, Standing, Verdict
from shared.kernel.instants import EPOCH
from shared.storage.transaction import PostgresTransaction

LEASE_S = 30  # longer than an attempt can take: who holds it has ended, or was ended

_ADD = """
    INSERT INTO deliveries (id, endpoint, kind, body, created, state, due)
    SELECT id, endpoint, $5, body, created, 'waiting', $6
    FROM unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[]) n(id, endpoint, body, created)
    ORDER BY created, id ON CONFLICT DO NOTHING"""
_WAITING = """
    SELECT w.code FROM webhooks w WHERE w.state = 'on' AND EXISTS (
        SELECT FROM deliveries d WHERE d.endpoint = w.code AND d.state = 'waiting' AND d.due <= now())
    ORDER BY w.code"""
_CLAIM = """
    WITH taken AS (
        SELECT d.id FROM unnest($1::text[], $2::int[]) w(code, room) CROSS JOIN LATERAL (
            SELECT id FROM deliveries
            WHERE endpoint = w.code AND state = 'waiting' AND due <= now()
            ORDER BY due, seq LIMIT w.room FOR UPDATE SKIP LOCKED) d)
    UPDATE deliveries d SET attempts = d.attempts + 1, due = now() + make_interval(secs => $3)
    FROM taken, webhooks w WHERE d.id = taken.id AND w.code = d.endpoint AND w.state = 'on'
    RETURNING d.id, d.endpoint, d.kind, d.body, d.attempts, d.failures, w.url, now() AS at"""
_BEGIN = """
    INSERT INTO attempts (delivery, number, at, worker)
    SELECT id, number, now(), $3 FROM unnest($1::text[], $2::int[]) n(id, number)"""
_END = """
    UPDATE attempts SET outcome = $3, status = $4, latency_ms = $5, error = $6
    WHERE delivery = $1 AND number = $2"""
_SETTLE = """
    UPDATE deliveries SET state = $3, failures = $4, due = $5
    WHERE id = $1 AND state = 'waiting' AND (attempts = $2 OR $3 = 'delivered') RETURNING attempts"""
_LOST = """
    SELECT id FROM deliveries d
    WHERE state = 'waiting' AND NOT EXISTS (SELECT FROM webhooks w WHERE w.code = d.endpoint)"""
_END_LOST = f"""
    UPDATE deliveries SET state = 'dead'
    WHERE id IN ({_LOST} ORDER BY endpoint, due LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id, endpoint, kind, attempts"""  # noqa: S608 - a statement of this module
_END_ALL = """
    UPDATE deliveries SET state = 'dead' WHERE endpoint = $1 AND state = 'waiting'
    RETURNING id, endpoint, kind, attempts"""
_SHOWN = "seq, id, endpoint, kind, created, state, attempts, failures, due"
_LIST = f"""
    SELECT {_SHOWN} FROM deliveries WHERE seq > $1 AND (endpoint = $3 OR $3::text IS NULL)
        AND (state = $4 OR $4::text IS NULL) AND (kind = $5 OR $5::text IS NULL) ORDER BY seq LIMIT $2"""  # noqa: S608 - names of this module
_RESEND = """
    UPDATE deliveries d SET state = 'waiting', failures = 0, due = $2
    WHERE id = $1 AND NOT EXISTS (SELECT FROM attempts a WHERE a.delivery = d.id AND a.number = d.attempts
        AND a.outcome IS NULL AND a.at > now() - make_interval(secs => $3)) RETURNING id"""
_ATTEMPTS = """
    SELECT a.seq, a.delivery, a.number, a.at, a.worker, a.outcome, a.status, a.latency_ms, a.error
    FROM attempts a JOIN deliveries d ON d.id = a.delivery
    WHERE a.seq < $1 AND (a.delivery = $3 OR $3::text IS NULL) AND (d.endpoint = $4 OR $4::text IS NULL)
    ORDER BY a.seq DESC LIMIT $2"""


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """What is to be sent to an endpoint; `id` is its `webhook-id` and never changes."""

    id: str
    endpoint: str
    body: bytes
    created: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that one worker sends now: its attempt's number, the failures before, and at what time."""

    id: str
    endpoint: str
    kind: Kind
    body: bytes
    attempts: int
    failures: int
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a delivery stands; `seq` orders the list."""

    seq: int
    id: str
    endpoint: str
    kind: str
    created: datetime
    state: str
    attempts: int
    failures: int
    due: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries are listed; all if nothing is said."""

    endpoint: str | None = None
    state: Standing | None = None
    kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; without an outcome it is under way, or its worker was ended."""

    seq: int
    delivery: str
    number: int
    at: datetime
    worker: str
    outcome: str | None
    status: int | None
    latency_ms: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """A delivery that ended without an attempt."""

    id: str
    endpoint: str
    kind: Kind
    attempts: int


async def add(tx: PostgresTransaction, new: Sequence[NewDelivery], kind: Kind = Kind.NOTICE) -> None:
    """Let deliveries wait, due at once; one that is there already stays as it is."""
    if new:
        await tx.many(
            _ADD,
            [one.id for one in new],
            [one.endpoint for one in new],
            [one.body for one in new],
            [one.created for one in new],
            kind.value,
            EPOCH,
        )


async def clock(tx: PostgresTransaction) -> datetime:
    """Return the time of the database."""
    (row,) = await tx.many("SELECT clock_timestamp() AS now")
    return row["now"]


async def due_endpoints(tx: PostgresTransaction) -> list[str]:
    """Return the endpoints that are on and for which something is due."""
    return [row["code"] for row in await tx.many(_WAITING)]


async def claim(tx: PostgresTransaction, rooms: Mapping[str, int], worker: str) -> list[Claimed]:
    """Take what has waited longest for each endpoint, as many as it has room for, and begin an attempt each.

    What other workers take in this moment is passed over; nobody takes it again before the lease ends.
    """
    rows = await tx.many(_CLAIM, list(rooms), list(rooms.values()), LEASE_S)
    taken = [Claimed(**_values(row)) for row in rows]
    await tx.many(_BEGIN, [one.id for one in taken], [one.attempts for one in taken], worker)
    return taken


async def settle(tx: PostgresTransaction, job: Claimed, reply: Reply, verdict: Verdict) -> bool:
    """Write how an attempt ended; tell whether the delivery stands by it.

    It does not where another attempt has begun since, unless this one arrived.
    """
    await tx.many(
        _END, job.id, job.attempts, reply.outcome.value, reply.status, reply.latency_ms, reply.error
    )
    rows = await tx.many(_SETTLE, job.id, job.attempts, verdict.standing.value, verdict.failures, verdict.due)
    return bool(rows)


async def end_all(tx: PostgresTransaction, endpoint: str) -> list[Ended]:
    """End what waits for an endpoint; return it."""
    return [Ended(**_values(row)) for row in await tx.many(_END_ALL, endpoint)]


async def end_without_endpoint(tx: PostgresTransaction, limit: int) -> list[Ended]:
    """End what waits for endpoints that are not there; return it."""
    rows = await tx.many(_END_LOST, limit)
    return [Ended(**_values(row)) for row in rows]


async def some_without_endpoint(tx: PostgresTransaction) -> bool:
    """Tell whether anything waits for an endpoint that is not there."""
    (row,) = await tx.many(f"SELECT EXISTS ({_LOST}) AS lost")
    return row["lost"]


async def resend(tx: PostgresTransaction, delivery: str) -> bool:
    """Let a delivery be due now, from the beginning of the schedule; tell whether none of it is under way."""
    return bool(await tx.many(_RESEND, delivery, EPOCH, LEASE_S))


async def find(tx: PostgresTransaction, delivery: str) -> Delivery | None:
    """Return a delivery."""
    statement = f"SELECT {_SHOWN} FROM deliveries WHERE id = $1"  # noqa: S608 - names of this module
    rows = await tx.many(statement, delivery)
    return Delivery(**dict(rows[0])) if rows else None


async def listed(tx: PostgresTransaction, wanted: Wanted, after: int, limit: int) -> list[Delivery]:
    """Return a page of deliveries in the order in which they came."""
    rows = await tx.many(_LIST, after, limit, wanted.endpoint, wanted.state, wanted.kind)
    return [Delivery(**dict(row)) for row in rows]


async def attempts(
    tx: PostgresTransaction,
    *,
    delivery: str | None = None,
    endpoint: str | None = None,
    before: int,
    limit: int,
) -> list[Attempt]:
    """Return a page of attempts, the newest first."""
    rows = await tx.many(_ATTEMPTS, before, limit, delivery, endpoint)
    return [Attempt(**dict(row)) for row in rows]


async def counts(tx: PostgresTransaction, codes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how many deliveries of endpoints wait and are dead."""
    rows: Sequence[Mapping[str, Any]] = await tx.many(
        "SELECT endpoint, state, count(*) AS deliveries FROM deliveries WHERE endpoint = ANY($1::text[]) "
        "AND state IN ('waiting', 'dead') AND kind = 'notice' GROUP BY endpoint, state",
        list(codes),
    )
    found = {code: {"waiting": 0, "dead": 0} for code in codes}
    for row in rows:
        found[row["endpoint"]][row["state"]] = row["deliveries"]
    return found


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = dict(row)
    return values | {"kind": Kind(values["kind"])}

"""Tables of closed periods: cuts that have passed, requests with their steps, and what was frozen."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from services.ranking.domain.closing import Cut, Frozen, Mismatch, State
from services.ranking.domain.rows import Group
from shared.storage.transaction import PostgresTransaction

_NOTE_CUTS = """
    INSERT INTO cuts (scheme, grp, period, shard, cut, day, exact)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::smallint[], $5::text[], $6::text[], $7::boolean[])
    ON CONFLICT DO NOTHING"""
_FIGURED = """
    SELECT grp, max(version) AS version FROM cuts JOIN cut_figures USING (scheme, grp, period)
    WHERE exact AND scheme = $1 AND period = $2 GROUP BY grp"""
_OPEN_CUTS = """
    SELECT DISTINCT period, cut, day FROM cuts c WHERE scheme = $1 AND NOT EXISTS (
        SELECT 1 FROM close_requests r
        WHERE r.scheme = c.scheme AND r.period = c.period AND r.state = 'approved')
    ORDER BY cut, period"""
_KEEP = """
    INSERT INTO closes (scheme, period, grp, version, shard, cut, day, content, digest, request)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
_ASK = """
    INSERT INTO close_requests (id, scheme, period, digest, accepted, state)
    VALUES ($1, $2, $3, $4, $5, $6)"""
_NOTE = """
    INSERT INTO close_steps
    VALUES ($1, (SELECT count(*) + 1 FROM close_steps WHERE request = $1), $2, $3, $4, $5)"""
_PAGE = """
    SELECT * FROM close_requests
    WHERE id > $1 AND ($3::text IS NULL OR scheme = $3) AND ($4::text IS NULL OR period = $4)
        AND ($5::text IS NULL OR state = $5)
    ORDER BY id LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Passed:
    """A cut that has passed, of which scheme and period it is, and whether the figures at T were told."""

    scheme: str
    period: str
    cut: Cut
    exact: bool


@dataclass(frozen=True, slots=True)
class Request:
    """A request to close a period with exactly the effect of this digest, over these mismatches."""

    id: str
    scheme: str
    period: str
    digest: str
    state: State
    accepted: tuple[Mismatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """A step: when, which, by whom, why."""

    at: datetime
    what: str
    person: str
    reason: str


async def note_cuts(tx: PostgresTransaction, passed: Iterable[Passed]) -> None:
    """Keep cuts that have passed; the first that is told of a group and period counts."""
    rows = [
        (one.scheme, one.cut.group, one.period, one.cut.shard, one.cut.at, one.cut.day, one.exact)
        for one in passed
    ]
    if rows:
        await tx.many(_NOTE_CUTS, *(list(column) for column in zip(*rows, strict=True)))


async def cuts(tx: PostgresTransaction, scheme: str, period: str) -> dict[str, Cut]:
    """Return by group the cuts of a period that have passed."""
    rows = await tx.many(
        "SELECT grp, shard, cut, day FROM cuts WHERE scheme = $1 AND period = $2", scheme, period
    )
    return {row["grp"]: Cut(row["grp"], row["shard"], row["cut"], row["day"]) for row in rows}


async def open_cuts(tx: PostgresTransaction, scheme: str) -> list[tuple[str, str, str]]:
    """Return the cuts that have passed of periods that are not closed: period, T, day; the earliest first."""
    return [(row["period"], row["cut"], row["day"]) for row in await tx.many(_OPEN_CUTS, scheme)]


async def figured(tx: PostgresTransaction, scheme: str, period: str) -> dict[str, int]:
    """Return by group the version whose figures at T were told, where a cut that has passed is exact."""
    rows = await tx.many(_FIGURED, scheme, period)
    return {row["grp"]: row["version"] for row in rows}


async def freeze(tx: PostgresTransaction, request: Request, frozen: Sequence[Frozen]) -> None:
    """Keep what was frozen; a group and period have one close, and it never changes."""
    for one in frozen:
        place, cut = (request.scheme, request.period, one.cut.group), one.cut
        kept = one.version, cut.shard, cut.at, cut.day, one.content, one.digest, request.id
        await tx.many(_KEEP, *place, *kept)


async def of_group(tx: PostgresTransaction, group: Group, period: str) -> Frozen | None:
    """Return the close of a group's period, None where there is none."""
    rows = await tx.many(
        "SELECT * FROM closes WHERE scheme = $1 AND grp = $2 AND period = $3", *group, period
    )
    return _frozen(rows[0]) if rows else None


async def of_period(tx: PostgresTransaction, scheme: str, period: str) -> list[Frozen]:
    """Return the closes of a period by group; none while it is open."""
    rows = await tx.many(
        "SELECT * FROM closes WHERE scheme = $1 AND period = $2 ORDER BY grp", scheme, period
    )
    return [_frozen(row) for row in rows]


async def ask(
    tx: PostgresTransaction, scheme: str, period: str, digest: str, accepted: tuple[Mismatch, ...]
) -> Request:
    """Keep a new request."""
    counted = "SELECT count(*) AS asked FROM close_requests WHERE scheme = $1 AND period = $2"
    number = (await tx.many(counted, scheme, period))[0]["asked"] + 1
    one = Request(f"{scheme}~{period}~{number}", scheme, period, digest, State.ASKED, accepted)
    written = json.dumps([asdict(each) for each in accepted])
    await tx.many(_ASK, one.id, scheme, period, digest, written, one.state)
    return one


async def move(tx: PostgresTransaction, request: str, state: State) -> None:
    """Note where a request stands from here on."""
    await tx.many("UPDATE close_requests SET state = $2 WHERE id = $1", request, state)


async def note(tx: PostgresTransaction, request: str, taken: Taken) -> None:
    """Keep a step; none is ever changed."""
    await tx.many(_NOTE, request, taken.at, taken.what, taken.person, taken.reason)


async def find(tx: PostgresTransaction, request: str) -> Request | None:
    """Return a request."""
    rows = await tx.many("SELECT * FROM close_requests WHERE id = $1", request)
    return _request(rows[0]) if rows else None


async def in_state(tx: PostgresTransaction, scheme: str, period: str, state: State) -> Request | None:
    """Return the request of a period that waits, or that closed it; there is at most one of either."""
    rows = await tx.many(
        "SELECT * FROM close_requests WHERE scheme = $1 AND period = $2 AND state = $3", scheme, period, state
    )
    return _request(rows[0]) if rows else None


async def steps(tx: PostgresTransaction, requests: Sequence[str]) -> dict[str, list[Taken]]:
    """Return by request its steps in order, the asking first."""
    rows = await tx.many(
        "SELECT * FROM close_steps WHERE request = ANY($1::text[]) ORDER BY request, step", list(requests)
    )
    found: dict[str, list[Taken]] = {request: [] for request in requests}
    for row in rows:
        found[row["request"]].append(Taken(row["at"], row["what"], row["person"], row["reason"]))
    return found


async def page(
    tx: PostgresTransaction, after: str, limit: int, only: tuple[str | None, str | None, State | None]
) -> list[Request]:
    """Return a page of requests of a scheme, period and state, where these are named, by their ids."""
    return [_request(row) for row in await tx.many(_PAGE, after, limit, *only)]


def _request(row: Mapping[str, Any]) -> Request:
    accepted = tuple(Mismatch(**one) for one in json.loads(row["accepted"]))
    return Request(row["id"], row["scheme"], row["period"], row["digest"], State(row["state"]), accepted)


def _frozen(row: Mapping[str, Any]) -> Frozen:
    return Frozen(row["version"], Cut(row["grp"], row["shard"], row["cut"], row["day"]), row["content"])

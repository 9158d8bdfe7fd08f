"""Tables of consultations: numbered rounds on a draft, the comments of units, and an answer to each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.scoring import store
from services.scoring.domain.document import Head
from services.scoring.domain.life import Act, Life, obstacle, possible, state_of
from services.scoring.domain.versions import ruled
from shared.kernel import instants
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.periods import Month
from shared.storage.transaction import PostgresTransaction

_OPEN = """
    INSERT INTO scheme_rounds (code, version, round, digest, opened_by)
    VALUES ($1, $2::int, $3::int, $4, $5)"""
_CLOSE = """
    UPDATE scheme_rounds SET closed_by = $4, closed = clock_timestamp()
    WHERE code = $1 AND version = $2::int AND round = $3::int AND closed IS NULL RETURNING round"""
_ROUNDS = """
    SELECT round, digest, opened_by, opened, closed_by, closed FROM scheme_rounds
    WHERE code = $1 AND version = $2::int ORDER BY round"""
_COMMENT = """
    INSERT INTO scheme_comments (code, version, comment, round, unit, person, said)
    SELECT $1, $2::int, COALESCE(max(comment), 0) + 1, $3::int, $4, $5, $6
    FROM scheme_comments WHERE code = $1 AND version = $2::int RETURNING comment"""
_COMMENTS = """
    SELECT comment, round, unit, person, said, at, answer, answered_by, answered FROM scheme_comments
    WHERE code = $1 AND version = $2::int ORDER BY comment"""
_ANSWER = """
    UPDATE scheme_comments SET answer = $4, answered_by = $5, answered = clock_timestamp()
    WHERE code = $1 AND version = $2::int AND comment = $3::int RETURNING comment"""
_LIVES = """
    SELECT s.document -> 'scheme' AS head, s.digest, s.author, s.approver,
        (SELECT count(*) FROM scheme_rounds r WHERE (r.code, r.version) = (s.code, s.version)) AS rounds,
        EXISTS (SELECT 1 FROM scheme_rounds r WHERE (r.code, r.version) = (s.code, s.version)
            AND r.closed IS NULL) AS open,
        (SELECT count(*) FROM scheme_comments c WHERE (c.code, c.version) = (s.code, s.version)
            AND c.answer IS NULL) AS unanswered
    FROM schemes s WHERE CAST(:code AS text) IS NULL OR s.code = :code ORDER BY s.code, s.version"""
_LOCK = "SELECT 1 FROM schemes WHERE code = $1 AND version = $2::int FOR UPDATE"
_FRESHEST = "SELECT max(fresh_at) AS fresh_at FROM freshness"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a scheme as it stands."""

    head: Head
    digest: str
    author: str
    approver: str | None
    life: Life


@dataclass(frozen=True, slots=True)
class Comment:
    """What a unit said in a round, and what it was answered."""

    comment: int
    round: int
    unit: str
    person: str
    said: str
    at: datetime
    answer: str | None
    answered_by: str | None
    answered: datetime | None


@dataclass(frozen=True, slots=True)
class Round:
    """A round of consultation on the text with a digest."""

    round: int
    digest: str
    opened_by: str
    opened: datetime
    closed_by: str | None
    closed: datetime | None


async def versions(tx: PostgresTransaction, code: str | None = None) -> list[Version]:
    """Return every version of one scheme, or of all, by code and version."""
    rows = await tx.execute(_LIVES, code=code)
    (fresh,) = await tx.many(_FRESHEST)
    now = None if fresh["fresh_at"] is None else instants.parse(fresh["fresh_at"])
    heads = [Head.model_validate(row.head) for row in rows]
    adopted = [head for head, row in zip(heads, rows, strict=True) if row.approver is not None]
    return [
        Version(head, row.digest, row.author, row.approver, _life(head, row, adopted, now))
        for head, row in zip(heads, rows, strict=True)
    ]


async def version(tx: PostgresTransaction, code: str, number: int) -> Version:
    """Return one version, or refuse with 404."""
    for one in await versions(tx, code):
        if one.head.version == number:
            return one
    raise refuse(404, "not_found", "There is no such version of a scheme.")


async def known(tx: PostgresTransaction, code: str, number: int) -> Version | None:
    """Return a version that nobody else changes until I commit, None if there is none yet."""
    rows = await tx.many(_LOCK, code, number)
    return await version(tx, code, number) if rows else None


async def locked(tx: PostgresTransaction, code: str, number: int) -> Version:
    """Return a version that nobody else changes until I commit, or refuse with 404."""
    await store.drafted(tx, code, number)
    return await version(tx, code, number)


def check(found: Version, act: Act) -> None:
    """Refuse an act that is not possible now, and say what is."""
    reason = obstacle(found.life, act)
    if reason is not None:
        acts = [one.value for one in possible(found.life)]
        extra = {"state": state_of(found.life).value, "possible": acts}
        raise Refused(Problem(409, "illegal_step", reason, extra=extra))


async def rounds(tx: PostgresTransaction, code: str, number: int) -> list[Round]:
    """Return the rounds of a version, oldest first."""
    return [Round(**row) for row in await tx.many(_ROUNDS, code, number)]


async def comments(tx: PostgresTransaction, code: str, number: int) -> list[Comment]:
    """Return the comments on a version, oldest first."""
    return [Comment(**row) for row in await tx.many(_COMMENTS, code, number)]


async def open_round(tx: PostgresTransaction, found: Version, person: str) -> int:
    """Open the next round on the text as it stands and return its number."""
    head, number = found.head, found.life.rounds + 1
    await tx.many(_OPEN, head.code, head.version, number, found.digest, person)
    return number


async def close_round(tx: PostgresTransaction, found: Version, person: str) -> int:
    """Close the round that is open, the last, and return its number."""
    head = found.head
    await tx.many(_CLOSE, head.code, head.version, found.life.rounds, person)
    return found.life.rounds


async def comment(tx: PostgresTransaction, found: Version, unit: str, person: str, said: str) -> int:
    """Keep what a unit says in the open round and return its number within the version."""
    head = found.head
    rows = await tx.many(_COMMENT, head.code, head.version, found.life.rounds, unit, person, said)
    return rows[0]["comment"]


async def answer(tx: PostgresTransaction, found: Version, number: int, person: str, text: str) -> None:
    """Keep the answer to a comment."""
    head = found.head
    await tx.many(_ANSWER, head.code, head.version, number, text, person)


def _life(head: Head, row: Any, adopted: Sequence[Head], now: datetime | None) -> Life:
    in_force = row.approver is not None
    return Life(
        rounds=row.rounds,
        open=row.open,
        unanswered=row.unanswered,
        wanted=head.consultation_rounds,
        adopted=in_force,
        begun=_has_begun(Month.parse(head.effective), head, now),
        replaced=in_force and _is_replaced(head, adopted, now),
    )


def _is_replaced(head: Head, adopted: Sequence[Head], now: datetime | None) -> bool:
    """Tell whether newer versions took all its months, or the first month that one took of them has begun."""
    ruling = ruled(one for one in adopted if one.code == head.code).get(head.version)
    if ruling is None:
        return True
    end = Month.of_ordinal(ruling[1])
    return end < Month.parse(head.until) and _has_begun(end.plus(1), head, now)


def _has_begun(month: Month, head: Head, now: datetime | None) -> bool:
    return now is not None and now >= month.starts(ZoneInfo(head.zone))

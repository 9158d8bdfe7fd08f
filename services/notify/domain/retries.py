"""What follows from an attempt: delivered, tried again later by the schedule, or dead."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from shared.kernel.digests import sha256

# As Standard Webhooks recommends: the first at once, then after each failure this long, then no more.
SCHEDULE_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
MOST_ATTEMPTS = 1 + len(SCHEDULE_S)
SPREAD_PERCENT = 10
LONGEST_RETRY_AFTER_S = 86_400
GONE = 410
_SECONDS = re.compile(r"[0-9]{1,9}\Z")


class Outcome(StrEnum):
    """How an attempt ended; `blocked` was not sent, because of where its name led."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    FAILED = "failed"
    BLOCKED = "blocked"


class Kind(StrEnum):
    """What is sent: a notice, or a test that is tried once and of which nobody is told."""

    NOTICE = "notice"
    PING = "ping"


class Standing(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Reply:
    """How one attempt went: `status` and `retry_after` of an answer, `error` of a failure."""

    outcome: Outcome
    status: int | None = None
    retry_after: str | None = None
    error: str | None = None
    latency_ms: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the delivery stands after an attempt, and when it is due again."""

    standing: Standing
    failures: int
    due: datetime
    gone: bool = False


def judge(delivery: str, kind: Kind, failures: int, reply: Reply, now: datetime) -> Verdict:
    """Return what follows from a reply; `failures` are those since the delivery began to wait."""
    if reply.outcome is Outcome.DELIVERED:
        return Verdict(Standing.DELIVERED, failures, now)
    failed = failures + 1
    gone = reply.status == GONE
    if gone or kind is Kind.PING or failed >= MOST_ATTEMPTS:
        return Verdict(Standing.DEAD, failed, now, gone=gone)
    wait_ms = max(_spread_ms(delivery, failed), 1_000 * asked_s(reply.retry_after, now))
    return Verdict(Standing.WAITING, failed, now + timedelta(milliseconds=wait_ms))


def asked_s(retry_after: str | None, now: datetime) -> int:
    """Return how long a receiver asks us to wait, in seconds, at most a day; 0 if it does not say."""
    if retry_after is None:
        return 0
    if _SECONDS.match(retry_after):
        return min(int(retry_after), LONGEST_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0
    aware = until.replace(tzinfo=UTC) if until.tzinfo is None else until
    return min(max(int((aware - now).total_seconds()), 0), LONGEST_RETRY_AFTER_S)


def _spread_ms(delivery: str, failed: int) -> int:
    """Return the wait of the schedule, up to a tenth longer, so that what failed together comes apart."""
    wait_ms = 1_000 * SCHEDULE_S[failed - 1]
    drawn = int.from_bytes(sha256(f"{delivery}/{failed}".encode())[:4], "big")
    return wait_ms + wait_ms * SPREAD_PERCENT * drawn // (100 << 32)

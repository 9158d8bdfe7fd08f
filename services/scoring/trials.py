"""Trials: drafts that are tried without effect, their cells, and what every shard is told of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.scoring.contract import (
    SCHEMES,
    SOURCE,
    TRIAL_ENDED,
    TRIAL_STARTED,
    TrialEnded,
    TrialStarted,
    VersionBefore,
)
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.trials import is_of_year
from services.scoring.store import Scheme
from shared.contracts.envelope import encode
from shared.contracts.fields import Closed
from shared.kernel.codes import OF_TRIAL
from shared.kernel.errors import refuse
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('trials', 0))"
_START = """
    INSERT INTO trials (code, trial, version, digest, catalogue, document, started_by, why, before)
    SELECT $1, $2, version, digest, catalogue, $4::jsonb, $5, $6, $7::int[] FROM schemes
    WHERE code = $1 AND version = $3::int"""
_END = """
    UPDATE trials SET ended_by = $3, ended = clock_timestamp(), why_ended = $4, adopted = $5
    WHERE code = $1 AND trial = $2"""
_COLUMNS = """
    code, trial, version, digest, document -> 'scheme' ->> 'effective' AS first,
    document -> 'scheme' ->> 'until' AS last, before, started_by, started, why,
    ended_by, ended, why_ended, adopted"""
_ONE = f"SELECT {_COLUMNS} FROM trials WHERE code = $1 AND trial = $2"  # noqa: S608 - columns of its own
_RUNNING = f"SELECT {_COLUMNS} FROM trials WHERE ended IS NULL ORDER BY code, trial"  # noqa: S608 - likewise
_PAGE = f"""
    SELECT {_COLUMNS} FROM trials WHERE (code, trial) > ($1, $2) AND (ended IS NULL OR NOT $3::bool)
    ORDER BY code, trial LIMIT $4"""  # noqa: S608 - likewise
_DOCUMENT = """
    SELECT n.document, digest, c.document AS catalogue, author FROM (
        SELECT document, digest, catalogue, started_by AS author FROM trials
        WHERE (code, trial, version) = ($1, $2, $3::int)
        UNION ALL SELECT s.document, s.digest, s.catalogue, author FROM trials t
        JOIN schemes s ON s.code = t.code AND s.version = ANY(t.before)
        WHERE (t.code, t.trial, s.version) = ($1, $2, $3::int)) n
    JOIN catalogues c ON c.version = n.catalogue"""


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial: the draft that it runs, by digest, over months from `first` to `last`, and who said so why.

    `before` are the adopted versions that it follows, in the order of their months. `adopted` says of one
    that ended that its draft came into force.
    """

    code: str
    trial: str
    version: int
    digest: str
    first: str
    last: str
    before: Sequence[int]
    started_by: str
    started: datetime
    why: str
    ended_by: str | None
    ended: datetime | None
    why_ended: str | None
    adopted: bool


async def start(
    tx: PostgresTransaction,
    trial: str,
    document: SchemeDocument,
    before: Sequence[SchemeDocument],
    person: str,
    why: str,
) -> Trial:
    """Keep a trial of a drafted version over the months of this document, and tell every shard."""
    head = document.scheme
    written = document.written()
    numbers = [one.scheme.version for one in before]
    await tx.many(_START, head.code, trial, head.version, json.dumps(written), person, why, numbers)
    kept = await show(tx, head.code, trial)
    told = TrialStarted(
        code=kept.code,
        trial=trial,
        version=kept.version,
        digest=kept.digest,
        document=written,
        effective=head.effective,
        until=head.until,
        before=tuple(
            VersionBefore(
                version=one.scheme.version,
                document=one.written() if is_of_year(head, one.scheme) else None,
            )
            for one in before
        ),
    )
    await _tell(tx, TRIAL_STARTED, kept, told)
    return kept


async def end(tx: PostgresTransaction, trial: Trial, person: str, why: str, *, adopted: bool) -> Trial:
    """Note that a trial is over, and tell every shard."""
    await tx.many(_END, trial.code, trial.trial, person, why, adopted)
    told = TrialEnded(code=trial.code, trial=trial.trial, version=trial.version, adopted=adopted)
    await _tell(tx, TRIAL_ENDED, trial, told)
    return await show(tx, trial.code, trial.trial)


async def of_draft(tx: PostgresTransaction, code: str, digest: str) -> list[Trial]:
    """Return the trials that run a draft; nobody ends or starts one until I commit."""
    await lock(tx)
    return [one for one in await running(tx) if (one.code, one.digest) == (code, digest)]


async def lock(tx: PostgresTransaction) -> None:
    """Let nobody else start or end a trial until I commit; asked for after a draft and before any stream."""
    await tx.many(_LOCK)


async def show(tx: PostgresTransaction, code: str, trial: str) -> Trial:
    """Return a trial, or refuse with 404."""
    found = await known(tx, code, trial)
    if found is None:
        raise refuse(404, "not_found", "There is no such trial.")
    return found


async def known(tx: PostgresTransaction, code: str, trial: str) -> Trial | None:
    """Return a trial that the scheme has or had, None if it never had one of this name."""
    rows = await tx.many(_ONE, code, trial)
    return Trial(**rows[0]) if rows else None


async def running(tx: PostgresTransaction) -> list[Trial]:
    """Return the trials that are not over."""
    return [Trial(**row) for row in await tx.many(_RUNNING)]


async def page(
    tx: PostgresTransaction, after: tuple[str, str], limit: int, *, running_only: bool
) -> list[Trial]:
    """Return a page of trials by scheme and name."""
    return [Trial(**row) for row in await tx.many(_PAGE, *after, running_only, limit)]


def scored(told: TrialStarted) -> list[int]:
    """Return the versions that a trial scores: those of its year that the draft follows, and the draft."""
    return [*(one.version for one in told.before if one.document is not None), told.version]


async def before(tx: PostgresTransaction, name: str) -> Sequence[int]:
    """Return the adopted versions that a trial follows, in the order of their months."""
    code, _, trial = name.partition(OF_TRIAL)
    return (await show(tx, code, trial)).before


async def scheme(tx: PostgresTransaction, name: str, version: int) -> Scheme:
    """Return what a trial runs, or a version that it follows, as a scheme of the trial's own code."""
    code, _, trial = name.partition(OF_TRIAL)
    rows = await tx.many(_DOCUMENT, code, trial, version)
    if not rows:
        raise refuse(404, "not_found", "There is no such trial.")
    row = rows[0]
    found = SchemeDocument.model_validate(row["document"])
    renamed = found.model_copy(update={"scheme": found.scheme.model_copy(update={"code": name})})
    return Scheme(renamed, row["digest"], row["catalogue"], row["author"], None)


async def drop_sums(tx: PostgresTransaction, shard: int, scheme: str) -> None:
    """Forget what a shard of stage A added up for a trial."""
    await tx.many("DELETE FROM partials WHERE shard = $1 AND scheme = $2", shard, scheme)


async def drop_inputs(tx: PostgresTransaction, shard: int, scheme: str) -> None:
    """Forget what a shard of stage B was told of a trial."""
    await tx.many("DELETE FROM inputs WHERE shard = $1 AND scheme = $2", shard, scheme)


async def save_folded(tx: PostgresTransaction, shard: int, name: str, folded: int) -> None:
    """Note in a shard of stage B that one of stage A has folded all that it holds under a trial."""
    await tx.many("INSERT INTO trial_shards VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", shard, name, folded)


async def folded(tx: PostgresTransaction, shard: int, name: str) -> list[int]:
    """Return the shards of stage A that have folded all that they hold under a trial, as far as told here."""
    rows = await tx.many(
        "SELECT folded FROM trial_shards WHERE shard = $1 AND scheme = $2 ORDER BY folded", shard, name
    )
    return [row["folded"] for row in rows]


async def drop_folded(tx: PostgresTransaction, shard: int, name: str) -> None:
    """Forget in a shard of stage B which of stage A had folded a trial."""
    await tx.many("DELETE FROM trial_shards WHERE shard = $1 AND scheme = $2", shard, name)


async def _tell(tx: PostgresTransaction, event: str, trial: Trial, told: Closed) -> None:
    body = encode(event, SOURCE, f"{trial.code}/{trial.trial}", told)
    await tx.append(SCHEMES, [Draft(shard, body) for shard in range(SHARDS)])

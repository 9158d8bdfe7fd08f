"""Judges what comes too late by what was accepted before; it reads only where something is too late."""

from collections.abc import Callable, Collection
from datetime import datetime

from services.ingest.contract import ACCEPTED
from services.ingest.domain import backfill
from services.ingest.domain.admission import is_awaited
from services.ingest.domain.envelope import Candidate
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.errors import Problem
from shared.storage import excerpts
from shared.storage.transaction import PostgresTransaction


async def judge(
    tx: PostgresTransaction,
    judged: list[Candidate | Problem],
    received: Callable[[Candidate], datetime],
) -> list[Candidate | Problem]:
    """Refuse each backfill of who may not bring it; `received` is when an event would be."""
    late = {
        place: one
        for place, one in enumerate(judged)
        if isinstance(one, Candidate)
        and one.late_after is not None
        and backfill.is_backfill(one, received(one))
    }
    if not late:
        return judged
    times = await _times(tx, {key for one in late.values() for key in backfill.keys_of_corrected(one)})
    return [backfill.ruled(late[place], times) if place in late else one for place, one in enumerate(judged)]


async def _times(tx: PostgresTransaction, keys: Collection[bytes]) -> dict[bytes, datetime]:
    """Return the time of accepted reports by key."""
    known = {key: at for key, at in (await tx.known(list(keys))).items() if not is_awaited(at)}
    bodies = await excerpts.bodies(tx, ACCEPTED, {(at.shard, at.number) for at in known.values()})
    return {
        key: instants.parse(envelope.decode(bodies[at.shard, at.number]).time) for key, at in known.items()
    }

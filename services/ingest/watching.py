"""What a tick sees, and a manifest when it comes: feeds that went stale or fresh, days that differ or agree.

All of it is decided with every shard locked, from `received`, ticks and totals of what is accepted. What
persons are to know, conflicts and refused records too, is told once more in a stream of its own, in the same
transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeAlias

from services.ingest import arrivals, papers
from services.ingest.contract import (
    ACCEPTED,
    CONFLICT_FOUND,
    DAY_TURNED,
    DIFFERENCE_MOVED,
    FEED_FRESH,
    FEED_STALE,
    FEED_TURNED,
    INBOUND_REFUSED,
    MISMATCH_OPENED,
    MISMATCH_SETTLED,
    NOTICES,
    SOURCE,
    ConflictFound,
    DayTotal,
    DayTurned,
    DifferenceMoved,
    FeedFresh,
    FeedStale,
    FeedTurned,
    InboundRefused,
    MismatchOpened,
    MismatchSettled,
)
from services.ingest.domain.admission import Ruling
from services.ingest.domain.catalogue import Catalogue, types_of
from services.ingest.domain.envelope import Candidate
from services.ingest.domain.feeds import FeedKey, FeedState, at_tick
from services.ingest.domain.manifests import Compared, Comparison, compare
from services.ingest.papers import Paper
from services.ingest.store import Refusal
from shared.contracts.envelope import encode
from shared.contracts.fields import Closed
from shared.kernel import instants
from shared.kernel.canonical import digest_hex
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS, shard_of
from shared.storage.transaction import PostgresTransaction

Told: TypeAlias = tuple[str, Closed]


async def look(
    tx: PostgresTransaction, catalogue: Catalogue, minute: datetime, received: datetime | None
) -> None:
    """Judge every feed and every day that moved at a tick; every shard is told what changed."""
    told = [*await look_at_feeds(tx, catalogue, minute), *await _look_at_days(tx)]
    await tell(tx, told, received)


async def tell(tx: PostgresTransaction, told: Iterable[Told], received: datetime | None) -> None:
    """Number the same events in every shard, and once where persons hear of them; some there alone."""
    changes = list(told)
    drafts = [
        Draft(shard, encode(kind, SOURCE, f"shard-{shard}", data), received=received)
        for kind, data in changes
        if kind != DIFFERENCE_MOVED
        for shard in range(SHARDS)
    ]
    await tx.append(ACCEPTED, drafts)
    await tx.append(NOTICES, [_noticed(data, received) for _, data in changes])


async def hold_notices(tx: PostgresTransaction) -> None:
    """Lock the shards of notices, ascending and before the rows that say what was told.

    A transaction tells of conflicts and then of refusals, another of refusals alone: both wait in this order.
    """
    await tx.lock(NOTICES, range(SHARDS))


async def tell_conflicts(
    tx: PostgresTransaction, found: Sequence[Ruling], received: Callable[[Candidate], datetime | None]
) -> None:
    """Tell of conflicts that were not there yet, each in the shard of its unit or case."""
    drafts: list[Draft] = []
    for ruling in found:
        one = ruling.candidate
        told = ConflictFound(
            source=one.source,
            id=one.id,
            type=one.type,
            unit=one.subject,
            why=ruling.why,
            content=one.content.hex(),
        )
        body = encode(CONFLICT_FOUND, SOURCE, one.source, told)
        drafts.append(Draft(one.shard, body, received=received(one)))
    if drafts:
        await hold_notices(tx)
    await tx.append(NOTICES, drafts)


async def tell_refused(tx: PostgresTransaction, found: Sequence[Refusal], received: datetime | None) -> None:
    """Tell of refused records of inbound topics, each in the shard of its source, else of its topic."""
    drafts: list[Draft] = []
    for refusal in found:
        told = InboundRefused(
            source=refusal.source,
            topic=refusal.client,
            code=refusal.problem.code,
            place=refusal.place or refusal.client,
        )
        body = encode(INBOUND_REFUSED, SOURCE, refusal.client, told)
        drafts.append(Draft(shard_of(refusal.source or refusal.client), body, received=received))
    await tx.append(NOTICES, drafts)


def mismatch(before: Paper | None, told: Paper, now: Comparison) -> list[Told]:
    """Return the event of a day that differs now and did not, or otherwise, or that agrees again."""
    was = None if before is None else _opened(before, before.compared)
    opened = _opened(told, now)
    if opened is None:
        place = {"source": told.source, "day": told.day, "revision": told.revision}
        return [] if was is None else [(MISMATCH_SETTLED, MismatchSettled.model_validate(place))]
    if was is None:
        return [(MISMATCH_OPENED, opened)]
    return [] if opened == was else [(DIFFERENCE_MOVED, _moved(opened))]


def _opened(told: Paper, found: Comparison) -> MismatchOpened | None:
    """Return in which way a manifest and the archive differ, None where they agree."""
    if found.state is Compared.MATCHED:
        return None
    return MismatchOpened.model_validate(
        {
            "source": told.source,
            "day": told.day,
            "revision": told.revision,
            "state": found.state.value,
            "expected": DayTotal(count=told.manifest.count, digest=told.manifest.digest),
            "found": DayTotal(count=found.count, digest=found.digest),
            "differing": found.differing,
        }
    )


def _moved(opened: MismatchOpened) -> DifferenceMoved:
    return DifferenceMoved(
        source=opened.source,
        day=opened.day,
        revision=opened.revision,
        state=opened.state,
        difference=_difference(opened),
    )


def _difference(opened: MismatchOpened) -> str:
    """Return the digest of what differs; each manifest that says another thing has its own revision."""
    return digest_hex(opened.model_dump(mode="json"))


def _noticed(told: Closed, received: datetime | None) -> Draft:
    """Return what is told of a change once, in the shard of its source."""
    match told:
        case FeedStale() | FeedFresh():
            kind, source = FEED_TURNED, told.source
            state = "stale" if isinstance(told, FeedStale) else "fresh"
            data: Closed = FeedTurned(
                source=source,
                feed=told.feed,
                state=state,
                last=told.last,
                due=told.due,
                minute=told.minute,
            )
        case MismatchOpened():
            kind, source = DAY_TURNED, told.source
            data = DayTurned(
                source=source,
                day=told.day,
                revision=told.revision,
                state=told.state,
                difference=_difference(told),
            )
        case MismatchSettled():
            kind, source = DAY_TURNED, told.source
            data = DayTurned(source=source, day=told.day, revision=told.revision, state="agreed")
        case DifferenceMoved():
            kind, source, data = DIFFERENCE_MOVED, told.source, told
        case _:
            raise AssertionError(f"nobody hears of {type(told).__name__}")
    return Draft(shard_of(source), encode(kind, SOURCE, source, data), received=received)


async def look_at_feeds(tx: PostgresTransaction, catalogue: Catalogue, minute: datetime) -> list[Told]:
    """Judge every feed at a tick, keep how it stands, and return what is to be told of it."""
    declared = {(s, feed) for s, spec in catalogue.sources.items() for feed in spec.feeds}
    known = await arrivals.feeds(tx)
    if known.keys() - declared:
        await arrivals.leave_out_feeds(tx, declared)
    judged: dict[FeedKey, FeedState] = {}
    for source, feed in sorted(declared):
        spec = catalogue.sources[source].feeds[feed]
        judged[source, feed] = at_tick(spec, known.get((source, feed), FeedState()), minute)
    moved = {key: state for key, state in judged.items() if state != known.get(key)}
    await arrivals.save_feeds(tx, moved)
    return [
        _feed_told(catalogue, key, state, minute)
        for key, state in moved.items()
        if state.stale != known.get(key, FeedState()).stale
    ]


def _feed_told(catalogue: Catalogue, key: FeedKey, state: FeedState, minute: datetime) -> Told:
    source, feed = key
    spec = catalogue.sources[source]
    assert state.due is not None
    told = {
        "source": source,
        "feed": feed,
        "types": types_of(spec.feeds[feed], spec, catalogue.types),
        "last": None if state.last is None else instants.text(state.last),
        "due": instants.text(state.due),
        "minute": instants.text(minute),
    }
    if state.stale:
        return FEED_STALE, FeedStale.model_validate(told)
    return FEED_FRESH, FeedFresh.model_validate(told)


async def _look_at_days(tx: PostgresTransaction) -> list[Told]:
    told: list[Told] = []
    for paper in await papers.papers(tx, await arrivals.take_moved_days(tx)):
        found = compare(paper.manifest, await arrivals.totals_of(tx, paper.source, paper.day))
        await papers.compared(tx, paper, found)
        told += mismatch(paper, paper, found)
    return told

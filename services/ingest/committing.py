"""Judges events by the catalogue in force and commits them in one transaction over every shard they touch."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from services.ingest import arrivals, clock, lateness, store, watching
from services.ingest.clock import EVERY_SHARD
from services.ingest.contract import ACCEPTED
from services.ingest.domain import backfill
from services.ingest.domain.admission import (
    ACCEPTED_OUTCOMES,
    Outcome,
    Ruling,
    admit,
    admit_new,
    keys_of_all,
    withdrawals,
)
from services.ingest.domain.binding import Message, is_at_home, read
from services.ingest.domain.braking import IN_A_ROW
from services.ingest.domain.catalogue import NOTHING_ADOPTED, Catalogue
from services.ingest.domain.envelope import Candidate, candidate
from services.ingest.domain.parting import halved, parted
from services.ingest.domain.quick import quick
from services.ingest.domain.recent import RecentKeys
from services.ingest.domain.sources import TOPIC, Sender
from services.ingest.domain.times import received_by_feed, received_each
from services.ingest.outcomes import (
    IN_FUTURE,
    OTHER_SHARD,
    UNSTORABLE,
    Answer,
    Judged,
    answer_of,
)
from services.ingest.racing import LOST_RACES, Raced, redone
from shared.kernel.errors import Problem, Refused, Unavailable
from shared.kernel.records import Draft, Known
from shared.kernel.strict_json import decode
from shared.storage.exchange import Exchange
from shared.storage.failures import may_pass
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.fail_points import FAIL_POINTS
from shared.telemetry.logs import logger

FUTURE_ALLOWANCE = timedelta(minutes=5)
SLICE_EVENTS = 250

_LOG = logger(__name__)
Tried_co = TypeVar("Tried_co", covariant=True)


class Once(Protocol[Tried_co]):
    """One try of a transaction that admits; `careful` looks up every key first."""

    async def __call__(self, *, careful: bool) -> Tried_co: ...


class Admission:
    """The one way in, for the group committer of the door, for inbound topics and for what persons decide."""

    def __init__(self, exchange: Exchange, *, replay: bool) -> None:
        self.exchange = exchange
        self.catalogue: Catalogue = NOTHING_ADOPTED
        self.replay = replay
        self._recent = RecentKeys()
        self._repeating = False
        self._mistaken = 0

    async def judge(self, events: Sequence[object], sender: Sender = TOPIC) -> list[Judged]:
        """Judge events before any lock; a refusal stands only if no newer catalogue was adopted elsewhere."""
        version = self.catalogue.version
        judged = await self._all_judged(events, sender)
        if any(isinstance(one, Problem) for one in judged):
            await self.newest()
            if self.catalogue.version != version:
                judged = await self._all_judged(events, sender)
        return judged

    async def newest(self) -> bool:
        """Read the catalogue again if a newer one was adopted, and tell whether."""
        async with self.exchange.reading() as tx:
            return await self._renew(tx)

    async def commit(self, candidates: Sequence[Candidate]) -> list[Answer]:
        """Commit a group; a lost race over a key, or one that was not looked up, is redone from the start.

        Should one of many be what the storage does not take, the group is redone shard by shard and a
        shard's events in halves, under the replay clock all in halves, in the order of the feed: so this
        one alone is refused. What meets more than IN_A_ROW with nothing stored between is no fault of
        theirs, nor is a race that one alone loses again and again: that is raised, and whoever asked may
        ask again.
        """
        return await self._committed(candidates)

    async def _committed(self, candidates: Sequence[Candidate]) -> list[Answer]:
        try:
            return await self._commit_group(candidates)
        except Exception as error:
            alone, raced = len(candidates) == 1, isinstance(error, Raced)
            if (alone and raced) or (not raced and passes(error)):
                raise
            if alone and self._mistaken >= IN_A_ROW:
                raise
            if alone:
                self._mistaken += 1
                _LOG.exception("an event was not stored", source=candidates[0].source, id=candidates[0].id)
                return [Answer(Outcome.REFUSED, problem=UNSTORABLE)]
            _LOG.warning("a group is redone in parts", count=len(candidates), error=type(error).__name__)
        answers: dict[int, Answer] = {}
        parts = halved(len(candidates)) if self.replay else parted([one.shard for one in candidates])
        for part in parts:
            found = await self._committed([candidates[place] for place in part])
            answers |= zip(part, found, strict=True)
        return [answers[place] for place in range(len(candidates))]

    async def _commit_group(self, candidates: Sequence[Candidate]) -> list[Answer]:
        detail = f"{len(candidates)} events"

        async def once(*, careful: bool) -> list[Answer]:
            async with self.exchange.begin(actor="ingest", action="admitted", detail=detail) as tx:
                answers = await self.admit(tx, candidates, careful=careful)
            FAIL_POINTS.passing("ingest.after_commit")
            return answers

        answers = await self.raced(once, candidates)
        self._mistaken = 0
        return answers

    async def raced(self, once: Once[Tried_co], candidates: Iterable[Candidate]) -> Tried_co:
        """Run a transaction that admits these; again if it lost a race, then looking every key up first."""

        async def looked_up() -> Tried_co:
            try:
                return await once(careful=self._repeating)
            except LOST_RACES:
                self._repeating = True
                raise

        done = await redone(looked_up)
        self._recent.add([one.key for one in candidates])
        return done

    async def tick(self) -> None:
        """Number the ticks of the database's minute, unless it has them."""
        async with self.exchange.begin(actor="clock", action="tick") as tx:
            await tx.lock(ACCEPTED, EVERY_SHARD)
            await self._renew(tx)
            await clock.tick(tx, self.catalogue)

    async def admit(
        self, tx: PostgresTransaction, judged: Sequence[Judged], *, careful: bool = True
    ) -> list[Answer]:
        """Lock, look again, number, archive, in a transaction that may change something else too.

        Adoption tells every shard, so who holds one sees the newest.
        """
        FAIL_POINTS.passing("ingest.before_lock")
        touched = {one.shard for one in judged if not isinstance(one, Problem)}
        heads = await tx.lock(ACCEPTED, EVERY_SHARD if self.replay else sorted(touched))
        await self._renew(tx)
        now = tx.now
        looked = [one if isinstance(one, Problem) else self._looked(one, now) for one in judged]
        looked = await lateness.judge(tx, looked, lambda one: self._stamp(one) or now)
        ready = [one for one in looked if not isinstance(one, Problem)]
        numbers = {shard: head.number for shard, head in heads.items()}
        rulings, keys = await self._ruled(tx, ready, numbers, careful=careful)
        await tx.remember(keys)
        taken = [ruling for ruling in rulings if ruling.outcome in ACCEPTED_OUTCOMES]
        accepted = [ruling.candidate for ruling in taken]
        fed = received_by_feed(heads, [one.fed for one in accepted]) if self.replay else [None] * len(taken)
        drafts = [
            Draft(one.candidate.shard, one.body, own=False, received=at)
            for one, at in zip(taken, fed, strict=True)
        ]
        stamps = received_each(heads, drafts, tx.now)
        receipts = zip(await tx.append(ACCEPTED, drafts), stamps, strict=True)
        await watching.tell_conflicts(tx, await store.note_conflicts(tx, rulings), self._stamp)
        await store.note_withdrawn(tx, withdrawals(accepted))
        late = [one for one, at in zip(accepted, stamps, strict=True) if backfill.is_backfill(one, at)]
        if late:
            tx.remarks.append(backfill.remark(late))
        await arrivals.note(tx, self.catalogue, accepted, stamps)
        if self.replay:
            await clock.tick_by_feed(tx, self.catalogue, heads)
        FAIL_POINTS.passing("ingest.after_insert")
        answers = iter([answer_of(ruling, receipts) for ruling in rulings])
        return [
            Answer(Outcome.REFUSED, problem=one) if isinstance(one, Problem) else next(answers)
            for one in looked
        ]

    async def _ruled(
        self, tx: PostgresTransaction, ready: Sequence[Candidate], last: Mapping[int, int], *, careful: bool
    ) -> tuple[list[Ruling], dict[bytes, Known]]:
        """Rule a batch and return the keys to remember; what came lately is looked up, and all if careful.

        Else every other key is new, or the unique index ends the transaction; then it is redone with care.
        """
        lately = self._recent.among([one.key for one in ready])
        known, ruled = dict[bytes, Known](), None
        if not careful:
            if lately:
                known = await tx.known(keys_of_all([one for one in ready if one.key in lately]))
            ruled = admit_new(ready, known, last)
        if ruled is None:
            known = await tx.known(keys_of_all(ready))
            self._repeating = any(one.key in known and one.key not in lately for one in ready)
            ruled = admit(ready, known, last)
        _, keys = ruled
        await store.drop_awaited(tx, [key for key in known if key in keys])
        return ruled

    async def _renew(self, tx: PostgresTransaction) -> bool:
        if await store.adopted_version(tx) == self.catalogue.version:
            return False
        _, self.catalogue = await store.adopted_catalogue(tx)
        return True

    async def _all_judged(self, events: Sequence[object], sender: Sender) -> list[Judged]:
        """Judge all, letting others run between slices."""
        judged: list[Judged] = []
        for start in range(0, len(events), SLICE_EVENTS):
            judged += [self._judged(event, sender) for event in events[start : start + SLICE_EVENTS]]
            await asyncio.sleep(0)
        return judged

    def _judged(self, event: object, sender: Sender, *, again: bool = False) -> Judged:
        """Judge one; a mistake of ours is its refusal where others come with it that it would block.

        So it is with a record of a topic, and with an event that is judged again in its group.
        """
        if isinstance(event, Problem | Candidate):
            return event
        try:
            return self._candidate(event, sender)
        except Refused as refused:
            return refused.problem
        except Exception as error:
            if not (sender is TOPIC or again) or isinstance(error, MemoryError):
                raise
            _LOG.exception("an event was not judged", place=getattr(event, "place", ""))
            return UNSTORABLE

    def _candidate(self, event: object, sender: Sender) -> Candidate:
        if isinstance(event, Message):
            return self._candidate_of(event)
        return candidate(event, self.catalogue, sender)

    def _candidate_of(self, message: Message) -> Candidate:
        plain = message.plain
        found = None if plain is None else quick(plain, self.catalogue)
        if found is None or found.source != message.source:
            found = candidate(read(message), self.catalogue)
        if not is_at_home(message.key, found.case or found.subject):
            raise Refused(OTHER_SHARD)
        return found

    def _looked(self, known: Candidate, now: datetime) -> Judged:
        """Judge again what an older catalogue took, and what the time says."""
        judged: Judged = known
        if known.version != self.catalogue.version:
            judged = self._judged(decode(known.body), known.sender, again=True)
        if isinstance(judged, Problem):
            return judged
        return IN_FUTURE if not self.replay and judged.time > now + FUTURE_ALLOWANCE else judged

    def _stamp(self, one: Candidate) -> datetime | None:
        """Return what the feed says that an event was received, under the replay clock."""
        return one.fed if self.replay else None


def passes(error: Exception) -> bool:
    """Tell whether the same may succeed later: something is away or busy, or there is no memory."""
    return isinstance(error, Unavailable | MemoryError) or may_pass(error)

"""Judges events by the catalogue in force and commits them in one transaction over every shard they touch."""

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import compress
from operator import itemgetter
from typing import Protocol, TypeVar

from services.ingest import arrivals, clock, lateness, places, store, watching
from services.ingest.clock import BEFORE_THE_FEED, EVERY_SHARD
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
from services.ingest.domain.binding import Message, is_at_home, read, topic_of
from services.ingest.domain.braking import IN_A_ROW, Braked, Fate, brake
from services.ingest.domain.catalogue import NOTHING_ADOPTED, Catalogue
from services.ingest.domain.envelope import Candidate, candidate
from services.ingest.domain.parting import halved, parted
from services.ingest.domain.quick import quick
from services.ingest.domain.recent import RecentKeys
from services.ingest.domain.sources import TOPIC, Sender
from services.ingest.domain.times import received_by_feed, received_each
from services.ingest.gateway import Gap
from services.ingest.outcomes import (
    BRAKE,
    BRAKED,
    GONE,
    IN_FUTURE,
    OTHER_SHARD,
    SENT_IN_FUTURE,
    STOPPED,
    UNSTORABLE,
    Answer,
    Judged,
    answer_of,
    count,
)
from services.ingest.places import Landmark, Place
from services.ingest.racing import LOST_RACES, Raced, redone
from shared.kernel import instants
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Problem, Refused, Unavailable
from shared.kernel.records import Draft, Known
from shared.kernel.strict_json import decode
from shared.storage.exchange import Exchange
from shared.storage.failures import may_pass
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.fail_points import FAIL_POINTS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

FUTURE_ALLOWANCE = timedelta(minutes=5)
SLICE_EVENTS = 250

_LOG = logger(__name__)
Tried_co = TypeVar("Tried_co", covariant=True)


class Once(Protocol[Tried_co]):
    """One try of a transaction that admits; `careful` looks up every key first."""

    async def __call__(self, *, careful: bool) -> Tried_co: ...


class Admission:
    """The one way in, for the group committer of the door and for the inbound topics."""

    def __init__(self, exchange: Exchange, *, replay: bool) -> None:
        self.exchange = exchange
        self.catalogue: Catalogue = NOTHING_ADOPTED
        self.replay = replay
        self._recent = RecentKeys()
        self._repeating = False
        self._mistaken = 0
        self._levels: dict[Place, int] = {}

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
            if (alone and raced) or (not raced and _passes(error)):
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
                answers = await self._admit(tx, candidates, careful=careful)
            FAIL_POINTS.passing("ingest.after_commit")
            return answers

        answers = await self._raced(once)
        self._mistaken = 0
        self._recent.add([one.key for one in candidates])
        return answers

    async def commit_inbound(
        self, messages: Sequence[Message], judged: Sequence[Judged] | None = None
    ) -> bool:
        """Commit messages of inbound topics with their offsets; what is refused is kept with its place.

        Should one of many be what the storage does not take, each goes alone, and that one is refused. One
        that loses every race stays where it lies, and Raced is raised. Tell whether nothing was left: of a
        partition that rests nothing is taken, and it is read again later.
        """
        try:
            return await self._commit_judged(messages, judged or await self.judge(messages))
        except Raced:
            if len(messages) == 1:
                await self._weigh_lost(messages[0])
                raise
        except Exception as error:
            if _passes(error):
                raise
            _LOG.exception("inbound messages not stored", first=messages[0].place, count=len(messages))
            if len(messages) == 1:
                return await self._commit_judged(messages, [UNSTORABLE])
        return await self._commit_each(messages)

    async def _commit_each(self, messages: Sequence[Message]) -> bool:
        """Commit each alone; behind one that loses every race nothing of its partition is taken."""
        lost, whole = set[Place](), True
        for message in messages:
            if message.at not in lost:
                try:
                    whole &= await self.commit_inbound([message])
                except Raced:
                    lost.add(message.at)
        if lost:
            raise Raced(f"a record of each of these lost every race: {sorted(lost)}")
        return whole

    async def _weigh_lost(self, message: Message) -> None:
        """Weigh it as a mistake of ours: at so many its partition stops before it, and persons are called."""
        _LOG.warning("an inbound message lost every race", place=message.place)
        braked = brake(self._levels, [(message.at, Fate.MISTAKE)])
        if braked.stopped:
            told = {"actor": "ingest", "action": "inbound stopped", "detail": message.place}
            async with self.exchange.begin(**told) as tx:
                if await places.pause(tx, braked.stopped, BRAKED, BRAKE):
                    await self._refuse(tx, [_stop(message, message.offset)])
            _LOG.error("inbound partitions stopped", why=BRAKED, places=[message.place])
        self._levels = braked.levels

    async def admit(self, tx: PostgresTransaction, candidates: Sequence[Candidate]) -> list[Answer]:
        """Admit what is good within a transaction that changes something else too."""
        return await self._admit(tx, candidates, careful=True)

    async def tick(self) -> None:
        """Number the ticks of the database's minute, unless it has them."""
        async with self.exchange.begin(actor="clock", action="tick") as tx:
            await tx.lock(ACCEPTED, EVERY_SHARD)
            await self._renew(tx)
            await clock.tick(tx, self.catalogue)

    async def check_sent(self, tx: PostgresTransaction, message: Message) -> None:
        """Refuse a record whose timestamp lies ahead of the database's clock."""
        if not self.replay and message.sent_ms > await _latest_ms(tx):
            raise Refused(SENT_IN_FUTURE)

    async def note_gaps(self, gaps: Sequence[Gap]) -> None:
        """Go on behind records that were lost before they were read, on record for a person."""
        detail = f"{len(gaps)} partitions"
        async with self.exchange.begin(actor="ingest", action="inbound gap", detail=detail) as tx:
            taken = await places.lock(tx, [gap.at for gap in gaps])
            lost = {gap.at: gap.first for gap in gaps if taken[gap.at].offset == gap.asked}
            await self._refuse_lost(tx, {at: taken[at].offset for at in lost})
            await places.jump(tx, lost)

    async def begin_anew(self, anew: Mapping[Place, Landmark]) -> None:
        """Read topics that were made anew from their beginning, on record, unless another process began."""
        detail = f"{len(anew)} partitions"
        async with self.exchange.begin(actor="ingest", action="inbound anew", detail=detail) as tx:
            taken = await places.lock(tx, anew)
            known = await places.landmarks(tx)
            ours = [at for at, landmark in anew.items() if known.get(at) == landmark]
            await self._refuse_lost(tx, {at: taken[at].offset for at in ours})
            await places.jump(tx, dict.fromkeys(ours, 0))

    async def see(self, found: Mapping[Place, Landmark]) -> None:
        """Keep the records by which topics are known again at the next look."""
        if found:
            async with self.exchange.beating() as tx:
                await places.see(tx, found)

    async def _refuse_lost(self, tx: PostgresTransaction, asked: Mapping[Place, int]) -> None:
        """Keep for a person that from these offsets on the topic does not hold what was to be read."""
        sources = {topic_of(source): source for source in self.catalogue.sources}
        nothing = sha256_hex(b"")
        for (topic, partition), offset in asked.items():
            place = f"{topic}/{partition}/{offset}"
            await self._refuse(tx, [store.Refusal(GONE, nothing, topic, place, sources.get(topic))])

    async def _commit_judged(self, messages: Sequence[Message], judged: Sequence[Judged]) -> bool:
        braked = self._braked(messages, judged)
        if braked is not None and braked.stopped:
            messages = list(compress(messages, braked.taken))
            judged = list(compress(judged, braked.taken))
        stopped = frozenset[Place]() if braked is None else braked.stopped

        async def once(*, careful: bool) -> tuple[list[Answer], bool]:
            return await self._commit_inbound(messages, judged, stopped, careful=careful)

        answers, whole = await self._raced(once)
        self._levels = {} if braked is None else braked.levels
        self._recent.add([one.key for one in judged if not isinstance(one, Problem)])
        count(answers)
        return whole and not stopped

    def _braked(self, messages: Sequence[Message], judged: Sequence[Judged]) -> Braked | None:
        """Tell what our mistakes among these do; None, which costs nothing, while there are none."""
        if not self._levels and not any(one is UNSTORABLE for one in judged):
            return None
        fates = [
            Fate.MISTAKE if one is UNSTORABLE else Fate.REFUSED if isinstance(one, Problem) else Fate.GOOD
            for one in judged
        ]
        return brake(self._levels, [(m.at, fate) for m, fate in zip(messages, fates, strict=True)])

    async def _raced(self, once: Once[Tried_co]) -> Tried_co:
        """Run a transaction again when it lost a race over a key; then every key is looked up first."""

        async def looked_up() -> Tried_co:
            try:
                return await once(careful=self._repeating)
            except LOST_RACES:
                self._repeating = True
                raise

        return await redone(looked_up)

    async def _commit_inbound(
        self,
        messages: Sequence[Message],
        judged: Sequence[Judged],
        stopped: frozenset[Place],
        *,
        careful: bool,
    ) -> tuple[list[Answer], bool]:
        detail = f"{len(messages)} messages"
        async with self.exchange.begin(actor="ingest", action="admitted inbound", detail=detail) as tx:
            lasts = {message.at: message for message in messages}
            held = await places.lock(tx, lasts)
            resting = {at for at, one in held.items() if one.paused}
            latest_ms = await _latest_ms(tx)
            fresh = [
                (message, one if self.replay or message.sent_ms <= latest_ms else SENT_IN_FUTURE)
                for message, one in zip(messages, judged, strict=True)
                if message.offset >= held[at := message.at].offset and at not in resting
            ]
            answers = await self._admit(tx, [one for _, one in fresh], careful=careful)
            refusals = [
                store.Refusal(answer.problem, message.digest, message.topic, message.place, message.source)
                for (message, _), answer in zip(fresh, answers, strict=True)
                if answer.outcome is Outcome.REFUSED and answer.problem is not None
            ]
            stopping = stopped & {message.at for message, _ in fresh} if stopped else stopped
            orders = await places.pause(tx, stopping, BRAKED, BRAKE) if stopping else ()
            stops = _stops(messages, {(order["consumer"], order["partition"]) for order in orders})
            await self._refuse(tx, [*refusals, *stops])
            if fresh:
                digests = {at: last.digest for at, last in lasts.items()}
                moved = {
                    at: max(held[at].offset, last.offset + 1)
                    for at, last in lasts.items()
                    if at not in resting
                }
                await places.advance(tx, moved, digests)
            if stops:
                tx.remarks.append(f"stopped {[stop.place for stop in stops]}")
        FAIL_POINTS.passing("ingest.after_commit")
        for topic, amount in Counter(refusal.client for refusal in refusals).items():
            METRICS.count("dukao_inbound_rejected_total", amount, topic=topic)
        if stops:
            _LOG.error("inbound partitions stopped", why=BRAKED, places=[stop.place for stop in stops])
        return answers, not resting

    async def _refuse(self, tx: PostgresTransaction, refusals: Sequence[store.Refusal]) -> None:
        """Keep refused records of inbound topics, and tell persons of what is new among them."""
        if refusals:
            await watching.hold_notices(tx)
        await store.note_refusals(tx, refusals)
        received = BEFORE_THE_FEED if self.replay else None
        await watching.tell_refused(tx, await store.untold(tx, refusals), received)

    async def _admit(
        self, tx: PostgresTransaction, judged: Sequence[Judged], *, careful: bool
    ) -> list[Answer]:
        """Lock, look again, number, archive. Adoption tells every shard, so who holds one sees the newest."""
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


def _stops(messages: Sequence[Message], stopped: Collection[Place]) -> list[store.Refusal]:
    """Return what calls persons to the partitions that stop, at the first offset that is not taken."""
    lasts = {message.at: message for message in messages if message.at in stopped}
    return [_stop(last, last.offset + 1) for _, last in sorted(lasts.items(), key=itemgetter(0))]


def _stop(message: Message, offset: int) -> store.Refusal:
    place = f"{message.topic}/{message.partition}/{offset}"
    return store.Refusal(STOPPED, sha256_hex(b""), message.topic, place, message.source)


def _passes(error: Exception) -> bool:
    """Tell whether the same may succeed later: something is away or busy, or there is no memory."""
    return isinstance(error, Unavailable | MemoryError) or may_pass(error)


async def _latest_ms(tx: PostgresTransaction) -> int:
    return instants.micros(await store.now(tx) + FUTURE_ALLOWANCE) // 1000

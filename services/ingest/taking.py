"""Takes what inbound topics bring: records are admitted with their offsets, or refused at their places."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import compress
from operator import itemgetter

from services.ingest import places, store, watching
from services.ingest.clock import BEFORE_THE_FEED
from services.ingest.committing import FUTURE_ALLOWANCE, Admission, passes
from services.ingest.domain.admission import Outcome
from services.ingest.domain.binding import Message, topic_of
from services.ingest.domain.braking import Braked, Fate, brake
from services.ingest.gateway import Gap
from services.ingest.outcomes import (
    BRAKE,
    BRAKED,
    GONE,
    SENT_IN_FUTURE,
    STOPPED,
    UNSTORABLE,
    Answer,
    Judged,
    count,
)
from services.ingest.places import Landmark, Place
from services.ingest.racing import Raced
from shared.kernel import instants
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Problem, Refused
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.fail_points import FAIL_POINTS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

_LOG = logger(__name__)


class Taking:
    """Commits messages of inbound topics; a partition that meets too many mistakes of ours is stopped."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._exchange = admission.exchange
        self._levels: dict[Place, int] = {}

    async def take(self, messages: Sequence[Message], judged: Sequence[Judged] | None = None) -> bool:
        """Take messages with their offsets; what is refused is kept with its place.

        Should one of many be what the storage does not take, each goes alone, and that one is refused. One
        that loses every race stays where it lies, and Raced is raised. Tell whether nothing was left: of a
        partition that rests nothing is taken, and it is read again later.
        """
        try:
            return await self._commit_judged(messages, judged or await self._admission.judge(messages))
        except Raced:
            if len(messages) == 1:
                await self._weigh_lost(messages[0])
                raise
        except Exception as error:
            if passes(error):
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
                    whole &= await self.take([message])
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
            async with self._exchange.begin(**told) as tx:
                if await places.pause(tx, braked.stopped, BRAKED, BRAKE):
                    await self._refuse(tx, [_stop(message, message.offset)])
            _LOG.error("inbound partitions stopped", why=BRAKED, places=[message.place])
        self._levels = braked.levels

    async def note_gaps(self, gaps: Sequence[Gap]) -> None:
        """Go on behind records that were lost before they were read, on record for a person."""
        detail = f"{len(gaps)} partitions"
        async with self._exchange.begin(actor="ingest", action="inbound gap", detail=detail) as tx:
            taken = await places.lock(tx, [gap.at for gap in gaps])
            lost = {gap.at: gap.first for gap in gaps if taken[gap.at].offset == gap.asked}
            await self._refuse_lost(tx, {at: taken[at].offset for at in lost})
            await places.jump(tx, lost)

    async def begin_anew(self, anew: Mapping[Place, Landmark]) -> None:
        """Read topics that were made anew from their beginning, on record, unless another process began."""
        detail = f"{len(anew)} partitions"
        async with self._exchange.begin(actor="ingest", action="inbound anew", detail=detail) as tx:
            taken = await places.lock(tx, anew)
            known = await places.landmarks(tx)
            ours = [at for at, landmark in anew.items() if known.get(at) == landmark]
            await self._refuse_lost(tx, {at: taken[at].offset for at in ours})
            await places.jump(tx, dict.fromkeys(ours, 0))

    async def see(self, found: Mapping[Place, Landmark]) -> None:
        """Keep the records by which topics are known again at the next look."""
        if found:
            async with self._exchange.beating() as tx:
                await places.see(tx, found)

    async def _refuse_lost(self, tx: PostgresTransaction, asked: Mapping[Place, int]) -> None:
        """Keep for a person that from these offsets on the topic does not hold what was to be read."""
        sources = {topic_of(source): source for source in self._admission.catalogue.sources}
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
            return await self._commit_once(messages, judged, stopped, careful=careful)

        ready = [one for one in judged if not isinstance(one, Problem)]
        answers, whole = await self._admission.raced(once, ready)
        self._levels = {} if braked is None else braked.levels
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

    async def _commit_once(
        self,
        messages: Sequence[Message],
        judged: Sequence[Judged],
        stopped: frozenset[Place],
        *,
        careful: bool,
    ) -> tuple[list[Answer], bool]:
        detail = f"{len(messages)} messages"
        async with self._exchange.begin(actor="ingest", action="admitted inbound", detail=detail) as tx:
            lasts = {message.at: message for message in messages}
            held = await places.lock(tx, lasts)
            resting = {at for at, one in held.items() if one.paused}
            latest_ms = await _latest_ms(tx)
            fresh = [
                (message, one if self._admission.replay or message.sent_ms <= latest_ms else SENT_IN_FUTURE)
                for message, one in zip(messages, judged, strict=True)
                if message.offset >= held[at := message.at].offset and at not in resting
            ]
            answers = await self._admission.admit(tx, [one for _, one in fresh], careful=careful)
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
        received = BEFORE_THE_FEED if self._admission.replay else None
        await watching.tell_refused(tx, await store.untold(tx, refusals), received)


async def check_sent(tx: PostgresTransaction, message: Message, *, replay: bool) -> None:
    """Refuse a record whose timestamp lies ahead of the database's clock."""
    if not replay and message.sent_ms > await _latest_ms(tx):
        raise Refused(SENT_IN_FUTURE)


def _stops(messages: Sequence[Message], stopped: Collection[Place]) -> list[store.Refusal]:
    """Return what calls persons to the partitions that stop, at the first offset that is not taken."""
    lasts = {message.at: message for message in messages if message.at in stopped}
    return [_stop(last, last.offset + 1) for _, last in sorted(lasts.items(), key=itemgetter(0))]


def _stop(message: Message, offset: int) -> store.Refusal:
    place = f"{message.topic}/{message.partition}/{offset}"
    return store.Refusal(STOPPED, sha256_hex(b""), message.topic, place, message.source)


async def _latest_ms(tx: PostgresTransaction) -> int:
    return instants.micros(await store.now(tx) + FUTURE_ALLOWANCE) // 1000

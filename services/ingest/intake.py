"""Takes what inbound topics bring: polls, judges ahead of the commit, and commits with the offsets."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from services.ingest import places
from services.ingest.committing import Admission
from services.ingest.domain.binding import topic_of
from services.ingest.domain.silence import Stand, hanging, stands
from services.ingest.gateway import InboundTopics, Polled
from services.ingest.outcomes import BRAKE, Judged
from services.ingest.places import Place
from services.ingest.sharing import Share
from services.ingest.taking import Taking
from shared.kernel.errors import Unavailable
from shared.storage.failures import STORAGE_ERRORS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

BACKOFF_S = 0.5
LOOK_AGAIN_S = 60.0
ASK_AGAIN_S = 1.0

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """What a poll brought, and what each message is."""

    polled: Polled
    judged: list[Judged]


class Intake:
    """Takes what the inbound topics bring, for good; while Kafka is away it waits and the door goes on.

    While a batch is committed the next one is read and judged; it is dropped if that commit fails.
    Workers share the partitions, so that none reads what another takes, and one that Kafka does not answer
    leaves its share; that each record is taken once does not rest on it. `clock` tells seconds by which it
    looks again and sees that a client hangs.
    """

    def __init__(
        self,
        admission: Admission,
        topics: InboundTopics,
        check: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        worker: str = "ingest-1",
    ) -> None:
        self._admission = admission
        self._taking = Taking(admission)
        self._topics = topics
        self._share = Share(admission.exchange, worker)
        self._held: Mapping[int, int] = {}
        self._told: set[str] = set()
        self._check = check
        self._clock = clock
        self._version = -1
        self._places: list[Place] = []
        self._paused: dict[Place, str] = {}
        self._stands: dict[Place, Stand] = {}
        self._look_again = 0.0
        self._ask_again = 0.0
        self._ahead: Read | Unavailable | None = None

    async def run(self) -> None:
        """Work until cancelled; after any failure reading goes on from the stored offsets."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._share.run())
                await self._work()
        finally:
            await self._share.leave()
            await self._topics.close()

    async def _work(self) -> None:
        while True:
            try:
                await self.step()
            except* (Unavailable, *STORAGE_ERRORS) as errors:
                said = [str(error) or type(error).__name__ for error in errors.exceptions]
                _LOG.warning("inbound waits", errors=said)
                self._version = -1
                self._tell(self._topics.lags())
                if errors.subgroup(Unavailable):
                    await self._share.leave()
                await asyncio.sleep(BACKOFF_S)

    async def step(self) -> None:
        """Follow the sources in force, looking again now and then, and take one poll.

        Nothing is read while `check` says that nothing can be stored.
        """
        now = self._clock()
        self._check()
        if now >= self._ask_again:
            await self._ask()
            self._ask_again = now + ASK_AGAIN_S
        followed = self._version == self._admission.catalogue.version and self._held == self._share.held
        if not followed or now > self._look_again:
            await self._follow(now)
        ahead, self._ahead = self._ahead, None
        read = ahead or await self._read()
        if isinstance(read, Unavailable):
            raise read
        if read.polled.gaps:
            await self._taking.note_gaps(read.polled.gaps)
            self._version = -1
        if read.polled.messages:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read())
                whole = await self._taking.take(read.polled.messages, read.judged)
            self._ahead = reading.result()
            if not whole:
                self._version = -1
        waiting = self._topics.lags()
        told = self._told.union(map(topic_of, self._admission.catalogue.sources))
        self._tell({topic: waiting[topic] for topic in told})

    def _tell(self, waiting: Mapping[str, int]) -> None:
        self._told |= waiting.keys()
        for topic, count in waiting.items():
            METRICS.set("dukao_inbound_lag_records", count, topic=topic)

    async def _ask(self) -> None:
        """Ask for a newer catalogue, and which partitions rest: by an order, or mistakes."""
        await self._admission.newest()
        async with self._admission.exchange.reading() as tx:
            paused = await places.paused(tx)
        stopped = sum(person == BRAKE for person in paused.values())
        METRICS.set("dukao_inbound_paused_partitions", stopped, by="mistakes")
        METRICS.set("dukao_inbound_paused_partitions", len(paused) - stopped, by="order")
        if paused != self._paused:
            self._version = -1

    async def _read(self) -> "Read | Unavailable":
        """Poll and judge; that Kafka is away is told as a value, so that the commit beside it goes on."""
        try:
            polled = await self._topics.poll()
        except Unavailable as error:
            return error
        return Read(polled, await self._admission.judge(polled.messages))

    async def _follow(self, now: float) -> None:
        """Read what is to be read now: anew if that changed, the topic did, or the client hangs.

        It joins those who share once Kafka answers, and those of it who lead the partitions.
        """
        catalogue = self._admission.catalogue
        sources = {topic_of(source): source for source in catalogue.sources}
        there = await self._topics.ensure(sources) if sources else []
        if not self._share.joined:
            await self._topics.ends(there)
            await self._share.join()
        held = self._share.held
        found = [place for place in there if self._share.covers(place)]
        goes_on = self._version == catalogue.version and held == self._held and found == self._places
        made_anew = await self._made_anew(found, moved=goes_on)
        if not goes_on or made_anew or await self._hangs(found, now):
            await self._read_from_stored(sources, found, now)
        self._places, self._held = found, held
        complete = {topic for topic, _ in there} == sources.keys()
        self._version = catalogue.version
        self._look_again = now + (LOOK_AGAIN_S if complete else BACKOFF_S)

    async def _read_from_stored(self, sources: Mapping[str, str], found: list[Place], now: float) -> None:
        self._ahead = None
        async with self._admission.exchange.reading() as tx:
            stored = await places.offsets(tx)
            self._paused = await places.paused(tx)
        begun = {place: stored.get(place, 0) for place in found if place not in self._paused}
        await self._topics.read(sources, begun)
        self._stands = stands({}, begun, now)

    async def _hangs(self, found: Collection[Place], now: float) -> bool:
        """Tell whether the client brings nothing of a partition of which another says there is more."""
        ends = await self._topics.ends(found)
        async with self._admission.exchange.reading() as tx:
            stored = await places.offsets(tx)
        reached = {at: max(offset, stored.get(at, 0)) for at, offset in self._topics.reached().items()}
        self._stands = stands(self._stands, reached, now)
        still = hanging(self._stands, ends, now)
        if still:
            _LOG.warning("inbound client hangs", places=still)
        return bool(still)

    async def _made_anew(self, found: Collection[Place], *, moved: bool) -> bool:
        """Begin anew where the record seen last is another now: that is another topic of the same name."""
        async with self._admission.exchange.reading() as tx:
            last = {at: one for at, one in (await places.last_taken(tx)).items() if at in found}
            marks = await places.landmarks(tx, moved=moved)
        known = {at: one for at, one in marks.items() if at in found}
        there = await self._topics.digests({at: one.offset for at, one in known.items()})
        anew = {at: known[at] for at, digest in there.items() if digest != known[at].digest}
        if anew:
            _LOG.warning("inbound topic made anew", places=list(anew))
            await self._taking.begin_anew(anew)
        await self._taking.see({at: last[at] for at in known.keys() & last.keys() - anew.keys()})
        return bool(anew)

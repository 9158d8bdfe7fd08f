"""Takes what inbound topics bring: polls, judges ahead of the commit, and commits with the offsets."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass

from services.ingest import store
from services.ingest.committing import Admission, Judged
from services.ingest.domain.binding import topic_of
from services.ingest.gateway import Gap, InboundTopics, Polled
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
    """

    def __init__(
        self, admission: Admission, topics: InboundTopics, check: Callable[[], None] = lambda: None
    ) -> None:
        self._admission = admission
        self._topics = topics
        self._check = check
        self._version = -1
        self._places: list[store.Place] = []
        self._look_again = 0.0
        self._ask_again = 0.0
        self._ahead: Read | Unavailable | None = None

    async def run(self) -> None:
        """Work until cancelled; after any failure reading goes on from the stored offsets."""
        try:
            while True:
                try:
                    await self.step()
                except* (Unavailable, *STORAGE_ERRORS) as errors:
                    said = [str(error) or type(error).__name__ for error in errors.exceptions]
                    _LOG.warning("inbound waits", errors=said)
                    self._version = -1
                    await asyncio.sleep(BACKOFF_S)
        finally:
            await self._topics.close()

    async def step(self) -> None:
        """Follow the sources in force, looking again now and then, and take one poll.

        Nothing is read while `check` says that nothing can be stored.
        """
        now = asyncio.get_running_loop().time()
        self._check()
        if now >= self._ask_again:
            await self._admission.newest()
            self._ask_again = now + ASK_AGAIN_S
        if self._version != self._admission.catalogue.version or now > self._look_again:
            await self._follow(now)
        ahead, self._ahead = self._ahead, None
        read = ahead or await self._read()
        if isinstance(read, Unavailable):
            raise read
        if read.polled.gaps:
            await self._admission.note_gaps(read.polled.gaps)
            self._version = -1
        if read.polled.messages:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read())
                await self._admission.commit_inbound(read.polled.messages, read.judged)
            self._ahead = reading.result()
        for topic, waiting in (await self._topics.lags()).items():
            METRICS.set("dukao_inbound_lag_records", waiting, topic=topic)

    async def _read(self) -> "Read | Unavailable":
        """Poll and judge; that Kafka is away is told as a value, so that the commit beside it goes on."""
        try:
            polled = await self._topics.poll()
        except Unavailable as error:
            return error
        return Read(polled, await self._admission.judge(polled.messages))

    async def _follow(self, now: float) -> None:
        catalogue = self._admission.catalogue
        sources = {topic_of(source): source for source in catalogue.sources}
        places = await self._topics.ensure(sources) if sources else []
        if self._version != catalogue.version or places != self._places:
            self._ahead = None
            await self._notice_made_anew(places)
            async with self._admission.exchange.reading() as tx:
                stored = await store.inbound_offsets(tx)
            await self._topics.read(sources, {place: stored.get(place, 0) for place in places})
        self._places = places
        complete = {topic for topic, _ in places} == sources.keys()
        self._version = catalogue.version
        self._look_again = now + (LOOK_AGAIN_S if complete else BACKOFF_S)

    async def _notice_made_anew(self, places: Collection[store.Place]) -> None:
        """Begin anew where the record taken last is another now: that is another topic of the same name."""
        async with self._admission.exchange.reading() as tx:
            taken = {at: last for at, last in (await store.last_taken(tx)).items() if at in places}
        there = await self._topics.digests({at: offset for at, (offset, _) in taken.items()})
        anew = [Gap(*at, taken[at][0] + 1, 0) for at, digest in there.items() if digest != taken[at][1]]
        if anew:
            _LOG.warning("inbound topic made anew", places=[gap.at for gap in anew])
            await self._admission.note_gaps(anew)

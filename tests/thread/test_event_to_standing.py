"""The tour: events admitted by ingest, scored by two stages, ranked; every service on its own PostgreSQL schema."""

import asyncio
import itertools
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from services.ingest import handlers as ingest
from services.ingest import store as ingest_store
from services.ingest.committing import Admission
from services.ingest.domain.admission import Outcome
from services.ingest.domain.envelope import candidate
from services.ranking import store as ranking_store
from services.ranking import versions as ranking_versions
from services.ranking.domain.standings import standing
from services.ranking.handlers import Ranking
from services.scoring import handlers as scoring
from services.scoring import store as scoring_store
from services.scoring.stage_a import StageA
from services.scoring.stage_b import StageB
from shared.messaging.archive import OwnArchive
from shared.messaging.broker import MemoryBroker
from shared.messaging.consumer import Consumer
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import KafkaProducer, KafkaSubscription, administering, ensure_topics
from shared.messaging.relay import Relay
from shared.migrations.runner import migrate
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from tests.scoring.test_stages import SCHEME, TYPES, levy, missed
from tests.waiting import becomes

NAMES = itertools.count(1)
STREAMS = {
    "ingest": ("ingest.accepted",),
    "scoring": ("scoring.schemes", "scoring.partials", "scoring.entries"),
    "ranking": ("ranking.standings",),
}
TIERED = SCHEME | {"tiers": [{"code": "first", "share": "0.5"}, {"code": "second", "share": "0.5"}]}


class Platform:
    """Three services over one broker in memory; any part can be killed and started again."""

    def __init__(self, exchanges, producer, subscribe):
        self.exchanges = exchanges
        self.producer = producer
        self.subscribe = subscribe
        self.admission = Admission(exchanges["ingest"], replay=False)
        self.parts = {
            "scoring-a": ("scoring", ("ingest.accepted", "scoring.schemes"), StageA),
            "scoring-b": ("scoring", ("scoring.partials", "scoring.schemes"), StageB),
            "ranking": ("ranking", ("scoring.entries", "scoring.schemes"), Ranking),
        }

    def runs(self):
        relays = {
            f"relay {name}": Relay(exchange, self.producer(), STREAMS[name], "w1")
            for name, exchange in self.exchanges.items()
        }
        return relays | {name: self.consumer(name) for name in self.parts}

    def consumer(self, name):
        service, inputs, handler = self.parts[name]
        return Consumer(
            name,
            inputs=inputs,
            handler=handler(),
            exchange=self.exchanges[service],
            subscription=self.subscribe(),
            archives={stream: OwnArchive(self.exchanges[stream.partition(".")[0]]) for stream in inputs},
            worker="w1",
        )

    @asynccontextmanager
    async def running(self):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part.run()) for part in self.runs().values()]
            yield
            for task in tasks:
                task.cancel()

    async def adopt(self):
        async with self.exchanges["ingest"].begin(actor="ada", action="draft") as tx:
            drafted = await ingest.draft_types(tx, TYPES, "ada")
        async with self.exchanges["ingest"].begin(actor="bob", action="adopt") as tx:
            await ingest.adopt_types(tx, drafted.version, "bob")

        async def heard():
            async with self.exchanges["scoring"].reading() as tx:
                return (await scoring_store.newest_catalogue(tx))[0] == drafted.version

        await becomes(heard)
        async with self.exchanges["scoring"].begin(actor="ada", action="draft") as tx:
            await scoring.draft_scheme(tx, TIERED, "ada")
        async with self.exchanges["scoring"].begin(actor="bob", action="adopt") as tx:
            await scoring.adopt_scheme(tx, "mini", 1, "bob")

    async def send(self, events):
        async with self.exchanges["ingest"].reading() as tx:
            _, catalogue = await ingest_store.adopted_catalogue(tx)
        answers = await self.admission.commit([candidate(event, catalogue) for event in events])
        return [answer.outcome for answer in answers]

    async def scored(self):
        """How far stage A has come, as a digest."""
        async with self.exchanges["scoring"].reading() as tx:
            return await positions_digest(tx, ("scoring-a",))

    async def march(self):
        async with self.exchanges["ranking"].reading() as tx:
            schemes = await ranking_versions.in_force(tx, ("mini", "bureaus"), ["2021-03"])
            if not schemes:
                return []
            figures = await ranking_store.figures(tx, ("mini", "bureaus"), schemes)
        lines = standing(figures["2021-03"], schemes["2021-03"].rules)
        return [(line.unit, line.total, line.rank, line.tier) for line in lines]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
async def broker(request):
    if request.param == "memory":
        memory = MemoryBroker()
        return (lambda: memory), memory.subscribe
    bootstrap = request.getfixturevalue("kafka_bootstrap")
    topics = [stream for streams in STREAMS.values() for stream in streams]
    await delete_topics(bootstrap, topics)
    await ensure_topics(KafkaAccess(bootstrap), topics)
    return (lambda: KafkaProducer(KafkaAccess(bootstrap))), (
        lambda: KafkaSubscription(KafkaAccess(bootstrap))
    )


async def delete_topics(bootstrap, topics):
    """Each test has topics of its own; a deleted one is gone a moment later."""
    async with administering(KafkaAccess(bootstrap)) as admin:
        present = [topic for topic in topics if topic in await admin.list_topics()]
        if present:
            await admin.delete_topics(present)

        async def gone():
            return not set(topics) & set(await admin.list_topics())

        await becomes(gone)


@pytest.fixture
async def platform(postgres_url, broker):
    run = next(NAMES)
    engines = {name: open_engine(postgres_url, f"thread_{name}_{run}") for name in STREAMS}
    for name, engine in engines.items():
        await migrate(engine, f"thread_{name}_{run}", f"services.{name}.migrations")
    yield Platform({name: Exchange(engine, name) for name, engine in engines.items()}, *broker)
    for engine in engines.values():
        await engine.dispose()


EVENTS = [
    *(levy(i, ontime=i != 0, day=1 + i % 28) for i in range(50)),
    *(levy(100 + i, unit="b2", day=1 + i % 28) for i in range(50)),
    missed(1, "2021-03-05T08:00:00+08:00", unit="b2"),
]
EXPECTED = [("b1", Decimal("20.00"), 1, "first"), ("b2", Decimal("19.50"), 2, "second")]


async def test_events_become_a_standing(platform):
    async with platform.running():
        await platform.adopt()
        assert set(await platform.send(EVENTS)) == {Outcome.CREATED}

        async def there():
            return await platform.march() == EXPECTED

        await becomes(there)


async def test_parts_that_die_in_the_middle_leave_the_same_standing(platform):
    async with platform.running():
        await platform.adopt()
    for start in range(0, len(EVENTS), 20):
        async with platform.running():
            before = await platform.scored()
            await platform.send(EVENTS[start : start + 20])

            async def moved(before=before):
                return await platform.scored() != before

            await becomes(moved)
    async with platform.running():
        assert set(await platform.send(EVENTS)) == {Outcome.DUPLICATE}

        async def there():
            return await platform.march() == EXPECTED

        await becomes(there)

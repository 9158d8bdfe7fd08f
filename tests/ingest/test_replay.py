"""Under the replay clock time comes from the feed: received, ticks and what came before it."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest import clock, handlers
from services.ingest.committing import Admission
from services.ingest.contract import ACCEPTED, TICK, TYPES_ADOPTED
from services.ingest.domain.admission import Outcome
from services.ingest.domain.catalogue import NOTHING_ADOPTED
from shared.contracts.envelope import decode
from shared.kernel import instants
from shared.kernel.shards import SHARDS
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.ingest.test_parting import Failing
from tests.schemas import make_schema
from tests.scoring.test_stages import TYPES, levy

NUMBERS = itertools.count(1)
BEGIN = datetime(2021, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
async def exchange(postgres_url):
    schema = f"replayed_{next(NUMBERS)}"
    engine = open_engine(postgres_url, schema)
    await make_schema(engine, schema, "services.ingest.migrations")
    yield Exchange(engine, "ingest")
    await engine.dispose()


async def adopt(exchange, *, replay):
    async with exchange.begin(actor="ada", action="draft") as tx:
        drafted = await handlers.draft_types(tx, TYPES, "ada")
    async with exchange.begin(actor="bob", action="adopt") as tx:
        await handlers.adopt_types(tx, drafted.version, "bob", replay=replay)


async def send(admission, *events):
    judged = await admission.judge(events)
    return [answer.outcome for answer in await admission.commit(judged)]


def at(number, *, unit="b1", **after):
    return levy(number, unit=unit, ontime=True) | {"time": (BEGIN + timedelta(**after)).isoformat()}


async def stream(exchange, shard):
    async with exchange.reading() as tx:
        return [decode(record.body) for record in await tx.read(ACCEPTED, shard, 0, 1000)]


async def ticks(exchange):
    """Every shard has the same ticks."""
    told = []
    for shard in range(SHARDS):
        own = [event for event in await stream(exchange, shard) if event.type == TICK]
        told.append([bytes(event.data).decode()[11:-2] for event in own])
    assert told == [told[0]] * SHARDS
    return told[0]


def minute(**after):
    return instants.text(BEGIN + timedelta(**after))


async def test_received_and_ticks_come_from_the_feed_and_never_fall(exchange):
    await adopt(exchange, replay=True)
    admission = Admission(exchange, replay=True)
    assert await send(admission, at(1), at(2, minutes=5, seconds=30)) == [Outcome.CREATED] * 2
    assert await ticks(exchange) == [minute(minutes=5)]
    assert await send(admission, at(3, minutes=5, seconds=50), at(4, minutes=-90)) == [Outcome.CREATED] * 2
    assert await ticks(exchange) == [minute(minutes=5)]
    assert await send(admission, at(5, days=40)) == [Outcome.CREATED]
    assert await send(admission, at(5, days=40), at(1)) == [Outcome.DUPLICATE] * 2
    assert await ticks(exchange) == [minute(minutes=5), minute(days=40)]
    for shard in range(SHARDS):
        events = await stream(exchange, shard)
        received = [event.received for event in events]
        assert received == sorted(received)
        assert (events[0].type, received[0]) == (TYPES_ADOPTED, instants.text(clock.BEFORE_THE_FEED))
        assert received[-1] <= minute(days=40)


FED = [
    at(1, unit="b1"),
    at(2, unit="b2", minutes=5, seconds=30),
    at(3, unit="b1", minutes=1),
    at(9, unit="b3", hours=2) | {"id": "bad"},
    at(4, unit="b4", minutes=2),
    at(5, unit="b1", minutes=7),
    at(6, unit="b2", minutes=3),
]
WHOLE, EACH_ALONE, IN_TWO = [FED], [[one] for one in FED], [FED[:2], FED[2:]]


@pytest.mark.parametrize("groups", [WHOLE, EACH_ALONE, IN_TWO], ids=["whole", "each alone", "in two"])
@pytest.mark.parametrize("fails", [False, True])
async def test_what_is_received_does_not_depend_on_the_groups_that_are_committed(exchange, groups, fails):
    await adopt(exchange, replay=True)
    admission = (Failing if fails else Admission)(exchange, replay=True)
    for group in groups:
        await send(admission, *(one for one in group if fails or one["id"] != "bad"))
    told = [event for shard in range(SHARDS) for event in await stream(exchange, shard)]
    received = {event.id: event.received for event in told if not event.type.startswith("dukao.")}
    late = minute(minutes=5, seconds=30)
    after = {"l5": minute(minutes=7), "l6": minute(minutes=7)}
    assert received == {"l1": minute(), "l2": late, "l3": late, "l4": late, **after}


async def test_live_ticks_are_those_of_the_database_once_a_minute(exchange):
    async with exchange.reading() as tx:
        assert await clock.is_due(tx)
    async with exchange.begin(actor="clock", action="tick") as tx:
        told = await clock.tick(tx, NOTHING_ADOPTED)
        now = tx.now
    assert told
    assert await ticks(exchange) == [instants.text(now.replace(second=0, microsecond=0))]


async def test_a_live_event_brings_no_tick(exchange):
    await adopt(exchange, replay=False)
    assert await send(Admission(exchange, replay=False), at(1)) == [Outcome.CREATED]
    assert await ticks(exchange) == []
    told = [event for shard in range(SHARDS) for event in await stream(exchange, shard)]
    assert len(told) == SHARDS + 1
    assert min(event.received for event in told) > minute(days=365)

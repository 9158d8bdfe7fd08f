"""The processes of a run: doors, relays, consumers and clients, made of the real parts over memory."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from services.ingest.committing import Admission
from services.ingest.contract import ACCEPTED, SOURCE, TICK, Tick
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import Candidate, candidate
from services.ingest.outcomes import Answer
from shared.contracts.envelope import encode
from shared.kernel import instants
from shared.kernel.digests import key_digest
from shared.kernel.errors import Unavailable
from shared.kernel.records import Draft, Known, Position, Record
from shared.kernel.shards import shard_of, shards_of
from shared.messaging.archive import OwnArchive
from shared.messaging.committer import Committer
from shared.messaging.consumer import Consumer
from shared.messaging.leases import LEASE_S
from shared.messaging.orders import Standing
from shared.messaging.relay import Relay
from tests.simulation.broker import Broker, SimProducer, SimSubscription
from tests.simulation.stages import PARTIALS, PARTITIONS, SHARDS, SOURCE_NAME, UNITS, StageA, StageB
from tests.simulation.storage import CATALOGUE_VERSION, PASSING, Database, SimExchange, SimTransaction
from tests.simulation.world import Life, World

MINUTE_S = 2
CLIENTS = 3
MOST_FACTS = 24
ROUNDS = 14
ROUND_S = 1.5
JITTER_S = 0.05, 0.05, 0.8
CHANGED = 0.25
MOST_STEP_BACK_S = 8
FIELDS = {"number": {"type": "code", "required": True}, "amount": {"type": "integer"}}
CATALOGUE = compile_catalogue(
    parse({
        "types": {"done.v1": {"title": "Done", "case": "optional", "business_key": ["number"], "fields": FIELDS}},
        "sources": {SOURCE_NAME: {"title": "Desk"}},
    }),
    CATALOGUE_VERSION,
)  # fmt: skip
CASES = [name for i in range(200) if shard_of(name := f"c{i}") in SHARDS]


@dataclass(frozen=True)
class Parts:
    """What a run is made of; a planted fault replaces one of them."""

    transaction: type[SimTransaction] = SimTransaction
    admission: type[Admission] = Admission
    relay: type[Relay] = Relay
    consumer: type[Consumer] = Consumer
    stage_a: type[StageA] = StageA
    stage_b: type[StageB] = StageB


class SimLeases:
    """Leases with the rules of `shared.messaging.leases`, as rows in memory by the same clock."""

    def __init__(self, exchange: SimExchange, consumer: str, streams: Sequence[str], worker: str) -> None:
        self.held: dict[int, int] = {}
        self._exchange, self._consumer, self._streams, self._worker = exchange, consumer, streams, worker

    async def beat(self) -> set[int]:
        before = dict(self.held)
        async with self._exchange.beating() as tx:
            await tx.step(f"beat {self._consumer}")
            await tx.hold([("leases", self._consumer)])
            self.held = await self._shared_out(tx, before)
        return {p for p in before.keys() | self.held.keys() if before.get(p) != self.held.get(p)}

    async def leave(self) -> None:
        """Nobody leaves in good order here."""

    async def _shared_out(self, tx: SimTransaction, before: Mapping[int, int]) -> dict[int, int]:
        now = tx.world.clock()
        seen = tx.get(("workers", self._consumer), {}) | {self._worker: now}
        tx.put(("workers", self._consumer), seen)
        alive = sum(at > now - timedelta(seconds=LEASE_S) for at in seen.values())
        leases = {p: tx.get(("lease", self._consumer, p), (None, 0, None)) for p in PARTITIONS}
        mine = {p: e for p, (owner, e, _) in leases.items() if owner == self._worker and before.get(p) == e}
        share = -(-len(PARTITIONS) // alive)
        held = dict(list(mine.items())[:share])
        for p, (owner, epoch, expires) in leases.items():
            free = owner is None or expires < now or (owner == self._worker and p not in mine)
            if p in mine and p not in held:
                tx.put(("lease", self._consumer, p), (None, epoch, None))
            elif p not in held and free and len(held) < share:
                held[p] = await self._taken(tx, p, epoch + 1)
        for p, epoch in held.items():
            tx.put(("lease", self._consumer, p), (self._worker, epoch, now + timedelta(seconds=LEASE_S)))
        return held

    async def _taken(self, tx: SimTransaction, partition: int, epoch: int) -> int:
        await tx.hold([("positions", self._consumer, partition)])
        tx._state.epochs[self._consumer, partition] = epoch
        for stream in self._streams:
            for shard in shards_of(partition):
                tx._state.positions.setdefault((self._consumer, stream, shard), Position(stream, shard))
        return epoch


class NoOrders:
    """Nobody gives orders here."""

    async def standing(self) -> Standing:
        return Standing()

    async def tried(self, ids: Sequence[int]) -> None: ...
    async def skipped(self, tx: Any, ids: Sequence[int]) -> None: ...
    async def tell(self, *_: Any) -> None: ...


class SimArchive(OwnArchive):
    """A producer's archive that does not always answer."""

    def __init__(self, exchange: SimExchange, world: World) -> None:
        super().__init__(exchange)
        self._world = world

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        if self._world.happens("archive away"):
            raise Unavailable("the archive does not answer")
        return await super().read(stream, shard, after, limit)


@dataclass
class Platform:
    """Two databases, a broker and what runs over them."""

    world: World
    parts: Parts
    ingest: Database = field(default_factory=Database)
    scoring: Database = field(default_factory=Database)
    broker: Broker = field(init=False)
    doors: dict[str, Committer[Candidate, Answer]] = field(default_factory=dict)
    answers: list[tuple[Candidate, Answer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.broker = Broker(self.world)

    def processes(self) -> dict[str, Callable[[Life], Any]]:
        """Return every process by its name."""
        return {
            "door 1": self.door,
            "door 2": self.door,
            "ingest relay": lambda life: self.relay(life, self.ingest, ACCEPTED),
            "scoring relay": lambda life: self.relay(life, self.scoring, PARTIALS),
            "a 1": lambda life: self.consumer(life, "a", ACCEPTED, self.parts.stage_a()),
            "a 2": lambda life: self.consumer(life, "a", ACCEPTED, self.parts.stage_a()),
            "b 1": lambda life: self.consumer(life, "b", PARTIALS, self.parts.stage_b("b")),
            "b 2": lambda life: self.consumer(life, "b", PARTIALS, self.parts.stage_b("b")),
            "replica 1": lambda life: self.consumer(life, "replica", PARTIALS, self.parts.stage_b("replica")),
        }

    def exchange(self, database: Database, life: Life) -> SimExchange:
        return SimExchange(database, self.world, life, self.parts.transaction)

    async def door(self, life: Life) -> None:
        """Commit what clients send and tell the shards the time."""
        exchange = self.exchange(self.ingest, life)
        admission = self.parts.admission(exchange, replay=False)
        admission.catalogue = CATALOGUE
        self.doors[life.name] = Committer(admission.commit)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.doors[life.name].run())
            group.create_task(tell_the_time(exchange))

    async def relay(self, life: Life, database: Database, stream: str) -> None:
        exchange = self.exchange(database, life)
        relay = self.parts.relay(exchange, SimProducer(self.broker, life), [stream], life.name)
        relay.leases = SimLeases(exchange, relay.NAME, [stream], life.name)
        await relay.run()

    async def consumer(self, life: Life, name: str, stream: str, handler: Any) -> None:
        exchange = self.exchange(self.scoring, life)
        producer = self.ingest if stream == ACCEPTED else self.scoring
        consumer = self.parts.consumer(
            name,
            inputs=[stream],
            handler=handler,
            exchange=exchange,
            subscription=SimSubscription(self.broker, life),
            archives={stream: SimArchive(self.exchange(producer, life), self.world)},
            worker=life.name,
        )
        consumer.leases = SimLeases(exchange, name, [stream], life.name)
        consumer.orders = NoOrders()
        await consumer.run()

    async def client(self, batches: Sequence[Sequence[Candidate]]) -> None:
        """Send a batch each round until it is answered, and at times again although it was."""
        world, loop = self.world, asyncio.get_running_loop()
        for start, batch in enumerate(batches):
            await asyncio.sleep(
                max(0, start * ROUND_S - loop.time()) + world.random.random() * world.random.choice(JITTER_S)
            )
            again = bool(batch)
            while again:
                door = self.doors.get(f"door {world.random.randint(1, 2)}")
                try:
                    async with asyncio.timeout(world.random.uniform(0.2, 3)):
                        found = await door.submit(batch) if door else None
                except PASSING:
                    found = None
                if found is not None:
                    self.answers += zip(batch, found, strict=True)
                again = found is None or world.happens("answer lost")
                await asyncio.sleep(world.random.random() / 2)


async def tell_the_time(exchange: SimExchange) -> None:
    """Number a tick per shard in each minute, as `services.ingest.clock` does for all 64."""
    while True:
        await asyncio.sleep(MINUTE_S / 2)
        try:
            async with exchange.begin(actor="ingest", action="tick") as tx:
                await tx.lock(ACCEPTED, SHARDS)
                key = key_digest("tick", str(int(tx.now.timestamp()) // MINUTE_S))
                if not await tx.known([key]):
                    body = encode(TICK, SOURCE, "tick", Tick(minute=instants.text(tx.now)))
                    receipts = await tx.append(ACCEPTED, [Draft(shard, body) for shard in SHARDS])
                    await tx.remember({key: Known(*receipts[0], key)})
        except PASSING:
            continue


async def turn_the_clock(world: World) -> None:
    """Let the wall clock step now and then, also backwards."""
    while not world.calm:
        await asyncio.sleep(1)
        if world.happens("clock"):
            step = world.random.randint(-MOST_STEP_BACK_S, MOST_STEP_BACK_S)
            world.shift += timedelta(seconds=step)
            world.note("clock", f"steps {step} s")


def scenario(world: World) -> list[list[list[Candidate]]]:
    """Return what each client sends in each round: facts, and whatever may happen to one on its way."""
    lanes: list[list[list[Candidate]]] = [[[] for _ in range(ROUNDS)] for _ in range(CLIENTS)]
    for i in range(world.random.randint(4, MOST_FACTS)):
        fact = {"name": f"e{i}", "number": f"n{i}", "unit": world.random.choice(UNITS)}
        fact |= {"case": world.random.choice(CASES), "amount": world.random.randint(1, 99)}
        first = world.random.randrange(ROUNDS)
        for event in _reports(world, fact):
            at = min(ROUNDS - 1, first + world.random.choice((0, 0, 1, 3)))
            world.random.choice(lanes)[at].append(event)
    return lanes


def _reports(world: World, fact: dict[str, Any]) -> list[Candidate]:
    """Return a fact and some of: again, altered, same id elsewhere, under a new id, contested, corrected, twice."""
    name, elsewhere = fact["name"], world.random.choice(CASES)
    changes: list[dict[str, Any]] = [
        {},
        {"amount": fact["amount"] + 1},
        {"case": elsewhere, "number": fact["number"] + "x"},
        {"name": f"{name}r"},
        {"name": f"{name}c", "case": elsewhere},
        *(
            {"name": f"{name}k{n}", "amount": n, "corrects": name, "revision": revision}
            for n, revision in ((1, 1), (2, 2), (3, 2))
        ),
    ]
    picked = [change for change in changes if world.random.random() < CHANGED]
    events = [_event(**fact), *(_event(**fact | change) for change in picked)]
    if world.random.random() < CHANGED:
        world.random.shuffle(events)
    return events


def _event(
    *,
    name: str,
    number: str,
    unit: str,
    case: str,
    amount: int,
    corrects: str | None = None,
    revision: int = 0,
) -> Candidate:
    made = {"specversion": "1.0", "id": name, "source": SOURCE_NAME, "type": "done.v1", "subject": unit}
    made |= {"case": case, "time": "2026-02-01T00:00:00Z", "data": {"number": number, "amount": amount}}
    if corrects is not None:
        made |= {"correctssource": SOURCE_NAME, "correctsid": corrects, "revision": revision}
    return candidate(made, CATALOGUE)

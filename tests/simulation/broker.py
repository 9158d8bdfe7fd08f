"""A broker that loses, doubles, reorders and alters what it carries, and leaves producers in doubt."""

from collections.abc import Mapping, Sequence

from shared.kernel.errors import Unavailable
from shared.kernel.records import Record
from shared.kernel.shards import partition_of
from tests.simulation.world import Life, World

POLL_S = 0.4


class Broker:
    """Topics as lists; `acknowledged` is what a producer was told is safe."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.logs: dict[tuple[str, int], list[Record]] = {}
        self.acknowledged: set[tuple[str, int, int]] = set()

    def put(self, record: Record) -> None:
        log = self.logs.setdefault((record.stream, partition_of(record.shard)), [])
        if self.world.happens("lost"):
            return
        log.append(record)
        if self.world.happens("doubled"):
            log.append(self.world.random.choice(log))
        if self.world.happens("swapped"):
            log[-2:] = reversed(log[-2:])


class SimProducer:
    """Sends for one process."""

    def __init__(self, broker: Broker, life: Life) -> None:
        self._broker, self._life = broker, life

    async def send(self, records: Sequence[Record]) -> None:
        world = self._broker.world
        await world.step(self._life, f"send {len(records)}")
        reached = world.random.randrange(len(records) + 1) if world.happens("send fails") else len(records)
        for record in records[:reached]:
            self._broker.put(record)
        await world.step(self._life, "acknowledge")
        if reached < len(records) or world.happens("send fails"):
            raise Unavailable("it is not clear what was written")
        self._broker.acknowledged |= {(r.stream, r.shard, r.number) for r in records}

    async def close(self) -> None: ...


class SimSubscription:
    """Reads for one process."""

    def __init__(self, broker: Broker, life: Life) -> None:
        self._broker, self._life = broker, life
        self._offsets: dict[tuple[str, int], int] = {}

    async def assign(self, offsets: Mapping[tuple[str, int], int]) -> None:
        self._offsets = dict(offsets)

    async def poll(self, limit: int) -> list[Record]:
        world = self._broker.world
        await world.step(self._life, "poll", POLL_S)
        found = (
            [] if world.happens("away") else [r for place in self._offsets for r in self._new(place, limit)]
        )
        if world.happens("again"):
            found += found[: world.random.randrange(len(found) + 1)]
        if world.happens("shuffled"):
            world.random.shuffle(found)
        return found

    def _new(self, place: tuple[str, int], limit: int) -> list[Record]:
        world, log = self._broker.world, self._broker.logs.get(place, [])
        start = self._offsets[place] if self._offsets[place] <= len(log) else 0
        stop = min(len(log), start + limit)
        if not world.calm:
            stop = world.random.randint(start, stop)
        self._offsets[place] = stop
        return [
            self._altered(record._replace(offset=at))
            for at, record in enumerate(log[start:stop], start)
            if not world.happens("skipped")
        ]

    def _altered(self, record: Record) -> Record:
        if not self._broker.world.happens("altered"):
            return record
        body = record.body.replace(b'"amount":', b'"amount":1').replace(b'"all":', b'"all":1')
        return record._replace(body=body)

    async def close(self) -> None: ...

"""PostgreSQL as the protocol sees it: READ COMMITTED, row locks, a unique key, sessions that end when idle.

The rules of the port are those of `shared.messaging.memory`; here transactions run beside each other, so each
writes over a view of what is committed, and takes a lock where the statement behind the operation takes one.
"""

import asyncio
from collections import ChainMap
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import datetime
from itertools import chain
from typing import Any

import asyncpg

from services.ingest import store
from services.ingest.domain.admission import is_awaited
from shared.kernel.errors import Fenced, Unavailable
from shared.kernel.records import Draft, Head, Known, Position, Reached, Record
from shared.kernel.shards import partition_of
from shared.messaging import relay
from shared.messaging.memory import MemoryState, MemoryTransaction
from shared.storage import excerpts
from shared.storage.failures import STORAGE_ERRORS
from tests.simulation.world import Life, World

LOCK_TIMEOUT_S = 2.0
IDLE_S = 5.0
LOOK_S = 0.02
CATALOGUE_VERSION = 1
CONFLICT = "conflict"
PASSING = (Unavailable, *STORAGE_ERRORS)
VIEWED = ("heads", "keys", "positions", "epochs", "rows")


@dataclass(slots=True)
class State(MemoryState):
    """A service's tables: those of the protocol, and `rows` of its handlers, leases and workers."""

    rows: dict[Any, Any] = field(default_factory=dict)


class Database:
    """One service's schema and the locks on its rows."""

    def __init__(self) -> None:
        self.state = State()
        self.locks: dict[tuple, SimTransaction] = {}
        self.sequence: dict[tuple[str, int], int] = {}


class SimTransaction(MemoryTransaction):
    """A transaction of one session; what it wrote is seen by others once it is committed."""

    def __init__(self, database: Database, world: World, life: Life) -> None:
        self._committed = database.state
        views = {name: ChainMap({}, getattr(self._committed, name)) for name in VIEWED}
        super().__init__(State(**views, records={}))
        self.database, self.world, self.life = database, world, life
        self._held: list[tuple] = []
        self._gone: set[bytes] = set()
        self._over = False
        self._touched = self._time()
        self._now: datetime | None = None

    @property
    def now(self) -> datetime:
        assert self._now is not None, "lock before asking for the time"
        return self._now

    async def step(self, what: str) -> None:
        """Be at an operation: the process may end here, and the session may be gone."""
        await self.world.step(self.life, what)
        self._expire()
        if self._over or self.world.happens("storage fails"):
            self.end()
            raise ConnectionError(f"the session is gone at: {what}")
        self._touched = self._time()

    async def hold(self, rows: Sequence[tuple]) -> None:
        """Lock rows in their order, each until the end of the transaction."""
        due = self._time() + LOCK_TIMEOUT_S
        for row in sorted(rows):
            while (holder := self.database.locks.get(row)) not in {None, self}:
                holder._expire()
                if self._time() > due:
                    raise asyncpg.LockNotAvailableError("lock timeout")
                await asyncio.sleep(LOOK_S)
                self._touched = self._time()
            if holder is None:
                self.database.locks[row] = self
                self._held.append(row)

    async def lock(self, stream: str, shards: Sequence[int]) -> dict[int, Head]:
        await self.step(f"lock {stream}")
        await self.hold([("shard", stream, shard) for shard in set(shards)])
        self._now = self._now or self.world.clock()
        return await super().lock(stream, shards)

    async def known(self, keys: Sequence[bytes]) -> dict[bytes, Known]:
        await self.step("read keys")
        return await super().known(keys)

    async def remember(self, rows: Mapping[bytes, Known]) -> None:
        await self.step("write keys")
        for key in sorted(rows):
            await self.hold([("key", key)])
            if key in self._committed.keys and key not in self._gone:
                raise asyncpg.UniqueViolationError("keys_pkey")
        self._state.keys.update(rows)

    async def append(self, stream: str, drafts: Sequence[Draft]) -> list[tuple[int, int]]:
        if not drafts:
            return []
        await self.lock(stream, [draft.shard for draft in drafts])
        await self.step(f"append to {stream}")
        return await super().append(stream, drafts)

    async def read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        await self.step(f"read {stream}/{shard}")
        return [r for r in self._committed.records.get((stream, shard), []) if r.number > after][:limit]

    async def reached(self, stream: str) -> dict[int, Reached]:
        await self.step(f"how far {stream} has come")
        return await super().reached(stream)

    async def fence(self, consumer: str, epochs: Mapping[int, int]) -> dict[tuple[str, int], Position]:
        await self.step(f"fence {consumer}")
        await self.hold([("positions", consumer, partition) for partition in epochs])
        return await super().fence(consumer, epochs)

    async def advance(self, consumer: str, positions: Sequence[Position]) -> None:
        await self.step(f"advance {consumer}")
        await super().advance(consumer, positions)

    async def many(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Answer the statements that admission and the relay write themselves."""
        await self.step(statement.lstrip()[:30])
        if statement == relay._BEHIND:
            return self._behind(*values)
        if statement == store._CONFLICTS:
            return await self._note_conflicts(zip(*values[:4], values[7], strict=True))
        if statement in {excerpts._ROWS, excerpts._SIZES, excerpts._BODIES}:
            return self._excerpts(*values)
        if statement.startswith("DELETE FROM keys"):
            await self.hold([("key", key) for key in values[0]])
            self._gone |= {key for key in values[0] if self._awaited(key)}
            return []
        if "FROM withdrawn" in statement:
            return []
        assert "FROM catalogues" in statement
        return [{"version": CATALOGUE_VERSION}]

    def get(self, key: Any, default: Any = None) -> Any:
        return self._state.rows.get(key, default)

    def put(self, key: Any, value: Any) -> None:
        self._state.rows[key] = value

    def commit(self) -> None:
        """Show others what was written and let go of the rows."""
        assert not self._over
        for key in self._gone:
            self._committed.keys.pop(key, None)
        for place, fresh in self._state.records.items():
            self._committed.records.setdefault(place, []).extend(fresh)
        for name in VIEWED:
            view = getattr(self._state, name)
            getattr(self._committed, name).update(view.maps[0])
            view.maps[0].clear()
        self._state.records.clear()
        self._gone.clear()
        self._release()

    def end(self) -> None:
        """Leave nothing of what was not committed."""
        self._over = True
        self._release()

    async def _note_conflicts(self, rows: Iterable[tuple]) -> list[dict[str, Any]]:
        """Keep each or count it; tell which were not there."""
        names, found = ("why", "source", "event_id", "content"), list[dict[str, Any]]()
        for *named, times in sorted(rows):
            key = CONFLICT, *named
            await self.hold([key])
            before = self.get(key, 0)
            self.put(key, before + times)
            found.append(dict(zip(names, named, strict=True)) | {"is_new": not before})
        return found

    def _excerpts(
        self, stream: str, shards: Sequence[int], numbers: Sequence[int], *_: Any
    ) -> list[dict[str, Any]]:
        """Return archived records as rows of one each, which is what any of the three statements asks for."""
        found: list[dict[str, Any]] = []
        for shard, number in zip(shards, numbers, strict=True):
            records = (state.records.get((stream, shard), []) for state in (self._committed, self._state))
            body = next(one.body for one in chain(*records) if one.number == number)
            sizes = len(body).to_bytes(4, "big")
            found.append({"shard": shard, "number": number, "first": number, "sizes": sizes, "body": body})
        return found

    def _awaited(self, key: bytes) -> bool:
        known = self._committed.keys.get(key)
        return known is not None and is_awaited(known)

    def _release(self) -> None:
        for row in self._held:
            del self.database.locks[row]
        self._held.clear()

    def _expire(self) -> None:
        if self._time() - self._touched > IDLE_S:
            self.end()

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    def _behind(self, consumer: str, partitions: list[int], _: int, streams: list[str]) -> list[dict]:
        return [
            {"stream": stream, "shard": shard, "number": at.number, "behind": head.number - at.number}
            for (stream, shard), head in sorted(self._committed.heads.items())
            if (at := self._committed.positions.get((consumer, stream, shard))) is not None
            and head.number > at.number and partition_of(shard) in partitions and stream in streams
        ]  # fmt: skip


class SimExchange:
    """The sessions of one process to one database; a commit's answer may be lost."""

    def __init__(self, database: Database, world: World, life: Life, kind: type[SimTransaction]) -> None:
        self.appended = asyncio.Event()
        self._opened = database, world, life
        self._kind = kind

    @asynccontextmanager
    async def begin(self, *, actor: str, action: str, detail: str = "") -> AsyncIterator[SimTransaction]:
        async with self.beating() as tx:
            tx.world.note(tx.life.name, f"{action}: {detail}")
            yield tx
        self.appended.set()

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[SimTransaction]:
        async with self.reading() as tx:
            yield tx
            await tx.step("commit")
            tx.commit()
            await tx.step("committed")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[SimTransaction]:
        tx = self._kind(*self._opened)
        try:
            await tx.step("begin")
            yield tx
        except Exception as error:
            if not isinstance(error, (*PASSING, Fenced)):
                tx.world.surprises.append(f"{tx.life.name} made a mistake: {error!r}")
            raise
        finally:
            tx.end()


assert {*VIEWED, "records", "clock", "audit"} == {one.name for one in fields(State)}

"""Folds the archives of a service's inputs anew into a shadow schema, and compares it with the live one.

The live schema is seen as of one moment, so workers go on; only a swap needs them to rest. One worker of a
service rebuilds at a time, as all have one shadow schema; every worker knows of each rebuild by its row.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.kernel.errors import Refused, refuse
from shared.messaging.port import Archive, Handler
from shared.messaging.replay import Replay
from shared.migrations.runner import migrate
from shared.storage import runs
from shared.storage.comparing import (
    ChainDifference,
    TableDifference,
    compare_chains,
    compare_table,
    domain_tables,
)
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.storage.swapping import Named, Reached, positions_of, refuse_unless_paused, swap
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.logs import logger

STATEMENT_TIMEOUT_MS = 3_600_000
NO_TIMEOUT_MS = 0
TELL_S = 1.0
UNDER_WAY = frozenset({"waiting", "folding", "comparing"})
ANOTHER = "Another worker rebuilds."

_COPY = "INSERT INTO {shadow}.{table} OVERRIDING SYSTEM VALUE SELECT * FROM {live}.{table}"
_FOREIGN = """
    SELECT conrelid::regclass::text AS name, quote_ident(conname) AS rule FROM pg_constraint
    WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"""
_EXPORT = "SELECT pg_export_snapshot() AS id"
_HOLD = "SELECT number FROM stream_shards WHERE stream = $1 ORDER BY shard FOR UPDATE"
_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Commanded:
    """What people's commands write and no event does: tables to copy, streams that are not made anew.

    Rows of the tables of `named` keep their numbers, which people's rows name.
    """

    tables: Sequence[str] = ()
    streams: Sequence[str] = ()
    named: Mapping[str, Named] = field(default_factory=dict[str, Named])


@dataclass(frozen=True, slots=True)
class Fold:
    """One consumer: how its handler is made, and the archives it takes from."""

    consumer: str
    handler: Callable[[], Handler]
    archives: Mapping[str, Archive]


@dataclass(frozen=True, slots=True)
class Own:
    """What a service makes of its own archive: `refold` goes on with a shadow where that is.

    It makes `tables` of the shared ones too. In the tables `mixed` it judges anew what others told: they are
    copied and compared, and a swap leaves them. Before one, `keep_told` lets a shadow, by its schema, say of
    what was told as the live rows do, so that the service tells what the rest comes to.
    """

    stream: str
    refold: Callable[[PostgresTransaction, Exchange], AsyncIterator[int]]
    keep_told: Callable[[PostgresTransaction, str], Awaitable[None]]
    tables: Sequence[str] = ()
    mixed: Sequence[str] = ()


@dataclass(slots=True)
class Run:
    """One rebuild: `same` and `differs` are its ends, or `failed`, or `swapped` after `differs`.

    The tables of `copied` no event makes: they are not compared. Those of `left` differ, and no swap
    replaces them.
    """

    id: int
    person: str
    state: str = "waiting"
    applied: int = 0
    total: int = 0
    tables: list[TableDifference] = field(default_factory=list[TableDifference])
    chains: list[ChainDifference] = field(default_factory=list[ChainDifference])
    copied: list[str] = field(default_factory=list[str])
    left: list[str] = field(default_factory=list[str])
    detail: str = ""
    reached: Reached = field(default_factory=dict[tuple[str, str, int], tuple[int, bytes]], repr=False)

    @property
    def different(self) -> list[TableDifference]:
        """The tables that are not the same."""
        return [one for one in self.tables if one.only_live or one.only_shadow]


class Rebuilds:
    """The rebuilds of a service; what this process is asked for it works off one at a time."""

    def __init__(
        self,
        service: str,
        url: str,
        folds: Sequence[Fold],
        commanded: Commanded,
        *,
        schema: str,
        own: Own | None = None,
    ) -> None:
        self._service = service
        self._schema = schema
        self._shadow = f"{schema}_shadow"
        self._url = url
        self._folds = folds
        self._commanded = commanded
        self._archive = own
        self._mixed = own.mixed if own else ()
        self._own: Run | None = None
        self._starting = asyncio.Lock()
        self._asked = asyncio.Event()
        self._told = 0.0

    async def start(self, person: str) -> Run:
        """Ask for a rebuild into the shadow schema, which is made empty first."""
        async with self._starting, self._engine(self._schema) as engine:
            if self._own is not None and self._own.state in UNDER_WAY:
                raise refuse(409, "rebuilding", "A rebuild is under way.")
            async with Exchange(engine, self._schema).begin(actor=person, action="rebuild asked") as tx:
                if not await runs.alone(tx):
                    raise refuse(409, "rebuilding", ANOTHER)
                number = await runs.start(tx, person, _written(Run(0, person)))
            self._own = Run(number, person)
            self._asked.set()
            return self._own

    async def find(self, number: int) -> Run:
        """Return a rebuild of any worker, or refuse; one whose worker ended has failed."""
        if self._own is not None and self._own.id == number:
            return self._own
        async with self._engine(self._schema) as engine, Exchange(engine, self._schema).reading() as tx:
            kept = await runs.find(tx, number)
            if kept is None:
                raise refuse(404, "not_found", "There was no such rebuild; start one.")
            run = _read(number, kept)
            if run.state in UNDER_WAY and (run.state != "waiting" or kept.old) and await runs.alone(tx):
                run.state, run.detail = "failed", "The worker that rebuilt has ended."
            return run

    async def swap(self, number: int, reason: str, person: str) -> Run:
        """Put the shadow's rows in the place of live ones that differ, all consumers resting."""
        run = await self.find(number)
        consumers = [fold.consumer for fold in self._folds]
        replaced = self._replaced(run)
        async with self._engine(self._schema) as engine:
            exchange = Exchange(engine, self._schema)
            detail = f"{', '.join(replaced)}: {reason}"
            async with exchange.begin(actor=person, action="rebuilt", detail=detail) as tx:
                await self._refuse_unless_swappable(tx, run)
                await refuse_unless_paused(tx, consumers)
                if await positions_of(tx, consumers) != run.reached:
                    raise refuse(409, "moved_on", "Records were applied since; rebuild again.")
                tables = await self._tables(tx)
                await self._go_on(tx, exchange)
                wrong = {table: tables[table] for table in replaced}
                await swap(tx, self._shadow, wrong, consumers, self._commanded.named)
                done = replace(run, state="swapped")
                await runs.keep(tx, number, _written(done))
        if self._own is run:
            self._own = done
        return done

    def _replaced(self, run: Run) -> list[str]:
        """Return the tables that differ and are made of events alone."""
        return [one.table for one in run.different if one.table not in self._mixed]

    async def _go_on(self, tx: PostgresTransaction, exchange: Exchange) -> None:
        """Let the shadow have what came since; who accepts waits only for what comes during most of that."""
        if self._archive is None:
            return
        async with self._engine(self._shadow) as engine:
            shadow = Exchange(engine, self._shadow)
            async with exchange.snapshot() as now:
                await _exhaust(self._archive.refold(now, shadow))
            await tx.many(_HOLD, self._archive.stream)
            await _exhaust(self._archive.refold(tx, shadow))
        await self._archive.keep_told(tx, self._shadow)

    async def _refuse_unless_swappable(self, tx: PostgresTransaction, run: Run) -> None:
        """Refuse what the shadow does not hold, or holds no longer; nobody makes it anew until I commit."""
        if not await runs.alone(tx):
            raise refuse(409, "rebuilding", ANOTHER)
        if run.state != "differs" or run.id != await runs.newest(tx):
            raise refuse(
                409, "nothing_to_swap", "Only the newest rebuild is swapped, and only if it differs."
            )
        if run.chains:
            at = run.chains[0]
            raise refuse(
                409,
                "chain_parts",
                f"The outbox is an archive: {at.stream}/{at.shard} would part at {at.number}.",
            )
        if not self._replaced(run):
            names = ", ".join(run.left)
            raise refuse(409, "nothing_to_swap", f"Others told what is in {names} too: it is not replaced.")

    async def run(self) -> None:
        """Rebuild whenever asked, until cancelled; a failure is told to who asked."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            run = self._own
            assert run is not None
            try:
                await self._rebuild(run)
            except Refused as refused:
                await self._turn(run, "failed", refused.problem.detail)
            except Exception as error:  # noqa: BLE001 - who asked for it is told
                _LOG.exception("rebuild failed", service=self._service)
                await self._turn(run, "failed", f"{type(error).__name__}: {error}")

    async def _rebuild(self, run: Run) -> None:
        async with self._engine(self._schema) as live, self._engine(self._shadow) as shadow:
            consumers = [fold.consumer for fold in self._folds]
            async with Exchange(live, self._schema).snapshot() as now:
                if not await runs.alone(now):
                    raise refuse(409, "rebuilding", ANOTHER)
                run.reached = await _reached(now, consumers)
                run.total = sum(number for number, _ in run.reached.values()) + await self._archived(now)
                run.copied = list(self._commanded.tables)
                await self._make(shadow)
                await self._copy(now, Exchange(shadow, self._shadow))
                await self._turn(run, "folding")
                await self._fold(run, now, Exchange(shadow, self._shadow))
                await self._turn(run, "comparing")
                async with Exchange(shadow, self._shadow).snapshot() as made:
                    await self._compare(run, now, made)
                await self._turn(run, "differs" if run.different or run.chains else "same")

    async def _make(self, shadow: AsyncEngine) -> None:
        """Make the shadow schema anew; what is copied into it refers to what is not there yet."""
        async with shadow.begin() as connection:
            await connection.execute(text(f"DROP SCHEMA IF EXISTS {self._shadow} CASCADE"))
        await migrate(shadow, self._shadow, f"services.{self._service}.migrations")
        async with Exchange(shadow, self._shadow).begin(actor="rebuild", action="made") as tx:
            for row in await tx.many(_FOREIGN):
                await tx.execute(f"ALTER TABLE {row['name']} DROP CONSTRAINT {row['rule']}")

    async def _copy(self, now: PostgresTransaction, shadow: Exchange) -> None:
        """Copy what others told as of the moment that all is compared with."""
        (moment,) = await now.many(_EXPORT)
        async with shadow.begin(actor="rebuild", action="copied") as tx:
            await tx.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await tx.execute(f"SET TRANSACTION SNAPSHOT '{moment['id']}'")
            for table in [*self._commanded.tables, *self._mixed]:
                await tx.execute(_COPY.format(shadow=self._shadow, live=self._schema, table=table))

    async def _fold(self, run: Run, now: PostgresTransaction, shadow: Exchange) -> None:
        for fold in self._folds:
            handler = fold.handler()
            replay = Replay(fold.consumer, handler=handler, archives=fold.archives, live=now, shadow=shadow)
            await self._count(run, replay.run())
        if self._archive is not None:
            await self._count(run, self._archive.refold(now, shadow))

    async def _count(self, run: Run, folded: AsyncIterator[int]) -> None:
        async for applied in folded:
            run.applied += applied
            if asyncio.get_running_loop().time() - self._told > TELL_S:
                await self._tell(run)

    async def _compare(self, run: Run, now: PostgresTransaction, made: PostgresTransaction) -> None:
        for table, columns in (await self._tables(now)).items():
            run.tables.append(await compare_table(now, made, table, columns))
        run.left = [one.table for one in run.different if one.table in self._mixed]
        run.chains.extend(await compare_chains(now, made, self._commanded.streams))

    async def _tables(self, tx: PostgresTransaction) -> dict[str, list[str]]:
        return await domain_tables(tx, self._commanded.tables, self._archive.tables if self._archive else ())

    async def _archived(self, now: PostgresTransaction) -> int:
        """Return how many records of its own archive the service folds."""
        if self._archive is None:
            return 0
        return sum(at.number for at in (await now.reached(self._archive.stream)).values())

    async def _turn(self, run: Run, state: str, detail: str = "") -> None:
        """Let a rebuild come to its next state, seen by other workers no later than here."""
        await self._tell(replace(run, state=state, detail=detail))
        run.state, run.detail = state, detail

    async def _tell(self, run: Run) -> None:
        """Let every worker know how far it is; while the database is away only this one does."""
        self._told = asyncio.get_running_loop().time()
        try:
            async with self._engine(self._schema) as engine, Exchange(engine, self._schema).beating() as tx:
                await runs.keep(tx, run.id, _written(run))
        except STORAGE_ERRORS as error:
            _LOG.warning("a rebuild could not be told", service=self._service, error=type(error).__name__)

    @asynccontextmanager
    async def _engine(self, schema: str) -> AsyncGenerator[AsyncEngine]:
        """Open a pool whose sessions may take long: a rebuild is no request."""
        engine = open_engine(
            self._url, schema, statement_timeout_ms=STATEMENT_TIMEOUT_MS, idle_timeout_ms=NO_TIMEOUT_MS
        )
        try:
            yield engine
        finally:
            await engine.dispose()


async def _exhaust(folded: AsyncIterator[int]) -> None:
    async for _ in folded:
        pass


async def _reached(tx: PostgresTransaction, consumers: Sequence[str]) -> Reached:
    rows = await tx.many(
        "SELECT consumer, stream, shard, number, chain FROM positions WHERE consumer = ANY($1::text[])",
        list(consumers),
    )
    return {(row["consumer"], row["stream"], row["shard"]): (row["number"], row["chain"]) for row in rows}


def _written(run: Run) -> str:
    told = {name: getattr(run, name) for name in ("state", "applied", "total", "copied", "left", "detail")}
    found = {"tables": [asdict(one) for one in run.tables], "chains": [asdict(one) for one in run.chains]}
    reached = [[*place, number, chain.hex()] for place, (number, chain) in run.reached.items()]
    return json.dumps(told | found | {"reached": reached})


def _read(number: int, kept: runs.Kept) -> Run:
    told = json.loads(kept.document)
    tables = [
        TableDifference(**one | {side: tuple(one[side]) for side in ("live", "shadow")})
        for one in told.pop("tables")
    ]
    chains = [ChainDifference(**one) for one in told.pop("chains")]
    reached = {(c, s, shard): (at, bytes.fromhex(chain)) for c, s, shard, at, chain in told.pop("reached")}
    return Run(number, kept.person, tables=tables, chains=chains, reached=reached, **told)

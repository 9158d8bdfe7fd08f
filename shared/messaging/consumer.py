"""Applies streams to a service's state: one transaction per batch over every shard that the worker owns.

1. lock the positions of my shards where the epoch is mine; fewer means that another worker took over
2. skip what is known, take what follows and continues the running digest
3. the handler folds; its answers go to the outbox
4. write the positions; commit
5. fill a gap from the producer's archive, a page at a time; halt a shard whose record was rewritten
6. at each beat obey operators' orders: rest, try a halted shard again, pass over an approved record
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from shared.kernel.errors import Fenced, Unavailable, UnknownType
from shared.kernel.numbering import received_of
from shared.kernel.records import Position, Record
from shared.kernel.shards import partition_of
from shared.messaging.broker import Subscription
from shared.messaging.halts import MISSING, REWRITTEN, Halts, Place
from shared.messaging.leases import HEARTBEAT_S, Leases
from shared.messaging.lookout import PATIENCE, Lookout, Patience
from shared.messaging.orders import Orders, Standing, StoredOrders, exact
from shared.messaging.pace import REST_S, Pace
from shared.messaging.port import Archive, Handler, Transaction
from shared.messaging.protocol import Progress, advance
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS, may_pass
from shared.telemetry.fail_points import FAIL_POINTS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

BACKOFF_S = 0.5
NO_LIMIT = 1 << 62

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest page of a gap, the rest after a batch, and how long a lookout waits."""

    gap_records: int = 1_000
    rest_s: float = REST_S
    patience: Patience = PATIENCE


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Gap:
    """The last number known to be there; `limit` is the last offset that may be written until then."""

    upto: int
    limit: int


class Consumer:
    """One worker of a consumer."""

    def __init__(
        self,
        name: str,
        *,
        inputs: Sequence[str],
        handler: Handler,
        exchange: Exchange,
        subscription: Subscription,
        archives: Mapping[str, Archive],
        worker: str,
        limits: Limits = LIMITS,
    ) -> None:
        self.name = name
        self.halts = Halts(name)
        self.leases = Leases(exchange, name, inputs, worker)
        self.orders: Orders = StoredOrders(exchange, name, worker)
        self._inputs = inputs
        self._handler = handler
        self._exchange = exchange
        self._subscription = subscription
        self._archives = archives
        self._gaps: dict[Place, Gap] = {}
        self._away: dict[str, float] = {}
        self._standing = Standing()
        self._limits = limits
        self._lookout = Lookout(archives, limits.patience)
        self._pace = Pace(limits.rest_s)
        self._newest: float | None = None

    async def run(self) -> None:
        """Work until cancelled; what fails because something is away is read and tried again."""
        try:
            while True:
                try:
                    await self._beat()
                    await self._work_until_next_beat()
                except (Unavailable, Fenced, *STORAGE_ERRORS) as error:
                    self._tell(error)
                    await self._start_over()
        finally:
            await self.leases.leave()
            await self._subscription.close()

    async def apply(self, records: Sequence[Record]) -> int:
        """Apply records in one transaction; return how many were new.

        When that fails by a mistake of ours, each shard is tried alone, so that only those that fail stop.
        """
        try:
            return await self._apply(records)
        except Exception as error:
            if isinstance(error, Unavailable | Fenced) or may_pass(error):
                raise
            _LOG.exception("a batch failed, its shards are tried one by one", consumer=self.name)
        return sum([await self._apply_alone(run) for run in _by_shard(records)])

    async def _apply_alone(self, run: Sequence[Record]) -> int:
        """Apply a shard's records up to the one that fails, and halt it there.

        Offsets stay, so that a restart meets them all again.
        """
        run = [record._replace(offset=-1) for record in run]
        self._handler.forget(sorted(self.leases.held))
        try:
            return await self._apply(run)
        except Exception as error:
            if isinstance(error, Unavailable | Fenced) or may_pass(error):
                raise
            self._handler.forget(sorted(self.leases.held))
            if len(run) > 1:
                half = len(run) // 2
                return await self._apply_alone(run[:half]) + await self._apply_alone(run[half:])
            self.halts.halt(run[0], _reason(error))
            return 0

    async def _apply(self, records: Sequence[Record]) -> int:
        epochs = self._active()
        runs = [
            run
            for run in _by_shard(records)
            if partition_of(run[0].shard) in epochs and (run[0].stream, run[0].shard) not in self.halts
        ]
        if not runs:
            return 0
        detail = f"{sum(map(len, runs))} records"
        FAIL_POINTS.passing("consumer.before_lock")
        async with self._exchange.begin(actor=self.name, action="applied", detail=detail) as tx:
            positions = await tx.fence(self.name, epochs)
            progress = [self._progress(positions, run) for run in runs]
            batch = [record for one in progress for record in one.apply]
            skipped = self._standing.skipped(batch)
            if batch:
                left = [record for record in batch if exact(record) not in skipped] if skipped else batch
                await self._fold(tx, left)
                await self.orders.skipped(tx, list(skipped.values()))
                moved = [one.position for one in progress if one.apply]
                await tx.advance(self.name, [self._bounded(position) for position in moved])
                FAIL_POINTS.passing("consumer.before_commit")
        FAIL_POINTS.passing("consumer.after_commit")
        known = sum(
            _known(positions, run)
            for run, one in zip(runs, progress, strict=True)
            if len(run) > len(one.apply)
        )
        METRICS.count("dukao_records_duplicate_total", known, consumer=self.name)
        for (stream, shard, number), order in skipped.items():
            _LOG.warning("SKIP", consumer=self.name, stream=stream, shard=shard, number=number, order=order)
        self._note(progress)
        return len(batch)

    async def _fold(self, tx: Transaction, batch: Sequence[Record]) -> None:
        answers = await self._handler(tx, batch) if batch else ()
        for stream in sorted({stream for stream, _ in answers}):
            await tx.append(stream, [draft for to, draft in answers if to == stream])

    def _progress(self, positions: Mapping[Place, Position], run: Sequence[Record]) -> Progress:
        place = run[0].stream, run[0].shard
        progress = advance(positions[place], run)
        if progress.gap:
            ahead = [record for record in run if record.number > progress.position.number]
            self._notice(place, max(r.number for r in ahead), max(min(r.offset for r in ahead), 0) - 1)
        if progress.rewritten is not None:
            self.halts.halt(progress.rewritten, REWRITTEN)
        return progress

    def _notice(self, place: Place, upto: int, limit: int) -> None:
        """Take records for missing that the broker should have brought."""
        if place not in self._gaps:
            METRICS.count("dukao_gaps_total", consumer=self.name, stream=place[0])
        known = self._gaps.get(place, Gap(upto, limit))
        self._gaps[place] = Gap(max(known.upto, upto), min(known.limit, limit))

    def _bounded(self, position: Position) -> Position:
        """Keep the offset before what halted a shard or showed a gap, so that a restart meets it again."""
        at = position.stream, partition_of(position.shard)
        halted = self.halts.offset_limit(*at)
        limits = [
            gap.limit for (stream, shard), gap in self._gaps.items() if (stream, partition_of(shard)) == at
        ]
        return position._replace(
            offset=min([position.offset, *limits, *([] if halted is None else [halted])])
        )

    async def _fill(self, place: Place) -> bool:
        """Apply a page of what is missing; False when the archive is away and is to be asked later."""
        stream, shard = place
        async with self._exchange.reading() as tx:
            number = (await tx.fence(self.name, self._active()))[place].number
        upto = self._gaps[place].upto
        if number >= upto or place in self.halts:
            del self._gaps[place]
            return True
        _LOG.warning("GAP", consumer=self.name, stream=stream, shard=shard, first=number + 1, last=upto)
        try:
            page = await self._archives[stream].read(
                stream, shard, number, min(self._limits.gap_records, self._pace.records)
            )
        except Unavailable as error:
            _LOG.warning("gap stays", consumer=self.name, error=str(error))
            return False
        if page and page[0].number == number + 1:
            await self.apply(page)
        else:
            self.halts.halt(Record(stream, shard, number + 1, b"", b""), MISSING)
        return True

    def _note(self, progress: Sequence[Progress]) -> None:
        counts: Counter[str] = Counter()
        applied = [one for one in progress if one.apply]
        for one in applied:
            counts[one.position.stream] += len(one.apply)
        for stream, count in counts.items():
            METRICS.count("dukao_records_consumed_total", count, consumer=self.name, stream=stream)
        if applied:
            self._newest = received_of(applied[-1].apply[-1]).timestamp()

    async def _beat(self) -> None:
        changed = await self.leases.beat()
        METRICS.set("dukao_leases_held", len(self.leases.held), consumer=self.name)
        if self._newest is not None:
            METRICS.set("dukao_freshness_seconds", time.time() - self._newest, consumer=self.name)
        if changed:
            self._handler.forget(sorted(changed))
        self.halts.keep(self.leases.held.keys() - changed)
        standing = await self.orders.standing()
        paused, self._standing = standing.paused ^ self._standing.paused, standing
        active = self._active()
        self._gaps = {place: gap for place, gap in self._gaps.items() if partition_of(place[1]) in active}
        METRICS.set("dukao_gaps_open", len(self._gaps), consumer=self.name)
        if changed or paused:
            await self._assign()
        await self._obey(changed)

    def _active(self) -> dict[int, int]:
        """Return the partitions that I hold and that do not rest, with their epochs."""
        return {p: epoch for p, epoch in self.leases.held.items() if p not in self._standing.paused}

    async def _obey(self, changed: AbstractSet[int]) -> None:
        """Let halted shards go on as ordered, from the archive; tell which are halted.

        An order is closed after its halt is shown no more, so that what is halted then was met anew.
        """
        active = self._active()
        for halt in self.halts:
            if partition_of(halt.shard) in active and self._standing.lifts(halt):
                self.halts.lift(halt)
                self._gaps[halt.stream, halt.shard] = Gap(halt.number, halt.limit)
        await self.orders.tell(self.halts, self.leases.held, changed)
        retries = self._standing.retries.items()
        await self.orders.tried([order for order, (_, shard) in retries if partition_of(shard) in active])

    async def _assign(self) -> None:
        active = self._active()
        async with self._exchange.reading() as tx:
            positions = await tx.fence(self.name, active) if active else {}
        self._lookout.begin()
        offsets = {(stream, p): 0 for stream in self._inputs for p in active}
        for position in positions.values():
            place = position.stream, partition_of(position.shard)
            if place in offsets:
                offsets[place] = max(offsets[place], position.offset + 1)
        await self._subscription.assign(offsets)

    async def _work_until_next_beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + HEARTBEAT_S
        while loop.time() < due:
            records = await self._subscription.poll(self._pace.records)
            started = loop.time()
            await self.apply(records)
            took_s = loop.time() - started
            await asyncio.sleep(self._pace.rest_s(len(records)))
            self._pace.took(len(records), took_s)
            if self._lookout.is_due(loop.time(), idle=not records):
                await self._look_for_missing(idle=not records)
            await self._fill_gaps(due)

    async def _fill_gaps(self, due: float) -> None:
        """Fill page by page until `due`; an archive that is away rests as long as it let us wait."""
        loop = asyncio.get_running_loop()
        while self._gaps and (now := loop.time()) < due:
            place = next((place for place in self._gaps if self._away.get(place[0], now) <= now), None)
            if place is None:
                return
            if not await self._fill(place):
                failed = loop.time()
                self._away[place[0]] = failed + max(BACKOFF_S, failed - now)

    async def _look_for_missing(self, *, idle: bool) -> None:
        """Take what was sent and does not come for a gap, and read anew once for it: the client may hang."""
        active = self._active()
        async with self._exchange.reading() as tx:
            positions = await tx.fence(self.name, active) if active else {}
        missing = await self._lookout.missing(
            positions.values(), asyncio.get_running_loop().time(), idle=idle, halted=self.halts
        )
        lags = self._lookout.lag if active else dict.fromkeys(self._inputs, 0)
        for stream, lag in lags.items():
            METRICS.set("dukao_consumer_lag_records", lag, consumer=self.name, stream=stream)
        noticed = missing.keys() - self._gaps.keys()
        for place in noticed:
            self._notice(place, missing[place], NO_LIMIT)
        if noticed:
            await self._assign()

    def _tell(self, error: Exception) -> None:
        fenced = isinstance(error, Fenced)
        if fenced:
            METRICS.count("dukao_fenced_total", consumer=self.name)
        said = f"{type(error).__name__} {error}"
        _LOG.warning("FENCED" if fenced else "consumer waits", consumer=self.name, error=said)

    async def _start_over(self) -> None:
        """Drop every cached state and read again from the written positions, fewer at a time."""
        self._pace.failed()
        self._handler.forget(sorted(self.leases.held))
        self.leases.held = {}
        await asyncio.sleep(BACKOFF_S)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, UnknownType) else f"failed: {type(error).__name__}"


def _known(positions: Mapping[Place, Position], run: Sequence[Record]) -> int:
    number = positions[run[0].stream, run[0].shard].number
    return sum(record.number <= number for record in run)


def _by_shard(records: Sequence[Record]) -> list[list[Record]]:
    runs: dict[Place, list[Record]] = {}
    for record in records:
        runs.setdefault((record.stream, record.shard), []).append(record)
    return [runs[place] for place in sorted(runs)]

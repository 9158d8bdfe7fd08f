"""Applies streams to a service's state: one transaction per batch over every shard that the worker owns.

1. lock the positions of my shards where the epoch is mine; fewer means that another worker took over
2. skip what is known, take what follows and continues the running digest
3. fill a gap from the producer's archive; halt a shard whose record was rewritten
4. the handler folds; its answers go to the outbox
5. write the positions; commit
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from shared.kernel.errors import Fenced, Unavailable
from shared.kernel.records import Position, Record
from shared.kernel.shards import partition_of
from shared.messaging.broker import Subscription
from shared.messaging.leases import HEARTBEAT_S, Leases
from shared.messaging.port import Archive, Handler
from shared.messaging.protocol import Progress, advance
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.logs import logger

BATCH_RECORDS = 10_000
GAP_RECORDS = 1_000
BACKOFF_S = 0.5

_LOG = logger(__name__)
Place = tuple[str, int]


@dataclass(slots=True)
class Halts:
    """Shards that wait for a person, and why."""

    reasons: dict[Place, str] = field(default_factory=dict[Place, str])


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
    ) -> None:
        self.name = name
        self.halts = Halts()
        self._inputs = inputs
        self._handler = handler
        self._exchange = exchange
        self._subscription = subscription
        self._archives = archives
        self.leases = Leases(exchange, name, inputs, worker)

    async def run(self) -> None:
        """Work until cancelled; what fails is read and tried again."""
        try:
            while True:
                try:
                    await self._beat()
                    await self._work_until_next_beat()
                except (Unavailable, Fenced, *STORAGE_ERRORS) as error:
                    _LOG.warning(
                        "consumer waits", consumer=self.name, error=str(error) or type(error).__name__
                    )
                    await self._start_over()
        finally:
            await self._subscription.close()

    async def apply(self, records: Sequence[Record]) -> int:
        """Apply records in one transaction; return how many were new."""
        epochs = dict(self.leases.held)
        mine = [
            r
            for r in records
            if partition_of(r.shard) in epochs and (r.stream, r.shard) not in self.halts.reasons
        ]
        if not mine:
            return 0
        detail = f"{len(mine)} records"
        async with self._exchange.begin(actor=self.name, action="applied", detail=detail) as tx:
            positions = await tx.fence(self.name, epochs)
            progress = [await self._progress(positions, run) for run in _by_shard(mine)]
            batch = [record for one in progress for record in one.apply]
            if batch:
                await self._fold(tx, batch)
                await tx.advance(self.name, [one.position for one in progress if one.apply])
        self._note_halts(progress)
        return len(batch)

    async def _fold(self, tx: PostgresTransaction, batch: Sequence[Record]) -> None:
        answers = await self._handler(tx, batch)
        for stream in sorted({stream for stream, _ in answers}):
            await tx.append(stream, [draft for to, draft in answers if to == stream])

    async def _progress(self, positions: Mapping[Place, Position], run: Sequence[Record]) -> Progress:
        position = positions[run[0].stream, run[0].shard]
        progress = advance(position, run)
        if not progress.gap:
            return progress
        upto = run[-1].number
        _LOG.warning("gap", consumer=self.name, stream=position.stream, shard=position.shard, upto=upto)
        missing = await self._pull(progress.position, upto)
        filled = advance(position, [*progress.apply, *missing])
        return Progress(filled.apply, filled.position, rewritten=filled.rewritten)

    async def _pull(self, after: Position, upto: int) -> list[Record]:
        found: list[Record] = []
        at = after.number
        while at < upto and len(found) < BATCH_RECORDS:
            more = await self._archives[after.stream].read(after.stream, after.shard, at, GAP_RECORDS)
            if not more:
                raise Unavailable(f"the archive of {after.stream} ends before {upto}")
            found += more
            at = more[-1].number
        return found

    def _note_halts(self, progress: Sequence[Progress]) -> None:
        for record in (one.rewritten for one in progress if one.rewritten is not None):
            self.halts.reasons[record.stream, record.shard] = "rewritten"
            _LOG.error("HALT rewritten", stream=record.stream, shard=record.shard, number=record.number)

    async def _beat(self) -> None:
        changed = await self.leases.beat()
        if changed:
            self._handler.forget(sorted(changed))
            await self._assign()

    async def _assign(self) -> None:
        async with self._exchange.reading() as tx:
            positions = await tx.fence(self.name, self.leases.held) if self.leases.held else {}
        offsets = {(stream, p): 0 for stream in self._inputs for p in self.leases.held}
        for position in positions.values():
            place = position.stream, partition_of(position.shard)
            offsets[place] = max(offsets[place], position.offset + 1)
        await self._subscription.assign(offsets)

    async def _work_until_next_beat(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + HEARTBEAT_S
        while loop.time() < due:
            await self.apply(await self._subscription.poll(BATCH_RECORDS))

    async def _start_over(self) -> None:
        """Drop every cached state and read again from the written positions."""
        self._handler.forget(sorted(self.leases.held))
        self.leases.held = {}
        await asyncio.sleep(BACKOFF_S)


def _by_shard(records: Sequence[Record]) -> list[list[Record]]:
    def place(record: Record) -> Place:
        return record.stream, record.shard

    return [list(run) for _, run in groupby(sorted(records, key=place), key=place)]

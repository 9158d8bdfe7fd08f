"""What ingest knows of closed periods: the table, and the same in memory for the answers."""

import asyncio
from collections.abc import Sequence

import msgspec

from services.ingest.contract import PeriodClosed
from services.ingest.domain.closed import ClosedPeriod, ClosedPeriods
from services.ingest.domain.times import Times
from services.ingest.outcomes import Answer
from shared.kernel.instants import parse
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.logs import logger

LOOK_S = 1.0
COLUMNS = ("scheme", "period", "grp", "begins", "ends", "cut")
_KNOWN = "SELECT DISTINCT scheme, period, begins, ends, cut FROM closed_periods"
_LOG = logger(__name__)


async def save(tx: PostgresTransaction, closed: Sequence[PeriodClosed]) -> None:
    """Keep what was closed; a group's period is closed once."""
    rows = [
        (one.scheme, one.period, one.group, parse(one.begins), parse(one.ends), parse(one.cut))
        for one in closed
    ]
    await tx.copy("closed_periods", COLUMNS, rows)


class Closings:
    """The closed periods as of the last look: an answer costs no statement, and may be as old as that."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._known = ClosedPeriods()

    async def run(self) -> None:
        """Look until cancelled; while PostgreSQL is away what is known stays."""
        while True:
            try:
                await self.look()
            except STORAGE_ERRORS as error:
                _LOG.warning("closed periods not read", error=type(error).__name__)
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Read what is closed."""
        async with self._exchange.reading() as tx:
            rows = await tx.many(_KNOWN)
        found = frozenset(ClosedPeriod(*row.values()) for row in rows)
        if found != self._known.periods:
            self._known = ClosedPeriods(found)

    def told(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        """Return the answers, each with the closed periods that its event came too late for."""
        if not self._known.periods:
            return answers
        late = [self.after_close(answer.times) for answer in answers]
        return [
            msgspec.structs.replace(answer, after_close=closed) if closed else answer
            for answer, closed in zip(answers, late, strict=True)
        ]

    def after_close(self, times: Times | None) -> tuple[tuple[str, str], ...]:
        """Return scheme and period of each closed period that an accepted event came too late for."""
        return () if times is None else self._known.after_close(times)

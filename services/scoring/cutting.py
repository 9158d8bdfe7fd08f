"""Tells that the cut of a period has passed, once all that was received before it is in the figures.

A cut is noted when every shard has applied what was received before T. From then on it waits, step by step,
until what that had set going has been applied as well. Each step is a transaction of its own and true
whenever it is taken: heads and positions only rise. A rebuild repeats what was told and decides nothing anew.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from services.scoring import calendars, clocks, cut_figures, cuts, store
from services.scoring.contract import (
    CONSUMER_A,
    CONSUMER_B,
    CONSUMER_INCIDENTS,
    CUT_COUNTED,
    CUT_SETTLED,
    CUTS,
    DEDUCTIONS,
    FINDINGS,
    PARTIALS,
    POINTS,
    RULINGS,
    SCHEMES,
    SOURCE,
    SURVEYS,
    CutCounted,
    CutSettled,
)
from services.scoring.cuts import Cut, Heads
from services.scoring.domain.cuts import period_cuts
from services.scoring.plans import group_shard
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.records import Draft
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS, may_pass
from shared.storage.transaction import PostgresTransaction
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

REST_S = 2.0
UNITS_PER_RECORD = 300
ACTOR = "cutting"
Waits = dict[str, tuple[str, ...]]
STEPS: tuple[Waits, ...] = (
    {CONSUMER_A: (POINTS, SURVEYS, SCHEMES)},
    {CONSUMER_INCIDENTS: (FINDINGS, RULINGS, SCHEMES)},
    {CONSUMER_A: (DEDUCTIONS,)},
    {CONSUMER_B: (PARTIALS, SCHEMES)},
)
"""Who has to have applied which streams, at each step as far as they reached when it began."""
TOLD = len(STEPS)
BY_PERSONS = (POINTS, RULINGS, SCHEMES)

_LOG = logger(__name__)


class Unread(NamedTuple):
    """A consumer that has yet to apply records of a stream and shard before a cut goes on."""

    consumer: str
    stream: str
    shard: int
    records: int


class Cutting:
    """One of the workers that settle cuts; they share the table, and one of them works at a time."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def run(self) -> None:
        """Settle cuts until cancelled."""
        while True:
            try:
                moved = await self.step()
            except STORAGE_ERRORS as error:
                if not may_pass(error):
                    raise
                _LOG.warning("no cut is settled", error=f"{type(error).__name__} {error}")
                moved = False
            if not moved:
                await asyncio.sleep(REST_S)

    async def step(self) -> bool:
        """Let every cut that can go one step further; tell whether any did."""
        async with self._exchange.reading() as tx:
            found, waiting = await _due(tx), await waits(tx)
        METRICS.set("dukao_cuts_waiting", len(waiting))
        going = [one for one, unread in waiting if not unread]
        if not found and not going:
            return False
        last = [one for one in going if one.step == TOLD - 1]
        if last:
            return await self._tell(last[0])
        async with self._exchange.begin(actor=ACTOR, action="cut") as tx:
            if not await cuts.alone(tx):
                return False
            if found := await _due(tx):
                for stream in BY_PERSONS:
                    await cuts.wait_for_writers(tx, stream)
                await cuts.add(tx, found, await _heads(tx, 0))
            for one in await _going(tx):
                if one.step < TOLD - 1:
                    await cuts.put(tx, one, one.step + 1, await _heads(tx, one.step + 1))
            tx.remarks += [f"{scheme} {period} noted" for scheme, period, *_ in found]
        return True

    async def _tell(self, first: Cut) -> bool:
        """Count the figures at a T and tell that it has passed, for all periods of a version that it ends."""
        async with self._exchange.snapshot() as now:
            if not await cuts.alone(now):
                return False
            ready = [
                one
                for one in await _going(now)
                if (one.scheme, one.version, one.cut) == (first.scheme, first.version, first.cut)
                and one.step == TOLD - 1
            ]
            if not ready:
                return False
            figures = await _figures(now, ready)
            document = (await store.scheme(now, first.scheme, first.version)).document
            async with self._exchange.begin(actor=ACTOR, action="cut") as tx:
                for one in ready:
                    if await cuts.put(tx, one, TOLD, {}):
                        drafts = [d for name in sorted(document.groups) for d in _drafts(one, name, figures)]
                        await tx.append(CUTS, drafts)
                        tx.remarks.append(f"{one.scheme} {one.period} told")
        return True


async def unnoted(tx: PostgresTransaction) -> list[tuple[str, str, int, str, str]]:
    """Return the cuts that are not noted, whenever they pass: scheme, period, version, T, day."""
    schemes = await cuts.heads_of_schemes(tx)
    zones = sorted({head.zone for heads in schemes.values() for head in heads})
    days = {zone: await calendars.known_days(tx, zone) for zone in zones}
    noted = await cuts.known(tx)
    return [
        (code, str(one.period), one.version, instants.text(one.at), one.day.isoformat())
        for code, heads in schemes.items()
        for one in period_cuts(heads, days)
        if (code, str(one.period)) not in noted
    ]


async def waits(tx: PostgresTransaction) -> list[tuple[Cut, list[Unread]]]:
    """Return the cuts that are noted and not told, the earliest first, and what each waits for."""
    waiting = await cuts.under_way(tx, TOLD)
    reached = {
        step: {
            consumer: await cuts.positions(tx, consumer, streams) for consumer, streams in STEPS[step].items()
        }
        for step in sorted({one.step for one in waiting})
    }
    return [(one, list(_unread(one, reached[one.step]))) for one in waiting]


async def _due(tx: PostgresTransaction) -> list[tuple[str, str, int, str, str]]:
    """Return the cuts that every shard has passed and that are not noted: scheme, period, version, T, day."""
    reached = await clocks.reached(tx)
    return [] if reached is None else [one for one in await unnoted(tx) if one[3] <= reached]


async def _going(tx: PostgresTransaction) -> list[Cut]:
    """Return the cuts whose heads have been applied by those who read them."""
    return [one for one, unread in await waits(tx) if not unread]


def _unread(one: Cut, reached: Mapping[str, Heads]) -> Iterator[Unread]:
    for consumer, streams in STEPS[one.step].items():
        for stream in streams:
            for shard, number in one.heads.get(stream, {}).items():
                records = number - reached[consumer].get(stream, {}).get(shard, 0)
                if records > 0:
                    yield Unread(consumer, stream, shard, records)


async def _heads(tx: PostgresTransaction, step: int) -> Heads:
    return await cuts.heads(tx, {stream for streams in STEPS[step].values() for stream in streams})


async def _figures(tx: PostgresTransaction, ready: Sequence[Cut]) -> cut_figures.Figured | None:
    """Return the figures at T, None where they are not known; a mistake of ours in them ends no process."""
    try:
        return await cut_figures.figured(tx, ready)
    except STORAGE_ERRORS:
        raise
    except Exception:  # noqa: BLE001 - the cut is told without them, and a close goes by what was known
        _LOG.exception("the figures of a cut are not known", scheme=ready[0].scheme, cut=ready[0].cut)
        return None


def _drafts(one: Cut, group: str, figures: cut_figures.Figured | None) -> Iterator[Draft]:
    """Yield what is told of a cut in the shard of a group: figures of some units at a time, then the cut."""
    subject, shard = f"{one.scheme}/{group}/{one.period}", group_shard(one.scheme, group)
    rows = None if figures is None else figures.get((one.period, group))
    for at in range(0, len(rows or ()), UNITS_PER_RECORD):
        counted = CutCounted(
            scheme=one.scheme,
            version=one.version,
            group=group,
            period=one.period,
            figures=(rows or ())[at : at + UNITS_PER_RECORD],
        )
        yield Draft(shard, envelope.encode(CUT_COUNTED, SOURCE, subject, counted))
    settled = CutSettled(
        scheme=one.scheme,
        group=group,
        period=one.period,
        cut=one.cut,
        day=one.day,
        exact=rows is not None,
    )
    yield Draft(shard, envelope.encode(CUT_SETTLED, SOURCE, subject, settled))

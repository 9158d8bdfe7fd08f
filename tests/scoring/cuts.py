"""Scoring whose periods have a cut: its stages, its consumers' positions, and what settles cuts."""

import asyncio
import copy
import json
from datetime import UTC, datetime

from services.scoring.contract import (
    ACCEPTED,
    CONSUMER_A,
    CONSUMER_B,
    CONSUMER_INCIDENTS,
    CUTS,
    DEDUCTIONS,
    ENTRIES,
    ENTRIES_POSTED,
    ITEMS,
    ITEMS_TOLD,
    PARTIALS,
    POINTS,
    SCHEMES,
    TICK,
    ItemsTold,
    Tick,
)
from services.scoring.cutting import Cutting
from services.scoring.plans import group_shard
from services.scoring.stage_a import StageA
from services.scoring.stage_b import StageB
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.records import Draft, Position
from shared.kernel.shards import SHARDS
from tests.scoring import test_stages
from tests.scoring.test_stages import SCHEME, Driver, accept, levy, missed

T = datetime(2100, 3, 31, 16, tzinfo=UTC)  # the end of March in Shanghai
GROUP_SHARD = group_shard("mini", "bureaus")
CONSUMERS = {"a": CONSUMER_A, "b": CONSUMER_B}
_BEGUN = """
    INSERT INTO positions (consumer, stream, shard, number, chain) VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT DO NOTHING"""


def scheme(**changed):
    """Return a scheme of the year 2100, whose cuts are yet to come, without a day of grace."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"effective": "2100-01", "until": "2100-12", "grace_days": 0} | changed
    return document


def made(number, received, *, unit="b1", month=3, ontime=True):
    """Return a levy of a month of 2100, and when it is received."""
    return levy(number, unit=unit, ontime=ontime, time=f"2100-{month:02d}-10T08:00:00+08:00"), received


def risk(number, received, *, case, unit="b1"):
    """Return a risk of March that was not answered, in the shard of its case, and when it is received."""
    return missed(number, "2100-03-10T08:00:00+08:00", unit) | {"case": case}, received


class WithCuts(Driver):
    """The stages, each with its positions, and the worker that settles cuts."""

    def __init__(self, exchange):
        super().__init__(exchange)
        self.stages = [
            ("a", StageA(), (ACCEPTED, SCHEMES, ITEMS, DEDUCTIONS, POINTS)),
            ("b", StageB(), (PARTIALS, SCHEMES, CUTS)),
        ]

    async def run_stage(self, wanted, **how):
        """Apply what a stage has not read, its positions beside its effects; incidents have nothing to do."""
        ((name, stage, inputs),) = [one for one in self.stages if one[0] == wanted]
        async with self.exchange.begin(actor=name, action="applied") as tx:
            batch = await self.unread(tx, name, inputs, **how)
            answers = await stage(tx, batch)
            for stream in sorted({stream for stream, _ in answers}):
                await tx.append(stream, [draft for to, draft in answers if to == stream])
            last = {(one.stream, one.shard): one for one in batch}
            await self._advance(tx, CONSUMERS[name], last.values())
            if name == "a":
                schemes = [one for one in last.values() if one.stream == SCHEMES]
                await self._advance(tx, CONSUMER_INCIDENTS, schemes)

    async def _advance(self, tx, consumer, last):
        for one in last:
            await tx.many(_BEGUN, consumer, one.stream, one.shard, EMPTY_CHAIN)
        await tx.advance(consumer, [Position(one.stream, one.shard, one.number, one.chain) for one in last])

    async def receive(self, *events):
        for event, received in events:
            await accept(self.exchange, [event], received=received)

    async def tick(self, at, shards=range(SHARDS)):
        """Let shards have a tick, and hear that items are told up to it."""
        told = envelope.encode(TICK, "dukao/ingest", "clock", Tick(minute=instants.text(at)))
        items = envelope.encode(ITEMS_TOLD, "dukao/supervision", "shard", ItemsTold(until=instants.text(at)))
        async with self.exchange.begin(actor="clock", action="tick") as tx:
            await tx.append(ACCEPTED, [Draft(shard, told, received=at) for shard in shards])
            await tx.append(ITEMS, [Draft(shard, items) for shard in shards])

    async def cut(self):
        """Let T pass in every shard, and all that this sets going."""
        await self.tick(T)
        for _ in range(3):
            await self.run()
            await self.settle()
        await self.run()

    async def settle(self, *, workers=1):
        """Settle what can be, each step by workers that have just begun; tell how many steps that took."""
        steps = 0
        while any(await asyncio.gather(*(Cutting(self.exchange).step() for _ in range(workers)))):
            steps += 1
        return steps


async def begun(scoring, document=None):
    """Return scoring with a scheme in force that has cuts."""
    return await test_stages.begun(scoring, document or scheme(), driven=WithCuts)


async def counted(exchange, period="2100-03"):
    """Return what the figures at T of a period are said to be, by unit, and whether they are exact."""
    told = [(one.type, json.loads(bytes(one.data))) for one in await records(exchange)]
    found = [one for kind, one in told if kind != ENTRIES_POSTED and one["period"] == period]
    figures = {row["unit"]: row["values"] for one in found for row in one.get("figures", ())}
    return figures, [one["exact"] for one in found if "cut" in one]


async def records(exchange):
    """Return what is told of the group, in order."""
    async with exchange.reading() as tx:
        return [envelope.decode(one.body) for one in await tx.read(ENTRIES, GROUP_SHARD, 0, 1000)]

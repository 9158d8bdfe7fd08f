"""Sends what is due: claimed for a while, posted once, and settled with what is told of it.

A worker that ends between posting and settling leaves its claim; when that ends another attempt is made, with
the same `webhook-id`. So a receiver hears of each delivery at least once.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.notify import deliveries, endpoints
from services.notify.contract import DELIVERIES
from services.notify.deliveries import Claimed
from services.notify.domain.retries import Outcome, Reply, judge
from services.notify.domain.signing import headers_of
from services.notify.gateway import Gateway
from services.notify.telling import gave_up, settled
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS, may_pass
from shared.telemetry.fail_points import FAIL_POINTS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

AT_ONCE = 64
AT_ONCE_TO_ONE = 4
IDLE_S = 0.5
SWEEP_S = 30.0
SWEPT_AT_ONCE = 500
SETTLE_TRIES = 10
ACTOR = "webhooks"

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A delivery that was claimed, and the secrets that sign it."""

    delivery: Claimed
    secrets: Sequence[str]


class Sender:
    """One of the workers that send; they share the table and never take the same delivery at once."""

    def __init__(self, exchange: Exchange, gateway: Gateway, worker: str) -> None:
        self._exchange = exchange
        self._gateway = gateway
        self._worker = worker
        self._under_way: Counter[str] = Counter()
        self._ended = asyncio.Event()
        self._sweep_at = 0.0

    async def run(self) -> None:
        """Send until cancelled; an attempt that is cut off by that is made again later."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._ended.clear()
                try:
                    await self._sweep_seldom()
                    jobs = await self.take()
                except STORAGE_ERRORS as error:
                    if not may_pass(error):
                        raise
                    _LOG.warning("nothing is sent", error=f"{type(error).__name__} {error}")
                    jobs = []
                for job in jobs:
                    self._under_way[job.delivery.endpoint] += 1
                    group.create_task(self._work(job))
                if not jobs:
                    await _wait(self._ended, IDLE_S)

    async def take(self) -> list[Job]:
        """Claim what is due, so much that no endpoint takes the room of others."""
        async with self._exchange.reading() as tx:
            due = await deliveries.due_endpoints(tx)
        rooms = self._rooms(due)
        if not rooms:
            return []
        async with self._exchange.begin(actor=ACTOR, action="claim deliveries") as tx:
            claimed = await deliveries.claim(tx, rooms, self._worker)
            secrets = await endpoints.signing(tx, sorted({one.endpoint for one in claimed}))
            tx.remarks.append(f"{len(claimed)} by {self._worker}")
        return [Job(one, secrets[one.endpoint]) for one in claimed]

    async def send(self, job: Job) -> Reply:
        """Make one attempt and settle it."""
        one = job.delivery
        reply = await self._attempt(job)
        FAIL_POINTS.passing("notify.after_send")
        await self._settle(one, reply)
        METRICS.count("dukao_webhook_attempts_total", outcome=reply.outcome.value)
        return reply

    async def _attempt(self, job: Job) -> Reply:
        """Sign and post; what our own code fails on is a failed attempt and stops no other."""
        one = job.delivery
        try:
            headers = headers_of(one.id, one.at, one.body, job.secrets)
            return await self._gateway.send(one.url, headers, one.body)
        except Exception as error:  # noqa: BLE001 - one delivery must not end the sending of all
            _LOG.exception("attempt failed on our side", delivery=one.id, endpoint=one.endpoint)
            return Reply(Outcome.FAILED, error=f"internal: {type(error).__name__}")

    async def sweep(self) -> int:
        """End what waits for endpoints that are not there; return how many those were."""
        async with self._exchange.begin(actor=ACTOR, action="end deliveries without endpoint") as tx:
            ended = await deliveries.end_without_endpoint(tx, SWEPT_AT_ONCE)
            await tx.append(DELIVERIES, gave_up(ended, "no such endpoint"))
            tx.remarks.append(str(len(ended)))
        return len(ended)

    async def _sweep_seldom(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._sweep_at:
            return
        async with self._exchange.reading() as tx:
            left = await deliveries.some_without_endpoint(tx)
        if not left or await self.sweep() < SWEPT_AT_ONCE:
            self._sweep_at = now + SWEEP_S

    def _rooms(self, due: Sequence[str]) -> Mapping[str, int]:
        """Return how many of each endpoint may be sent now, those with the fewest under way first."""
        left = AT_ONCE - self._under_way.total()
        rooms: dict[str, int] = {}
        for code in sorted(due, key=lambda code: self._under_way[code]):
            room = min(AT_ONCE_TO_ONE - self._under_way[code], left)
            if room > 0:
                rooms[code] = room
                left -= room
        return rooms

    async def _work(self, job: Job) -> None:
        try:
            await self.send(job)
        finally:
            self._under_way[job.delivery.endpoint] -= 1
            self._ended.set()

    async def _settle(self, one: Claimed, reply: Reply) -> None:
        """Write what became of an attempt, again while the database is away; in the end it is made anew."""
        for _ in range(SETTLE_TRIES):
            try:
                return await self._settle_once(one, reply)
            except STORAGE_ERRORS as error:
                if not may_pass(error):
                    raise
                _LOG.warning("attempt not settled", delivery=one.id, error=f"{type(error).__name__} {error}")
                await asyncio.sleep(IDLE_S)
        return None

    async def _settle_once(self, one: Claimed, reply: Reply) -> None:
        detail = f"{one.id} to {one.endpoint}, attempt {one.attempts}: {reply.outcome}"
        async with self._exchange.begin(actor=ACTOR, action="attempt", detail=detail) as tx:
            verdict = judge(one.id, one.kind, one.failures, reply, await deliveries.clock(tx))
            if verdict.gone:
                await endpoints.disable(tx, one.endpoint, "The receiver answered 410 Gone.")
            stands = await deliveries.settle(tx, one, reply, verdict)
            if stands:
                await tx.append(DELIVERIES, settled(one, reply, verdict.standing))


async def _wait(woken: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return

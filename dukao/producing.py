"""Writes events into the inbound topics of their sources, as upstream systems do, each acknowledged."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from dukao.client import AwayError
from dukao.feeds import Event
from dukao.sending import until_due
from services.ingest.domain.binding import topic_of
from shared.kernel.canonical import canonical
from shared.kernel.errors import Unavailable
from shared.messaging import kafka_clients
from shared.messaging.kafka_access import KafkaAccess

UNACKNOWLEDGED_EVENTS = 5_000
LINGER_MS = 5
EVENTS_AT_ONCE = 100
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Produced:
    """How many events are in the topics; what ingest made of them it tells by its lists."""

    events: int
    seconds: float

    def record(self) -> dict[str, Any]:
        """Return it as it is printed."""
        pace = round(self.events / self.seconds) if self.seconds else 0
        return {"events": self.events, "seconds": round(self.seconds, 3), "events_per_second": pace}


def produce(
    access: KafkaAccess,
    events: Iterable[Event],
    sent: Callable[[int], None],
    *,
    per_second: int | None = None,
) -> Produced:
    """Write every event, in order for each source; `sent` hears how many are acknowledged now and then."""
    began = time.monotonic()
    try:
        count = asyncio.run(_produce(access, events, sent, per_second))
    except (KafkaError, Unavailable, OSError, TimeoutError):
        raise AwayError("kafka") from None
    return Produced(count, time.monotonic() - began)


async def _produce(
    access: KafkaAccess, events: Iterable[Event], sent: Callable[[int], None], per_second: int | None
) -> int:
    producer = AIOKafkaProducer(
        **access.options(), acks="all", enable_idempotence=True, compression_type="lz4", linger_ms=LINGER_MS
    )
    await kafka_clients.start(producer.start())
    try:
        began, waiting, count = time.monotonic(), deque[asyncio.Future[Any]](), 0
        for event in events:
            if count % EVENTS_AT_ONCE == 0 or per_second is not None:
                await until_due(began, count, per_second)
                sent(count - len(waiting))
            waiting.append(await _written(producer, event))
            count += 1
            if len(waiting) > UNACKNOWLEDGED_EVENTS:
                await asyncio.wait_for(waiting.popleft(), TIMEOUT_S)
        for ack in waiting:
            await asyncio.wait_for(ack, TIMEOUT_S)
        sent(count)
        return count
    finally:
        await kafka_clients.stop(producer.stop(), producer.client)


async def _written(producer: AIOKafkaProducer, event: Event) -> asyncio.Future[Any]:
    key = str(event.get("case") or event["subject"]).encode()
    async with asyncio.timeout(TIMEOUT_S):
        return await producer.send(topic_of(str(event["source"])), canonical(event), key=key)

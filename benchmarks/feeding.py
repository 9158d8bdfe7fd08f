"""Sends prepared events to ingest: by HTTP over a few connections, or into the inbound topic."""

import asyncio
import time
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from benchmarks.platform import Platform

CONNECTIONS = 8
BATCH_EVENTS = 500
RETRY_S = 0.2
RETRIES = 3_000
TOKEN_S = 300.0
CALL_S = 30.0
INBOUND_BATCH_BYTES = 256 << 10
BUSY = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}
_BATCH_TYPE = {"content-type": "application/cloudevents-batch+json"}


class Receipt(msgspec.Struct):
    """Where an event was numbered."""

    shard: int
    number: int


class Item(msgspec.Struct):
    """What became of one event of a batch."""

    status: str
    receipt: Receipt | None = None


class _Results(msgspec.Struct):
    results: list[Item]


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch: when it was due to leave, when it was answered, and the receipts of its events."""

    due_s: float
    answered_s: float
    receipts: tuple[Receipt, ...]


_RESULTS = msgspec.json.Decoder(_Results)


async def send_all(running: Platform, batches: Sequence[bytes]) -> None:
    """Send batches as fast as they are answered; every event must be new."""
    waiting = deque(batches)
    async with client_of(running) as client:

        async def work() -> None:
            while waiting:
                await _post(client, waiting.popleft())

        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(work())


async def send_paced(running: Platform, batches: Sequence[bytes], every_s: float) -> list[Sent]:
    """Send a batch every so often, whether or not the last was answered, so that a stall is not hidden."""
    sent: list[Sent] = []
    async with client_of(running) as client, asyncio.TaskGroup() as group:

        async def one(due_s: float, batch: bytes) -> None:
            answered = await _post(client, batch)
            sent.append(Sent(due_s, time.monotonic(), answered))

        start = time.monotonic()
        for place, batch in enumerate(batches):
            due_s = start + place * every_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            group.create_task(one(due_s, batch))
    return sent


async def produce(bootstrap: str, topic: str, records: Iterable[tuple[int, bytes]]) -> None:
    """Write (place, body) to the partitions in turn, in whole batches, and wait for every acknowledgement."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=INBOUND_BATCH_BYTES,
        max_request_size=4 * INBOUND_BATCH_BYTES,
    )
    await producer.start()
    try:
        partitions = sorted(await producer.partitions_for(topic))
        waits: list[asyncio.Future[object]] = []
        batches: dict[int, BatchBuilder] = {}
        for place, body in records:
            partition = partitions[place % len(partitions)]
            batch = batches.get(partition)
            if batch is None or batch.append(key=None, value=body, timestamp=None) is None:
                if batch is not None:
                    waits.append(await producer.send_batch(batch, topic, partition=partition))
                batch = batches[partition] = producer.create_batch()
                batch.append(key=None, value=body, timestamp=None)
        for partition, batch in batches.items():
            waits.append(await producer.send_batch(batch, topic, partition=partition))
        for wait in waits:
            await wait
    finally:
        await producer.stop()


def client_of(running: Platform) -> httpx.AsyncClient:
    """Open a client of ingest over a few connections, whose token is renewed before it ends."""
    return httpx.AsyncClient(
        base_url=running.addresses["ingest"],
        headers=_BATCH_TYPE,
        auth=_Token(running),
        timeout=CALL_S,
        trust_env=False,
        limits=httpx.Limits(max_connections=4 * CONNECTIONS),
    )


async def _post(client: httpx.AsyncClient, batch: bytes) -> tuple[Receipt, ...]:
    """Send one batch; a busy door is asked again, anything but new events ends the benchmark."""
    for _ in range(RETRIES):
        answer = await client.post("/v1/events", content=batch)
        if answer.status_code in BUSY:
            await asyncio.sleep(RETRY_S)
            continue
        if answer.is_error:
            raise RuntimeError(f"Ingest answered {answer.status_code}: {answer.text[:500]}")
        return tuple(_receipt(item) for item in results(answer))
    raise TimeoutError("Ingest was busy for too long.")


def results(answer: httpx.Response) -> list[Item]:
    """Return what became of the events of a batch."""
    return _RESULTS.decode(answer.content).results


def _receipt(item: Item) -> Receipt:
    if item.status != "created" or item.receipt is None:
        raise RuntimeError(f"An event was answered {item.status}.")
    return item.receipt


class _Token(httpx.Auth):
    def __init__(self, running: Platform) -> None:
        self._running, self._headers, self._until = running, {}, 0.0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        if time.monotonic() > self._until:
            self._headers, self._until = self._running.headers(), time.monotonic() + TOKEN_S
        request.headers.update(self._headers)
        yield request

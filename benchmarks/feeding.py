"""Sends prepared events to ingest: by HTTP over a few connections, or into the inbound topic."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import msgspec
from aiokafka import AIOKafkaProducer

from benchmarks.platform import Platform
from benchmarks.workload import SOURCE

CONNECTIONS = 8
BATCH_EVENTS = 500
RETRY_S = 0.05
RETRIES = 600
CALL_S = 30.0
INBOUND_PARTITIONS = 16
INBOUND_BATCH_BYTES = 256 << 10
_BATCH_TYPE = {"content-type": "application/cloudevents-batch+json"}


class Receipt(msgspec.Struct):
    """Where an event was numbered."""

    shard: int
    number: int


class _Item(msgspec.Struct):
    status: str
    receipt: Receipt | None = None


class _Results(msgspec.Struct):
    results: list[_Item]


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch that was answered: when it was due to leave, and the receipts of its events."""

    due_s: float
    receipts: tuple[Receipt, ...]


_RESULTS = msgspec.json.Decoder(_Results)


async def send_all(running: Platform, batches: Sequence[bytes]) -> None:
    """Send batches as fast as they are answered; every event must be new."""
    waiting = deque(batches)
    async with _client(running) as client:

        async def work() -> None:
            while waiting:
                await _post(client, waiting.popleft())

        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(work())


async def send_paced(running: Platform, batches: Sequence[bytes], every_s: float) -> list[Sent]:
    """Send a batch every so often, whether or not the last was answered, so that a stall is not hidden."""
    sent: list[Sent] = []
    async with _client(running) as client, asyncio.TaskGroup() as group:

        async def one(due_s: float, batch: bytes) -> None:
            sent.append(Sent(due_s, await _post(client, batch)))

        start = time.monotonic()
        for place, batch in enumerate(batches):
            due_s = start + place * every_s
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            group.create_task(one(due_s, batch))
    return sent


async def produce(running: Platform, events: Sequence[bytes]) -> None:
    """Write events into the inbound topic in whole batches and wait for every acknowledgement."""
    topic = f"in.{SOURCE}"
    producer = AIOKafkaProducer(
        bootstrap_servers=running.bootstrap,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=INBOUND_BATCH_BYTES,
        max_request_size=4 * INBOUND_BATCH_BYTES,
    )
    await producer.start()
    try:
        partitions = sorted(await producer.partitions_for(topic))
        waits = []
        batch, place = producer.create_batch(), 0
        for event in events:
            if batch.append(key=None, value=event, timestamp=None) is None:
                waits.append(await producer.send_batch(batch, topic, partition=partitions[place]))
                batch, place = producer.create_batch(), (place + 1) % len(partitions)
                batch.append(key=None, value=event, timestamp=None)
        waits.append(await producer.send_batch(batch, topic, partition=partitions[place]))
        for wait in waits:
            await wait
    finally:
        await producer.stop()


def _client(running: Platform) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=running.addresses["ingest"],
        headers=running.headers() | _BATCH_TYPE,
        timeout=CALL_S,
        trust_env=False,
        limits=httpx.Limits(max_connections=4 * CONNECTIONS),
    )


async def _post(client: httpx.AsyncClient, batch: bytes) -> tuple[Receipt, ...]:
    """Send one batch; a busy door is asked again, anything but new events ends the benchmark."""
    for _ in range(RETRIES):
        answer = await client.post("/v1/events", content=batch)
        if answer.status_code in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}:
            await asyncio.sleep(RETRY_S)
            continue
        if answer.is_error:
            raise RuntimeError(f"Ingest answered {answer.status_code}: {answer.text[:500]}")
        items = _RESULTS.decode(answer.content).results
        return tuple(_receipt(item) for item in items)
    raise TimeoutError("Ingest was busy for too long.")


def _receipt(item: _Item) -> Receipt:
    if item.status != "created" or item.receipt is None:
        raise RuntimeError(f"An event was answered {item.status}.")
    return item.receipt

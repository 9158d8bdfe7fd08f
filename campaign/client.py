"""A client that writes down every sending and every answer with its time, and asks again until it has one."""

import asyncio
import contextlib
import itertools
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from campaign.checker.content import canonical, content_digest
from campaign.platform import Platform, until
from campaign.workload import TOPIC, TYPES, Event, scheme

BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
ANSWER_S = 15.0
PATIENCE_S = 300.0
AGAIN_S = 0.1
TOKEN_S = 300.0
WORKERS = 4
BATCH_EVENTS = 100
ADOPTED_S = 60.0


class Journal:
    """The client's log: one JSON object a line, written before the sending and after the answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._numbers = itertools.count(1)

    def send(self, via: str, events: Sequence[Event]) -> int:
        """Write down a sending."""
        number = next(self._numbers)
        named = [(event["source"], event["id"], content_digest(event)) for event in events]
        self._write({"at": time.monotonic_ns(), "send": number, "via": via, "events": named})
        return number

    def answer(self, number: int, results: Sequence[Sequence[Any]] = ()) -> None:
        """Write down the answer to a sending: status, shard and number of each event."""
        self._write({"at": time.monotonic_ns(), "answer": number, "results": results})

    def lost(self, number: int, why: str) -> None:
        """Write down that a sending brought no answer that says what became of it."""
        self._write({"at": time.monotonic_ns(), "lost": number, "why": why})

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


class Client:
    """Sends by HTTP and by Kafka."""

    def __init__(self, platform: Platform, journal: Journal) -> None:
        self.journal = journal
        self.lost: list[tuple[float, str]] = []
        self.unready_without_retry = 0
        self.slowest_s = 0.0
        self.answered = 0
        self._platform = platform
        self._http = httpx.AsyncClient(timeout=ANSWER_S, trust_env=False)
        self._bearers: dict[str, tuple[float, dict[str, str]]] = {}

    async def close(self) -> None:
        """Close connections and the log."""
        await self._http.aclose()
        self.journal.close()

    async def adopt(
        self, types: Mapping[str, Any] = TYPES, schemes: Sequence[Mapping[str, Any]] = (scheme(),)
    ) -> None:
        """Put a catalogue and schemes in force, by two persons; the campaign's own if none are given."""
        ingest, scoring = (self._platform.address(name) for name in ("ingest", "scoring"))
        author, approver = (self._platform.bearer(role) for role in ("author", "approver"))
        drafted = await self._http.post(f"{ingest}/v1/types", json=types, headers=author)
        assert drafted.is_success, drafted.text
        adopt = f"{ingest}/v1/types/{drafted.json()['version']}:adopt"
        (await self._http.post(adopt, headers=approver)).raise_for_status()
        for document in schemes:

            async def heard(document: Mapping[str, Any] = document) -> bool:
                answer = await self._http.post(f"{scoring}/v1/schemes", json=document, headers=author)
                assert answer.status_code in {201, 409}, answer.text
                return answer.status_code == HTTPStatus.CREATED

            await until(heard, seconds=ADOPTED_S, what="scoring hears of the types")
            head = document["scheme"]
            path = f"{scoring}/v1/schemes/{head['code']}/{head['version']}"
            drafted = (await self._http.get(path, headers=author)).raise_for_status()
            read = {"digest": drafted.headers["etag"].strip('"')}
            (await self._http.post(f"{path}:adopt", json=read, headers=approver)).raise_for_status()

    async def attempt(
        self, events: Sequence[Event], address: str | None = None
    ) -> list[dict[str, Any]] | None:
        """Send a batch once; None when no answer says what became of it."""
        number = self.journal.send("http", events)
        url = f"{address or self._platform.address('ingest')}/v1/events"
        started = time.monotonic()
        try:
            headers = self._headers() | {"content-type": BATCH}
            answer = await self._http.post(url, content=canonical(list(events)), headers=headers)
        except httpx.TransportError as error:
            self._note(number, type(error).__name__)
            return None
        finally:
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
        if not answer.is_success:
            self._refused(number, answer)
            return None
        results = answer.json()["results"]
        self.journal.answer(number, [_told(result) for result in results])
        self.answered += len(events)
        return results

    async def one(
        self, event: Event, address: str, *, patience_s: float = ANSWER_S
    ) -> tuple[int, dict[str, Any]]:
        """Send one event once and return what was answered; status 0 is no answer."""
        number = self.journal.send("http", [event])
        url, body = f"{address}/v1/events", canonical(event)
        try:
            headers = self._headers() | {"content-type": SINGLE}
            answer = await self._http.post(url, content=body, headers=headers, timeout=patience_s)
        except httpx.TransportError as error:
            self._note(number, type(error).__name__)
            return 0, {"why": type(error).__name__}
        if answer.status_code in {200, 201}:
            self.journal.answer(number, [_told(answer.json())])
            self.answered += 1
        elif answer.status_code == HTTPStatus.CONFLICT:
            self.journal.answer(number, [("conflict", None, None)])
        else:
            self._refused(number, answer)
        return answer.status_code, _problem(answer)

    async def send(self, events: Sequence[Event], address: str | None = None) -> list[dict[str, Any]]:
        """Send a batch until it is answered."""
        give_up = time.monotonic() + PATIENCE_S
        while (results := await self.attempt(events, address)) is None:
            if time.monotonic() > give_up:
                raise TimeoutError(f"no answer in {PATIENCE_S:.0f} s")
            await asyncio.sleep(AGAIN_S)
        return results

    async def produce(self, events: Sequence[Event], topic: str = TOPIC, at_once: int = BATCH_EVENTS) -> None:
        """Write events into an inbound topic until each is acknowledged; a double does no harm."""
        waiting = deque(events[at : at + at_once] for at in range(0, len(events), at_once))
        give_up = time.monotonic() + PATIENCE_S
        while waiting:
            try:
                async with _producer(self._platform.kafka) as producer:
                    while waiting:
                        await self._produce(producer, waiting[0], topic)
                        waiting.popleft()
                        give_up = time.monotonic() + PATIENCE_S
            except (KafkaError, OSError, TimeoutError):
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(AGAIN_S)

    async def _produce(self, producer: AIOKafkaProducer, events: Sequence[Event], topic: str) -> None:
        number = self.journal.send("kafka", events)
        try:
            async with asyncio.timeout(ANSWER_S):
                acks = [await _sent(producer, topic, event) for event in events]
                await asyncio.wait(acks)
                for ack in acks:
                    ack.result()
        except (KafkaError, OSError, TimeoutError) as error:
            self._note(number, f"kafka {type(error).__name__}")
            raise
        self.journal.answer(number)
        self.answered += len(events)

    async def produce_unpromised(self, events: Sequence[Event]) -> None:
        """Write events that are to be refused; they are not in the log, as none of them may be kept."""
        async with _producer(self._platform.kafka) as producer:
            for event in events:
                await producer.send_and_wait(TOPIC, canonical(event), key=event["subject"].encode())

    async def status(self, url: str, role: str) -> int:
        """Ask once, with a token of this moment, and return the status."""
        return (await self._http.get(url, headers=self._platform.bearer(role))).status_code

    async def looked(self, service: str, path: str) -> str:
        """Ask a door once; return the status, `503 bare` if it says not when to come back, or the error."""
        try:
            url = self._platform.address(service) + path
            answer = await self._http.get(url, headers=self._headers("reader"))
        except httpx.TransportError as error:
            return type(error).__name__
        bare = answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and not answer.headers.get("retry-after")
        return f"{answer.status_code} bare" if bare else str(answer.status_code)

    async def metric(self, service: str, name: str, **labels: str) -> float:
        """Return what a service counts by now, over all whose labels are these."""
        answer = await self._http.get(f"{self._platform.address(service)}/metrics")
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        found = [
            line
            for line in answer.text.splitlines()
            if line.startswith((f"{name}{{", f"{name} ")) and all(one in line for one in wanted)
        ]
        return sum(float(line.rpartition(" ")[2]) for line in found)

    async def acted(
        self, service: str, path: str, body: Mapping[str, Any], person: str, role: str
    ) -> tuple[int, dict[str, Any]]:
        """Let a person do something once; return the status and what was answered."""
        headers = self._platform.bearer(role, person)
        answer = await self._http.post(self._platform.address(service) + path, json=body, headers=headers)
        return answer.status_code, _problem(answer)

    async def get(self, service: str, path: str) -> dict[str, Any]:
        """Ask until there is an answer and return its object."""
        return (await self.answer(service, path)).json()

    async def answer(self, service: str, path: str) -> httpx.Response:
        """Ask until there is an answer; whoever is away or not ready is asked again."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                url = self._platform.address(service) + path
                answer = await self._http.get(url, headers=self._headers("reader"))
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    return answer.raise_for_status()
            if time.monotonic() > give_up:
                raise TimeoutError(f"{service} did not answer {path} in {PATIENCE_S:.0f} s")
            await asyncio.sleep(AGAIN_S)

    def _headers(self, role: str = "integrator") -> dict[str, str]:
        minted, bearer = self._bearers.get(role, (0.0, {}))
        if time.monotonic() - minted > TOKEN_S or not bearer:
            bearer = self._platform.bearer(role)
            self._bearers[role] = time.monotonic(), bearer
        return bearer

    def _refused(self, number: int, answer: httpx.Response) -> None:
        bare = answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and not answer.headers.get("retry-after")
        self.unready_without_retry += bare
        self._note(number, str(answer.status_code))

    def _note(self, number: int, why: str) -> None:
        self.journal.lost(number, why)
        self.lost.append((time.monotonic(), why))


class Load:
    """Events on their way: several senders at once, at a bounded rate if one is given."""

    def __init__(
        self, client: Client, events: Sequence[Event], *, rate: float = 0.0, address: str | None = None
    ) -> None:
        self.done = 0
        self.total = len(events)
        self._client = client
        self._waiting = deque(events[at : at + BATCH_EVENTS] for at in range(0, len(events), BATCH_EVENTS))
        self._address = address
        self._pause_s = WORKERS * BATCH_EVENTS / rate if rate else 0.0

    async def run(self) -> None:
        """Send until nothing is left."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work())

    async def reached(self, share: float) -> None:
        """Wait until a share of the events is answered."""

        async def there() -> bool:
            return self.done >= share * self.total

        await until(there, seconds=PATIENCE_S, what=f"{share:.0%} of the load")

    def end(self) -> None:
        """Send no further events."""
        self._waiting.clear()

    async def _work(self) -> None:
        while self._waiting:
            batch = self._waiting.popleft()
            await self._client.send(batch, self._address)
            self.done += len(batch)
            if self._pause_s:
                await asyncio.sleep(self._pause_s)


async def _sent(producer: AIOKafkaProducer, topic: str, event: Event) -> asyncio.Future[Any]:
    """Hand over an event; an error that nobody comes to see any more is noted as seen."""
    key = (event.get("case") or event["subject"]).encode()
    ack: asyncio.Future[Any] = await producer.send(topic, canonical(event), key=key)
    ack.add_done_callback(_seen)
    return ack


def _seen(ack: asyncio.Future[Any]) -> None:
    if not ack.cancelled():
        ack.exception()


@contextlib.asynccontextmanager
async def _producer(kafka: str) -> AsyncGenerator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", request_timeout_ms=5_000)
    try:
        await asyncio.wait_for(producer.start(), ANSWER_S)
        yield producer
    finally:
        with contextlib.suppress(TimeoutError, KafkaError, OSError):
            await asyncio.wait_for(producer.stop(), ANSWER_S)
        await producer.client.close()


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """Return the object that was answered; a server that ends a request in the middle may write none."""
    try:
        return answer.json()
    except ValueError:
        return {"why": answer.text[:200]}


def _told(result: dict[str, Any]) -> tuple[str, int | None, int | None]:
    receipt = result.get("receipt") or {}
    return result["status"], receipt.get("shard"), receipt.get("number")

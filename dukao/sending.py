"""Sends the events of a feed to ingest: batches, several in flight, tried again while ingest is busy or away.

Sending the same files again is always safe: what is in already is answered as a duplicate. In order one batch
is in flight at a time: those behind it would overtake one that is tried again.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from dukao.client import AwayError, RefusedError, Tokens, Who, answered
from dukao.feeds import HALF_WRITTEN, Event, Row
from shared.kernel.errors import Problem

INTEGRATOR = Who("integrator", ("integrator",))
LARGEST_BATCH_EVENTS = 500
LARGEST_BATCH_BYTES = 1_000_000
IN_FLIGHT_BATCHES = 4
TIMEOUT_S = 60.0
TRYING_S = 180.0
FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 10.0
KEPT_FAULTS = 1_000
TYPE = "application/cloudevents-batch+json"
BUSY = frozenset({408, 429, 503})
SPLIT = frozenset({400, 413, 415, 422})
HALF_A_CHARACTER = Problem(422, "encoding", "A text holds half a surrogate pair.")


@dataclass(frozen=True, slots=True)
class Place:
    """An event as it is sent, and the row it came from; `row` counts over all files."""

    file: str
    line: int
    body: bytes
    row: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row, or an event of it, is not in."""

    file: str
    line: int
    outcome: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Batch:
    """Places that are sent together, and its turn among all batches."""

    turn: int
    places: list[Place]


@dataclass(slots=True)
class Tally:
    """What became of a feed; of the faults the first are kept, and all are counted and told to `heard`.

    Of the `rows` that were read the first `resumed` were sent before, and the first `done` are answered;
    `after_close` events are in and came too late for a closed period.
    """

    rows: int = 0
    resumed: int = 0
    done: int = 0
    skipped: int = 0
    events: int = 0
    after_close: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    faults: list[Fault] = field(default_factory=list[Fault])
    seconds: float = 0.0
    heard: Callable[[Fault], None] = lambda _fault: None

    def note(self, fault: Fault) -> None:
        """Count a fault."""
        self.outcomes[fault.outcome] += 1
        self.heard(fault)
        if len(self.faults) < KEPT_FAULTS:
            self.faults.append(fault)

    @property
    def answered(self) -> int:
        """How many events ingest has answered."""
        return self.outcomes.total() - self.outcomes["unmappable"]

    @property
    def bad(self) -> int:
        """How many rows and events are not in."""
        return sum(self.outcomes[outcome] for outcome in ("unmappable", "rejected", "conflict"))

    def record(self) -> dict[str, Any]:
        """Return the tally as it is printed."""
        names = ("created", "duplicate", "report", "conflict", "rejected", "unmappable")
        return {
            "rows": self.rows,
            "resumed": self.resumed,
            "skipped": self.skipped,
            "events": self.events,
            **{name: self.outcomes[name] for name in names},
            "after_close": self.after_close,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events / self.seconds) if self.seconds else 0,
        }


class Sender:
    """Sends rows to one ingest and keeps the tally; `sent` hears of every batch that is answered."""

    def __init__(
        self,
        base: str,
        tokens: Tokens,
        batch: int,
        sent: Callable[[Tally], None],
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        heard: Callable[[Fault], None] = lambda _fault: None,
        resume_at: int = 0,
        who: Who = INTEGRATOR,
        per_second: int | None = None,
        trying_s: float = TRYING_S,
        in_order: bool = False,
    ) -> None:
        self.tally = Tally(done=resume_at, heard=heard)
        self._in_flight = 1 if in_order else IN_FLIGHT_BATCHES
        self._per_second = per_second
        self._trying_s = trying_s
        self._resume_at = resume_at
        self._turn = 0
        self._answered: dict[int, int] = {}
        self._transport = transport
        self._url = f"{base}/v1/events"
        self._tokens = tokens
        self._who = who
        self._batch = batch
        self._sent = sent

    def send(self, rows: Iterable[Row]) -> Tally:
        """Send every event of the rows; raise when ingest stays away or will not have us."""
        started = time.monotonic()
        try:
            asyncio.run(self._send(rows))
        except BaseExceptionGroup as group:
            raise _first(group) from None
        finally:
            self.tally.seconds = time.monotonic() - started
        return self.tally

    async def _send(self, rows: Iterable[Row]) -> None:
        began, before = time.monotonic(), 0
        queue = asyncio.Queue[_Batch | None](self._in_flight)
        limits = httpx.Limits(max_connections=self._in_flight)
        async with (
            httpx.AsyncClient(
                timeout=TIMEOUT_S, trust_env=False, limits=limits, transport=self._transport
            ) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self._in_flight):
                group.create_task(self._work(http, queue))
            for turn, places in enumerate(self._batches(rows)):
                await until_due(began, before, self._per_second)
                before += len(places)
                await queue.put(_Batch(turn, places))
            for _ in range(self._in_flight):
                await queue.put(None)
        self.tally.done = self.tally.rows
        self._sent(self.tally)

    async def _work(self, http: httpx.AsyncClient, queue: "asyncio.Queue[_Batch | None]") -> None:
        while (batch := await queue.get()) is not None:
            await self._deliver(http, batch.places)
            self._move_on(batch)
            self._sent(self.tally)

    def _move_on(self, batch: _Batch) -> None:
        """Note a batch as answered; its last row may have more events in the next, so it is not done yet."""
        self._answered[batch.turn] = batch.places[-1].row - 1
        while (row := self._answered.pop(self._turn, None)) is not None:
            self.tally.done = row
            self._turn += 1

    async def _deliver(self, http: httpx.AsyncClient, batch: Sequence[Place]) -> None:
        """Send a batch; one that is refused as a whole is halved until the event at fault is alone."""
        try:
            results = (await self._post(http, batch))["results"]
        except RefusedError as refused:
            if refused.status not in SPLIT:
                raise
            if len(batch) == 1:
                self._note(
                    batch[0],
                    {"status": "rejected", "problem": {"code": refused.code, "detail": refused.detail}},
                )
                return
            half = len(batch) // 2
            await self._deliver(http, batch[:half])
            await self._deliver(http, batch[half:])
            return
        for place, result in zip(batch, results, strict=True):
            self._note(place, result)

    async def _post(self, http: httpx.AsyncClient, batch: Sequence[Place]) -> Any:
        """Post a batch, again and again while ingest is busy or away, but not for ever."""
        body = b"[" + b",".join(place.body for place in batch) + b"]"
        until = time.monotonic() + self._trying_s
        wait_s = FIRST_WAIT_S
        while True:
            headers = {"content-type": TYPE, "authorization": f"Bearer {self._tokens.of(self._who)}"}
            try:
                answer = await http.post(self._url, content=body, headers=headers)
            except httpx.TransportError:
                if time.monotonic() > until:
                    raise AwayError("ingest") from None
                asked = None
            else:
                if answer.status_code not in BUSY or time.monotonic() > until:
                    return answered(answer, "ingest")
                asked = answer.headers.get("retry-after")
            await asyncio.sleep(min(float(asked) if asked and asked.isdecimal() else wait_s, LONGEST_WAIT_S))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def _batches(self, rows: Iterable[Row]) -> Iterator[list[Place]]:
        batch: list[Place] = []
        size = 0
        for place in self._places(rows):
            if batch and (len(batch) == self._batch or size + len(place.body) > LARGEST_BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(place)
            size += len(place.body) + 1
        if batch:
            yield batch

    def _places(self, rows: Iterable[Row]) -> Iterator[Place]:
        for row in rows:
            if row.fault == HALF_WRITTEN:  # not counted: the next sending reads all of it
                self.tally.note(_unmappable(row, HALF_WRITTEN))
                continue
            self.tally.rows += 1
            if self.tally.rows <= self._resume_at:
                self.tally.resumed += 1
                continue
            if row.fault is not None:
                self.tally.note(_unmappable(row, row.fault))
            elif not row.events:
                self.tally.skipped += 1
            for event in row.events:
                body = _encoded(event)
                if body is None:
                    self.tally.note(_unmappable(row, HALF_A_CHARACTER))
                    continue
                self.tally.events += 1
                yield Place(row.file, row.line, body, self.tally.rows)

    def _note(self, place: Place, result: dict[str, Any]) -> None:
        problem = result.get("problem")
        if problem is None:
            self.tally.outcomes[result["status"]] += 1
            self.tally.after_close += "after_close" in result
            return
        pointer = f" at {problem['pointer']}" if problem.get("pointer") else ""
        detail = f"{problem['detail']}{pointer}"
        self.tally.note(Fault(place.file, place.line, result["status"], problem["code"], detail))


async def until_due(began: float, before: int, per_second: int | None) -> None:
    """Wait until the events before one have had their time; without a pace let others run."""
    due = 0.0 if per_second is None else began + before / per_second
    await asyncio.sleep(max(0.0, due - time.monotonic()))


def _encoded(event: Event) -> bytes | None:
    try:
        return msgspec.json.encode(event)
    except UnicodeEncodeError:
        return None


def _unmappable(row: Row, problem: Problem) -> Fault:
    pointer = f" at {problem.pointer}" if problem.pointer else ""
    return Fault(row.file, row.line, "unmappable", problem.code, f"{problem.detail}{pointer}")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found

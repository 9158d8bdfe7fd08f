"""One part under supervision: how it starts, how it ends, and when it may be tried again."""

import contextlib
import math
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from deploy.processes import Identity, end, identity, listens, stop
from deploy.state import Part

HOST = "127.0.0.1"
BACKOFF_FIRST_S = 0.5
BACKOFF_LIMIT_S = 30.0
CALM_S = 15.0
ANSWER_S = 2.0
ANSWER_EVERY_S = 2.0
SILENT_ANSWERS = 15  # about a minute, as each question waits for its answer first
SILENT_STARTING = 60
END_SIGNALS = {"postgres": signal.SIGINT}  # its SIGTERM waits for every client to leave


class Running(Protocol):
    """A process that was started, and whether it serves by now; None if it does not answer at all."""

    @property
    def process(self) -> subprocess.Popen[bytes]: ...
    def ready(self) -> bool | None: ...


@dataclass(slots=True)
class Answering:
    """A service; it is ready when it says so by HTTP, itself and not whoever else holds the port."""

    process: subprocess.Popen[bytes]
    port: int
    client: httpx.Client
    _listens: bool = False

    def ready(self) -> bool | None:
        """Whether it answers that it is ready; once it has the port, nobody else can take it."""
        self._listens = self._listens or listens(self.process.pid, self.port)
        return self._answer() if self._listens else None

    def _answer(self) -> bool | None:
        """Say no if it lives and only its readiness takes long: that waits for the database."""
        ready = self._asked("/readyz")
        return False if ready is None and self._asked("/livez") else ready

    def _asked(self, path: str) -> bool | None:
        with contextlib.suppress(httpx.HTTPError):
            return self.client.get(f"http://{HOST}:{self.port}{path}", timeout=ANSWER_S).is_success
        return None


@dataclass(slots=True)
class Managed:
    """A part and its process: `start` returns at once, what it returns tells when it serves.

    Once ready, it is asked again every `ask_every_s`; by default what it said holds until its process ends.
    One that leaves so many questions in a row without any answer hangs, and is killed: questions are counted
    and no time is measured, as whoever asks may have been suspended. One that starts is given more.
    """

    name: str
    port: int
    start: Callable[[], Running]
    grace_s: float = 15.0
    ask_every_s: float = math.inf
    clock: Callable[[], float] = time.monotonic
    state: str = "stopped"
    restarts: int = 0
    failures: int = 0
    last_exit: str = ""
    known: Identity | None = None
    _running: Running | None = field(default=None, repr=False)
    _served_from: float = field(default=math.inf, repr=False)
    _ask_at: float = field(default=0.0, repr=False)
    _silent: int = field(default=0, repr=False)
    _count_at: float = field(default=0.0, repr=False)
    _retry_at: float = field(default=0.0, repr=False)

    def launch(self) -> None:
        """Start the process."""
        self._ask_at = self.clock()
        self._count_at = self.clock() + self.ask_every_s
        self._served_from = math.inf
        self._silent = 0
        self.state = "starting"
        self._running = self.start()
        self.known = identity(self._running.process.pid)

    def look(self) -> bool:
        """See what became of the process; tell whether it has just ended."""
        if self._running is None:
            return False
        code = self._running.process.poll()
        if code is not None:
            self.end()
            self.fail(describe(code))
            return True
        if self.clock() >= self._ask_at:
            self._ask(self._running)
        if self._silent >= (SILENT_STARTING if self.state == "starting" else SILENT_ANSWERS):
            how = f"{self._silent} questions without an answer"
            self.end(signal.SIGKILL)
            self.fail(how)
            return True
        return False

    def fail(self, how: str) -> None:
        """Wait longer with each failure that follows another before it served for a while."""
        calm = self.clock() - self._served_from > CALM_S
        self.failures = 1 if calm else self.failures + 1
        self._retry_at = self.clock() + self.delay_s
        self.last_exit = how
        self.state = "crashed"

    @property
    def delay_s(self) -> float:
        """How long the next start waits after the failures so far."""
        return min(BACKOFF_LIMIT_S, BACKOFF_FIRST_S * 2.0 ** (self.failures - 1))

    @property
    def due(self) -> bool:
        """Whether a crashed part may be started again."""
        return self.state == "crashed" and self.clock() >= self._retry_at

    @property
    def seen(self) -> Part:
        """What the record says of it."""
        return Part(self.name, self.port, self.known, self.state, self.restarts, self.last_exit)

    def ask_to_end(self) -> None:
        """Send the signal that ends it, without waiting."""
        if self._running is not None and self._running.process.poll() is None:
            self._running.process.send_signal(_end_signal(self.name))

    def end(self, first: int | None = None) -> None:
        """End it and all it started, by its own signal or by another, and wait."""
        if self._running is not None:
            stop(self._running.process, first=first or _end_signal(self.name), grace_s=self.grace_s)
        self._running = None
        self.known = None
        self.state = "stopped"

    def _ask(self, running: Running) -> None:
        ready = running.ready()
        if ready:
            self._served_from = min(self._served_from, self.clock())
        if ready or self.state != "starting":
            self.state = "ready" if ready else "not ready"
            self._ask_at = self.clock() + self.ask_every_s
        if ready is not None:
            self._silent = 0
        elif self.clock() >= self._count_at:
            self._silent += 1
            self._count_at = self.clock() + self.ask_every_s


def end_recorded(parts: Sequence[Part]) -> list[str]:
    """End processes of which only the record is left, services before the servers they use; name them."""
    left = [part for part in reversed(parts) if part.process is not None]
    return [part.name for part in left if part.process and end(part.process, first=_end_signal(part.name))]


def describe(code: int) -> str:
    """Say how a process ended."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _end_signal(name: str) -> int:
    return END_SIGNALS.get(name, signal.SIGTERM)

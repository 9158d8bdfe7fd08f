"""One part under supervision: how it starts, how it ends, and when it may be tried again."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from deploy.processes import stop

BACKOFF_FIRST_S = 0.5
BACKOFF_LIMIT_S = 30.0
CALM_S = 60.0
ANSWER_S = 2.0


class Running(Protocol):
    """A process that was started, and whether it serves by now."""

    @property
    def process(self) -> subprocess.Popen[bytes]: ...
    def ready(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Answering:
    """A service; it is ready when it says so by HTTP."""

    process: subprocess.Popen[bytes]
    url: str

    def ready(self) -> bool:
        """Whether it answers that it is ready."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(self.url, timeout=ANSWER_S).is_success
        return False


@dataclass(slots=True)
class Managed:
    """A part and its process: `start` returns at once, what it returns tells when it serves."""

    name: str
    port: int
    start: Callable[[], Running]
    end_signal: int = signal.SIGTERM
    grace_s: float = 15.0
    process: subprocess.Popen[bytes] | None = None
    state: str = "stopped"
    restarts: int = 0
    last_exit: str = ""
    _running: Running | None = field(default=None, repr=False)
    _failures: int = field(default=0, repr=False)
    _since: float = field(default=0.0, repr=False)
    _retry_at: float = field(default=0.0, repr=False)

    def launch(self) -> None:
        """Start the process."""
        self._since = time.monotonic()
        self.state = "starting"
        self._running = self.start()
        self.process = self._running.process

    def look(self) -> bool:
        """See what became of the process; tell whether it has just ended."""
        if self.process is None:
            return False
        code = self.process.poll()
        if code is None:
            assert self._running is not None
            self.state = "ready" if self._running.ready() else self._unready()
            return False
        self.last_exit = describe(code)
        self.end()
        self.fail()
        return True

    def fail(self) -> None:
        """Wait longer with each failure that follows another soon."""
        calm = time.monotonic() - self._since > CALM_S
        self._failures = 0 if calm else self._failures
        self._retry_at = time.monotonic() + self.delay_s
        self._failures += 1
        self.state = "crashed"

    @property
    def delay_s(self) -> float:
        """How long the next start waits."""
        return min(BACKOFF_LIMIT_S, BACKOFF_FIRST_S * 2**self._failures)

    @property
    def due(self) -> bool:
        """Whether a crashed part may be started again."""
        return self.state == "crashed" and time.monotonic() >= self._retry_at

    def ask_to_end(self) -> None:
        """Send the signal that ends it, without waiting."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.end_signal)

    def end(self) -> None:
        """End it and all it started, and wait."""
        if self.process is not None:
            stop(self.process, first=self.end_signal, grace_s=self.grace_s)
        self.process = None
        self.state = "stopped"

    def _unready(self) -> str:
        return "starting" if self.state == "starting" else "not ready"


def describe(code: int) -> str:
    """Say how a process ended."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

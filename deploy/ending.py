"""How a supervisor is asked to end: a signal is remembered, and looked at between two steps."""

import contextlib
import signal
from collections.abc import Generator
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """Somebody asked the supervisor to end; like Ctrl-C, it passes through everything that catches errors."""


class Ending:
    """Whether somebody asked; a start is never cut in half by it, a long wait may be."""

    def __init__(self) -> None:
        self._asked = False
        self._waiting = False

    @contextlib.contextmanager
    def heeded(self) -> Generator[None]:
        """Take the signals for the time of a `with`; a hang-up that was ignored, as by nohup, stays so."""
        numbers = [number for number in NUMBERS if not _is_nohup(number)]
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, old in before.items():
                signal.signal(number, old)

    @contextlib.contextmanager
    def at_once(self) -> Generator[None]:
        """Let a signal break off what runs within, which starts nothing that must be ended."""
        self.check()
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False
        self.check()

    def check(self) -> None:
        """Raise if somebody asked."""
        if self._asked:
            raise Stopped

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True
        if self._waiting:
            self._waiting = False
            raise Stopped


def _is_nohup(number: int) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN

"""Looks after the parts: starts again what ended, names it, and writes down how things stand."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from deploy.control import last_lines
from deploy.embedded.files import MissingError
from deploy.ending import Ending
from deploy.managed import Managed, end_recorded
from deploy.state import SERVERS, Part, Record, State

LOOK_S = 0.25
TURN_LOGS_EVERY_S = 60.0
READY_S = 180.0
TRIES_AT_START = 3
SHOWN_LINES = 15

Say = Callable[[str], None]


class Watch:
    """The parts that are managed and the record of them; `chore` is done at every look."""

    def __init__(
        self, state: State, record: Record, say: Say, ending: Ending, chore: Callable[[], None]
    ) -> None:
        self.record = record
        self._state = state
        self._say = say
        self._ending = ending
        self._chore = chore
        self._parts: dict[str, Managed] = {}
        self._turn_logs_at = time.monotonic() + TURN_LOGS_EVERY_S

    def begin(self) -> None:
        """Write down who supervises; processes of the one before are kept on record until they are ended."""
        self._state.write(self.record)
        for name in end_recorded(self.record.parts):
            self._say(f"ended {name}, left behind by a supervisor that was killed")
        ports = {part.name: part.port for part in self.record.parts}
        parts = tuple(Part(name, ports.get(name, 0)) for name in self.record.options.parts)
        self.record = replace(self.record, parts=parts)
        self._state.write(self.record)

    def add(self, part: Managed) -> None:
        """Start a part; it is recorded as soon as it has a process."""
        self._ending.check()
        self._parts[part.name] = part
        self._launch(part)

    def port(self, name: str) -> int:
        """Return the port of a part that was added."""
        return self._parts[name].port

    def wait_ready(self) -> None:
        """Wait for every part; one that keeps ending or never answers is named, with the end of its log."""
        until = time.monotonic() + READY_S
        while not all(part.state == "ready" for part in self._parts.values()):
            self._look()
            for part in self._parts.values():
                if part.failures >= TRIES_AT_START:
                    raise RuntimeError(self._complaint(part, f"failed {part.failures} times"))
                if part.state != "ready" and time.monotonic() > until:
                    raise RuntimeError(self._complaint(part, f"is not ready after {READY_S:.0f} s"))
            time.sleep(LOOK_S)

    def go_on(self) -> NoReturn:
        """Look after the parts until somebody asks to end."""
        while True:
            self._look()
            time.sleep(LOOK_S)

    def become(self, phase: str, failure: str = "") -> None:
        """Write down another phase."""
        self._write(replace(self.record, phase=phase, failure=failure))

    def take_down(self, failure: str) -> None:
        """End services together, then the servers that they use; whatever fails, every part is ended."""
        services = [part for name, part in self._parts.items() if name not in SERVERS]
        servers = [self._parts[name] for name in SERVERS if name in self._parts]
        with contextlib.ExitStack() as ends:
            for part in (*servers, *services):
                ends.callback(part.end)
            for part in services:
                part.ask_to_end()
            self._say("stopping")
            self.become("stopping", failure)
        self.record = replace(self.record, supervisor=None)
        self.become("failed" if failure else "stopped", failure)

    def _look(self) -> None:
        """See every part once; start again what may be."""
        self._ending.check()
        self._chore()
        for part in self._parts.values():
            self._ending.check()
            if part.look():
                self._say(f"{part.name} ended with {part.last_exit}; see {self._state.log(part.name)}")
            elif part.due:
                part.restarts += 1
                self._try_again(part)
        self._write(self.record)
        if time.monotonic() >= self._turn_logs_at:
            self._turn_logs_at = time.monotonic() + TURN_LOGS_EVERY_S
            self._turn_logs()

    def _turn_logs(self) -> None:
        """Turn long logs but those in which a starting part may be read for being ready."""
        started = [part.name for part in self._parts.values() if part.state != "starting"]
        try:
            self._state.turn_logs(started)
        except OSError as error:
            self._say(f"a log is not turned: {error}")

    def _try_again(self, part: Managed) -> None:
        try:
            self._launch(part)
        except (RuntimeError, OSError, MissingError) as error:
            part.fail(str(error))
            self._say(f"{part.name} did not start: {error}")
        else:
            self._say(f"{part.name} is started again")

    def _launch(self, part: Managed) -> None:
        part.launch()
        self._write(self.record)

    def _complaint(self, part: Managed, what: str) -> str:
        log = self._state.log(part.name)
        last = f", the last time with {part.last_exit}" if part.last_exit else ""
        lines = [f"  {line}" for line in last_lines(log, SHOWN_LINES)]
        return "\n".join([f"{part.name} {what}{last}. The end of {log}:", *lines])

    def _write(self, record: Record) -> None:
        for part in self._parts.values():
            record = record.with_part(part.seen)
        if record != self.record:
            self._state.write(record)
        self.record = record

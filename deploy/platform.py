"""The supervisor: brings the platform up, keeps its parts running, and leaves nothing behind."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from types import FrameType

from deploy.embedded.files import CHECKOUT, MissingError, free_port, is_free, server_account
from deploy.embedded.java import find_java
from deploy.embedded.kafka import Kafka, find_jars, launch_kafka
from deploy.embedded.postgres import Postgres, find_postgres, launch_postgres
from deploy.issuing import REFRESH_S, open_issuer, refresh, token_file
from deploy.managed import Answering, Managed
from deploy.prepare import prepare
from deploy.processes import PATH, end, identity, spawn
from deploy.state import SERVERS, Options, Part, Record, State, myself
from deploy.table import OWNER, SERVICES, Service, Surroundings, database_url, environment
from shared.telemetry.logs import configure

LOOK_S = 0.25
READY_S = 90.0
HOST = "127.0.0.1"
KAFKA_GRACE_S = 30.0

Say = Callable[[str], None]


class StoppedError(Exception):
    """Somebody asked the supervisor to end."""


class Supervisor:
    """Runs in the foreground until it is asked to end; the record tells everybody else how things stand."""

    def __init__(self, state: State, options: Options, say: Say) -> None:
        self._state = state
        self._options = options
        self._say = say
        self._record = Record(supervisor=myself(), phase="starting", options=options)
        self._parts: dict[str, Managed] = {}
        self._stopping = False
        self._interruptible = False
        self._fresh_until = 0.0

    def run(self, ready: Callable[[Record], None]) -> bool:
        """Bring up, tell `ready`, watch, take down; tell whether it ended because it was asked to."""
        with _signals(self._on_signal):
            before = self._state.read()
            self._end_left_behind(before)
            try:
                self._bring_up(before)
                self._write("ready")
                ready(self._record)
                self._watch()
            except (StoppedError, KeyboardInterrupt):
                self._take_down("")
                return True
            except Exception as error:
                self._take_down(str(error) or type(error).__name__)
                raise
        raise AssertionError("the watch ends by an exception")

    def _bring_up(self, before: Record) -> None:
        self._write("starting")
        self._say("finding PostgreSQL, Java and Kafka")
        account = server_account()
        self._interruptible = True
        binaries = find_postgres(self._options.postgres, account)
        java = find_java(self._options.java, account)
        find_jars()
        self._interruptible = False
        self._state.keep_clock(self._options.clock)
        self._say(f"starting PostgreSQL {binaries.major} ({binaries.origin}) and Kafka on Java {java.major}")
        self._add(self._postgres(_port(before, "postgres", 0)))
        self._add(self._kafka(_port(before, "kafka", 0)))
        for name in SERVERS:
            self._launch(self._parts[name])
        self._wait_ready()
        self._say("preparing roles, schemas and topics")
        asyncio.run(self._prepare())
        self._refresh_tokens()
        self._check_stop()
        self._say(f"starting {', '.join(service.name for service in SERVICES)}")
        ports = {service.name: _port(before, service.name, service.port) for service in SERVICES}
        for service in SERVICES:
            self._add(self._service(service, ports))
            self._launch(self._parts[service.name])
        self._wait_ready()

    def _postgres(self, port: int) -> Managed:
        def start() -> Postgres:
            return launch_postgres(self._state.folder, choice=self._options.postgres, port=port)

        return Managed("postgres", port, start, end_signal=signal.SIGINT)

    def _kafka(self, port: int) -> Managed:
        def start() -> Kafka:
            return launch_kafka(self._state.folder, java=self._options.java, port=port)

        return Managed("kafka", port, start, grace_s=KAFKA_GRACE_S)

    def _service(self, service: Service, ports: dict[str, int]) -> Managed:
        variables = environment(
            Surroundings(
                database_url=self._database_url(service.role, self._state.password(service.role)),
                kafka=self._bootstrap,
                host=HOST,
                port=ports[service.name],
                addresses={name: f"http://{HOST}:{port}" for name, port in ports.items()},
                jwks_file=str(open_issuer(self._state.issuer).jwks_file),
                token_file=str(token_file(self._state.tokens, service.name)),
                clock=self._options.clock,
            )
        )
        env = {"PATH": PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", service.module]
        log = self._state.log(service.name)

        def start() -> Answering:
            process = spawn(command, self._state.folder, log, env={**env, **variables})
            return Answering(process, f"http://{HOST}:{ports[service.name]}/readyz")

        return Managed(service.name, ports[service.name], start)

    async def _prepare(self) -> None:
        passwords = {service.name: self._state.password(service.role) for service in SERVICES}
        url = self._database_url(OWNER, (self._state.folder / "postgres-password").read_text("ascii"))
        await prepare(url, self._bootstrap, passwords)

    def _database_url(self, role: str, password: str) -> str:
        return database_url(role, password, HOST, self._parts["postgres"].port)

    @property
    def _bootstrap(self) -> str:
        return f"{HOST}:{self._parts['kafka'].port}"

    def _wait_ready(self) -> None:
        """Wait for every part; one that keeps ending or never answers is named."""
        until = time.monotonic() + READY_S
        while not all(part.state == "ready" for part in self._parts.values()):
            self._round()
            if time.monotonic() > until:
                late = [part for part in self._parts.values() if part.state != "ready"]
                raise RuntimeError("; ".join(self._complaint(part) for part in late))
            time.sleep(LOOK_S)

    def _watch(self) -> None:
        while True:
            self._round()
            time.sleep(LOOK_S)

    def _round(self) -> None:
        """Look at every part once; start again what may be."""
        self._check_stop()
        if time.monotonic() >= self._fresh_until:
            self._refresh_tokens()
        for part in self._parts.values():
            if part.look():
                self._say(f"{part.name} ended with {part.last_exit}; see {self._state.log(part.name)}")
            elif part.due:
                part.restarts += 1
                self._try_again(part)
        self._write(self._record.phase)

    def _try_again(self, part: Managed) -> None:
        try:
            self._launch(part)
        except (RuntimeError, OSError, MissingError) as error:
            part.last_exit = str(error)
            part.fail()
            self._say(f"{part.name} did not start: {error}")
        else:
            self._say(f"{part.name} is started again")

    def _complaint(self, part: Managed) -> str:
        ended = f" (last: {part.last_exit})" if part.last_exit else ""
        return f"{part.name} is not ready after {READY_S:.0f} s{ended}; see {self._state.log(part.name)}"

    def _add(self, part: Managed) -> None:
        self._parts[part.name] = part

    def _launch(self, part: Managed) -> None:
        self._check_stop()
        part.launch()
        self._write(self._record.phase)

    def _refresh_tokens(self) -> None:
        refresh(open_issuer(self._state.issuer), self._state.tokens)
        self._fresh_until = time.monotonic() + REFRESH_S

    def _take_down(self, failure: str) -> None:
        """End services together, then the servers that they use."""
        self._say("stopping")
        self._write("stopping", failure)
        services = [part for name, part in self._parts.items() if name not in SERVERS]
        for part in services:
            part.ask_to_end()
        servers = [self._parts[name] for name in reversed(SERVERS) if name in self._parts]
        for part in (*services, *servers):
            part.end()
        self._record = replace(self._record, supervisor=None)
        self._write("failed" if failure else "stopped", failure)

    def _end_left_behind(self, before: Record) -> None:
        """End what a supervisor that was killed could not."""
        for part in before.parts:
            if part.process is not None and end(part.process):
                self._say(f"ended {part.name}, left behind by a supervisor that was killed")

    def _write(self, phase: str, failure: str = "") -> None:
        changed = replace(self._record, phase=phase, failure=failure)
        for part in self._parts.values():
            known = identity(part.process.pid) if part.process else None
            seen = Part(part.name, part.port, known, part.state, part.restarts, part.last_exit)
            changed = changed.with_part(seen)
        if changed != self._record or phase in {"starting", "stopping"}:
            self._state.write(changed)
        self._record = changed

    def _check_stop(self) -> None:
        if self._stopping:
            raise StoppedError

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._interruptible:
            raise KeyboardInterrupt


def supervise(state: State, options: Options, say: Say, ready: Callable[[Record], None]) -> bool:
    """Run the platform in the foreground; `False` if it runs already, which is then left alone."""
    state.make()
    lock = state.lock()
    if lock is None:
        return False
    configure("supervisor", "WARNING")

    def tell(line: str) -> None:
        with state.log("supervisor").open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")
        say(line)

    try:
        Supervisor(state, options, tell).run(ready)
    finally:
        os.close(lock)
    return True


def _port(before: Record, name: str, wished: int) -> int:
    """Take the port of the last time if it is free, else the one wished for, else any."""
    candidates = (before.part(name).port, wished)
    return next((port for port in candidates if port and is_free(port)), 0) or free_port()


@contextlib.contextmanager
def _signals(handler: Callable[[int, FrameType | None], None]) -> Generator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def main() -> None:
    """Supervise as a process of its own, for `up --detach`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clock", required=True, choices=("live", "replay"))
    for name in ("postgres", "java"):
        parser.add_argument(f"--{name}", required=True, choices=("auto", "wheel"))
    given = parser.parse_args()
    options = Options(given.clock, given.postgres, given.java)
    try:
        supervise(State(given.folder), options, lambda _line: None, lambda _record: None)
    except (MissingError, RuntimeError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()

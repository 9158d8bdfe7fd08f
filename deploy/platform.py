"""The platform: what its parts are, and the order in which a supervisor brings them up."""

import argparse
import asyncio
import contextlib
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx

from deploy.access import grant, rights_of
from deploy.embedded.files import CHECKOUT, MissingError, free_port, is_free, server_account
from deploy.embedded.java import find_java
from deploy.embedded.kafka import BROKER, Kafka, launch_kafka
from deploy.embedded.kafka_users import ADMIN, MECHANISM
from deploy.embedded.postgres import Postgres, find_postgres, launch_postgres, password_of
from deploy.ending import Ending
from deploy.issuing import REFRESH_S, open_issuer, refresh, token_file
from deploy.managed import ANSWER_EVERY_S, HOST, Answering, Managed
from deploy.prepare import prepare
from deploy.processes import PATH, give_way, spawn
from deploy.state import SERVERS, Options, OtherPlatformError, Record, State, myself, worker_name
from deploy.table import (
    OWNER,
    POSTGRES_SETTINGS,
    SERVICES,
    Service,
    Surroundings,
    database_url,
    environment,
)
from deploy.watch import Say, Watch
from shared.messaging.kafka_access import KafkaAccess
from shared.telemetry.logs import configure
from shared.web.development_issuer import JWKS_FILE

KAFKA_GRACE_S = 30.0


class Supervisor:
    """Runs in the foreground until it is asked to end; the record tells everybody else how things stand."""

    def __init__(self, state: State, options: Options, say: Say, client: httpx.Client) -> None:
        self._state = state
        self._options = options
        self._say = say
        self._client = client
        self._issuer = open_issuer(state.issuer)
        self._fresh_until = 0.0
        self._ending = Ending()
        begun = replace(state.read(), supervisor=myself(), phase="starting", failure="", options=options)
        self._watch = Watch(state, begun, say, self._ending, self._refresh_when_due)

    def run(self, ready: Callable[[Record], None]) -> None:
        """Bring up, tell `ready`, look after all, take down; return when somebody asked for it."""
        with self._ending.heeded():
            try:
                self._bring_up()
                self._watch.become("ready")
                ready(self._watch.record)
                self._watch.go_on()
            except KeyboardInterrupt:
                self._watch.take_down("")
            except BaseException as error:
                self._watch.take_down(str(error) or type(error).__name__)
                raise

    def _bring_up(self) -> None:
        self._watch.begin()
        self._state.keep_access(secure=self._options.secure)
        self._state.keep_clock(self._options.clock)
        self._state.turn_logs(self._options.parts)
        self._say("finding PostgreSQL, Java and Kafka")
        with self._ending.at_once():
            self._say(f"starting {self._found()}")
        self._watch.add(self._postgres())
        self._watch.add(self._kafka())
        self._watch.wait_ready()
        self._say("preparing roles, schemas and topics")
        with self._ending.at_once():
            asyncio.run(self._prepare())
        self._refresh_when_due()
        self._say(f"starting {', '.join(service.name for service in SERVICES)}")
        ports = {name: self._watch.port(name) for name in SERVERS}
        ports |= {service.name: self._port(service.name, service.port) for service in SERVICES}
        for service in SERVICES:
            for worker in self._options.workers_of(service.name):
                self._watch.add(self._service(service, worker, ports))
        self._watch.wait_ready()

    def _found(self) -> str:
        """Say with what the servers will run; what is missing is told before anything is started."""
        account = server_account()
        postgres = find_postgres(self._options.postgres, account)
        java = find_java(self._options.java, account)
        BROKER.find()
        return (
            f"PostgreSQL {postgres.major} ({postgres.origin}) and Kafka on Java {java.major} ({java.origin})"
        )

    def _postgres(self) -> Managed:
        folder, port = self._state.folder, self._port("postgres")

        def start() -> Postgres:
            settings = {**POSTGRES_SETTINGS, **self._state.changed("postgres")}
            return launch_postgres(folder, choice=self._options.postgres, port=port, settings=settings)

        return Managed("postgres", port, start)

    def _kafka(self) -> Managed:
        folder, port = self._state.folder, self._port("kafka")

        def start() -> Kafka:
            changed = self._state.changed("kafka")
            users = kafka_passwords(self._state) if self._options.secure else {}
            return launch_kafka(folder, java=self._options.java, port=port, changed=changed, passwords=users)

        return Managed("kafka", port, start, grace_s=KAFKA_GRACE_S)

    def _service(self, service: Service, worker: int, ports: Mapping[str, int]) -> Managed:
        name = worker_name(service.name, worker)
        port = ports[service.name] if worker == 1 else self._port(name)
        variables = environment(
            surroundings(self._state, service, ports, self._options.clock, secure=self._options.secure)
        )
        env = {"PATH": PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
        own = {"DUKAO_PORT": str(port), "DUKAO_WORKER": str(worker)}
        command = [sys.executable, "-m", service.module]
        log = self._state.log(name)

        def start() -> Answering:
            changed = self._state.changed(name)
            process = spawn(command, self._state.folder, log, env={**env, **variables, **own, **changed})
            give_way(process.pid, service.nice)
            return Answering(process, port, self._client)

        return Managed(name, port, start, ask_every_s=ANSWER_EVERY_S)

    async def _prepare(self) -> None:
        passwords = {service.name: self._state.password(service.role) for service in SERVICES}
        owner = database_url(OWNER, password_of(self._state.folder), HOST, self._watch.port("postgres"))
        access = kafka_access(self._state, self._watch.port("kafka"), ADMIN, secure=self._options.secure)
        await prepare(owner, access, passwords)
        if self._options.secure:
            await grant(access, [right for service in SERVICES for right in rights_of(service.name)])

    def _port(self, name: str, wished: int = 0) -> int:
        """Take the port of the last time if it is free, else the one wished for, else any."""
        candidates = (self._watch.record.part(name).port, wished)
        return next((port for port in candidates if port and is_free(port)), 0) or free_port()

    def _refresh_when_due(self) -> None:
        if time.monotonic() >= self._fresh_until:
            refresh(self._issuer, self._state.tokens)
            self._fresh_until = time.monotonic() + REFRESH_S


def kafka_passwords(state: State) -> dict[str, str]:
    """Return the passwords of the users that a secured broker is made with: the services' and its own."""
    return {user: state.password(f"kafka-{user}") for user in (ADMIN, *(one.name for one in SERVICES))}


def kafka_access(state: State, port: int, user: str, *, secure: bool) -> KafkaAccess:
    """Return how a user speaks to the broker of this machine."""
    if not secure:
        return KafkaAccess(f"{HOST}:{port}")
    file = state.password_file(f"kafka-{user}")
    return KafkaAccess(f"{HOST}:{port}", "SASL_PLAINTEXT", None, MECHANISM, user, file)


def surroundings(
    state: State, service: Service, ports: Mapping[str, int], clock: str, *, secure: bool = False
) -> Surroundings:
    """Return where a service finds the others on this machine; `ports` are those of all parts."""
    return Surroundings(
        database_url=database_url(service.role, state.password(service.role), HOST, ports["postgres"]),
        kafka=kafka_access(state, ports["kafka"], service.name, secure=secure),
        host=HOST,
        port=ports[service.name],
        addresses={other.name: f"http://{HOST}:{ports[other.name]}" for other in SERVICES},
        jwks_file=str(state.issuer / JWKS_FILE),
        token_file=str(token_file(state.tokens, service.name)),
        clock=clock,
        storage_folder=str(state.folder),
    )


def supervise(state: State, options: Options, say: Say, ready: Callable[[Record], None]) -> bool:
    """Run the platform in the foreground; `False` if it runs already, which is then left alone."""
    state.make()
    lock = state.lock()
    if lock is None:
        return False
    configure("supervisor", "WARNING")
    try:
        with httpx.Client(trust_env=False) as client:
            Supervisor(state, options, functools.partial(_tell, state, say), client).run(ready)
    finally:
        os.close(lock)
    return True


def _tell(state: State, say: Say, line: str) -> None:
    """Say it and keep it; a terminal that is gone hears nothing."""
    with state.log("supervisor").open("a", encoding="utf-8") as log:
        log.write(f"{line}\n")
    with contextlib.suppress(OSError):
        say(line)


def main() -> None:
    """Supervise as a process of its own, for `up --detach`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clock", required=True, choices=("live", "replay"))
    for name in ("postgres", "java"):
        parser.add_argument(f"--{name}", required=True, choices=("auto", "wheel"))
    parser.add_argument("--secure", action="store_true")
    parser.add_argument("--workers", type=json.loads, default={})
    given = parser.parse_args()
    options = Options(given.clock, given.postgres, given.java, given.secure, given.workers)
    try:
        supervise(State(given.folder), options, lambda _line: None, lambda _record: None)
    except (MissingError, OtherPlatformError, RuntimeError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()

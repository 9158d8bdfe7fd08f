"""A real Kafka on a loopback port: one KRaft node, from pinned jars, by Java alone and no shell script."""

import base64
import secrets
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from deploy.embedded.files import free_port, server_account, server_folder
from deploy.embedded.java import Choice, Java, find_java
from deploy.embedded.kafka_users import (
    MECHANISM,
    admin_properties,
    sealed,
    secured,
    with_users,
    write_closed,
)
from deploy.embedded.maven import Jars
from deploy.processes import run, spawn, stop, wait_until
from deploy.table import KAFKA_HEAP, kafka_settings

VERSION = "4.3.1"
LOGGING_VERSION = "2.25.4"
START_S = 180.0
STOP_S = 30.0
NOTHING: Mapping[str, str] = MappingProxyType({})
STARTED = b"Kafka Server started"

BROKER = Jars(
    f"kafka-{VERSION}",
    (
        ("org.apache.kafka", "kafka_2.13", VERSION),
        ("org.apache.logging.log4j", "log4j-slf4j-impl", LOGGING_VERSION),
    ),
    Path(__file__).with_name("jars.sha256"),
)

_LOGGING = """status=WARN
shutdownHook=disable
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    """A running broker; `bootstrap` is what clients are told."""

    process: subprocess.Popen[bytes]
    port: int
    java: Java
    log: Path
    log_from: int

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"127.0.0.1:{self.port}"

    def ready(self) -> bool:
        """Whether it serves: it says so in its log."""
        with self.log.open("rb") as file:
            file.seek(self.log_from)
            return STARTED in file.read()

    def stop(self) -> None:
        """End the broker; what was acknowledged is on disk."""
        stop(self.process, grace_s=STOP_S)


def launch_kafka(
    folder: Path,
    *,
    java: Choice = "auto",
    port: int | None = None,
    changed: Mapping[str, str] = NOTHING,
    passwords: Mapping[str, str] = NOTHING,
) -> Kafka:
    """Start a broker over the folder's log, made at the first start, without waiting for it.

    The folder itself must be reachable by any account; the log below it belongs to the servers' account.
    `changed` are settings that are other than those of the table. With `passwords` by user, the
    administrator's among them, the broker lets in its users alone.
    """
    account = server_account()
    runtime = find_java(java, account)
    jars = BROKER.class_path()
    place = server_folder(folder / "kafka", account)
    taken = port or free_port()
    written = properties(place, taken, free_port(), {**secured(passwords), **changed})
    write_closed(place / "server.properties", written, account)
    write_closed(place / "log4j2.properties", _LOGGING, account)
    if not (place / "log" / "meta.properties").exists():
        words = ["format", "-t", _cluster_id(), "-c", "server.properties", *with_users(passwords)]
        _run_tool(place, java, "kafka.tools.StorageTool", *words)
    log = log_of(folder)
    seen = log.stat().st_size if log.exists() else 0
    process = spawn(_java(runtime, jars, "kafka.Kafka", "server.properties"), place, log, account=account)
    return Kafka(process, taken, runtime, log, seen)


def make_user(
    folder: Path, port: int, admin: str, user: str, password: str, *, java: Choice = "auto"
) -> None:
    """Make a user of a running broker, or give it another password; `admin` is the administrator's."""
    place = folder / "kafka"
    write_closed(place / "admin.properties", admin_properties(admin), server_account())
    at = ["--bootstrap-server", f"127.0.0.1:{port}", "--command-config", str(place / "admin.properties")]
    whom = ["--alter", "--entity-type", "users", "--entity-name", user]
    change = ["--add-config", f"{MECHANISM}=[password={password}]"]
    _run_tool(place, java, "kafka.admin.ConfigCommand", *at, *whom, *change)


def start_kafka(folder: Path, *, java: Choice = "auto", port: int | None = None) -> Kafka:
    """Start a broker as `launch_kafka` does and return when it serves."""
    running = launch_kafka(folder, java=java, port=port)
    try:
        wait_until(running.ready, running.process, START_S, running.log)
    except BaseException:
        running.stop()
        raise
    return running


@contextmanager
def kafka_running(folder: Path, *, java: Choice = "auto") -> Generator[Kafka]:
    """Run a broker for the time of a `with`."""
    running = start_kafka(folder, java=java)
    try:
        yield running
    finally:
        running.stop()


def log_of(folder: Path) -> Path:
    """Return where the broker's log lies."""
    path = folder / "logs" / "kafka.log"
    path.parent.mkdir(exist_ok=True)
    return path


def properties(place: Path, port: int, controller_port: int, changed: Mapping[str, str] = NOTHING) -> str:
    """Return the settings as the broker reads them."""
    host, folder = "127.0.0.1", str(place / "log")
    settings = kafka_settings(
        listen=host, host=host, port=port, controller_port=controller_port, log_folder=folder
    )
    return "".join(f"{name}={value}\n" for name, value in {**settings, **changed}.items())


def _run_tool(place: Path, java: Choice, main: str, *words: str) -> None:
    account = server_account()
    command = _java(find_java(java, account), BROKER.class_path(), main, *words)
    with sealed(place, command[1:], account) as told:
        run([command[0], told], place, account=account, timeout_s=START_S)


def _java(runtime: Java, jars: str, main: str, *words: str) -> list[str]:
    logging = "-Dlog4j2.configurationFile=log4j2.properties"
    return [str(runtime.program), *KAFKA_HEAP, logging, "-Djava.awt.headless=true", "-cp", jars, main, *words]


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(b"\x00" + secrets.token_bytes(15)).decode().rstrip("=")

"""A real Kafka on a loopback port: one KRaft node, from pinned jars, by Java alone and no shell script."""

import base64
import os
import secrets
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from deploy.account import Account
from deploy.embedded.files import free_port, server_account, server_folder
from deploy.embedded.java import Choice, Java, find_java
from deploy.embedded.maven import Jars
from deploy.processes import run, spawn, stop, wait_until
from deploy.table import KAFKA_HEAP, kafka_settings

VERSION = "4.3.1"
LOGGING_VERSION = "2.25.4"
START_S = 180.0
STOP_S = 30.0
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
    changed: Mapping[str, str] = MappingProxyType({}),
) -> Kafka:
    """Start a broker over the folder's log, made at the first start, without waiting for it.

    The folder itself must be reachable by any account; the log below it belongs to the servers' account.
    `changed` are settings that are other than those of the table.
    """
    account = server_account()
    runtime = find_java(java, account)
    jars = BROKER.class_path()
    place = server_folder(folder / "kafka", account)
    taken = port or free_port()
    written = properties(place, taken, free_port(), changed)
    _write(place / "server.properties", written, account)
    _write(place / "log4j2.properties", _LOGGING, account)
    if not (place / "log" / "meta.properties").exists():
        words = ["format", "-t", _cluster_id(), "-c", "server.properties"]
        run(
            _java(runtime, jars, "kafka.tools.StorageTool", *words), place, account=account, timeout_s=START_S
        )
    log = log_of(folder)
    seen = log.stat().st_size if log.exists() else 0
    process = spawn(_java(runtime, jars, "kafka.Kafka", "server.properties"), place, log, account=account)
    return Kafka(process, taken, runtime, log, seen)


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


def properties(
    place: Path, port: int, controller_port: int, changed: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Return the settings as the broker reads them."""
    host, folder = "127.0.0.1", str(place / "log")
    settings = kafka_settings(
        listen=host, host=host, port=port, controller_port=controller_port, log_folder=folder
    )
    return "".join(f"{name}={value}\n" for name, value in {**settings, **changed}.items())


def _java(runtime: Java, jars: str, main: str, *words: str) -> list[str]:
    logging = "-Dlog4j2.configurationFile=log4j2.properties"
    return [str(runtime.program), *KAFKA_HEAP, logging, "-Djava.awt.headless=true", "-cp", jars, main, *words]


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(b"\x00" + secrets.token_bytes(15)).decode().rstrip("=")


def _write(path: Path, text: str, account: Account | None) -> None:
    path.write_text(text, "ascii")
    if account is not None:
        os.chown(path, account.uid, account.gid)

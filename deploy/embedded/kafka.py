"""A real Kafka on a loopback port: one KRaft node, from pinned jars, by Java alone and no shell script."""

import base64
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

from deploy.account import Account
from deploy.embedded.files import (
    MissingError,
    cache_folder,
    free_port,
    server_account,
    server_folder,
    sha256_of,
)
from deploy.embedded.java import Choice, Java, find_java
from deploy.processes import run, spawn, stop, wait_until
from deploy.table import KAFKA_HEAP, kafka_settings

VERSION = "4.3.1"
LOGGING_VERSION = "2.25.4"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
LIST = Path(__file__).with_name("jars.sha256")
START_S = 180.0
STOP_S = 30.0
FETCH_S = 300.0
STARTED = b"Kafka Server started"
REMEDY = "Install mvn, or name the base address of a Maven repository in DUKAO_MAVEN_URL."

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dukao</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId>
      <version>{LOGGING_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"""

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
    jars = find_jars()
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


def find_jars() -> Path:
    """Return the folder of the broker's jars, fetched if they are not there; every digest is checked."""
    place = cached_jars()
    if place is not None:
        return place
    wanted, place = listed(), _place()
    with tempfile.TemporaryDirectory(prefix="fetch-", dir=cache_folder()) as made:
        fetched = Path(made) / "jars"
        _fetch(fetched, wanted)
        bad = wrong(fetched, wanted)
        if bad:
            raise MissingError(f"Jars of Kafka are missing or altered: {', '.join(bad)}.", REMEDY)
        _replace(place, fetched, wanted)
    return place


def cached_jars() -> Path | None:
    """Return the folder of the broker's jars if all are there and unaltered."""
    place = _place()
    return place if place.exists() and not wrong(place, listed()) else None


def listed() -> dict[str, str]:
    """Return the digests of the jars by their path in a Maven repository."""
    lines = LIST.read_text("ascii").splitlines()
    return {path: digest for digest, path in (line.split() for line in lines)}


def wrong(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Return the jars that are missing or whose digest is another."""
    return [
        path
        for path, digest in wanted.items()
        if not (folder / path).is_file() or sha256_of(folder / path) != digest
    ]


def _place() -> Path:
    return cache_folder() / f"kafka-{VERSION}"


def _fetch(place: Path, wanted: dict[str, str]) -> None:
    maven, base = shutil.which("mvn"), os.environ.get("DUKAO_MAVEN_URL")
    if maven is None and not base:
        raise MissingError("The jars of Kafka are not here.", REMEDY)
    if maven is None or not _by_maven(maven, place):
        if not base:
            raise MissingError("mvn did not bring the jars of Kafka.", REMEDY)
        _by_address(base, place, wanted)


def _by_maven(maven: str, place: Path) -> bool:
    """Let mvn resolve with the settings it has; tell whether it could."""
    pom = place.parent / "pom.xml"
    pom.write_text(_POM, "ascii")
    options = [f"-DoutputDirectory={place}", "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true"]
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(pom), COPY_GOAL, *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=FETCH_S,
        check=False,
    )
    return done.returncode == 0


def _by_address(base: str, place: Path, wanted: dict[str, str]) -> None:
    with httpx.Client(follow_redirects=True, timeout=FETCH_S) as client:
        for path in wanted:
            answer = client.get(f"{base.rstrip('/')}/{path}")
            if not answer.is_success:
                raise MissingError(f"DUKAO_MAVEN_URL answers {answer.status_code} for {path}.", REMEDY)
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(answer.content)


def _replace(place: Path, fetched: Path, wanted: dict[str, str]) -> None:
    """Put the listed jars in place, readable by every account, and nothing else."""
    clean = fetched.with_name("clean")
    for path in wanted:
        (clean / path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copyfile(fetched / path, clean / path)
        (clean / path).chmod(0o644)
    clean.chmod(0o755)
    shutil.rmtree(place, ignore_errors=True)
    clean.rename(place)


def _java(runtime: Java, jars: Path, main: str, *words: str) -> list[str]:
    path = ":".join(str(jars / jar) for jar in listed())
    logging = "-Dlog4j2.configurationFile=log4j2.properties"
    return [str(runtime.program), *KAFKA_HEAP, logging, "-Djava.awt.headless=true", "-cp", path, main, *words]


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(b"\x00" + secrets.token_bytes(15)).decode().rstrip("=")


def _write(path: Path, text: str, account: Account | None) -> None:
    path.write_text(text, "ascii")
    if account is not None:
        os.chown(path, account.uid, account.gid)

"""Compiles the reference job, runs it over events in the platform's broker, and checks what it found."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import feeding, meter
from benchmarks.platform import say
from benchmarks.streams.expected import Cells, cells, placed
from benchmarks.workload import Workload, repeated
from deploy.embedded.files import MissingError
from deploy.embedded.java import find_java
from deploy.embedded.kafka import VERSION
from deploy.embedded.maven import Jars
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_broker import ensure_topics

INTERVALS_MS = (100, 500, 2000)
THREADS = 2
HEAP = ("-Xms512m", "-Xmx2g")
COMPILE_S = 120.0
LIMIT_S = 600
INPUT = "reference.in"
SOURCE = Path(__file__).with_name("Reference.java")
JDK_REMEDY = "Install a JDK of version 17 or newer; a JRE runs the platform but compiles nothing."
JARS = Jars(
    f"kafka-streams-{VERSION}",
    (("org.apache.kafka", "kafka-streams", VERSION), ("org.slf4j", "slf4j-simple", "1.7.36")),
    Path(__file__).with_name("jars.sha256"),
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Events a second between two commits, and CPU seconds per 100,000 of them by process."""

    interval_ms: int
    events_per_s: float
    cpu_s_per_100k: dict[str, float]


async def reference(bootstrap: str, kafka: int, load: Workload) -> list[Reference]:
    """Feed a topic and run the job over all of it, with each commit interval; `kafka` is the broker's id."""
    compiler = find_compiler()
    await ensure_topics(KafkaAccess(bootstrap), [INPUT, *(_output(interval) for interval in INTERVALS_MS)])
    await feeding.produce(bootstrap, INPUT, placed(repeated(load.events)))
    wanted = cells(load.events)
    with _compiled(compiler) as class_path:
        return [_run(class_path, bootstrap, kafka, load, interval, wanted) for interval in INTERVALS_MS]


def find_compiler() -> Path:
    """Return the JDK's compiler, beside the Java that is used or on the path."""
    beside = find_java().program.resolve().with_name("javac")
    found = beside if beside.exists() else shutil.which("javac")
    if found is None:
        raise MissingError("The reference job needs javac, which is not here.", JDK_REMEDY)
    return Path(found)


@contextlib.contextmanager
def _compiled(compiler: Path) -> Generator[str]:
    with tempfile.TemporaryDirectory(prefix="dukao-reference-") as made:
        words = [str(compiler), "--release", "17", "-cp", JARS.class_path(), "-d", made, str(SOURCE)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=COMPILE_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"javac ended with {done.returncode}: {done.stderr[-2000:]}")
        yield f"{made}:{JARS.class_path()}"


def _run(
    class_path: str, bootstrap: str, kafka: int, load: Workload, interval_ms: int, wanted: Cells
) -> Reference:
    output = _output(interval_ms)
    numbers = [str(number) for number in (interval_ms, THREADS, load.warm, len(load.events), LIMIT_S)]
    options = [*HEAP, "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", class_path]
    words = [str(find_java().program), *options, "Reference", bootstrap, INPUT, output, output, *numbers]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        try:
            held, started_ms = _told("warm", job.stdout.readline())
            processes = {"streams": job.pid, "kafka": kafka}
            before = meter.read(processes)
            done, ended_ms = _told("done", job.stdout.readline())
            used = meter.read(processes).since(before)
            found = [line.split() for line in job.stdout]
        finally:
            job.kill()
    _check({name: [int(value) for value in values] for name, *values in found}, wanted)
    events, seconds = done - held, (ended_ms - started_ms) / 1000
    cpu = {name: round(used[name] * 100_000 / events, 2) for name in processes}
    cpu["all"] = round(sum(cpu.values()), 2)
    say(
        f"Kafka Streams, commits every {interval_ms} ms: {events / seconds:,.0f} events/s, "
        f"CPU s per 100,000: {cpu}"
    )
    return Reference(interval_ms, round(events / seconds, 1), cpu)


def _told(what: str, line: str) -> tuple[int, int]:
    words = line.split()
    if not words or words[0] != what:
        raise RuntimeError(f"The reference job ended before it was {what}; its complaint is above.")
    return int(words[1]), int(words[2])


def _check(found: Cells, wanted: Cells) -> None:
    """Raise unless every cell is equal: nothing lost, nothing counted twice."""
    if found != wanted:
        differing = [name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)]
        raise RuntimeError(f"The reference job differs in {len(differing)} cells, as {min(differing)}.")


def _output(interval_ms: int) -> str:
    return f"reference.{interval_ms}"

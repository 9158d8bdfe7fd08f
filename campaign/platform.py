"""A platform of the campaign's own: started as an operator does, hurt by known ids, removed at the end."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from aiokafka.errors import KafkaError

from campaign.checker import archive, topics
from campaign.workload import TOPIC
from deploy.control import addresses, bring_up, survey, take_down, token
from deploy.embedded.files import CHECKOUT, cache_folder, free_port
from deploy.managed import BACKOFF_FIRST_S, BACKOFF_LIMIT_S, CALM_S
from deploy.platform import surroundings
from deploy.processes import PATH, spawn, stop
from deploy.state import CHANGED, PARTS, Clock, Options, Part, Record, State
from deploy.table import DATABASE, OWNER, SERVICES, environment

POLL_S = 0.05
READY_S = 240.0
DRAIN_S = 240.0
BROKER_S = 60.0
ANSWER_S = 2.0
_TAKEN = 'SELECT sum("offset") FROM ingest.inbound WHERE topic = $1'
SERVICE_NAMES = tuple(service.name for service in SERVICES)
Settings = Mapping[str, Mapping[str, str]]


class NotHereError(Exception):
    """The machine lacks what a fault needs; the message says what."""


def say(line: str) -> None:
    """Tell the progress on stderr; stdout holds results alone."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


async def until(condition: Callable[[], Awaitable[bool]], *, seconds: float, what: str) -> float:
    """Poll a condition and return how long it took; raise when it takes too long."""
    started = time.monotonic()
    while not await condition():
        if time.monotonic() - started > seconds:
            raise TimeoutError(f"{what}: not in {seconds:.0f} s")
        await asyncio.sleep(POLL_S)
    return time.monotonic() - started


class Platform:
    """Parts by name, their processes, and what may be done to them."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._client = httpx.AsyncClient(timeout=ANSWER_S, trust_env=False)
        self._log_from: dict[str, int] = {}
        self._ends: dict[str, tuple[int, float]] = {}  # how often in a row, and when it served again

    @property
    def record(self) -> Record:
        """What the supervisor says, corrected by what lives."""
        return survey(self.state)

    @property
    def kafka(self) -> str:
        """The broker's address."""
        return f"127.0.0.1:{self.record.part('kafka').port}"

    def address(self, service: str) -> str:
        """Return the base address of a service."""
        return addresses(self.record)[service]

    def pid(self, part: str) -> int:
        """Return the process of a part."""
        process = self.record.part(part).process
        assert process is not None, f"{part} does not run"
        return process.pid

    def signal(self, part: str, number: signal.Signals) -> int:
        """Send a signal to a part and return whom it was sent to."""
        pid = self.pid(part)
        psutil.Process(pid).send_signal(number)
        return pid

    def rss_mib(self, part: str) -> float:
        """Return the memory of a part."""
        return psutil.Process(self.pid(part)).memory_info().rss / (1 << 20)

    def bearer(self, role: str, person: str | None = None) -> dict[str, str]:
        """Return a header with a token of a role; the person is called like it if no other is named."""
        return {"authorization": f"Bearer {token(self.state, person or role, [role])}"}

    async def database(self) -> asyncpg.Connection:
        """Connect as the owner, who sees every schema."""
        return await asyncpg.connect(
            host="127.0.0.1",
            port=self.record.part("postgres").port,
            user=OWNER,
            password=(self.state.folder / "postgres-password").read_text("ascii"),
            database=DATABASE,
        )

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Ask the database once."""
        database = await self.database()
        try:
            return await database.fetch(statement, *values)
        finally:
            await database.close()

    async def back(self, part: str, old: int | None) -> float:
        """Wait for a part to be ready, and not in the old process; return how long that took."""
        started = time.monotonic()

        async def ready() -> bool:
            now = self.record.part(part)
            return now.process is not None and now.process.pid != old and await self._serves(part)

        await until(ready, seconds=READY_S, what=f"{part} is back")
        count, _ = self._ends.get(part, (0, 0.0))
        self._ends[part] = count, time.monotonic()
        return time.monotonic() - started

    def supervisor_waits_s(self, part: str) -> float:
        """Return how much longer than at a first end the supervisor waits before it starts a part again."""
        count, served = self._ends.get(part, (0, 0.0))
        count = count + 1 if time.monotonic() - served <= CALM_S else 1
        self._ends[part] = count, served
        return min(BACKOFF_LIMIT_S, BACKOFF_FIRST_S * 2.0 ** (count - 1)) - BACKOFF_FIRST_S

    async def ready(self) -> None:
        """Wait until every part says that it is ready."""

        async def all_ready() -> bool:
            return all(part.state == "ready" for part in self.record.parts)

        await until(all_ready, seconds=READY_S, what="every part is ready")

    async def drained(
        self, *, seconds: float = DRAIN_S, but: tuple[str, ...] = (), topic: str = TOPIC
    ) -> float:
        """Wait until every relay and consumer is at its end, but lines that begin with one of `but`."""
        written = await self._written(topic)
        database = await self.database()

        async def nothing_left() -> bool:
            taken = await database.fetchval(_TAKEN, topic) or 0
            left = [line for line in await archive.behind(database) if not line.startswith(but)]
            return taken >= written and not left

        try:
            return await until(nothing_left, seconds=seconds, what="all is drained")
        finally:
            await database.close()

    async def _written(self, topic: str) -> int:
        """Return how many records a topic was given; a broker that has just come back is asked again."""
        give_up = time.monotonic() + BROKER_S
        while True:
            try:
                return await topics.ends(self.kafka, topic)
            except KafkaError:
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(POLL_S)

    def arm(self, service: str, point: str, what: str) -> None:
        """Arm a fail point of a service."""
        file = self.state.folder / "fail-points" / service / point
        beside = file.with_name(f".{point}")
        beside.write_text(what)
        beside.replace(file)

    def disarm(self) -> None:
        """Take back whatever did not act."""
        for file in (self.state.folder / "fail-points").glob("*/*"):
            file.unlink()

    async def acted(self, service: str, point: str, *, seconds: float = 30.0) -> None:
        """Wait until an armed point has acted."""
        file = self.state.folder / "fail-points" / service / point

        async def gone() -> bool:
            return not file.exists()

        await until(gone, seconds=seconds, what=f"{service} passes {point}")

    def change(self, settings: Settings) -> None:
        """Set otherwise what parts are told at their next start."""
        own = {
            name: {"DUKAO_FAIL_POINTS": str(self.state.folder / "fail-points" / name)}
            for name in SERVICE_NAMES
        }
        merged = {part: {**own.get(part, {}), **settings.get(part, {})} for part in {*own, *settings}}
        beside = self.state.folder / f"{CHANGED}.new"
        beside.write_text(json.dumps(merged), "utf-8")
        beside.replace(self.state.folder / CHANGED)

    def mark(self) -> None:
        """Look only at what is logged from now on."""
        for path in (self.state.folder / "logs").glob("*.log"):
            self._log_from[path.stem] = path.stat().st_size

    def logged(self, part: str, text: str) -> int:
        """Count the lines of a part's log that hold a text, since the mark."""
        with self.state.log(part).open("rb") as file:
            file.seek(self._log_from.get(part, 0))
            return sum(text.encode() in line for line in file)

    def told(self, part: str, event: str) -> list[dict[str, Any]]:
        """Return the lines of a service's log that tell of one thing, since the mark."""
        with self.state.log(part).open("rb") as file:
            file.seek(self._log_from.get(part, 0))
            named = f'"event": "{event}"'.encode()
            return [json.loads(line) for line in file if named in line and line.endswith(b"}\n")]

    @contextlib.asynccontextmanager
    async def second(self, service: str) -> AsyncGenerator["Second"]:
        """Run another worker of a service for the time of a `with`."""
        described = next(one for one in SERVICES if one.name == service)
        ports = {part.name: part.port for part in self.record.parts}
        told = environment(surroundings(self.state, described, ports, "live"))
        port = free_port()
        env = {"PATH": PATH, "LANG": "C.UTF-8", "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
        env |= told | {"DUKAO_PORT": str(port), "DUKAO_WORKER": "second"}
        log = self.state.log(f"{service}-second")
        process = spawn([sys.executable, "-m", described.module], self.state.folder, log, env=env)
        try:
            second = Second(process, f"http://127.0.0.1:{port}")
            await until(
                lambda: self._answers(second.address), seconds=READY_S, what="a second worker is ready"
            )
            yield second
        finally:
            await asyncio.to_thread(stop, process)

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _serves(self, part: str) -> bool:
        if part in SERVICE_NAMES:
            return await self._answers(self.address(part))
        if part == "kafka":
            return self.record.part(part).state == "ready"
        with contextlib.suppress(OSError, asyncpg.PostgresError, TimeoutError):
            await asyncio.wait_for(self.fetch("SELECT 1"), ANSWER_S)
            return True
        return False

    async def _answers(self, address: str) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return (await self._client.get(f"{address}/readyz")).is_success
        return False


class Second:
    """Another worker of a service."""

    def __init__(self, process: subprocess.Popen[bytes], address: str) -> None:
        self.process = process
        self.address = address


@contextlib.asynccontextmanager
async def platform(
    prepare: Callable[[State], None] = lambda _state: None, clock: Clock = "live"
) -> AsyncGenerator[Platform]:
    """Run a platform in a fresh folder; whatever it still holds at the end is ended and removed.

    `prepare` may put something under the servers' folders before they start.
    """
    folder = Path(tempfile.mkdtemp(prefix="campaign-", dir=cache_folder().parent))
    folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
    state = State(folder / "state")
    state.make()
    state.write(Record(parts=tuple(Part(name, free_port()) for name in PARTS)))  # no race for the usual ones
    for name in SERVICE_NAMES:
        (state.folder / "fail-points" / name).mkdir(parents=True)
    running = Platform(state)
    running.change({})
    try:
        prepare(state)
        await asyncio.to_thread(bring_up, state, Options(clock), lambda _line: None)
        yield running
    finally:
        await running.close()
        _go_on(running.record)
        await asyncio.to_thread(take_down, state)
        _unmount(folder)
        shutil.rmtree(folder, ignore_errors=True)


def mount_tmpfs(place: Path, size_mib: int, owner: tuple[int, int] | None) -> None:
    """Mount a small file system; only root can."""
    place.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0700", "tmpfs", str(place)]
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=ANSWER_S)
    if done.returncode != 0:
        raise NotHereError(f"a small volume could not be mounted: {done.stderr.strip()}")
    if owner is not None:
        os.chown(place, *owner)


def _unmount(folder: Path) -> None:
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for place in [place for place in mounted if place.startswith(f"{folder}/")]:
        subprocess.run(["umount", place], check=False, capture_output=True, timeout=ANSWER_S)


def _go_on(record: Record, names: Sequence[str] = (*SERVICE_NAMES, "postgres", "kafka")) -> None:
    """Let parts that were stopped go on, so that they can be ended."""
    for name in names:
        process = record.part(name).process
        if process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(process.pid).resume()

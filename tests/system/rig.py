"""A platform of its own for a test: started as an operator starts it, asked as a client asks it, removed afterwards."""

import asyncio
import json
import logging
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from campaign.checker.archive import behind
from campaign.checker.checks import everything
from campaign.checker.content import content_digest
from campaign.checker.journal import Acknowledged, Journal
from deploy.control import addresses, bring_up, last_lines, logs, running, survey, take_down, token
from deploy.embedded.files import cache_folder, free_port
from deploy.state import CHANGED, Options, Part, Record, State
from deploy.table import DATABASE, OWNER, SERVICES
from shared.kernel.canonical import digest_hex

BATCH_EVENTS = 500
ANSWER_S = 30
PATIENCE_S = 240
POLL_S = 0.1
CHECK_TRIES = 3
LOG_LINES = 30
REBUILDS = "/v1/operations/rebuilds"
BATCH_TYPE = "application/cloudevents-batch+json"
Event = dict[str, Any]
Changed = Mapping[str, Mapping[str, str]]
PLAIN = Options()
AS_IT_IS: Changed = {}
_LOG = logging.getLogger(__name__)


@dataclass
class Log:
    """What the client saw: receipt and content of every acknowledged event, and how often it asked again."""

    receipts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    contents: dict[tuple[str, str], str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    retried: dict[str, int] = field(default_factory=dict)

    def note(self, batch: Sequence[Event], results: Sequence[dict[str, Any]]) -> None:
        assert len(batch) == len(results)
        for event, result in zip(batch, results, strict=True):
            self.statuses[result["status"]] = self.statuses.get(result["status"], 0) + 1
            if "receipt" in result:
                key = event["source"], event["id"]
                place = result["receipt"]["shard"], result["receipt"]["number"]
                assert self.receipts.setdefault(key, place) == place
                assert self.contents.setdefault(key, content_digest(event)) == content_digest(event)

    def journal(self, events: Sequence[Event]) -> Journal:
        """Return it as the checker takes it; it knows no times."""
        sent: dict[tuple[str, str], set[str]] = {}
        for event in events:
            sent.setdefault((event["source"], event["id"]), set()).add(content_digest(event))
        acknowledged = {key: Acknowledged(*at, 0, 0, self.contents[key]) for key, at in self.receipts.items()}
        return Journal(digests=sent, acknowledged=acknowledged)

    def note_retry(self, why: str) -> None:
        self.retried[why] = self.retried.get(why, 0) + 1


class Rig:
    """A running platform and a client of it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.log = Log()
        self._client = httpx.AsyncClient(timeout=ANSWER_S, trust_env=False)

    @property
    def record(self) -> Record:
        return survey(self.state)

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.record.part('kafka').port}"

    async def close(self) -> None:
        await self._client.aclose()

    async def database(self) -> asyncpg.Connection:
        """Connect as the owner, who sees every schema."""
        password = (self.state.folder / "postgres-password").read_text("ascii")
        port = self.record.part("postgres").port
        return await asyncpg.connect(
            host="127.0.0.1", port=port, user=OWNER, password=password, database=DATABASE
        )

    async def ask(self, method: str, service: str, path: str, role: str, **more: Any) -> httpx.Response:
        """Ask until there is an answer; only what may be retried is: a lost connection, 503 and 429."""
        until = time.monotonic() + PATIENCE_S
        url = addresses(self.record)[service] + path
        while True:
            headers = {"authorization": f"Bearer {token(self.state, role, [role])}"} | more.get("headers", {})
            try:
                answer = await self._client.request(method, url, **more | {"headers": headers})
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                if answer.status_code not in {503, 429}:
                    return answer
                assert answer.headers["retry-after"], "it says when to come back"
                why = str(answer.status_code)
            self.log.note_retry(why)
            assert time.monotonic() < until, f"{service} did not answer {path} in {PATIENCE_S} s: {why}"
            await asyncio.sleep(POLL_S)

    async def get(self, service: str, path: str, **query: str) -> dict[str, Any]:
        answer = await self.ask("GET", service, path, "reader", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, service: str, path: str, role: str, document: object = None) -> dict[str, Any]:
        answer = await self.ask("POST", service, path, role, json=document)
        assert answer.is_success, answer.text
        return answer.json()

    async def adopt_types(self, types: dict[str, Any]) -> None:
        """Adopt event types by two persons."""
        version = (await self.post("ingest", "/v1/types", "author", types))["version"]
        await self.post("ingest", f"/v1/types/{version}:adopt", "approver")

    async def adopt_scheme(self, scheme: dict[str, Any]) -> None:
        """Adopt a scheme by two persons, as soon as scoring has heard of its types."""

        async def drafted() -> bool:
            answer = await self.ask("POST", "scoring", "/v1/schemes", "author", json=scheme)
            assert answer.status_code in {201, 409}, answer.text
            return answer.status_code == 201

        await until(drafted)
        path = f"/v1/schemes/{scheme['scheme']['code']}/{scheme['scheme']['version']}"
        read = {"digest": digest_hex(await self.get("scoring", path))}
        await self.post("scoring", f"{path}:adopt", "approver", read)

    async def send(self, events: Sequence[Event]) -> dict[str, int]:
        """Send events in batches, one after the other, until each is answered; count the answers."""
        before = dict(self.log.statuses)
        for at in range(0, len(events), BATCH_EVENTS):
            batch = events[at : at + BATCH_EVENTS]
            answer = await self.ask(
                "POST",
                "ingest",
                "/v1/events",
                "integrator",
                json=batch,
                headers={"content-type": BATCH_TYPE},
            )
            assert answer.status_code == 200, answer.text
            self.log.note(batch, answer.json()["results"])
        counts = {name: count - before.get(name, 0) for name, count in self.log.statuses.items()}
        return {name: count for name, count in counts.items() if count}

    async def drained(self) -> None:
        """Wait until every consumer and relay is at the end of what it reads; a wait without progress is a failure."""
        database = await self.database()
        try:
            left, since = await behind(database), time.monotonic()
            while left:
                assert time.monotonic() - since < PATIENCE_S, f"no progress for {PATIENCE_S} s: {left}"
                await asyncio.sleep(POLL_S)
                now = await behind(database)
                left, since = now, since if now == left else time.monotonic()
        finally:
            await database.close()

    async def faults(self, events: Sequence[Event]) -> dict[str, list[str]]:
        """Return what the checks find wrong once all is drained; a tick on its way is waited for."""
        database = await self.database()
        try:
            for _ in range(CHECK_TRIES):
                await self.drained()
                found = await everything(database, self.kafka, self.log.journal(events), scored=False)
                if found.keys() != {"positions"}:
                    break
            return found
        finally:
            await database.close()

    async def kill(self, parts: Sequence[str]) -> None:
        """SIGKILL parts at once and wait until the supervisor has started others in their places."""
        record = self.record
        killed = {part.name: part.process.pid for part in record.parts if part.process and part.name in parts}
        assert killed.keys() == set(parts), f"of {parts} only {list(killed)} run"
        for pid in killed.values():
            psutil.Process(pid).send_signal(signal.SIGKILL)

        async def others() -> bool:
            now = {part.name: part.process.pid for part in self.record.parts if part.process}
            return all(now.get(name, pid) != pid for name, pid in killed.items())

        await until(others)

    def arm(self, service: str, point: str, what: str) -> None:
        """Arm a fail point of a service that heeds them."""
        (fail_point_folder(self.state, service) / point).write_text(what, "ascii")

    def armed(self, service: str, point: str) -> bool:
        """Tell whether a fail point did not act yet."""
        return (fail_point_folder(self.state, service) / point).exists()

    async def ready(self) -> None:
        """Wait until every part says that it is ready."""

        async def all_ready() -> bool:
            return all(part.state == "ready" for part in self.record.parts)

        await until(all_ready)


def keys_of(events: Sequence[Event]) -> frozenset[tuple[str, str]]:
    return frozenset((event["source"], event["id"]) for event in events)


def note(line: str) -> None:
    """Log what the run is about; shown when a test fails, or live by `--log-cli-level=INFO`."""
    _LOG.info(line)


def _wish_own_ports(state: State) -> None:
    """Take no port that another platform wishes for, too: it could have it while a killed service is away."""
    parts = tuple(Part(service.name, free_port()) for service in SERVICES)
    state.write(reduce(Record.with_part, parts, Record()))


def _bring_up(state: State, options: Options) -> None:
    """Start a supervisor that outlives the object that started it, of which Python would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        bring_up(state, options, note)


async def until(condition: Any, *, seconds: float = PATIENCE_S) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(POLL_S)


def fail_point_folder(state: State, service: str) -> Path:
    return state.folder.parent / f"fail-{service}"


def _change(state: State, services: Sequence[str], changed: Changed) -> None:
    """Tell services other settings, and those that heed fail points a folder of their own."""
    folders = {name: {"DUKAO_FAIL_POINTS": str(fail_point_folder(state, name))} for name in services}
    for name in services:
        fail_point_folder(state, name).mkdir()
    told = {name: {**changed.get(name, {}), **folders.get(name, {})} for name in {*changed, *folders}}
    (state.folder / CHANGED).write_text(json.dumps(told), "utf-8")


@asynccontextmanager
async def platform(
    *, fail_points: Sequence[str] = (), options: Options = PLAIN, changed: Changed = AS_IT_IS
) -> AsyncIterator[Rig]:
    """Bring a platform up in a fresh folder that the servers' account can reach; leave nothing behind.

    `changed` are variables by service, as `changed.json` has them.
    """
    with tempfile.TemporaryDirectory(prefix="system-", dir=cache_folder().parent) as made:
        folder = Path(made)
        folder.chmod(0o755)  # noqa: ASYNC240 - nothing else runs yet
        state = State(folder / "state")
        state.folder.mkdir(mode=0o755)
        _wish_own_ports(state)
        if fail_points or changed:
            _change(state, fail_points, changed)
        started = time.monotonic()
        await asyncio.to_thread(_bring_up, state, options)
        rig = Rig(state)
        note(f"up in {time.monotonic() - started:.1f} s")
        try:
            running(state)
            yield rig
        except BaseException:
            for part, path in logs(state, None).items():
                note("\n".join([f"the end of {part}'s log:", *last_lines(path, LOG_LINES)]))
            raise
        finally:
            await rig.close()
            await asyncio.to_thread(take_down, state)


async def command(rig: Rig, *arguments: str) -> str:
    """Run the command line and return what it prints."""
    program = Path(sys.executable).with_name("dukao")
    process = await asyncio.create_subprocess_exec(
        program,
        "--state",
        rig.state.folder,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={"COLUMNS": "200"},
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


async def rebuilt(rig: Rig, service: str = "scoring") -> tuple[str, list[Any]]:
    """Fold the inputs of a service anew and return how that ended and which tables differ."""
    run = await rig.post(service, REBUILDS, "operator")

    async def ended() -> bool:
        nonlocal run
        run = (await rig.ask("GET", service, f"{REBUILDS}/{run['id']}", "operator")).json()
        return run["state"] not in {"waiting", "folding", "comparing"}

    await until(ended)
    return run["state"], [one for one in run["tables"] if one["only_live"] or one["only_shadow"]]

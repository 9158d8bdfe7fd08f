"""A platform of the benchmark's own, in a fresh folder, with catalogue and scheme; removed at the end."""

import contextlib
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import psutil

from benchmarks.workload import SCHEME_CODE, TYPES, scheme
from deploy.control import addresses, bring_up, take_down, token
from deploy.state import Options, State
from deploy.table import DATABASE, OWNER, SERVICES

PARENT = Path("/var/tmp")
ADOPTED_S = 60.0
POLL_S = 0.1
CALL_S = 10.0


@dataclass(frozen=True, slots=True)
class Platform:
    """Where everything is; `processes` are the ids of services and servers by name."""

    state: State
    addresses: dict[str, str]
    bootstrap: str
    database_port: int
    processes: dict[str, int]
    supervisor: int

    @property
    def services(self) -> list[str]:
        """The names of the services that run."""
        return [service.name for service in SERVICES]

    def headers(self) -> dict[str, str]:
        """Return a client's token, good for ten minutes."""
        return {"authorization": f"Bearer {token(self.state)}"}

    async def owner(self) -> asyncpg.Connection:
        """Open a connection that may read every schema."""
        return await asyncpg.connect(
            host="127.0.0.1",
            port=self.database_port,
            user=OWNER,
            database=DATABASE,
            password=(self.state.folder / "postgres-password").read_text("ascii"),
        )

    @contextlib.contextmanager
    def frozen(self, names: Sequence[str]) -> Generator[None]:
        """Stop the clocks of services, so that what comes before them piles up.

        The supervisor stands still with them: it would kill what gives no answer.
        """
        supervisor = psutil.Process(self.supervisor)
        outermost = supervisor.status() != psutil.STATUS_STOPPED
        supervisor.suspend()
        for name in names:
            psutil.Process(self.processes[name]).suspend()
        try:
            yield
        finally:
            self.thaw(names)
            if outermost:
                supervisor.resume()

    def thaw(self, names: Sequence[str]) -> None:
        """Let services go on; one that does so already is left alone."""
        for name in names:
            psutil.Process(self.processes[name]).resume()


def say(line: str) -> None:
    """Tell the progress on stderr; stdout holds the result alone."""
    print(line, file=sys.stderr, flush=True)


@contextlib.contextmanager
def platform() -> Generator[Platform]:
    """Run a platform for the time of a `with`, with the catalogue and the scheme in force."""
    folder = Path(tempfile.mkdtemp(prefix="dukao-bench-", dir=PARENT))
    folder.chmod(0o755)
    state = State(folder)
    try:
        record = bring_up(state, Options(), say).record
        assert record.supervisor is not None
        running = Platform(
            state,
            addresses(record),
            f"127.0.0.1:{record.part('kafka').port}",
            record.part("postgres").port,
            {part.name: part.process.pid for part in record.parts if part.process is not None},
            record.supervisor.pid,
        )
        _adopt(running)
        yield running
    finally:
        take_down(state)
        state.wipe()


def _adopt(running: Platform) -> None:
    """Draft and adopt as two persons; scoring hears of the types by event, so its draft is tried again."""
    author = {"authorization": f"Bearer {token(running.state, 'author', ['author'])}"}
    approver = {"authorization": f"Bearer {token(running.state, 'approver', ['approver'])}"}
    with httpx.Client(timeout=CALL_S, trust_env=False) as client:
        ingest, scoring = (running.addresses[name] for name in ("ingest", "scoring"))
        drafted = client.post(f"{ingest}/v1/types", json=TYPES, headers=author).raise_for_status().json()
        client.post(f"{ingest}/v1/types/{drafted['version']}:adopt", headers=approver).raise_for_status()
        until = time.monotonic() + ADOPTED_S
        while (answer := client.post(f"{scoring}/v1/schemes", json=scheme(), headers=author)).is_error:
            if answer.status_code != httpx.codes.CONFLICT or time.monotonic() > until:
                raise RuntimeError(f"The scheme was refused: {answer.text[:1000]}")
            time.sleep(POLL_S)
        path = f"{scoring}/v1/schemes/{SCHEME_CODE}/1"
        read = client.get(path, headers=author).raise_for_status().headers["etag"].strip('"')
        client.post(f"{path}:adopt", json={"digest": read}, headers=approver).raise_for_status()

"""A real process of ingest over a database of its own, for what only a real server shows."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx

from shared.migrations.runner import migrate
from shared.storage.database import open_engine
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120
DATABASES = count(1)
TYPES = {
    "types": {
        "task.done.v1": {
            "title": "Done",
            "case": "optional",
            "fields": {
                "number": {"type": "code", "required": True},
                "amount": {"type": "decimal", "scale": 2},
                "remark": {"type": "text", "max": 100},
            },
        }
    },
    "sources": {"desk": {"title": "Desk", "units": ["11*"]}},
}


@dataclass
class Served:
    """Where the service listens, and who gives tokens for it."""

    port: int
    issuer: DevelopmentIssuer
    process: subprocess.Popen[bytes]
    database: str

    def headers(self, name: str = "ann", *roles: str) -> dict[str, str]:
        wanted = roles or ("integrator", "operator", "author", "reader")
        return {"authorization": "Bearer " + self.issuer.mint(name, wanted, ["dukao/ingest"])}

    def client(self, name: str = "ann", *roles: str, timeout: float = 30) -> httpx.Client:
        base = f"http://127.0.0.1:{self.port}"
        return httpx.Client(
            base_url=base, headers=self.headers(name, *roles), trust_env=False, timeout=timeout
        )

    def connect(self, timeout: float = 30) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are and return all that comes until the server closes."""
        with self.connect() as connection:
            connection.sendall(request)
            return connection.makefile("rb").read()


def event(**changes):
    data = {"number": changes.pop("number", "n1"), "amount": changes.pop("amount", "1.50")}
    made = {"specversion": "1.0", "id": "e1", "source": "desk", "type": "task.done.v1", "subject": "1101"}
    made |= {"time": "2021-03-01T00:00:00Z", "data": data} | changes
    return {name: value for name, value in made.items() if value is not ...}


def database_of(url: str) -> str:
    """Make a database of its own with ingest's schema and return its address."""
    name = f"door_{os.getpid()}_{next(DATABASES)}"
    asyncio.run(_prepare(url, name))
    return _named(url, name)


async def _prepare(url: str, name: str) -> None:
    owner = await asyncpg.connect(url.replace("+asyncpg", ""))
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()
    engine = open_engine(_named(url, name), "ingest")
    await migrate(engine, "ingest", "services.ingest.migrations")
    await engine.dispose()


def _named(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def serving(url: str, folder: Path, *, kafka: str = "127.0.0.1:9", **settings: object) -> Iterator[Served]:
    """Run ingest over a database until it is ready; it is ended afterwards."""
    issuer = DevelopmentIssuer(folder, environment="test")
    port = free_port()
    told = {
        "database_url": url, "kafka": kafka, "port": port, "jwks_file": issuer.jwks_file, "issuer": ISSUER,
    } | settings  # fmt: skip
    env = {f"DUKAO_{name.upper()}": str(value) for name, value in told.items()}
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.ingest"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=log,
            stderr=log,
        )
    served = Served(port, issuer, process, url)
    try:
        until(lambda: _ready(served), why=lambda: (folder / "log").read_text()[-3000:])
        yield served
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def adopt(served: Served) -> None:
    with served.client("ann", "author") as ann, served.client("bob", "approver") as bob:
        if ann.get("/v1/types").json()["version"] == 0:
            drafted = ann.post("/v1/types", json=TYPES)
            assert drafted.status_code == 201, drafted.text
            assert bob.post("/v1/types/1:adopt").status_code == 200


def _ready(served: Served) -> bool:
    assert served.process.poll() is None, "the service has ended"
    try:
        return httpx.get(f"http://127.0.0.1:{served.port}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])

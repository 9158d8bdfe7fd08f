"""The platform as real processes: HTTP in, a standing out, and a SIGKILL of each service on the way."""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.contracts.catalogue import STREAM_OWNERS
from shared.messaging.kafka_broker import ensure_topics
from shared.migrations.runner import migrate
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from tests.scoring.test_stages import TYPES, levy, missed
from tests.thread.test_event_to_standing import TIERED, delete_topics

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

ROOT = Path(__file__).parents[2]
SERVICES = ("ingest", "scoring", "ranking")
AUDIENCES = [f"dukao/{name}" for name in SERVICES]
DATABASES = itertools.count(1)


class Processes:
    """Service processes with their addresses; each can be killed and started again."""

    def __init__(self, folder, database, bootstrap):
        self.folder = folder
        self.issuer = DevelopmentIssuer(folder, environment="development")
        self.ports = {name: free_port() for name in SERVICES}
        self.children = {}
        token = folder / "service.jwt"
        token.write_text(self.issuer.mint("services", ["service"], AUDIENCES))
        self.env = {
            "PATH": os.environ["PATH"],
            "DUKAO_DATABASE_URL": database,
            "DUKAO_KAFKA": bootstrap,
            "DUKAO_JWKS_FILE": str(folder / "jwks.json"),
            "DUKAO_ISSUER": ISSUER,
            "DUKAO_TOKEN_FILE": str(token),
        } | {f"DUKAO_PEERS_{name.upper()}": self.address(name) for name in SERVICES}

    def address(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def start(self, name):
        with (self.folder / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                [sys.executable, "-m", f"services.{name}"],
                cwd=ROOT,
                env=self.env | {"DUKAO_PORT": str(self.ports[name])},
                stdout=log,
                stderr=log,
            )

    def kill(self, name):
        self.children[name].send_signal(signal.SIGKILL)
        self.children[name].wait(10)

    def stop(self):
        for child in self.children.values():
            child.terminate()
        for child in self.children.values():
            child.wait(30)

    def token(self, name, *roles):
        return {"authorization": f"Bearer {self.issuer.mint(name, list(roles), AUDIENCES)}"}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
async def processes(tmp_path, postgres_url, kafka_bootstrap):
    name = f"system_{next(DATABASES)}"
    owner = create_async_engine(postgres_url, isolation_level="AUTOCOMMIT")
    async with owner.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await owner.dispose()
    database = postgres_url.rsplit("/", 1)[0] + f"/{name}"
    engine = create_async_engine(database)
    for service in SERVICES:
        await migrate(engine, service, f"services.{service}.migrations")
    await engine.dispose()
    await delete_topics(kafka_bootstrap, list(STREAM_OWNERS))
    await ensure_topics(kafka_bootstrap, list(STREAM_OWNERS))
    running = Processes(tmp_path, database, kafka_bootstrap)
    for service in SERVICES:
        running.start(service)
    try:
        yield running
    finally:
        running.stop()


async def until(ask, *, seconds=60):
    """Ask again until there is an answer; a service that is away is asked again."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                found = await ask()
            except httpx.TransportError:
                found = None
            if found:
                return found
            await asyncio.sleep(0.1)


async def test_a_standing_comes_out_whatever_is_killed(processes):
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:

        async def ask(method, service, path, headers, **more):
            url = processes.address(service) + path
            answer = await client.request(method, url, headers=headers, **more)
            return answer if answer.status_code < 400 else None

        for service in SERVICES:
            await until(lambda service=service: ask("GET", service, "/readyz", {}))
        author = processes.token("ada", "author")
        approver = processes.token("bob", "approver")
        integrator = processes.token("system", "integrator")
        reader = processes.token("eve", "reader")

        await until(lambda: ask("POST", "ingest", "/v1/types", author, json=TYPES))
        await until(lambda: ask("POST", "ingest", "/v1/types/1:adopt", approver))
        await until(lambda: ask("POST", "scoring", "/v1/schemes", author, json=TIERED))
        await until(lambda: ask("POST", "scoring", "/v1/schemes/mini/1:adopt", approver))

        events = [levy(i, unit=f"b{1 + i % 2}", ontime=i % 50 != 1, day=1 + i % 28) for i in range(2_000)]
        events += [missed(i, "2021-03-05T08:00:00+08:00", unit="b2") for i in range(3)]
        batches = [events[at : at + 200] for at in range(0, len(events), 200)]
        statuses = []
        headers = integrator | {"content-type": "application/cloudevents-batch+json"}
        for place, batch in enumerate(batches):
            if place % 3 == 1:
                victim = SERVICES[place // 3 % len(SERVICES)]
                processes.kill(victim)
                processes.start(victim)
            answer = await until(lambda batch=batch: ask("POST", "ingest", "/v1/events", headers, json=batch))
            statuses += [item["status"] for item in answer.json()["results"]]
        assert set(statuses) <= {"created", "duplicate"}
        assert len(statuses) == len(events)

        async def standing():
            answer = await ask("GET", "ranking", "/v1/standings/mini/bureaus/2021-03", reader)
            return answer and [(u["unit"], u["rank"], u["points"]) for u in answer.json()["units"]]

        expected = [("b1", 1, "20.00"), ("b2", 2, "18.30")]

        async def there():
            return await standing() == expected

        try:
            await until(there, seconds=90)
        except TimeoutError:
            assert await standing() == expected

        again = await until(lambda: ask("POST", "ingest", "/v1/events", headers, json=batches[0]))
        assert {item["status"] for item in again.json()["results"]} == {"duplicate"}
        measured = await ask("GET", "scoring", "/v1/measures/mini/1/2021-03/b2", reader)
        assert measured.json()["measures"]["ontime"] == {
            "numerator": "960",
            "denominator": "1000",
            "ratio": "0.960000",
        }

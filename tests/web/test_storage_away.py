"""While PostgreSQL is away every service's door answers 503 with Retry-After, and works again afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError, IntegrityError

from deploy.embedded.postgres import Postgres, start_postgres
from shared.migrations.runner import migrate
from shared.runtime.service import Service
from shared.runtime.settings import ServiceSettings
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.failures import may_pass
from shared.web.access import Role
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from tests.conftest import FAST

SERVICES = ("ingest", "scoring", "supervision", "ranking", "notify")
PARTS = {
    "{stream}": "ingest.accepted",
    "{shard}": "0",
    "{period}": "2021-03",
    "{version}": "1",
    "{name}": "levy.v1",
}
QUERY = {"scheme": "mini", "period": "2021-03", "unit": "b1"}
READ_FROM_THE_DATABASE = {
    "ingest": {"/v1/refusals", "/v1/conflicts", "/v1/types", "/v1/events/x/x", "/internal/v1/streams/ingest.accepted/0"},
    "scoring": {"/v1/schemes"},
    "ranking": {"/v1/standings"},
}  # fmt: skip


KEPT = {**FAST, "synchronous_commit": "on"}


class Server:
    """A server that can be killed: the same port each time, and every commit that was answered is kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.running: Postgres = start_postgres(folder, settings=KEPT)

    def kill(self) -> None:
        self.running.process.kill()
        self.running.process.wait(30)

    def start(self) -> None:
        self.running = start_postgres(self._folder, port=self.running.port, settings=KEPT)


@pytest.fixture
def server(server_folder: Path) -> Iterator[Server]:
    made = Server(server_folder)
    yield made
    made.running.stop()


def settings_of(server: Server, issuer: DevelopmentIssuer) -> ServiceSettings:
    return ServiceSettings(
        database_url=SecretStr(server.running.url),
        kafka="127.0.0.1:9",
        port=0,
        jwks_file=issuer.jwks_file,
        issuer=ISSUER,
    )


@asynccontextmanager
async def doors(server: Server, issuer: DevelopmentIssuer) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    built: list[Service] = []
    clients: dict[str, httpx.AsyncClient] = {}
    for name in SERVICES:
        engine = open_engine(server.running.url, name)
        await migrate(engine, name, f"services.{name}.migrations")
        await engine.dispose()
        built.append(import_module(f"services.{name}.wiring").build(settings_of(server, issuer)))
        token = issuer.mint("ada", [role.value for role in Role], [f"dukao/{name}"])
        clients[name] = httpx.AsyncClient(
            transport=httpx.ASGITransport(built[-1].app),
            base_url="http://x",
            headers={"authorization": f"Bearer {token}"},
        )
    yield clients
    for client in clients.values():
        await client.aclose()
    for close in (close for service in built for close in service.closing):
        await close()


async def paths(client: httpx.AsyncClient) -> list[str]:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return [filled(path) for path, methods in document["paths"].items() if "get" in methods]


def filled(path: str) -> str:
    for name, value in PARTS.items():
        path = path.replace(name, value)
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


async def test_every_door_answers_503_while_postgres_is_away(server: Server, tmp_path: Path) -> None:
    issuer = DevelopmentIssuer(tmp_path, environment="test")
    async with doors(server, issuer) as clients:
        for client in clients.values():
            assert (await client.get("/readyz")).status_code == 200
        server.kill()
        for name, client in clients.items():
            await answers_503(name, client)
        event = {"specversion": "1.0", "id": "1", "source": "s", "type": "levy.v1", "time": "2021-03-01T00:00:00Z", "subject": "b1", "data": {}}  # fmt: skip
        headers = {"content-type": "application/cloudevents+json"}
        is_away(await clients["ingest"].post("/v1/events", json=event, headers=headers))
        await asyncio.to_thread(server.start)
        for client in clients.values():
            assert (await client.get("/readyz")).status_code == 200
            assert all(
                [(await client.get(path, params=QUERY)).status_code < 500 for path in await paths(client)]
            )


async def answers_503(name: str, client: httpx.AsyncClient) -> None:
    away: set[str] = set()
    for path in await paths(client):
        response = await client.get(path, params=QUERY)
        if response.status_code >= 500:
            is_away(response)
            away.add(path)
    assert away >= READ_FROM_THE_DATABASE.get(name, set()) | {"/readyz"}
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).json()["parts"] == {"database": False}


def is_away(response: httpx.Response) -> None:
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("statement", "passing"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", True),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)", True),
        ("SELECT 1/0", False),
        ("SELECT nothing FROM nowhere", False),
        ("INSERT INTO audit (actor) VALUES (NULL)", False),
    ],
)
async def test_only_what_may_pass_by_itself_is_worth_another_try(
    exchange: Exchange, statement: str, passing: bool
) -> None:
    with pytest.raises((DBAPIError, asyncpg.PostgresError)) as wrapped:
        async with exchange.reading() as tx:
            for part in statement.split("; "):
                await tx.execute(part)
    assert may_pass(wrapped.value) is passing
    with pytest.raises((DBAPIError, asyncpg.PostgresError)) as plain:
        async with exchange.reading() as tx:
            for part in statement.split("; "):
                await tx.many(part)
    assert may_pass(plain.value) is passing


async def test_a_lock_that_is_held_may_pass(exchange: Exchange) -> None:
    async with exchange.begin(actor="test", action="hold") as tx:
        await tx.lock("s", [0])
        with pytest.raises(asyncpg.PostgresError) as waited:
            async with exchange.begin(actor="test", action="wait") as second:
                await second.many("SET LOCAL lock_timeout = 10")
                await second.lock("s", [0])
    assert may_pass(waited.value)


def test_what_is_no_storage_error_does_not_pass() -> None:
    assert may_pass(ConnectionRefusedError())
    assert may_pass(TimeoutError())
    assert not may_pass(ZeroDivisionError())
    assert not may_pass(IntegrityError("", None, asyncpg.UniqueViolationError("x")))

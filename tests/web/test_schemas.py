"""Whatever a client makes of a service's OpenAPI, no answer is a failure of ours.

One of each thing is there, and what a request names is one of them more often than not.
"""

import asyncio
import copy
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from pydantic import SecretStr
from schemathesis.generation import GenerationMode

from dukao.rights_page import operations
from shared.migrations.runner import migrate
from shared.runtime.protocol import Protocol
from shared.runtime.service import Service
from shared.runtime.settings import ServiceSettings
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.web.access import Bound, Role
from shared.web.app import openapi_of
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from tests.waiting import becomes
from tests.web.seeds import KNOWN, seed, seed_ingest

SERVICES = ("ingest", "scoring", "supervision", "ranking", "notify")
EXAMPLES = 3
MANY_EXAMPLES = 7
ANSWER_S = 30
MOST_TURNS = 11  # of as many names as requests have, 0 to 3, each is left out as often
THERE = {
    "ingest": (
        "/v1/events/{source}/{event_id}",
        "/v1/conflicts/{number}",
        "/v1/refusals/{number}",
        "/v1/manifests/{source}/{day}",
        "/v1/types/{name}",
    ),
    "scoring": (
        "/v1/schemes/{code}/{version}",
        "/v1/cells/{period}/{unit}/{indicator}",
        "/v1/cells/{period}/{unit}/{indicator}/explain",
        "/v1/measures/{code}/{version}/{period}/{unit}",
        "/v1/incidents/{incident}",
    ),
    "supervision": ("/v1/items/{item}", "/v1/calendars/{zone}/{version}", "/v1/coverage/{scheme}"),
    "ranking": ("/v1/standings/{scheme}/{group}/{period}",),
    "notify": (
        "/v1/inbox/{notice}",
        "/v1/rules/{version}",
        "/v1/webhooks/{endpoint}",
        "/v1/deliveries/{delivery}",
    ),
}
OF_A_UNIT = ("unit", "incident", "item", "notice")
START_S = 120


@schemathesis.serializer("application/x-ndjson")
def lines(_context: Any, value: Any) -> bytes:
    return str(value).encode(errors="replace")


@dataclass
class Doors:
    """The doors of all services over one database, served by a thread of its own."""

    url: str
    issuer: DevelopmentIssuer
    token_file: Path
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    for_units: dict[str, set[str]] = field(default_factory=dict)
    known: dict[str, dict[str, Any]] = field(default_factory=lambda: copy.deepcopy(KNOWN))
    ports: dict[str, int] = field(default_factory=dict)
    ready: threading.Event = field(default_factory=threading.Event)
    end: threading.Event = field(default_factory=threading.Event)

    def headers(self, name: str, person: str = "ada", unit: str = "/") -> dict[str, str]:
        token = self.issuer.mint(person, [role.value for role in Role], [f"dukao/{name}"], unit=unit)
        return {"authorization": f"Bearer {token}"}

    def client(self, name: str, person: str = "ada", unit: str = "/") -> httpx.Client:
        base = f"http://127.0.0.1:{self.ports[name]}"
        headers = self.headers(name, person, unit)
        return httpx.Client(base_url=base, headers=headers, timeout=ANSWER_S, trust_env=False)

    async def serve(self) -> None:
        services = [await self._built(name) for name in SERVICES]
        servers = [uvicorn.Server(_config(service)) for service in services]
        async with asyncio.TaskGroup() as group:
            parts = [
                group.create_task(part()) for part in services[0].parts
            ]  # ingest commits beside its door
            serving = [group.create_task(server._serve()) for server in servers]
            await becomes(lambda: all(server.started for server in servers))
            for name, server in zip(SERVICES, servers, strict=True):
                self.ports[name] = server.servers[0].sockets[0].getsockname()[1]
            self.ready.set()
            await asyncio.to_thread(self.end.wait)
            for server in servers:
                server.should_exit = True
            await asyncio.wait(serving)
            for part in parts:
                part.cancel()
        for close in (close for service in services for close in service.closing):
            await close()

    async def _built(self, name: str) -> Service:
        engine = open_engine(self.url, name)
        await migrate(engine, name, f"services.{name}.migrations")
        await seed(name, Exchange(engine, name), self.token_file.parent / name)
        await engine.dispose()
        told = ServiceSettings(
            database_url=SecretStr(self.url),
            kafka="127.0.0.1:9",
            port=0,
            jwks_file=self.issuer.jwks_file,
            token_file=self.token_file,
            issuer=ISSUER,
            client_requests_per_s=1_000_000,
            address_requests_per_s=1_000_000,
        )
        service: Service = import_module(f"services.{name}.wiring").build(told)
        self.documents[name] = openapi_of(service.app)
        self.for_units[name] = {
            one.path for one in operations(service.app) if one.declared[0].bound is Bound.UNITS
        }
        return service


def _config(service: Service) -> uvicorn.Config:
    return uvicorn.Config(service.app, port=0, http=Protocol, ws="none", log_config=None, access_log=False)


@contextmanager
def running(url: str, folder: Path) -> Iterator[Doors]:
    made = Doors(url, DevelopmentIssuer(folder, environment="test"), folder / "token")
    made.token_file.write_text("none")
    thread = threading.Thread(target=lambda: asyncio.run(made.serve()))
    thread.start()
    try:
        assert made.ready.wait(START_S)
        with made.client("ingest") as ada, made.client("ingest", "bob") as bob:
            seed_ingest(ada, bob)
        with made.client("notify") as client:
            made.known["notify"]["notice"] = client.get("/v1/inbox").json()["items"][0]["id"]
        yield made
    finally:
        made.end.set()
        thread.join(START_S)


@pytest.fixture(scope="module")
def doors(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    name = f"doors_{os.getpid()}"
    asyncio.run(_create(postgres_url, name))
    with running(postgres_url.rsplit("/", 1)[0] + f"/{name}", tmp_path_factory.mktemp("issuer")) as made:
        yield made


async def _create(url: str, name: str) -> None:
    owner = await asyncpg.connect(url.replace("+asyncpg", ""))
    await owner.execute(f"CREATE DATABASE {name}")
    await owner.close()


def ask_everything(doors: Doors, name: str, examples: int) -> int:
    """Ask each operation what is right and what is wrong by its description; return how many there are."""
    schema = schemathesis.openapi.from_dict(doors.documents[name])
    base = f"http://127.0.0.1:{doors.ports[name]}"
    headers = doors.headers(name)
    found = [one.ok() for one in schema.get_all_operations()]
    bounded = settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.generate),
    )
    for operation in found:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @bounded
            @given(operation.as_strategy(generation_mode=mode), st.integers(0, MOST_TURNS))
            def ask(case: Any, turn: int) -> None:
                name_what_is_there(case, doors.known[name], turn)
                answer = case.call(base_url=base, headers=headers, timeout=ANSWER_S)
                assert answer.status_code < 500, (
                    f"{case.as_curl_command()} → {answer.status_code} {answer.text}"
                )

            with suppress(Unsatisfiable):  # nothing can be wrong where nothing is said
                ask()
    return len(found)


def name_what_is_there(case: Any, known: dict[str, Any], turn: int) -> None:
    """Let all that the request names be there, in another turn all but one, whose value was made up."""
    for named in (case.path_parameters, case.query):
        there = sorted(one for one in named or () if one in known)
        made_up = there[turn % (len(there) + 1) - 1 : turn % (len(there) + 1)]
        for one in set(there).difference(made_up):
            named[one] = known[one]


def shown(doors: Doors, name: str, unit: str) -> Iterator[tuple[str, str, httpx.Response]]:
    """Yield what is answered to who asks for each thing that is there, by path with and without its values."""
    known = doors.known[name]
    with doors.client(name, unit=unit) as client:
        for path, methods in doors.documents[name]["paths"].items():
            needed = [one for one in methods.get("get", {}).get("parameters", ()) if one["required"]]
            if "get" in methods and {one["name"] for one in needed} <= known.keys():
                at = path
                for one in needed:
                    at = at.replace(f"{{{one['name']}}}", str(known[one["name"]]))
                query = {one["name"]: known[one["name"]] for one in needed if one["in"] == "query"}
                yield path, at, client.get(at, params=query)


@pytest.mark.parametrize("name", SERVICES)
def test_each_thing_is_there_and_to_other_units_what_is_not_theirs_is_not(doors: Doors, name: str) -> None:
    found = {path: answer.status_code for path, _, answer in shown(doors, name, "/")}
    assert {path: found[path] for path in THERE[name]} == dict.fromkeys(THERE[name], 200)
    assert max(found.values()) < 500
    for path, at, answer in shown(doors, name, "/elsewhere"):
        if path in doors.for_units[name]:
            named = [one for one in OF_A_UNIT if f"{{{one}}}" in path]
            assert answer.status_code == (404 if named else 200), at
            assert '"b1"' not in answer.text, at


@pytest.mark.parametrize("name", SERVICES)
def test_no_request_by_the_description_fails_on_our_side(doors: Doors, name: str) -> None:
    assert ask_everything(doors, name, EXAMPLES) == sum(
        len(one) for one in doors.documents[name]["paths"].values()
    )


@pytest.mark.long
@pytest.mark.parametrize("name", SERVICES)
def test_no_request_of_many_fails_on_our_side(doors: Doors, name: str) -> None:
    ask_everything(doors, name, MANY_EXAMPLES)

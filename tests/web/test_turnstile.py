"""Who comes with many requests at once waits for their own, and nobody else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.gate import AT_ONCE_REQUESTS, AT_WORK_REQUESTS, HELD_REQUESTS, Gate
from shared.web.rates import Rate
from shared.web.tokens import KeyFile, TokenCheck
from shared.web.turnstile import Turnstile

PLENTY = Rate(10_000)
EVEN = Rate(100)
ONE_IN_TWO_S = Rate(0.5)
MANY = 3 * AT_WORK_REQUESTS
AUDIENCE = "dukao/test"


@dataclass
class Work:
    """An application that answers nothing to POST until it may."""

    may: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: int = 0
    most: int = 0
    begun: list[tuple[str, float]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.append((scope["path"], asyncio.get_running_loop().time()))
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        if scope["method"] == "POST":
            await self.may.wait()
        await asyncio.sleep(0)
        self.at_work -= 1
        await PlainTextResponse("done")(scope, receive, send)


@dataclass
class Door:
    """A turnstile before work, and clients of it that show tokens of one address."""

    work: Work
    issuer: DevelopmentIssuer
    tokens: TokenCheck
    turnstile: Turnstile

    def client(self, name: str, *, is_known: bool) -> httpx.AsyncClient:
        token = self.issuer.mint(name, ["reader"], [AUDIENCE])
        if is_known:
            self.tokens.subject(token)
        transport = httpx.ASGITransport(self.turnstile, client=("10.0.0.1", 1))
        headers = {"authorization": f"Bearer {token}"}
        return httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers)

    async def reached(self, at_work: int) -> None:
        while self.work.at_work < at_work:
            await asyncio.sleep(0)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    issuer, work = DevelopmentIssuer(tmp_path, environment="test"), Work()
    tokens = TokenCheck(issuer=ISSUER, audience=AUDIENCE, keys=KeyFile(issuer.jwks_file))
    gate = Gate(tokens=tokens, client_rate=PLENTY, address_rate=PLENTY)
    return Door(work, issuer, tokens, Turnstile(work, gate=gate))


@pytest.fixture
def even_door(door: Door) -> Door:
    """The same, where what a client asks at once begins at 100 a second."""
    gate = Gate(tokens=door.tokens, client_rate=EVEN, address_rate=EVEN)
    return replace(door, turnstile=Turnstile(door.work, gate=gate))


@asynccontextmanager
async def busy_beside_another(
    door: Door,
) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient, asyncio.TaskGroup]]:
    """Two known clients, and what is asked at once; it has been answered at the end."""
    async with (
        door.client("busy", is_known=True) as busy,
        door.client("other", is_known=True) as other,
        asyncio.TaskGroup() as group,
    ):
        yield busy, other, group


async def test_of_one_client_a_few_are_worked_on_while_another_goes_by_and_each_is_answered(door: Door):
    async with busy_beside_another(door) as (busy, other, group):
        waiting = [group.create_task(busy.post("/")) for _ in range(MANY)]
        await door.reached(AT_WORK_REQUESTS)
        for _ in range(MANY):
            assert (await other.get("/")).status_code == 200
        assert not any(one.done() for one in waiting)
        door.work.may.set()
    assert [one.result().status_code for one in waiting] == [200] * MANY
    assert door.work.most == AT_WORK_REQUESTS + 1


async def test_what_a_client_asks_at_once_begins_at_its_rate_after_a_few_and_another_goes_by(even_door: Door):
    async with busy_beside_another(even_door) as (busy, other, group):
        asked = [group.create_task(busy.get("/busy")) for _ in range(MANY)]
        asked.append(group.create_task(other.get("/other")))
    assert {one.result().status_code for one in asked} == {200}
    assert [path for path, _ in even_door.work.begun].index("/other") < MANY // 2
    begun = [at_s for path, at_s in even_door.work.begun if path == "/busy"]
    for place, at_s in enumerate(begun[AT_WORK_REQUESTS:], start=1):
        assert at_s - begun[0] > (place - 0.5) / EVEN.per_s


async def test_those_who_stay_long_behind_one_address_keep_no_new_token_of_it_waiting(door: Door):
    """Streams are opened with fresh tokens and stay for hours."""
    async with asyncio.TaskGroup() as group, door.client("new", is_known=False) as new:
        streams = [door.client(f"s{at}", is_known=False) for at in range(MANY)]
        waiting = [group.create_task(one.post("/")) for one in streams]
        await door.reached(MANY)
        assert (await new.get("/")).status_code == 200
        door.work.may.set()
    assert {one.result().status_code for one in waiting} == {200}


async def test_a_line_has_an_end_and_who_comes_after_it_is_told_to_wait(door: Door):
    async with door.client("busy", is_known=True) as busy, asyncio.TaskGroup() as group:
        waiting = [group.create_task(busy.post("/")) for _ in range(AT_ONCE_REQUESTS)]
        await door.reached(AT_WORK_REQUESTS)
        turned_away = await busy.post("/")
        door.work.may.set()
    assert (turned_away.status_code, turned_away.headers["retry-after"]) == (429, "1")
    assert {one.result().status_code for one in waiting} == {200}


async def asked(turnstile: Turnstile) -> tuple[int, dict[bytes, bytes]]:
    """Ask without a token and return the status and the headers of the answer."""
    started: list[Message] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            started.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": ("10.0.0.1", 1)}
    await turnstile(scope, receive, send)
    return started[0]["status"], dict(started[0]["headers"])


async def test_of_a_thousand_and_one_strangers_each_is_told_when_to_come_and_who_finds_no_place_at_once():
    gate = Gate(tokens=None, client_rate=PLENTY, address_rate=ONE_IN_TWO_S)
    turnstile = Turnstile(Work(), gate=gate)
    assert (await asked(turnstile))[0] == 200
    async with asyncio.TaskGroup() as group:
        held = [group.create_task(asked(turnstile)) for _ in range(HELD_REQUESTS)]
        await asyncio.sleep(0)
        status, headers = await asked(turnstile)
        assert not any(one.done() for one in held)
    assert (status, headers[b"connection"]) == (429, b"close")
    assert int(headers[b"retry-after"]) >= 1
    for status, headers in (one.result() for one in held):
        assert (status, b"connection" in headers) == (429, False)
        assert int(headers[b"retry-after"]) >= 1

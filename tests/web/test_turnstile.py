"""Who comes with many requests at once waits for their own, and nobody else does."""

import asyncio
from dataclasses import dataclass, field

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from shared.web.rates import Rate
from shared.web.turnstile import AT_ONCE_REQUESTS, AT_WORK_REQUESTS, Turnstile

PLENTY = Rate(10_000)
MANY = 3 * AT_WORK_REQUESTS


@dataclass
class Work:
    """An application that answers nothing to one address until it may."""

    may: asyncio.Event = field(default_factory=asyncio.Event)
    at_work: int = 0
    most: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        if scope["client"][0] == "10.0.0.1":
            await self.may.wait()
        self.at_work -= 1
        await PlainTextResponse("done")(scope, receive, send)


def caller(turnstile: Turnstile, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(turnstile, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://door")


async def test_of_one_caller_a_few_are_worked_on_while_another_goes_by_and_each_is_answered():
    work = Work()
    turnstile = Turnstile(work, tokens=None, client_rate=PLENTY, address_rate=PLENTY)
    async with (
        caller(turnstile, "10.0.0.1") as busy,
        caller(turnstile, "10.0.0.2") as other,
        asyncio.TaskGroup() as group,
    ):
        waiting = [group.create_task(busy.get("/")) for _ in range(MANY)]
        while work.at_work < AT_WORK_REQUESTS:
            await asyncio.sleep(0)
        for _ in range(MANY):
            assert (await other.get("/")).status_code == 200
        assert not any(one.done() for one in waiting)
        work.may.set()
    assert [one.result().status_code for one in waiting] == [200] * MANY
    assert work.most == AT_WORK_REQUESTS + 1


async def test_a_line_has_an_end_and_who_comes_after_it_is_told_to_wait():
    work = Work()
    turnstile = Turnstile(work, tokens=None, client_rate=PLENTY, address_rate=PLENTY)
    async with caller(turnstile, "10.0.0.1") as busy, asyncio.TaskGroup() as group:
        waiting = [group.create_task(busy.get("/")) for _ in range(AT_ONCE_REQUESTS)]
        while work.at_work < AT_WORK_REQUESTS:
            await asyncio.sleep(0)
        turned_away = await busy.get("/")
        work.may.set()
    assert (turned_away.status_code, turned_away.headers["retry-after"]) == (429, "1")
    assert {one.result().status_code for one in waiting} == {200}

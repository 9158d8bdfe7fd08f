"""A connection that begins above its caller's rate is turned away before the application sees it."""

import asyncio
import json

import pytest
from prometheus_client import REGISTRY

from shared.web.gate import HELD_REQUESTS, Gate
from shared.web.rates import BURST_S, Rate
from tests.web.test_pipelining import connected, echo, listening

LIMIT_S = 20
HOLD_S = 0.05
RATE = Rate(2)
ALLOWED = round(BURST_S * RATE.per_s)
REQUEST = b"GET /some HTTP/1.1\r\nhost: x\r\n\r\n"


class Counting:
    """An application that counts what reaches it, with a gate as a service's has."""

    def __init__(self, hold_s: float = HOLD_S) -> None:
        self.asked = 0
        self.gate = Gate(tokens=None, client_rate=RATE, address_rate=RATE, hold_s=hold_s)

    async def __call__(self, scope, receive, send):
        self.asked += 1
        self.gate.wait_s(self.gate.caller(scope["headers"], scope["client"][0], scope["path"]))
        await echo(scope, receive, send)


def behind(app):
    """A server of an application behind its gate."""
    return listening(app, app.gate)


async def asked(port, request=REQUEST):
    """Ask over a connection of its own; return the head and the body of the answer."""
    async with connected(port) as (reader, writer):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        return head, await reader.readexactly(length)


def told():
    labels = {"method": "GET", "status": "429"}
    return REGISTRY.get_sample_value("dukao_http_requests_total", labels) or 0


async def exhausted(port):
    for _ in range(ALLOWED):
        assert (await asked(port))[0].startswith(b"http/1.1 200")


async def test_who_opens_connection_after_connection_is_told_when_to_come_again():
    app = Counting()
    before = told()
    async with asyncio.timeout(LIMIT_S), behind(app) as (port, _):
        await exhausted(port)
        head, body = await asked(port)
    assert head.startswith(b"http/1.1 429 too many requests\r\n")
    for field in (b"retry-after: 1", b"connection: close", b"x-frame-options: deny"):
        assert b"\r\n" + field + b"\r\n" in head
    assert json.loads(body)["code"] == "too_many_requests"
    assert app.asked == ALLOWED
    assert told() == before + 1


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /some HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 1_000_000,
        b"POST /some HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        REQUEST * 3_000,
        REQUEST.replace(b"\r\n\r\n", b"\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"),
    ],
    ids=["a long body", "chunks", "many requests", "a wish"],
)
async def test_the_answer_arrives_whatever_else_was_sent(request_bytes):
    async with asyncio.timeout(LIMIT_S), behind(Counting()) as (port, _):
        await exhausted(port)
        head, body = await asked(port, request_bytes)
    assert head.startswith(b"http/1.1 429 ")
    assert json.loads(body)["status"] == 429


async def test_who_asks_for_the_head_gets_no_body():
    async with asyncio.timeout(LIMIT_S), behind(Counting()) as (port, _):
        await exhausted(port)
        async with connected(port) as (reader, writer):
            writer.write(REQUEST.replace(b"GET", b"HEAD"))
            answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 429 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_who_finds_no_place_to_be_held_at_is_told_at_once():
    app = Counting(hold_s=LIMIT_S)
    async with asyncio.timeout(LIMIT_S / 2), behind(app) as (port, _):
        await exhausted(port)
        for _ in range(HELD_REQUESTS):
            assert app.gate.hold()
        assert (await asked(port))[0].startswith(b"http/1.1 429 ")


async def test_places_are_given_back_also_of_those_who_left():
    app = Counting()
    async with asyncio.timeout(LIMIT_S), behind(app) as (port, made):
        await exhausted(port)
        async with connected(port) as (_, writer):
            writer.write(REQUEST)
            while made[-1]._refusal is None:
                await asyncio.sleep(0)
        assert app.gate._held == 1
        while app.gate._held:
            await asyncio.sleep(0)


async def test_at_the_end_of_the_process_who_is_held_is_told_at_once():
    async with asyncio.timeout(LIMIT_S / 2), behind(Counting(hold_s=LIMIT_S)) as (port, made):
        await exhausted(port)
        async with connected(port) as (reader, writer):
            writer.write(REQUEST)
            while made[-1]._refusal is None:
                await asyncio.sleep(0)
            made[-1].shutdown()
            assert (await reader.read()).startswith(b"HTTP/1.1 429 ")

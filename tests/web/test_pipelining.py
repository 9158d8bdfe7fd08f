"""Requests that are sent before the last one is answered: in order, and no burden to the door."""

import asyncio
from contextlib import asynccontextmanager, suppress

import uvicorn
from uvicorn.server import ServerState

from shared.runtime.answering import SLICE_BYTES
from shared.runtime.protocol import Protocol

REQUESTS = 2_000
LIMIT_S = 20


def request(number):
    return f"GET /{number} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


@asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def listening(app, gate=None):
    """A server of an app behind a gate, if there is one, with the connections that it has."""
    config = uvicorn.Config(app, http=Protocol, ws="none", log_config=None, lifespan="off")
    config.load()
    made = []

    def connection():
        made.append(Protocol(config=config, server_state=ServerState(), app_state={}, gate=gate))
        return made[-1]

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], made


async def echo(scope, _receive, send):
    body = scope["path"].encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return await reader.readexactly(length)


async def test_many_requests_sent_at_once_are_answered_each_and_in_order():
    async with asyncio.timeout(LIMIT_S), listening(echo) as (port, _), connected(port) as (reader, writer):
        writer.write(b"".join(request(number) for number in range(REQUESTS)))
        assert [await answer(reader) for _ in range(REQUESTS)] == [b"/%d" % n for n in range(REQUESTS)]


async def test_what_is_sent_before_an_answer_lies_unread():
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def waiting(scope, receive, send):
        asked.set()
        await go_on.wait()
        await echo(scope, receive, send)

    async with (
        asyncio.timeout(LIMIT_S),
        listening(waiting) as (port, made),
        connected(port) as (reader, writer),
    ):
        writer.write(b"".join(request(number) for number in range(REQUESTS)))
        await asked.wait()
        assert len(made[0].pipeline) < SLICE_BYTES / len(request(0))
        assert len(made[0]._unparsed) > SLICE_BYTES
        go_on.set()
        assert await answer(reader) == b"/0"


async def test_what_cannot_be_read_ends_a_connection_after_what_came_before():
    async with asyncio.timeout(LIMIT_S), listening(echo) as (port, _), connected(port) as (reader, writer):
        writer.write(request(1))
        assert await answer(reader) == b"/1"
        writer.write(b"GET /2\x00 HTTP/1.1\r\n\r\n" + request(3))
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

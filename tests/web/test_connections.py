"""A connection that is over is gone at once: a collector that walks thousands of them keeps others waiting."""

import asyncio
import gc
import weakref

import pytest
import uvicorn
import uvloop
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from shared.runtime.protocol import Protocol

LIMIT_S = 20


@pytest.mark.parametrize(
    "unread", [b"", b"GET /two HTTP/1.1\r\nhost: x\r\n\r\n"], ids=["all read", "half read"]
)
def test_nothing_holds_a_connection_that_is_over(unread: bytes):
    made: list[weakref.ref[Protocol]] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"done"})

    async def once() -> bytes:
        config = uvicorn.Config(app, http=Protocol, log_config=None, lifespan="off")
        config.load()

        def connection() -> Protocol:
            protocol = Protocol(config=config, server_state=ServerState(), app_state={})
            made.append(weakref.ref(protocol))
            return protocol

        server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
        async with asyncio.timeout(LIMIT_S), server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"GET /one HTTP/1.1\r\nhost: x\r\n\r\n" + unread)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0)
        return answer

    gc.collect()
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            assert runner.run(once()).startswith(b"HTTP/1.1 200")
        assert [one() for one in made] == [None]
    finally:
        gc.enable()

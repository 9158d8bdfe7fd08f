"""Whoever wishes for another protocol, as clients that know HTTP/2 do with each request, is served by this one."""

import asyncio

import pytest

from tests.web.test_pipelining import answer, connected, listening

LIMIT_S = 20
WISH = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"


async def told(scope, receive, send):
    """Answer with the body, the path and which fields came."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    said = b"%s %s %s" % (scope["method"].encode(), scope["path"].encode(), body)
    headers = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


def posted(fields, body):
    return b"POST /events HTTP/1.1\r\nhost: x\r\n%b%b\r\n%b" % (WISH, fields, body)


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (posted(b"content-length: 5\r\n", b"hello"), b"POST /events hello"),
        (
            posted(b"transfer-encoding: chunked\r\n", b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
            b"POST /events hello",
        ),
        (b"GET /events HTTP/1.1\r\nhost: x\r\n%b\r\n" % WISH, b"GET /events "),
        (
            b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
            b"GET / ",
        ),
    ],
    ids=["length", "chunked", "no body", "websocket"],
)
@pytest.mark.parametrize("slice_bytes", [1, 7, 10_000])
async def test_a_wish_for_another_protocol_leaves_the_body_with_its_request(
    request_bytes, expected, slice_bytes
):
    async with asyncio.timeout(LIMIT_S), listening(told) as (port, _), connected(port) as (reader, writer):
        for first in range(0, len(request_bytes), slice_bytes):
            writer.write(request_bytes[first : first + slice_bytes])
            await writer.drain()
            await asyncio.sleep(0)
        assert await answer(reader) == expected


async def test_requests_after_it_on_the_same_connection_are_served_in_order():
    wished = posted(b"content-length: 3\r\n", b"one")
    plain = b"POST /plain HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\ntwo"
    async with asyncio.timeout(LIMIT_S), listening(told) as (port, _), connected(port) as (reader, writer):
        writer.write(wished + plain + wished)
        said = [await answer(reader) for _ in range(3)]
    assert said == [b"POST /events one", b"POST /plain two", b"POST /events one"]


async def test_who_wishes_and_wants_to_close_is_closed():
    request = posted(b"content-length: 2\r\n", b"ok").replace(b"Upgrade,", b"close, Upgrade,")
    async with asyncio.timeout(LIMIT_S), listening(told) as (port, _), connected(port) as (reader, writer):
        writer.write(request)
        assert (await reader.read()).endswith(b"POST /events ok")


async def test_two_lengths_are_refused_with_a_wish_too():
    request = posted(b"content-length: 2\r\ncontent-length: 3\r\n", b"abc")
    async with asyncio.timeout(LIMIT_S), listening(told) as (port, _), connected(port) as (reader, writer):
        writer.write(request)
        assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("target", [b"x:443", b"a://b/c"])
async def test_we_are_no_tunnel(target):
    async with asyncio.timeout(LIMIT_S), listening(told) as (port, _), connected(port) as (reader, writer):
        writer.write(b"CONNECT %b HTTP/1.1\r\nhost: x\r\n\r\nafterwards" % target)
        assert (await reader.read()).startswith(b"HTTP/1.1 405 ")

"""Rows of the table of bad inputs that are about requests themselves: their lines, headers and bodies on the wire."""

import json
import select
import socket
import time

import pytest

from services.ingest.domain.binding import STRUCTURED
from shared.web.bodies import BODY_TIMEOUT_S
from tests.ingest.refused import ECHO, nothing_kept_of
from tests.ingest.serving import Served, event

POST = b"POST /v1/events HTTP/1.1\r\n"
SAID = b"X-Said: " + ECHO.encode() + b"\r\n"
HOST = b"Host: x\r\nConnection: close\r\n" + SAID
TWO = b"Content-Length: 2\r\n"
BODY = b"\r\n{}"
REQUESTS = {
    "I29 length and chunks": (POST + HOST + TWO + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed"),
    "I29 two lengths": (POST + HOST + TWO + b"Content-Length: 3\r\n" + BODY, 400, "malformed"),
    "I29 the same length twice": (POST + HOST + TWO + TWO + BODY, 400, "malformed"),
    "I29 xchunked": (POST + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, "malformed"),
    "I29 folded": (POST + HOST + b"X-A: b\r\n c\r\n" + TWO + BODY, 400, "malformed"),
    "I29 bare line feed": (POST + HOST.replace(b"\r\n", b"\n") + TWO + BODY, 400, "malformed"),
    "I29 length +3": (POST + HOST + b"Content-Length: +3\r\n" + BODY, 400, "malformed"),
    "I29 space before the colon": (POST + HOST + b"Content-Length : 2\r\n" + BODY, 400, "malformed"),
    "I29 a chunk that is none": (POST + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400, "malformed"),
    "I29 no Host": (POST + b"Connection: close\r\n" + SAID + TWO + BODY, 400, "host"),
    "I30 70 kB": (POST + HOST + b"X-A: " + b"y" * 70_000 + b"\r\n" + TWO + BODY, 431, "headers_too_large"),
    "I30 200 headers": (POST + HOST + b"X-A: y\r\n" * 200 + TWO + BODY, 431, "headers_too_large"),
    "I31 TRACE": (b"TRACE /v1/events HTTP/1.1\r\n" + HOST + b"\r\n", 405, "method_not_allowed"),
    "I31 unknown": (b"BREW /v1/events/desk/" + ECHO.encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n", 405, "method_not_allowed"),
    "I31 PROPFIND": (b"PROPFIND /v1/events HTTP/1.1\r\n" + HOST + b"\r\n", 405, "method_not_allowed"),
    "I31 override": (POST + HOST + b"X-HTTP-Method-Override: DELETE\r\n" + TWO + BODY, 405, "method_not_allowed"),
}  # fmt: skip


@pytest.mark.parametrize("case", REQUESTS)
def test_what_is_no_plain_request_is_refused_by_the_server(served: Served, case: str):
    request, status, code = REQUESTS[case]
    with nothing_kept_of(served) as answers:
        answer = served.raw(request)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert int(head.split()[1]) == status
        assert b"content-type: application/problem+json" in head.lower()
        assert json.loads(body)["code"] == code
        answers.append(answer)


def authorized(served: Served) -> bytes:
    token = served.headers()["authorization"].encode()
    return HOST + b"Authorization: " + token + b"\r\nContent-Type: " + STRUCTURED.encode() + b"\r\n"


def test_what_a_header_says_of_the_caller_is_ignored(served: Served):
    claimed = b"X-Forwarded-For: 10.0.0.1\r\nX-User: root\r\nX-Role: operator\r\n"
    assert b" 401 " in served.raw(POST + HOST + claimed + TWO + BODY).split(b"\r\n")[0]
    headers = served.headers("ada", "reader") | {"x-role": "operator", "x-user": "ann"}
    with served.client("ada", "reader") as client:
        assert client.get("/v1/refusals", headers=headers).status_code == 403


def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(served: Served):
    with nothing_kept_of(served) as answers:
        answers.append(served.raw(POST + authorized(served) + b"Content-Length: 1048577\r\n\r\n"))
        too_large(answers[0])


def test_a_chunked_body_is_refused_at_the_limit_and_the_connection_closed(served: Served):
    good = json.dumps(event(id=ECHO)).encode()
    with nothing_kept_of(served) as answers, served.connect() as connection:
        connection.sendall(POST + authorized(served) + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.sendall(chunk(good))
        blank = chunk(b" " * 0x10000)
        for _ in range(16):
            connection.sendall(blank)
        select.select([connection], [], [], BODY_TIMEOUT_S)
        connection.sendall(blank)
        connection.shutdown(socket.SHUT_WR)
        answers.append(connection.makefile("rb").read())
        too_large(answers[0])


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def too_large(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    assert json.loads(body)["code"] == "too_large"


@pytest.mark.long
def test_a_body_that_drips_is_given_up_after_ten_seconds(served: Served):
    begun = time.monotonic()
    with served.connect(timeout=0.5) as connection:
        connection.sendall(POST + authorized(served) + b"Content-Length: 1000\r\n\r\n")
        answer = b""
        while not answer and time.monotonic() - begun < 3 * BODY_TIMEOUT_S:
            connection.sendall(b"[")
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue
        while more := connection.recv(65536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"slow_body"' in answer
    assert BODY_TIMEOUT_S - 1 < time.monotonic() - begun < 2 * BODY_TIMEOUT_S

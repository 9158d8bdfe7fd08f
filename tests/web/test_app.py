"""Every answer of the door is either what was asked or a problem."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.types import Message, Receive, Scope, Send

from shared.kernel.errors import Problem, Refused, Unavailable
from shared.kernel.records import Reached
from shared.web import bodies
from shared.web.app import STATIC, create_app, openapi_of
from shared.web.archive import archive_router
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.guard import Guard
from shared.web.tokens import KeyFile, TokenCheck


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


@dataclass
class Stored:
    number: int
    body: bytes
    chain: bytes


class Kept:
    """An archive without end."""

    async def read(self, stream: str, shard: int, after: int, limit: int) -> Sequence[Stored]:
        assert (stream, shard) == ("s.t", 7)
        return [Stored(n, b'{"n":%d}' % n, bytes(32)) for n in range(after + 1, after + limit + 1)]

    async def reached(self, stream: str) -> dict[int, Reached]:
        assert stream == "s.t"
        return {7: Reached(9, 8)}


READY = {"database": True, "broker": True}


def taking() -> APIRouter:
    router = APIRouter()

    @router.post("/echo")
    async def echo(body: Body) -> str:
        return body.name

    @router.post("/raw")
    async def raw(request: Request) -> Any:
        return await bodies.read_json(request, "application/json", max_bytes=100)

    @router.get("/page")
    async def page(limit: Annotated[int, Query(ge=1, le=200)]) -> int:
        return limit

    return router


def failing() -> APIRouter:
    router = APIRouter()

    @router.get("/refused")
    async def refused() -> None:
        raise Refused(Problem(409, "id_conflict", "Known.", pointer="/id", extra={"first": "x"}))

    @router.get("/away")
    async def away() -> None:
        raise Unavailable("database", retry_after_s=3)

    @router.get("/broken")
    async def broken() -> None:
        raise ZeroDivisionError("secret")

    return router


def app_of(tokens: TokenCheck | None = None) -> FastAPI:
    async def ready() -> dict[str, bool]:
        return READY

    routers = [taking(), failing(), archive_router(Kept(), ["s.t"])]
    return create_app(title="Test", service="test", routers=routers, readiness=ready, tokens=tokens)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app_of()), base_url="http://x") as made:
        yield made


def is_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["title"]
    return body


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/livez/", 404, "not_found"),
        ("GET", "/static/../app.py", 404, "not_found"),
        ("DELETE", "/livez", 405, "method_not_allowed"),
        ("TRACE", "/livez", 405, "method_not_allowed"),
        ("BREW", "/livez", 405, "method_not_allowed"),
        ("GET", "/page?limit=1000000000", 422, "invalid"),
        ("GET", "/page", 422, "missing_field"),
        ("GET", "/away", 503, "unavailable"),
        ("GET", "/broken", 500, "internal"),
        ("GET", "/refused", 409, "id_conflict"),
    ],
)
async def test_every_refusal_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    response = await client.request(method, path)
    is_problem(response, status, code)
    assert "secret" not in response.text
    assert ("allow" in response.headers) == (status == 405)
    assert response.headers.get("retry-after") == ("3" if status == 503 else None)


async def test_what_is_cut_off_as_the_server_ends_is_told_to_ask_again() -> None:
    asked = asyncio.Event()

    async def hanging(_scope: Scope, _receive: Receive, _send: Send) -> None:
        asked.set()
        await asyncio.Event().wait()

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [(b"host", b"x")]}
    request = asyncio.create_task(Guard(hanging)(scope, receive, send))
    await asked.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert [one["status"] for one in sent if one["type"] == "http.response.start"] == [503]
    assert (b"retry-after", b"1") in sent[0]["headers"]


async def test_the_frameworks_422_names_the_field_and_repeats_no_input(client: httpx.AsyncClient) -> None:
    missing = is_problem(await client.post("/echo", json={}), 422, "missing_field")
    assert missing["pointer"] == "/body/name"
    unknown = await client.post("/echo", json={"name": "a", "is_admin": "hunter2"})
    assert is_problem(unknown, 422, "unknown_field")["pointer"] == "/body"
    assert "hunter2" not in unknown.text


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{}", {"content-type": "text/plain"}, 415, "content_type"),
        (b"{}", {}, 415, "content_type"),
        (b"{}", {"content-type": "application/json; charset=gbk"}, 415, "content_type"),
        (b"{}", {"content-type": "application/json", "content-encoding": "gzip"}, 415, "content_encoding"),
        (
            b"{}",
            {"content-type": "application/json", "content-encoding": "gzip, gzip"},
            415,
            "content_encoding",
        ),
        (b"x" * 101, {"content-type": "application/json"}, 413, "too_large"),
        (b'{"a":1,"a":1}', {"content-type": "application/json"}, 400, "duplicate_key"),
        (b"", {"content-type": "application/json"}, 400, "json"),
    ],
)
async def test_a_bad_body_is_refused(
    client: httpx.AsyncClient, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    is_problem(await client.post("/raw", content=content, headers=headers), status, code)


async def test_a_good_body_is_read(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/raw", content=b'{"a":[1]}', headers={"content-type": "Application/JSON; charset=UTF-8"}
    )
    assert response.json() == {"a": [1]}


async def test_a_chunked_body_stops_at_the_limit(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"[" * 10

    response = await client.post("/raw", content=chunks(), headers={"content-type": "application/json"})
    is_problem(response, 413, "too_large")
    assert response.headers["connection"] == "close"


async def test_a_length_may_end_in_blanks(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-length": "9 "}
    response = await client.post("/raw", content=b'{"a":[1]}', headers=headers)
    assert response.json() == {"a": [1]}


async def test_a_slow_body_is_given_up() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    request = Request({"type": "http", "method": "POST", "headers": [(b"host", b"x")]}, receive)
    with pytest.raises(Refused) as refused:
        await bodies.read(request, timeout_s=0.01)
    assert (refused.value.problem.status, refused.value.problem.code) == (408, "slow_body")


async def test_who_leaves_in_the_middle_of_a_body_has_sent_a_bad_request() -> None:
    coming = iter([{"type": "http.request", "body": b"[1", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(coming)

    request = Request({"type": "http", "method": "POST", "headers": [(b"host", b"x")]}, receive)
    with pytest.raises(Refused) as refused:
        await bodies.read(request)
    assert refused.value.problem == bodies.GONE


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 400),
        ([(b"host", b" ")], 400),
        ([(b"host", b"a"), (b"host", b"b")], 400),
        ([(b"host", b"a"), (b"x", b"y" * 40_000)], 431),
        ([(b"host", b"a"), *[(b"x", b"y")] * 200], 431),
        ([(b"host", b"a")], 200),
    ],
)
async def test_malformed_headers_do_not_reach_a_route(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    sent: list[Any] = []
    scope = {"type": "http", "method": "GET", "path": "/livez", "raw_path": b"/livez", "query_string": b"", "headers": headers, "http_version": "1.1", "scheme": "http"}  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await Guard(app_of())(scope, receive, send)
    assert sent[0]["status"] == status


@pytest.mark.parametrize("path", ["/pa%00ge", "/page?limit=%00", "/nowhere/%00?a=b"])
async def test_nul_in_an_address_does_not_reach_a_route(client: httpx.AsyncClient, path: str) -> None:
    is_problem(await client.get(path), 400, "encoding")


async def test_readiness_names_what_is_not_there(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await client.get("/readyz")).json() == {"status": "ok", "parts": READY}
    monkeypatch.setitem(READY, "broker", False)
    body = is_problem(await client.get("/readyz"), 503, "not_ready")
    assert (body["detail"], body["parts"]) == ("broker", {"database": True, "broker": False})


async def test_metrics_count_answers(client: httpx.AsyncClient) -> None:
    await client.get("/livez")
    assert 'dukao_http_requests_total{method="GET",status="200"}' in (await client.get("/metrics")).text


async def test_the_docs_page_asks_nothing_of_the_outside(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "://" not in page.text
    assert "://" not in (STATIC / "docs.js").read_text()
    for asset in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert (await client.get("/" + asset)).status_code == 200
    assert "<script>" not in page.text
    asked = re.findall(r"(?:url\(|@import)\s*([^)\s]{0,9})", (STATIC / "swagger-ui.css").read_text())
    assert asked
    assert all(target.lstrip("\"'").startswith(("data:", "#")) for target in asked)
    assert (STATIC / "swagger-ui.LICENSE").read_text().strip().startswith("Apache License")


async def test_openapi_is_3_1_and_tells_of_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document == openapi_of(app_of())
    assert document["openapi"].startswith("3.1.")
    operation = document["paths"]["/echo"]["post"]
    assert set(operation["responses"]) == {"200", "default"}
    assert operation["operationId"] == "echo"
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert document["paths"]["/internal/v1/streams/{stream}/{shard}"]["get"]["security"] == [{"token": []}]
    assert "security" not in operation
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "Problem" in document["components"]["schemas"]


async def test_the_archive_is_for_services_only(tmp_path: Path) -> None:
    issuer = DevelopmentIssuer(tmp_path, environment="development")
    tokens = TokenCheck(issuer=ISSUER, audience="dukao/test", keys=KeyFile(issuer.jwks_file))
    transport = httpx.ASGITransport(app_of(tokens))
    service = {"authorization": "Bearer " + issuer.mint("scoring", ["service"], ["dukao/test"])}
    reader = {"authorization": "Bearer " + issuer.mint("ada", ["reader"], ["dukao/test"])}
    path = "/internal/v1/streams/s.t/7"
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        is_problem(await client.get(path), 401, "invalid_token")
        is_problem(await client.get(path, headers=reader), 403, "forbidden")
        is_problem(await client.get("/internal/v1/streams/other/7", headers=service), 404, "not_found")
        is_problem(await client.get("/internal/v1/streams/s.t/64", headers=service), 422, "invalid")
        is_problem(await client.get(f"{path}?limit=1001", headers=service), 422, "invalid")
        page = (await client.get(f"{path}?after=4&limit=2", headers=service)).json()
    assert [record["number"] for record in page["records"]] == [5, 6]
    assert base64.b64decode(page["records"][0]["body"]) == b'{"n":5}'
    assert page["records"][0]["chain"] == "00" * 32

"""The outermost middleware: malformed requests, what escapes from routes, and the metrics."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.errors import Problem
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS
from shared.web.problems import answer, unavailable

HEADERS_LIMIT = 100
HEADERS_LIMIT_BYTES = 32 * 1024
STOPPED_RETRY_S = 1
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

OVERRIDES = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
    ),
)

_LOG = logger(__name__)


class Guard:
    """Refuse malformed requests, answer 500 for what escapes, 503 for what is cut off; count every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await _Request(self._app, scope).run(receive, send)


class _Request:
    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._app = app
        self._scope = scope
        self._status = 0

    async def run(self, receive: Receive, send: Send) -> None:
        started = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
                message["headers"] = [*message.get("headers", ()), *SECURITY_HEADERS]
            await send(message)

        try:
            await self._answer(receive, sending)
        finally:
            self._count(time.perf_counter() - started)

    async def _answer(self, receive: Receive, send: Send) -> None:
        problem = _malformed(self._scope)
        if problem is not None:
            await answer(problem)(self._scope, receive, send)
            return
        try:
            await self._app(self._scope, receive, send)
        except asyncio.CancelledError:  # the server waits no longer; a retry tells what became of it
            if not self._status:
                await answer(unavailable(STOPPED_RETRY_S))(self._scope, receive, send)
            raise
        except Exception:
            _LOG.exception("request failed", method=self._scope["method"], path=self._scope["path"])
            if self._status:
                raise
            await answer(Problem(500, "internal", "The request failed on our side."))(
                self._scope, receive, send
            )

    def _count(self, seconds: float) -> None:
        METRICS.observe("dukao_http_seconds", seconds, method=_counted(self._scope["method"]))
        count_answer(self._scope["method"], self._status)


def count_answer(method: str, status: int) -> None:
    """Count an answer."""
    METRICS.count("dukao_http_requests_total", method=_counted(method), status=str(status))


def _counted(method: str) -> str:
    return method if method in METHODS else "other"


def _malformed(scope: Scope) -> Problem | None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > HEADERS_LIMIT or size > HEADERS_LIMIT_BYTES:
        return Problem(431, "headers_too_large")
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) != 1 or not hosts[0].strip():
        return Problem(400, "host", "Exactly one Host header is needed.")
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        return Problem(400, "encoding", "An address holds no NUL.")
    if scope["method"] not in METHODS or any(name in OVERRIDES for name, _ in headers):
        return Problem(405, "method_not_allowed", headers={"allow": ", ".join(sorted(METHODS))})
    return None

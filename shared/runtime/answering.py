"""The HTTP/1.1 parser of the real server: what it cannot read is answered as a problem, like all else."""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.kernel.errors import Problem
from shared.runtime.lingering import Lingering
from shared.web import problems
from shared.web.gate import Gate, turned_away
from shared.web.guard import SECURITY_HEADERS, count_answer

SLICE_BYTES = 16 << 10  # read at once of what comes before an answer

WISHES = frozenset({b"upgrade", b"http2-settings"})

MALFORMED = Problem(400, "malformed", "This is not a plain HTTP/1.1 request.")
UNKNOWN_METHOD = Problem(405, "method_not_allowed", headers={"allow": "GET, HEAD, POST, PUT, PATCH, DELETE"})


class Protocol(HttpToolsProtocol):
    """Answers as the server does, but as a problem and by its exact status, and so that it can be read.

    Requests that are sent before the last one is answered lie unread: who sends many at once gets no more of
    the door than who waits, and takes no more of its memory than what one reading brings.
    """

    _line: Lingering
    _malformed = False
    _refusal: bytes | None = None
    _whole = False
    _unparsed = memoryview(b"")
    _part = memoryview(b"")  # what the parser was given last

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin a connection."""
        self._gate: Gate | None = getattr(getattr(self.config.app, "state", None), "gate", None)
        self._line = Lingering(transport, self._unread)
        super().connection_made(self._line)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of all that holds this, so that no collector has to find it among thousands of others."""
        super().connection_lost(exc)
        self._line.forget()
        self._unparsed = self._part = memoryview(b"")
        self.cycle = None  # pyright: ignore[reportAttributeAccessIssue]
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """Parse what comes, unless all is answered."""
        if self._line.lingers:
            self._line.throw_away(data)
            return
        if self._refusal is not None:
            self._whole = False
            return
        self._unparsed = memoryview(self._unparsed.tobytes() + data if self._unparsed else data)
        self._parse()

    def on_headers_complete(self) -> None:
        """Begin a request, unless it is about to be read again or its connection begins above a rate."""
        if not self._wishes and not self._turns_away():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take of a body what is worked on."""
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request, unless it is about to be read again."""
        if self._refusal is not None:
            self._whole = True
        elif not self._wishes:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with what was sent before the answer."""
        super().on_response_complete()
        self._parse()
        if self._unparsed or self.pipeline:
            self.flow.pause_reading()

    def _parse(self) -> None:
        while self._unparsed and not self.pipeline and not self._line.is_closing():
            self._part, self._unparsed = self._unparsed[:SLICE_BYTES], self._unparsed[SLICE_BYTES:]
            super().data_received(self._part)  # pyright: ignore[reportArgumentType]

    @property
    def _wishes(self) -> bool:
        """Whether a request wishes for another protocol, so that the parser takes its body for that."""
        return self.parser.should_upgrade()

    def _unsupported_upgrade_warning(self) -> None:
        """Read a request again without its wish, as it may be passed over (RFC 9110, 7.8); we are no tunnel.

        The server calls this while the parser's exception, which holds the place of the body, is handled.
        """
        if self.parser.get_method() == b"CONNECT":
            self._end_with(UNKNOWN_METHOD)
            return
        place = sys.exception()
        assert isinstance(place, httptools.HttpParserUpgrade)
        rest = self._part[place.args[0] :].tobytes()
        line = b"%b %b HTTP/%b\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode("ascii"),
        )
        fields = b"".join(b"%b: %b\r\n" % field for field in _without_wish(self.headers))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as the server's own
        self._part = memoryview(line + fields + b"\r\n" + rest)
        super().data_received(self._part)  # pyright: ignore[reportArgumentType]

    def shutdown(self) -> None:
        """Begin to end: one that is held is told at once."""
        if self._refusal is None:
            super().shutdown()
        else:
            self._turn_away()

    def _turns_away(self) -> bool:
        """Turn a connection away whose first request comes above its caller's rate.

        Nothing but the parser has seen it then: a crowd of strangers, each of whom opens a connection, takes
        half as much of the loop as if each were told by the application.
        """
        if self._refusal is None and self._gate is not None and not self.cycle:
            address, path = (self.client or ("?",))[0], httptools.parse_url(self.url).path.decode("ascii")
            over_s = self._gate.over_s(self._gate.caller(self.headers, address, unquote(path)))
            if over_s:
                method = self.parser.get_method().decode("ascii")
                count_answer(method, 429)
                self._refusal = last_answer(turned_away(over_s), has_body=method != "HEAD")
                self._hold(self._gate)
        return self._refusal is not None

    def _hold(self, gate: Gate) -> None:
        if gate.hold():
            self.loop.call_later(gate.hold_s, gate.let_go)
            self.loop.call_later(gate.hold_s, self._turn_away)
        else:
            self.loop.call_soon(self._turn_away)

    def _turn_away(self) -> None:
        if self._refusal is not None and not self.transport.is_closing():
            self.transport.write(self._refusal)
            self.transport.close()

    def _unread(self) -> bool:
        if self._refusal is not None:
            return not self._whole
        return self._malformed or bool(self.cycle and self.cycle.more_body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server has a text, we a problem
        """Answer what was not parsed and close; the server calls this while the parser's error is handled."""
        unknown = isinstance(sys.exception(), httptools.HttpParserInvalidMethodError)
        self._end_with(UNKNOWN_METHOD if unknown else MALFORMED)

    def _end_with(self, problem: Problem) -> None:
        self._malformed = True
        self.transport.write(last_answer(problem))
        self.transport.close()


def last_answer(problem: Problem, *, has_body: bool = True) -> bytes:
    """Return the answer for a problem as it is sent where no application answers; the connection ends."""
    response = problems.answer(problem)
    response.raw_headers += [(b"connection", b"close"), *SECURITY_HEADERS]
    head = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n".encode("ascii")
    fields = b"".join(b"%b: %b\r\n" % field for field in response.raw_headers)
    return head + fields + b"\r\n" + (bytes(response.body) if has_body else b"")


def _without_wish(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers:
        if name == b"connection":
            kept = [one for one in value.split(b",") if one.strip().lower() not in WISHES]
            yield name, b",".join(kept)
        elif name not in WISHES:
            yield name, value

"""The HTTP/1.1 parser of the real server: what it cannot read is answered as a problem, like all else."""

import asyncio
import sys
from http import HTTPStatus

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.kernel.errors import Problem
from shared.runtime.lingering import Lingering
from shared.web import problems
from shared.web.guard import SECURITY_HEADERS

SLICE_BYTES = 16 << 10  # read at once of what comes before an answer

MALFORMED = Problem(400, "malformed", "This is not a plain HTTP/1.1 request.")
UNKNOWN_METHOD = Problem(405, "method_not_allowed", headers={"allow": "GET, HEAD, POST, PUT, PATCH, DELETE"})


class Answering(HttpToolsProtocol):
    """Answers as the server does, but as a problem and by its exact status, and so that it can be read.

    Requests that are sent before the last one is answered lie unread: who sends many at once gets no more of
    the door than who waits, and takes no more of its memory than what one reading brings.
    """

    _line: Lingering
    _malformed = False
    _unparsed = memoryview(b"")
    _part = memoryview(b"")  # what the parser was given last

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin a connection."""
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
        self._unparsed = memoryview(self._unparsed.tobytes() + data if self._unparsed else data)
        self._parse()

    def on_response_complete(self) -> None:
        """Go on with what was sent before the answer."""
        super().on_response_complete()
        self._parse()
        if self._unparsed or self.pipeline:
            self.flow.pause_reading()

    def _parse(self) -> None:
        while self._unparsed and not self.pipeline and not self._line.is_closing():
            part, self._unparsed = self._unparsed[:SLICE_BYTES], self._unparsed[SLICE_BYTES:]
            self._feed(part)

    def _feed(self, part: memoryview) -> None:
        """Give the parser a part of what was sent."""
        self._part = part
        super().data_received(part)  # pyright: ignore[reportArgumentType]

    def _unread(self) -> bool:
        """Whether more of a request is to come that no one will read."""
        return self._malformed or bool(self.cycle and self.cycle.more_body)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the server has a text, we a problem
        """Answer what was not parsed and close; the server calls this while the parser's error is handled."""
        unknown = isinstance(sys.exception(), httptools.HttpParserInvalidMethodError)
        self._end_with(UNKNOWN_METHOD if unknown else MALFORMED)

    def _end_with(self, problem: Problem) -> None:
        """Answer a problem and read no more."""
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

"""The route that takes events line by line and answers each as it commits."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, TypeAlias

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from services.ingest.api.answers import AFTER_CLOSE, item
from services.ingest.api.door import STREAMS_OF_CLIENT, Door, sender_of
from services.ingest.api.lines import LINE_BYTES, SILENCE_S, SILENT, Line, Splitter
from shared.kernel.errors import Problem, Refused, Unavailable
from shared.storage.failures import STORAGE_ERRORS, may_pass
from shared.web import bodies, problems
from shared.web.access import Role, Subject
from shared.web.tokens import of_own

NDJSON = "application/x-ndjson"
GROUP_LINES = 1_000
DECODE_LINES = 100
PIECES_AHEAD = 4
ENDING = problems.unavailable(1)
_Pieces: TypeAlias = asyncio.Queue[list[Line] | Problem | None]
_ABOUT = (
    "Take events as lines of JSON for as long as they come, and answer line by line. "
    f"A line has at most {LINE_BYTES} bytes; a bad one is answered as rejected and the stream goes on. "
    f"A client has at most {STREAMS_OF_CLIENT} streams; one that brings no byte for {SILENCE_S:g} s ends."
)
_LINES = {"content": {NDJSON: {"schema": {"type": "string", "format": "ndjson"}}}}
_DESCRIBED = {"requestBody": {"required": True, "description": "One CloudEvent a line.", **_LINES}}
_ANSWERED = {
    "description": "A line for each line that is not blank, in order, as it commits: its number `line`, "
    f"`status` and `receipt` or `problem`. {AFTER_CLOSE} If the stream had to end early, a last line "
    "has only `problem`, and what was not answered is to be sent again.",
    **_LINES,
}


def stream_router(door: Door) -> APIRouter:
    """Return the route that takes a stream of events."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post(
        "/events:stream",
        name="stream_events",
        description=_ABOUT,
        openapi_extra=_DESCRIBED,
        responses={200: _ANSWERED},
    )
    async def stream_events(
        request: Request, subject: Annotated[Subject, Depends(of_own(Role.INTEGRATOR))]
    ) -> Response:
        bodies.expect(request, NDJSON)
        return _Answers(door, subject)

    return router


class _Answers(Response):
    """Reads while it answers, which the framework's own streams do not."""

    media_type = NDJSON

    def __init__(self, door: Door, subject: Subject) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._door = door
        self._subject = subject
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until the client ends, goes away or falls silent, nothing can be stored, or we end."""
        try:
            failure = await self._failure(Request(scope, receive), send)
        except asyncio.CancelledError:
            if self._started:
                await self._send(send, _line({"problem": problems.body_of(ENDING)}), more=False)
            raise
        if failure is bodies.GONE:
            return
        if failure is not None and not self._started:
            raise Refused(failure)
        last = b"" if failure is None else _line({"problem": problems.body_of(failure)})
        await self._send(send, last, more=False)

    async def _failure(self, request: Request, send: Send) -> Problem | None:
        """Read and answer; return why that could not go on to the end."""
        with self._door.streaming(self._subject):
            pieces: _Pieces = asyncio.Queue(PIECES_AHEAD)
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(_read(request.stream(), pieces))
                failure = await self._answer(pieces, send)
                reading.cancel()
        return failure

    async def _answer(self, pieces: _Pieces, send: Send) -> Problem | None:
        """Commit together what has come meanwhile; return why that could not go on to the end."""
        try:
            while True:
                found = await pieces.get()
                if not isinstance(found, list):
                    return found
                while not pieces.empty() and len(found) < GROUP_LINES:
                    more = pieces.get_nowait()
                    if not isinstance(more, list):
                        await self._take(found, send)
                        return more
                    found += more
                await self._take(found, send)
        except Unavailable as error:
            return problems.unavailable(error.retry_after_s, error.code)
        except STORAGE_ERRORS as error:
            if not may_pass(error):
                raise
            return bodies.GONE if isinstance(error, _NotReadError) else problems.unavailable(1, "storage")

    async def _take(self, lines: list[Line], send: Send) -> None:
        for start in range(0, len(lines), GROUP_LINES):
            group = lines[start : start + GROUP_LINES]
            self._door.check()
            sender, events = sender_of(self._subject), list[object]()
            for place, line in enumerate(group):
                if place % DECODE_LINES == 0:
                    await asyncio.sleep(0)
                events.append(line.event(self._door.admission.catalogue, sender))
            unread = {
                place: group[place].digest_hex()
                for place, event in enumerate(events)
                if isinstance(event, Problem)
            }
            answers = await self._door.take(events, sender, unread)
            written = [
                _line({"line": line.number} | item(answer))
                for line, answer in zip(group, answers, strict=True)
            ]
            await self._send(send, b"".join(written))

    async def _send(self, send: Send, body: bytes, *, more: bool = True) -> None:
        try:
            async with asyncio.timeout(SILENCE_S):
                if not self._started:
                    self._started = True
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": body, "more_body": more})
        except TimeoutError:
            raise _NotReadError from None


async def _read(stream: AsyncIterator[bytes], pieces: _Pieces) -> None:
    """Put the lines of each piece, at the end what ended them: a problem, or nothing more to come."""
    splitter, ended = Splitter(), None
    try:
        while True:
            async with asyncio.timeout(SILENCE_S):
                piece = await anext(stream, None)
            if piece is None:
                break
            await pieces.put(list(splitter.lines(piece)))
        await pieces.put(list(splitter.end()))
    except TimeoutError:
        ended = SILENT
    except ClientDisconnect:
        ended = bodies.GONE
    await pieces.put(ended)


class _NotReadError(ConnectionError):
    """The client does not read its answers."""


def _line(answer: Mapping[str, object]) -> bytes:
    return msgspec.json.encode(answer) + b"\n"

"""The routes that take events and show what became of them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Request, Response

from services.ingest import store
from services.ingest.api.answers import AFTER_CLOSE, late_for, receipt, several, single, times_of
from services.ingest.api.door import NOT_ACCEPTED, NOTHING_UNREAD, Door, sender_of
from services.ingest.contract import ACCEPTED
from services.ingest.domain.admission import is_awaited
from services.ingest.domain.binding import BATCH, BINARY, STRUCTURED, binary_event, decode_event
from services.ingest.domain.catalogue import Catalogue
from services.ingest.domain.quick import check_count, quick, read_batch
from services.ingest.domain.sources import Sender
from shared.kernel.digests import key_digest, sha256_hex
from shared.kernel.errors import Refused, refuse
from shared.kernel.strict_json import Json, decode
from shared.web import bodies
from shared.web.access import Role, Subject
from shared.web.tokens import of_own

HTTP_PREFIX = "ce-"
_EVENT = {"schema": {"type": "object"}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {STRUCTURED: _EVENT, BATCH: {"schema": {"type": "array"}}, BINARY: _EVENT},
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    201: {"description": f"Taken: its receipt. {AFTER_CLOSE}"},
    200: {
        "description": f"A duplicate's first receipt, or an answer for each event of a batch. {AFTER_CLOSE}"
    },
    409: {},
}


def events_router(door: Door) -> APIRouter:
    """Return the routes that take events and show what became of them."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post("/events", name="post_events", openapi_extra=_BODY, responses=_ANSWERS)
    async def post_events(
        request: Request, subject: Annotated[Subject, Depends(of_own(Role.INTEGRATOR))]
    ) -> Response:
        """Take one event (structured or binary CloudEvents) or a batch of at most 500."""
        kind = bodies.expect(request, STRUCTURED, BATCH, BINARY)
        sender = sender_of(subject)
        with door.holding(bodies.declared_bytes(request)):
            raw = await bodies.read(request)
            try:
                events, unread = _read(request, kind, raw, door.admission.catalogue, sender)
            except Refused as refused:
                await door.refuse([store.Refusal(refused.problem, sha256_hex(raw), subject.client)])
                raise
            answers = await door.take(events, sender, unread)
            return several(answers) if kind == BATCH else single(*answers)

    @router.get("/events/{source}/{event_id:path}", name="get_receipt", dependencies=[Depends(door.shown)])
    async def get_receipt(
        source: str,
        event_id: str,
        _: Annotated[Subject, Depends(of_own(Role.INTEGRATOR, Role.OPERATOR, Role.READER))],
    ) -> dict[str, Any]:
        """Return an accepted event and its receipt; a slash in the id may be written as it is or as %2F."""
        key = key_digest("event", source, event_id)
        async with door.exchange.reading() as tx:
            known = (await tx.known([key])).get(key)
            if known is None or is_awaited(known):
                raise refuse(404, "not_found", NOT_ACCEPTED)
            record = (await tx.read(ACCEPTED, known.shard, known.number - 1, 1))[0]
        times = times_of(record.body)
        return {
            "receipt": receipt(known.shard, known.number, times),
            **late_for(door.closings.after_close(times)),
            "event": decode(record.body),
        }

    return router


def _read(
    request: Request, kind: str, raw: bytes, catalogue: Catalogue, sender: Sender
) -> tuple[Sequence[object], Mapping[int, str]]:
    """Return the events of a body, plain ones as candidates; of a batch what cannot be read, by place."""
    if kind == BINARY:
        return [_binary(request, raw)], NOTHING_UNREAD
    if not raw:
        raise refuse(400, "empty", "The body is empty.")
    if kind == STRUCTURED:
        return [quick(raw, catalogue, sender) or decode_event(raw)], NOTHING_UNREAD
    return read_batch(raw, catalogue, sender) or (_strict_batch(raw), NOTHING_UNREAD)


def _strict_batch(raw: bytes) -> list[Json]:
    body = decode(raw)
    if not isinstance(body, list) or not body:
        raise refuse(422, "batch", "A batch is a JSON array of at least one event.")
    check_count(body)
    return body


def _binary(request: Request, raw: bytes) -> Json:
    """Read a binary event; a value in a header is percent-encoded where it is not plain."""
    attributes = [
        (name.removeprefix(HTTP_PREFIX), unquote(value))
        for name, value in request.headers.items()
        if name.startswith(HTTP_PREFIX)
    ]
    if not attributes:
        raise refuse(415, "content_type", f"Taken: {STRUCTURED}, {BATCH}, or {BINARY} with ce- headers.")
    return binary_event(attributes, decode(raw) if raw else None)

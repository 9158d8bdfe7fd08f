"""The HTTP door of ingest."""

from collections.abc import Sequence
from typing import Annotated, Any, cast
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from services.ingest import handlers, store
from services.ingest.committing import Admission, Answer, count
from services.ingest.contract import ACCEPTED
from services.ingest.domain.admission import Outcome, is_awaited
from services.ingest.domain.binding import BATCH, BINARY, STRUCTURED, binary_event
from services.ingest.domain.catalogue import Catalogue, json_schema
from services.ingest.domain.envelope import Candidate
from shared.contracts.fields import After, Version
from shared.kernel.canonical import digest_hex
from shared.kernel.digests import key_digest, sha256_hex
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.strict_json import Json, Limits, decode
from shared.messaging.committer import Committer
from shared.storage.exchange import Exchange
from shared.web import bodies, problems
from shared.web.access import Subject
from shared.web.tokens import require

LARGEST_BATCH_EVENTS = 500
HTTP_PREFIX = "ce-"
PAGE_LIMIT = 200
CATALOGUE_LIMITS = Limits(depth=16, keys=2000, items=2000)

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]


class Door:
    """What the routes work with."""

    def __init__(self, admission: Admission, committer: Committer[Candidate, Answer]) -> None:
        self.exchange: Exchange = admission.exchange
        self.replay = admission.replay
        self._admission = admission
        self._committer = committer

    async def types(self) -> Catalogue:
        """Return the catalogue in force."""
        await self._admission.newest()
        return self._admission.catalogue

    async def take(self, events: Sequence[object], client: str) -> list[Answer]:
        """Admit what is good and answer for each, in order; refusals are kept."""
        judged = await self._admission.judge(events)
        ready = [one for one in judged if isinstance(one, Candidate)]
        committed = iter(await self._committer.submit(ready) if ready else ())
        answers = [
            Answer(Outcome.REFUSED, problem=one) if isinstance(one, Problem) else next(committed)
            for one in judged
        ]
        refusals = [
            store.Refusal(answer.problem, digest_hex(event), client)
            for event, answer in zip(events, answers, strict=True)
            if answer.outcome is Outcome.REFUSED and answer.problem is not None
        ]
        await self.refuse(refusals)
        count(answers)
        return answers

    async def refuse(self, refusals: Sequence[store.Refusal]) -> None:
        """Keep refusals for the work list."""
        if refusals:
            async with self.exchange.begin(actor="ingest", action="refused", detail=str(len(refusals))) as tx:
                await store.note_refusals(tx, refusals)


def events_router(door: Door) -> APIRouter:
    """Return the routes that take events and show what became of them."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.post("/events", name="post_events", openapi_extra=_BODY, responses={201: {}, 200: {}, 409: {}})
    async def post_events(
        request: Request, subject: Annotated[Subject, Depends(require("integrator"))]
    ) -> Response:
        """Take one event (structured or binary CloudEvents) or a batch of at most 500."""
        kind = bodies.expect(request, STRUCTURED, BATCH, BINARY)
        raw = await bodies.read(request)
        try:
            body = _read(request, kind, raw)
        except Refused as refused:
            await door.refuse([store.Refusal(refused.problem, sha256_hex(raw), subject.client)])
            raise
        if kind == BATCH:
            answers = await door.take(cast("list[object]", body), subject.client)
            return JSONResponse({"results": [_item(answer) for answer in answers]})
        return _single(*await door.take([body], subject.client))

    @router.get("/events/{source}/{event_id:path}", name="get_receipt")
    async def get_receipt(
        source: str,
        event_id: str,
        _: Annotated[Subject, Depends(require("integrator", "operator", "reader"))],
    ) -> dict[str, Any]:
        """Return an accepted event and its receipt; a slash in the id may be written as it is or as %2F."""
        key = key_digest("event", source, event_id)
        async with door.exchange.reading() as tx:
            known = (await tx.known([key])).get(key)
            if known is None or is_awaited(known):
                raise refuse(404, "not_found", "No event was accepted under this source and id.")
            record = (await tx.read(ACCEPTED, known.shard, known.number - 1, 1))[0]
        return {"receipt": _receipt(known.shard, known.number), "event": decode(record.body)}

    return router


def lists_router(door: Door) -> APIRouter:
    """Return the routes of the work lists."""
    router = APIRouter(prefix="/v1", tags=["events"])

    @router.get("/refusals", name="list_refusals")
    async def list_refusals(
        _: Annotated[Subject, Depends(require("operator", "integrator"))], after: After = 0, limit: Limit = 50
    ) -> dict[str, Any]:
        """List what was refused, oldest first."""
        async with door.exchange.reading() as tx:
            return _paged(await store.page(tx, "refusals", after, limit), limit)

    @router.get("/conflicts", name="list_conflicts")
    async def list_conflicts(
        _: Annotated[Subject, Depends(require("operator"))], after: After = 0, limit: Limit = 50
    ) -> dict[str, Any]:
        """List events that contradict an accepted one, oldest first."""
        async with door.exchange.reading() as tx:
            return _paged(await store.page(tx, "conflicts", after, limit), limit)

    return router


def types_router(door: Door) -> APIRouter:
    """Return the routes of the catalogue in force."""
    router = APIRouter(prefix="/v1/types", tags=["types"])

    @router.get("", name="list_types")
    async def list_types(
        _: Annotated[Subject, Depends(require("reader", "integrator", "operator", "author", "approver"))],
    ) -> dict[str, Any]:
        """List the types and sources in force."""
        catalogue = await door.types()
        return {
            "version": catalogue.version,
            "types": [
                {"type": name, "title": kind.spec.title} for name, kind in sorted(catalogue.types.items())
            ],
            "sources": [
                {"source": name} | spec.model_dump() for name, spec in sorted(catalogue.sources.items())
            ],
        }

    @router.get("/{name}", name="show_type")
    async def show_type(
        name: str,
        _: Annotated[Subject, Depends(require("reader", "integrator", "operator", "author", "approver"))],
    ) -> dict[str, Any]:
        """Return a type with its closed JSON Schema."""
        known = (await door.types()).types.get(name)
        if known is None:
            raise refuse(404, "not_found", "No adopted catalogue has this type.")
        return {"type": name, "spec": known.spec.model_dump(), "schema": json_schema(known)}

    return router


def drafts_router(door: Door) -> APIRouter:
    """Return the routes by which a catalogue comes into force."""
    router = APIRouter(prefix="/v1/types", tags=["types"])

    @router.post("", name="draft_types", status_code=201, openapi_extra=_CATALOGUE_BODY)
    async def draft_types(
        request: Request, subject: Annotated[Subject, Depends(require("author"))]
    ) -> dict[str, Any]:
        """Draft a catalogue of types and sources."""
        document = await bodies.read_json(request, BINARY, limits=CATALOGUE_LIMITS)
        if not isinstance(document, dict):
            raise refuse(422, "catalogue", "A catalogue is a JSON object.")
        async with door.exchange.begin(actor=subject.name, action="draft types") as tx:
            drafted = await handlers.draft_types(tx, document, subject.name)
        return {"version": drafted.version, "state": "draft"}

    @router.post("/{version}:adopt", name="adopt_types")
    async def adopt_types(
        version: Version, subject: Annotated[Subject, Depends(require("approver"))]
    ) -> dict[str, Any]:
        """Put a drafted catalogue in force; its author cannot."""
        async with door.exchange.begin(actor=subject.name, action="adopt types", detail=str(version)) as tx:
            await handlers.adopt_types(tx, version, subject.name, replay=door.replay)
        return {"version": version, "state": "adopted"}

    return router


_EVENT = {"schema": {"type": "object"}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {STRUCTURED: _EVENT, BATCH: {"schema": {"type": "array"}}, BINARY: _EVENT},
    }
}
_CATALOGUE_BODY = {"requestBody": {"required": True, "content": {BINARY: _EVENT}}}


def _read(request: Request, kind: str, raw: bytes) -> Json:
    if kind == BINARY:
        return _binary(request, raw)
    if not raw:
        raise refuse(400, "empty", "The body is empty.")
    body = decode(raw)
    if kind == BATCH and (not isinstance(body, list) or not body):
        raise refuse(422, "batch", "A batch is a JSON array of at least one event.")
    if kind == BATCH and len(cast("list[Json]", body)) > LARGEST_BATCH_EVENTS:
        raise refuse(413, "batch_too_large", f"A batch has at most {LARGEST_BATCH_EVENTS} events.")
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


def _single(answer: Answer) -> Response:
    if answer.problem is not None:
        return problems.answer(answer.problem)
    created = answer.outcome is Outcome.CREATED
    return JSONResponse(_item(answer), status_code=201 if created else 200)


def _item(answer: Answer) -> dict[str, Any]:
    if answer.problem is not None:
        status = "conflict" if answer.outcome is Outcome.CONFLICT else "rejected"
        return {"status": status, "problem": _short(answer.problem)}
    duplicate = answer.outcome is not Outcome.CREATED
    return {
        "status": answer.outcome.value,
        "duplicate": duplicate,
        "receipt": _receipt(answer.shard, answer.number),
    }


def _short(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "detail": problem.detail, "pointer": problem.pointer}


def _receipt(shard: int, number: int) -> dict[str, int]:
    return {"shard": shard, "number": number}


def _paged(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    return {"items": rows, "next": rows[-1]["id"] if len(rows) == limit else None}

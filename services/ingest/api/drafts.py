"""The routes by which a catalogue comes into force."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.ingest import handlers
from services.ingest.api.door import Door
from services.ingest.domain.binding import BINARY
from shared.contracts.fields import Version
from shared.kernel.errors import refuse
from shared.kernel.strict_json import Limits
from shared.web import bodies
from shared.web.access import Role, Subject
from shared.web.tokens import whole

CATALOGUE_LIMITS = Limits(depth=16, keys=2000, items=2000)
_BODY = {"requestBody": {"required": True, "content": {BINARY: {"schema": {"type": "object"}}}}}


def drafts_router(door: Door) -> APIRouter:
    """Return the routes by which a catalogue comes into force."""
    router = APIRouter(prefix="/v1/types", tags=["types"])

    @router.post("", name="draft_types", status_code=201, openapi_extra=_BODY)
    async def draft_types(
        request: Request, subject: Annotated[Subject, Depends(whole(Role.AUTHOR))]
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
        version: Version, subject: Annotated[Subject, Depends(whole(Role.APPROVER))]
    ) -> dict[str, Any]:
        """Put a drafted catalogue in force; its author cannot."""
        async with door.exchange.begin(actor=subject.name, action="adopt types", detail=str(version)) as tx:
            await handlers.adopt_types(tx, version, subject.name, replay=door.replay)
        return {"version": version, "state": "adopted"}

    return router

"""The routes of the catalogue in force."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.ingest.api.door import Door
from services.ingest.domain.catalogue import json_schema
from shared.kernel.errors import refuse
from shared.web.access import Role, Subject
from shared.web.tokens import published

READERS = (Role.READER, Role.INTEGRATOR, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)


def types_router(door: Door) -> APIRouter:
    """Return the routes of the catalogue in force."""
    router = APIRouter(prefix="/v1/types", tags=["types"])

    @router.get("", name="list_types")
    async def list_types(
        _: Annotated[Subject, Depends(published(*READERS))],
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
        _: Annotated[Subject, Depends(published(*READERS))],
    ) -> dict[str, Any]:
        """Return a type with its closed JSON Schema."""
        known = (await door.types()).types.get(name)
        if known is None:
            raise refuse(404, "not_found", "No adopted catalogue has this type.")
        return {"type": name, "spec": known.spec.model_dump(), "schema": json_schema(known)}

    return router

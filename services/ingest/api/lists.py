"""The routes of the work lists."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.ingest import store
from services.ingest.api.door import Door
from shared.contracts.fields import After
from shared.web.access import Subject
from shared.web.tokens import require

PAGE_LIMIT = 200

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]


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


def _paged(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    return {"items": rows, "next": rows[-1]["id"] if len(rows) == limit else None}

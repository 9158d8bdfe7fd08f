"""The routes of what sources promise: feeds that come in time, manifests of what was sent in a day."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from services.ingest import arrivals, handlers, papers
from services.ingest.api.door import Door, sender_of
from services.ingest.api.lists import Limit
from services.ingest.domain.catalogue import types_of
from services.ingest.domain.feeds import FeedState
from services.ingest.domain.manifests import Compared
from shared.contracts.fields import After
from shared.kernel import instants
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import refuse
from shared.web import bodies
from shared.web.access import Role, Subject
from shared.web.tokens import of_own, published

Source = Annotated[str, Query(pattern=CODE_PATTERN)]
Anyone = Annotated[Subject, Depends(published(Role.READER, Role.INTEGRATOR, Role.OPERATOR))]


def feeds_router(door: Door) -> APIRouter:
    """Return the routes of feeds."""
    router = APIRouter(prefix="/v1", tags=["feeds"])

    @router.get("/feeds", name="list_feeds")
    async def list_feeds(_: Anyone, source: Source | None = None) -> dict[str, Any]:
        """List the feeds of the sources in force: as of the last tick, with the newest event of each.

        A feed that no tick has seen yet is `waiting`.
        """
        catalogue = await door.types()
        async with door.exchange.snapshot() as tx:
            known = await arrivals.feeds(tx)
        return {
            "items": [
                {
                    "source": code,
                    "feed": name,
                    "title": feed.title,
                    "types": types_of(feed, spec, catalogue.types),
                    "within_minutes": feed.within_minutes,
                    **_standing(known.get((code, name), FeedState())),
                }
                for code, spec in sorted(catalogue.sources.items())
                for name, feed in sorted(spec.feeds.items())
                if source in {None, code}
            ]
        }

    return router


def manifests_router(door: Door) -> APIRouter:
    """Return the routes of daily manifests."""
    router = APIRouter(prefix="/v1/manifests", tags=["manifests"])

    @router.put("/{source}/{day}", name="put_manifest", openapi_extra=_BODY)
    async def put_manifest(
        request: Request, source: str, day: str, subject: Annotated[Subject, Depends(of_own(Role.INTEGRATOR))]
    ) -> dict[str, Any]:
        """Say how many events of a day a source sent, the digest of their ids, and totals that it declares.

        Each id counts once, corrections and retractions too; the day is that of the event's `time` in the
        zone that the source declares. The digest is the sum of the SHA-256 of every id, modulo 2^256, in 64
        hexadecimal digits. The answer is what the archive holds; it is compared again when more comes.
        """
        document = await bodies.read_json(request)
        async with door.exchange.begin(
            actor=subject.name, action="manifest", detail=f"{source} {day}"[:200]
        ) as tx:
            await handlers.take_manifest(tx, source, day, document, sender_of(subject), replay=door.replay)
            return await papers.shown(tx, source, day) or {}

    @router.get("", name="list_manifests")
    async def list_manifests(
        _: Anyone,
        source: Source | None = None,
        state: Compared | None = None,
        after: After = 0,
        limit: Limit = 50,
    ) -> dict[str, Any]:
        """List the newest manifest of each source and day, with what differs."""
        async with door.exchange.reading() as tx:
            rows = await papers.page(tx, after, limit, source=source, state=state)
        return {"items": rows, "next": rows[-1]["id"] if len(rows) == limit else None}

    @router.get("/{source}/{day}", name="show_manifest")
    async def show_manifest(_: Anyone, source: str, day: str) -> dict[str, Any]:
        """Return the newest manifest of a source's day."""
        async with door.exchange.reading() as tx:
            found = await papers.shown(tx, source, day)
        if found is None:
            raise refuse(404, "not_found", "No manifest of this source and day was taken.")
        return found

    return router


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["count", "digest"],
                    "properties": {
                        "count": {"type": "integer", "minimum": 0},
                        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                        "totals": {
                            "type": "object",
                            "additionalProperties": {
                                "type": "object",
                                "required": ["count"],
                                "properties": {
                                    "count": {"type": "integer", "minimum": 0},
                                    "sums": {"type": "object", "additionalProperties": {"type": "string"}},
                                },
                            },
                        },
                    },
                }
            }
        },
    }
}


def _standing(state: FeedState) -> dict[str, Any]:
    judged = "waiting" if state.due is None else "stale" if state.stale else "fresh"
    times = {"last": state.last, "due": state.due, "since": state.since}
    return {"state": judged} | {name: None if at is None else instants.text(at) for name, at in times.items()}

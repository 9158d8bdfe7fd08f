"""The HTTP door of ranking."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from services.ranking import store
from services.ranking.domain.standings import Line, standing
from shared.kernel.errors import refuse
from shared.kernel.periods import Period
from shared.kernel.points import text
from shared.storage.exchange import Exchange
from shared.web.access import Subject
from shared.web.tokens import require

Reader = Annotated[Subject, Depends(require("reader", "operator", "author", "approver"))]


def standings_router(exchange: Exchange) -> APIRouter:
    """Return the routes of standings."""
    router = APIRouter(prefix="/v1/standings", tags=["standings"])

    @router.get("", name="list_standings")
    async def list_standings(_: Reader) -> dict[str, Any]:
        """List the groups and periods that have a standing."""
        async with exchange.reading() as tx:
            return {"items": await store.periods(tx)}

    @router.get("/{scheme}/{group}/{period}", name="show_standing")
    async def show_standing(scheme: str, group: str, period: str, _: Reader) -> dict[str, Any]:
        """Return the live standing of a group: rank, points, tier; a range where data is missing (未考)."""
        Period.parse(period)
        async with exchange.reading() as tx:
            document = await store.scheme(tx, scheme)
            if group not in document["groups"]:
                raise refuse(404, "not_found", "The scheme has no such group.")
            figures = await store.figures(tx, (scheme, group, period))
            fresh_at = await store.fresh_at(tx, scheme, group)
            as_of = await store.as_of(tx)
        names = {unit["code"]: unit["name"] for unit in document["units"]}
        lines = standing(figures, store.rules_of(document))
        return {
            "scheme": scheme,
            "version": document["scheme"]["version"],
            "group": group,
            "period": period,
            "state": "live",
            "simulated": document["scheme"].get("simulated", False),
            "as_of": as_of,
            "fresh_at": fresh_at,
            "units": [_shown(line, names) for line in lines],
        }

    return router


def _shown(line: Line, names: dict[str, str]) -> dict[str, Any]:
    return {
        "unit": line.unit,
        "name": names.get(line.unit, line.unit),
        "rank": line.rank,
        "points": None if line.total is None else text(line.total),
        "range": None if line.total is not None else [text(line.low), text(line.high)],
        "covered": text(line.covered),
        "tier": line.tier,
        "gap": None if line.gap is None else text(line.gap),
        "volume": line.volume,
        "boards": {board: None if v is None else text(v) for board, v in line.boards.items()},
        "not_assessed": list(line.not_assessed),
        "not_due": list(line.not_due),
    }

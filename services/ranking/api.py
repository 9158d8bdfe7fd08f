"""The HTTP door of ranking."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from services.ranking import store
from services.ranking.domain.standings import Line, Unranked, standing
from services.ranking.domain.tiers import sizes
from services.ranking.store import Scheme
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import refuse
from shared.kernel.periods import Period
from shared.kernel.points import text
from shared.storage.exchange import Exchange
from shared.web.access import Subject
from shared.web.tokens import require

PAGE_LIMIT = 200
KEY_PATTERN = CODE_PATTERN.strip("^$")
CURSOR_PATTERN = f"^{KEY_PATTERN}/{KEY_PATTERN}/[0-9QH-]{{4,7}}$"

Reader = Annotated[Subject, Depends(require("reader", "operator", "author", "approver"))]
CodePart = Annotated[str, Path(pattern=CODE_PATTERN)]
After = Annotated[
    str | None, Query(pattern=CURSOR_PATTERN, max_length=140, description="`next` of the page before")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]


def standings_router(exchange: Exchange) -> APIRouter:
    """Return the routes of standings."""
    router = APIRouter(prefix="/v1/standings", tags=["standings"])

    @router.get("", name="list_standings")
    async def list_standings(_: Reader, after: After = None, limit: Limit = 50) -> dict[str, Any]:
        """List the schemes, groups and periods that have a standing."""
        code, group, period = after.split("/") if after else ("", "", "")
        async with exchange.reading() as tx:
            items = await store.standings(tx, (code, group, period), limit)
        last = "/".join(items[-1].values()) if len(items) == limit else None
        return {"items": items, "next": last}

    @router.get("/{scheme}/{group}/{period}", name="show_standing")
    async def show_standing(scheme: CodePart, group: CodePart, period: str, _: Reader) -> dict[str, Any]:
        """Return the live standing of a group: rank, points, tier; a range where data is missing (未考)."""
        Period.parse(period)
        key = scheme, group
        async with exchange.snapshot() as tx:
            schemes = await store.in_force(tx, key, [period])
            figures = await store.figures(tx, key, schemes)
            fresh_at = await store.fresh_at(tx, key)
            as_of = await store.as_of(tx)
        found = schemes.get(period)
        if found is None:
            raise refuse(404, "not_found", "No scheme of this code is in force in this period.")
        if group not in found.document["groups"]:
            raise refuse(404, "not_found", "The scheme has no such group.")
        lines = standing(figures[period], found.rules)
        names = found.members(group)
        return {
            "scheme": scheme,
            "version": found.version,
            "group": group,
            "period": period,
            "state": "live",
            "simulated": found.document["scheme"].get("simulated", False),
            "fixture_values": [i["code"] for i in found.document["indicators"] if not i.get("verified")],
            "as_of": as_of,
            "fresh_at": fresh_at,
            "tiers": _tiers(found, lines),
            "units": [_shown(line, names) for line in lines],
        }

    return router


def _tiers(scheme: Scheme, lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Return each tier's planned size and who is in it; a tie across the cut goes to the upper one."""
    tiers = scheme.rules.tiers
    planned = sizes(sum(line.rank is not None for line in lines), tiers)
    placed = [line.tier for line in lines]
    return [
        {"code": tier.code, "share": text(tier.share), "planned": size, "units": placed.count(tier.code)}
        for tier, size in zip(tiers, planned, strict=True)
    ]


def _shown(line: Line, names: Mapping[str, str]) -> dict[str, Any]:
    missing = line.unranked is Unranked.NOT_ASSESSED
    return {
        "unit": line.unit,
        "name": names[line.unit],
        "rank": line.rank,
        "points": None if line.total is None else text(line.total),
        "range": [text(line.low), text(line.high)] if missing else None,
        "mark": "未考" if missing else None,
        "unranked": line.unranked,
        "covered": text(line.covered),
        "tier": line.tier,
        "gap": None if line.gap is None else text(line.gap),
        "volume": line.volume,
        "boards": {board: None if v is None else text(v) for board, v in line.boards.items()},
        "not_assessed": list(line.not_assessed),
        "not_due": list(line.not_due),
    }

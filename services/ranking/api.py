"""The HTTP door of ranking."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from services.ranking import knowing, places
from services.ranking.answers import (
    ShownLine,
    ShownOverlay,
    ShownStanding,
    ShownTier,
    StandingKey,
    StandingsPage,
)
from services.ranking.contract import CONSUMER
from services.ranking.domain.rows import Group
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import Line, Unranked, standing
from services.ranking.domain.tiers import sizes
from services.ranking.knowing import Seen
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import refuse
from shared.kernel.points import text
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.web.access import Role, Subject
from shared.web.tokens import published

PAGE_LIMIT = 200
KEY_PATTERN = CODE_PATTERN.strip("^$")
CURSOR_PATTERN = f"^{KEY_PATTERN}/{KEY_PATTERN}/[0-9QH-]{{4,7}}$"

Reader = Annotated[Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
CodePart = Annotated[str, Path(pattern=CODE_PATTERN)]
After = Annotated[
    str | None, Query(pattern=CURSOR_PATTERN, max_length=140, description="`next` of the page before")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
AsOf = Annotated[
    str | None, Query(max_length=32, description="a day of the scheme's zone: what was known at its end")
]


def standings_router(exchange: Exchange) -> APIRouter:
    """Return the routes of standings."""
    router = APIRouter(prefix="/v1/standings", tags=["standings"])

    @router.get("", name="list_standings")
    async def list_standings(_: Reader, after: After = None, limit: Limit = 50) -> StandingsPage:
        """List the schemes, groups and periods that have a standing."""
        code, group, period = after.split("/") if after else ("", "", "")
        async with exchange.reading() as tx:
            found = await places.standings(tx, (code, group, period), limit)
        last = "/".join(found[-1]) if len(found) == limit else None
        items = tuple(StandingKey(scheme=code, group=group, period=period) for code, group, period in found)
        return StandingsPage(items=items, next=last)

    @router.get("/{scheme}/{group}/{period}", name="show_standing")
    async def show_standing(
        scheme: CodePart, group: CodePart, period: str, _: Reader, as_of: AsOf = None
    ) -> ShownStanding:
        """Return the live standing of a group: rank, points, tier; a range where data is missing (未考).

        With `as_of` the one that stood at the end of a day.
        """
        key = scheme, group
        async with exchange.snapshot() as tx:
            found = await knowing.scheme_of(tx, key, period, as_of)
            if group not in found.document["groups"]:
                raise refuse(404, "not_found", "The scheme has no such group.")
            seen = await knowing.seen(tx, key, period, found, as_of)
            positions = await positions_digest(tx, (CONSUMER,))
        return _standing(key, period, seen, positions, as_of)

    return router


def _standing(group: Group, period: str, seen: Seen, positions: str, known_on: str | None) -> ShownStanding:
    scheme = seen.scheme
    lines, names = standing(seen.figures, scheme.rules), scheme.members(group[1])
    return ShownStanding(
        scheme=group[0],
        version=scheme.version,
        group=group[1],
        period=period,
        state="live" if known_on is None else "as_of",
        known_on=known_on,
        simulated=scheme.document["scheme"].get("simulated", False),
        fixture_values=tuple(one["code"] for one in scheme.document["indicators"] if not one.get("verified")),
        as_of=positions,
        fresh_at=seen.fresh_at,
        tiers=tuple(_tiers(scheme, lines)),
        overlays=tuple(_overlays(scheme, lines)),
        units=tuple(_line(line, names[line.unit]) for line in lines),
    )


def _tiers(scheme: Scheme, lines: Sequence[Line]) -> Iterator[ShownTier]:
    tiers = scheme.rules.tiers
    planned = sizes(sum(line.rank is not None for line in lines), tiers)
    placed = [line.tier for line in lines]
    titles = {one["code"]: one.get("title") for one in scheme.document.get("tiers", ())}
    for tier, size in zip(tiers, planned, strict=True):
        yield ShownTier(
            code=tier.code,
            title=titles[tier.code],
            share=text(tier.share),
            planned=size,
            units=placed.count(tier.code),
        )


def _overlays(scheme: Scheme, lines: Sequence[Line]) -> Iterator[ShownOverlay]:
    """Yield the overlays of which anything is due to a unit."""
    for code, one in scheme.overlays.items():
        if any(code in line.overlays for line in lines):
            yield ShownOverlay(
                code=code,
                title=one["name"],
                counts=one["counts"],
                first=one["from"],
                last=one["until"],
                points=one["points"],
            )


def _line(line: Line, name: str) -> ShownLine:
    missing = line.unranked is Unranked.NOT_ASSESSED
    return ShownLine(
        unit=line.unit,
        name=name,
        rank=line.rank,
        points=_text(line.total),
        range=(text(line.low), text(line.high)) if missing else None,
        mark="未考" if missing else None,
        unranked=line.unranked,
        covered=text(line.covered),
        tier=line.tier,
        gap=_text(line.gap),
        volume=line.volume,
        boards={board: _text(value) for board, value in line.boards.items()},
        not_assessed=line.not_assessed,
        not_due=line.not_due,
        not_applicable=line.not_applicable,
        stale=line.stale,
        carried={board: text(points) for board, points in line.carried.items()},
        overlays={code: _text(value) for code, value in line.overlays.items()},
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text(value)

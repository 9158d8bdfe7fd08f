"""The HTTP door of ranking."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from services.ranking import closes, knowing, places, shown
from services.ranking.answers import RestatedStanding, ShownStanding, StandingKey, StandingsPage
from services.ranking.contract import CONSUMER
from services.ranking.domain.closing import Frozen
from services.ranking.domain.rows import Group
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import refuse
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject
from shared.web.tokens import published

PAGE_LIMIT = 200
VIEW_POINTER = "/query/view"
KEY_PATTERN = CODE_PATTERN.strip("^$")
CURSOR_PATTERN = f"^{KEY_PATTERN}/{KEY_PATTERN}/[0-9QH-]{{4,7}}$"

Reader = Annotated[
    Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER, Role.CLOSER))
]
CodePart = Annotated[str, Path(pattern=CODE_PATTERN)]
After = Annotated[
    str | None, Query(pattern=CURSOR_PATTERN, max_length=140, description="`next` of the page before")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
AsOf = Annotated[
    str | None, Query(max_length=32, description="a day of the scheme's zone: what was known at its end")
]


View = Annotated[
    Literal["restated"] | None,
    Query(description="of a closed period: what it comes to with all that came since, beside the difference"),
]


def standings_router(exchange: Exchange) -> APIRouter:
    """Return the routes of standings."""
    router = APIRouter(prefix="/v1/standings", tags=["standings"])

    @router.get("", name="list_standings")
    async def list_standings(_: Reader, after: After = None, limit: Limit = 50) -> StandingsPage:
        """List the schemes, groups and periods that have a standing, and whether it is closed (已关账)."""
        code, group, period = after.split("/") if after else ("", "", "")
        async with exchange.reading() as tx:
            found = await places.standings(tx, (code, group, period), limit)
        last = "/".join(found[-1][:3]) if len(found) == limit else None
        return StandingsPage(items=tuple(_key(*one) for one in found), next=last)

    @router.get(
        "/{scheme}/{group}/{period}",
        name="show_standing",
        response_model=RestatedStanding | ShownStanding,
    )
    async def show_standing(
        scheme: CodePart, group: CodePart, period: str, _: Reader, as_of: AsOf = None, view: View = None
    ) -> ShownStanding | Response:
        """Return the standing of a group: rank, points, tier; a range where data is missing (未考).

        That of a closed period (已关账) is answered as the bytes that were frozen, `ETag` is their SHA-256;
        any other is live. With `as_of` the one that stood at the end of a day; with `view=restated` (重述)
        what a closed one comes to with all that came since, beside the differences.
        """
        key = scheme, group
        async with exchange.snapshot() as tx:
            closed = await closes.of_group(tx, key, period)
            _check_view(closed, as_of, view)
            if closed is not None and view is None and as_of is None:
                return _bytes_of(closed)
            found = await _standing(tx, key, period, as_of)
        return found if closed is None or view is None else shown.restated(closed.content, found)

    return router


def _key(scheme: str, group: str, period: str, closed: bool) -> StandingKey:  # noqa: FBT001 - as the row has it
    return StandingKey(scheme=scheme, group=group, period=period, state="closed" if closed else "live")


def _check_view(closed: Frozen | None, as_of: str | None, view: str | None) -> None:
    if view is None:
        return
    if as_of is not None:
        reason = "A restated standing is that of now; leave `as_of` out."
        raise refuse(422, "view", reason, pointer=VIEW_POINTER)
    if closed is None:
        reason = "The period is not closed: its standing is live."
        raise refuse(409, "not_closed", reason, pointer=VIEW_POINTER)


def _bytes_of(closed: Frozen) -> Response:
    """Return a closed standing as it was frozen."""
    return Response(closed.content, media_type="application/json", headers={"etag": f'"{closed.digest}"'})


async def _standing(tx: PostgresTransaction, group: Group, period: str, as_of: str | None) -> ShownStanding:
    """Return the standing of a group now, or as it was known at the end of a day."""
    found = await knowing.scheme_of(tx, group, period, as_of)
    if group[1] not in found.document["groups"]:
        raise refuse(404, "not_found", "The scheme has no such group.")
    seen = await knowing.seen(tx, group, period, found, as_of)
    positions = await positions_digest(tx, (CONSUMER,))
    state = "live" if as_of is None else "as_of"
    return shown.standing(group, period, seen, state, positions=positions, known_on=as_of)

"""The door to what totals and boards are made of."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query

from services.ranking import knowing, versions
from services.ranking.contract import CONSUMER
from services.ranking.domain.rows import Group
from services.ranking.domain.schemes import Scheme
from services.ranking.total_answers import (
    Links,
    Place,
    TotalExplained,
    TotalQuery,
    check_asked,
    explained,
    path_of,
)
from shared.kernel.errors import refuse
from shared.kernel.trees import paths_of
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web.access import EVERYTHING, Action, Role, Subject, Thing
from shared.web.tokens import allow, of_units

READERS = (Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)
DETAILS = Action(frozenset(READERS))
Reader = Annotated[Subject, Depends(of_units(*READERS))]


def totals_router(exchange: Exchange) -> APIRouter:
    """Return the routes of explained totals."""
    router = APIRouter(prefix="/v1/totals", tags=["standings"])

    @router.get("/{period}/{unit}/explain", name="explain_total")
    async def explain_total(
        period: str, unit: str, asked: Annotated[TotalQuery, Query()], subject: Reader
    ) -> TotalExplained:
        """Return what a unit's total or board is made of: which indicators lost how much, and their cells.

        With `as_of` what it was known to be at the end of a day, to whom the unit is below now.
        """
        async with exchange.snapshot() as tx:
            group, scheme, live = await _found(tx, asked, period, unit)
            allow(subject, DETAILS, Thing(paths_of(live.document["units"]).get(unit, EVERYTHING.unit)))
            seen = await knowing.seen(tx, group, period, scheme, asked.as_of)
            positions = await positions_digest(tx, (CONSUMER,))
        head = {"scheme": asked.scheme, "as_of": positions, "fresh_at": seen.fresh_at}
        head |= {"state": "live" if asked.as_of is None else "as_of", "known_on": asked.as_of}
        place = Place(scheme, group[1], period, unit)
        return explained(asked, place, seen.figures, head, _links(asked, place))

    return router


async def _found(
    tx: PostgresTransaction, asked: TotalQuery, period: str, unit: str
) -> tuple[Group, Scheme, Scheme]:
    """Return the group of a unit, the version in force as asked, and that in force now, or refuse."""
    heard = await knowing.scheme_of(tx, (asked.scheme, asked.group or ""), period)
    if asked.as_of is not None:
        await knowing.check_day(tx, asked.as_of, heard)
    group = asked.scheme, await _group_of(tx, asked, heard, period, unit)
    live = await knowing.scheme_of(tx, group, period)
    scheme = live if asked.as_of is None else await knowing.scheme_of(tx, group, period, asked.as_of)
    check_asked(asked, scheme, group[1], unit)
    return group, scheme, live


async def _group_of(tx: PostgresTransaction, asked: TotalQuery, heard: Scheme, period: str, unit: str) -> str:
    """Return the group asked for, or the first of the unit by the version in force there, or refuse."""
    if asked.group:
        return asked.group
    names = await versions.groups_of(tx, asked.scheme)
    for name in names:
        found = (await versions.in_force(tx, (asked.scheme, name), [period], asked.as_of)).get(period)
        if found is not None and unit in found.members(name):
            return name
    if any(unit in heard.members(name) for name in names):
        return next(name for name in names if unit in heard.members(name))
    raise refuse(404, "not_found", "The scheme has no such unit in this group.")


def _links(asked: TotalQuery, place: Place) -> Links:
    """Return where the cell of an indicator is shown, and where it is explained."""
    query = urlencode({"scheme": asked.scheme, "version": place.scheme.version})
    then = "" if asked.as_of is None else f"&as_of={asked.as_of}"

    def links(indicator: str) -> tuple[str, str]:
        path = f"/v1/cells{path_of(place.period, place.unit, indicator)}"
        return f"{path}?{query}{then}", f"{path}/explain?{query}"

    return links

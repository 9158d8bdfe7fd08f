"""The HTTP door of manual points: what persons ask for, what others approve, and what was withdrawn."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.scoring import request_shown
from services.scoring.domain.requests import RULES, Step
from services.scoring.listing import Asked
from services.scoring.request_answers import (
    Filters,
    NewRequest,
    RequestAnswer,
    RequestPage,
    RequestPath,
    Why,
)
from services.scoring.requesting import Desk, Found
from services.scoring.requests import LISTING
from shared.kernel.errors import hidden
from shared.kernel.periods import Month
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject, covers
from shared.web.tokens import of_units

Reader = Annotated[Subject, Depends(of_units(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
ROLES = {Step.APPROVE: Role.APPROVER, Step.REFUSE: Role.APPROVER, Step.WITHDRAW: Role.AUTHOR}


def requests_router(exchange: Exchange, *, replay: bool = False) -> APIRouter:
    """Return the routes on which points are asked for, listed and shown; a `replay` has the feed's time."""
    router = APIRouter(prefix="/v1/points-requests", tags=["manual points"])
    desk = Desk(replay=replay)

    @router.get("", name="list_points")
    async def list_points(asked: Annotated[Filters, Query()], subject: Reader) -> RequestPage:
        """List requests in the order of their ids: of the reader's units, and of assessors among them."""
        only = asked.model_dump(exclude={"after", "limit"})
        only["month"] = None if asked.month is None else Month.parse(asked.month).ordinal
        async with exchange.reading() as tx:
            rows, following = await LISTING.page(tx, Asked(asked.after, asked.limit, subject.unit, only))
        return RequestPage(items=[request_shown.line(one) for one in rows], next=following)

    @router.post("", name="request_points", status_code=201)
    async def request_points(
        asked: NewRequest, subject: Annotated[Subject, Depends(of_units(Role.AUTHOR))]
    ) -> RequestAnswer:
        """Ask for points or a value of a month, with a reason and evidence; a retry answers with the first.

        By people of the indicator's assessor. Nothing counts before another person approves it.
        """
        detail = f"{asked.scheme} {asked.unit} {asked.indicator} {asked.month}"
        async with exchange.begin(actor=subject.name, action="request points", detail=detail) as tx:
            found = await desk.ask(tx, asked, subject)
        return request_shown.answer(found)

    @router.get("/{request}", name="show_points")
    async def show_points(request: RequestPath, subject: Reader) -> RequestAnswer:
        """Show a request with its history and what can be done now."""
        async with exchange.reading() as tx:
            found = await desk.find(tx, request)
        _check_visible(found, subject)
        return request_shown.answer(found)

    return router


def steps_router(exchange: Exchange) -> APIRouter:
    """Return a route for each step of a request."""
    router = APIRouter(prefix="/v1/points-requests", tags=["manual points"])
    desk = Desk(replay=False)
    for step in Step:
        _add_step(router, exchange, desk, step)
    return router


def _add_step(router: APIRouter, exchange: Exchange, desk: Desk, step: Step) -> None:
    async def take(
        request: RequestPath,
        asked: Why,
        subject: Annotated[Subject, Depends(of_units(ROLES[step]))],
    ) -> RequestAnswer:
        async with exchange.begin(actor=subject.name, action=f"{step} points", detail=request) as tx:
            _check_visible(await desk.find(tx, request), subject)
            found = await desk.take(tx, request, step, asked.reason, subject)
        return request_shown.answer(found)

    told = "; ".join(f"{rule.begins}: {rule.follows}" for rule in RULES if rule.step is step)
    take.__doc__ = f"{told}. Else 409 says what is possible."
    router.add_api_route(
        f"/{{request}}:{step}",
        take,
        methods=["POST"],
        name=f"{step}_points",
        response_model=RequestAnswer,
    )


def _check_visible(found: Found, subject: Subject) -> None:
    if not any(covers(subject.unit, path) for path in found.request.paths):
        raise hidden("There is no such request.")

"""The HTTP door of reviews (申诉复核): a unit asks about an entry, who stands above it decides."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from services.scoring import review_shown
from services.scoring.domain.reviews import RULES, Step, Who
from services.scoring.listing import Asked
from services.scoring.request_answers import Why
from services.scoring.review_answers import (
    Change,
    NewReview,
    ReviewAnswer,
    ReviewFilters,
    ReviewPage,
    ReviewPath,
)
from services.scoring.reviewing import Desk, Found
from services.scoring.reviews import LISTING
from shared.kernel.errors import hidden, refuse
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject, covers
from shared.web.tokens import of_units

Reader = Annotated[Subject, Depends(of_units(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
ROLES = {Who.UNIT: Role.AUTHOR, Who.ABOVE: Role.APPROVER}


def reviews_router(exchange: Exchange, *, replay: bool) -> APIRouter:
    """Return the routes of reviews; in a `replay` the time is that of the feed."""
    router = APIRouter(prefix="/v1/reviews", tags=["reviews"])
    desk = Desk(replay=replay)

    @router.get("", name="list_reviews")
    async def list_reviews(asked: Annotated[ReviewFilters, Query()], subject: Reader) -> ReviewPage:
        """List reviews in the order of their ids: of the reader's units, and of assessors among them."""
        only = asked.model_dump(exclude={"after", "limit"})
        async with exchange.reading() as tx:
            rows, following = await LISTING.page(tx, Asked(asked.after, asked.limit, subject.unit, only))
        return ReviewPage(items=[review_shown.line(one) for one in rows], next=following)

    @router.post("", name="ask_review", status_code=201)
    async def ask_review(
        asked: NewReview, subject: Annotated[Subject, Depends(of_units(Role.AUTHOR))]
    ) -> ReviewAnswer:
        """Ask for a review of a ledger entry within thirty days; a retry answers with the first.

        409 `review_too_late` after the last day, `review_asked` or `review_decided` of the same entry.
        """
        detail = f"entry {asked.entry}"
        async with exchange.begin(actor=subject.name, action="ask review", detail=detail) as tx:
            found = await desk.ask(tx, asked, subject)
        return review_shown.answer(found)

    @router.get("/{review}", name="show_review")
    async def show_review(review: ReviewPath, subject: Reader) -> ReviewAnswer:
        """Show a review with its last days, its history and what can be done now."""
        async with exchange.reading() as tx:
            found = await desk.find(tx, review)
        _check_visible(found, subject)
        return review_shown.answer(found)

    for step in Step:
        _add_step(router, exchange, desk, step)
    return router


def _add_step(router: APIRouter, exchange: Exchange, desk: Desk, step: Step) -> None:
    rule = next(rule for rule in RULES if rule.step is step)

    async def take(
        review: ReviewPath,
        asked: Any,
        subject: Annotated[Subject, Depends(of_units(ROLES[rule.who]))],
    ) -> ReviewAnswer:
        told = asked if isinstance(asked, Change) else Change(reason=asked.reason)
        async with exchange.begin(actor=subject.name, action=f"{step} review", detail=review) as tx:
            found = await desk.find(tx, review)
            _check_visible(found, subject)
            if rule.who is Who.UNIT and not covers(subject.unit, found.review.paths[0]):
                raise refuse(403, "forbidden", "Only people of the unit take their review back.")
            found = await desk.take(tx, review, step, told, subject)
        return review_shown.answer(found)

    take.__annotations__["asked"] = Change if step is Step.CHANGE else Why
    take.__doc__ = f"From {rule.begins}: {rule.follows}. Else 409 says what is possible."
    router.add_api_route(
        f"/{{review}}:{step}",
        take,
        methods=["POST"],
        name=f"{step}_review",
        response_model=ReviewAnswer,
    )


def _check_visible(found: Found, subject: Subject) -> None:
    if not any(covers(subject.unit, path) for path in found.review.paths):
        raise hidden("There is no such review.")

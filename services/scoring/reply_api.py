"""The HTTP door of replies (绩效沟通): a unit speaks of an entry, its assessor answers with a date."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.scoring import reply_shown, replying
from services.scoring.listing import Asked
from services.scoring.replies import LISTING
from services.scoring.reply_answers import (
    NewAnswer,
    NewReply,
    ReplyAnswer,
    ReplyFilters,
    ReplyPage,
    ReplyPath,
)
from services.scoring.replying import Desk
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject
from shared.web.tokens import of_units

Reader = Annotated[Subject, Depends(of_units(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
Author = Annotated[Subject, Depends(of_units(Role.AUTHOR))]


def replies_router(exchange: Exchange) -> APIRouter:
    """Return the routes of replies and their answers."""
    router = APIRouter(prefix="/v1/replies", tags=["replies"])
    desk = Desk()

    @router.get("", name="list_replies")
    async def list_replies(asked: Annotated[ReplyFilters, Query()], subject: Reader) -> ReplyPage:
        """List replies in their order: of the reader's units, and of assessors among them."""
        only = asked.model_dump(exclude={"after", "limit"})
        async with exchange.reading() as tx:
            rows, following = await LISTING.page(tx, Asked(asked.after, asked.limit, subject.unit, only))
        return ReplyPage(items=[reply_shown.answer(one) for one in rows], next=following)

    @router.post("", name="send_reply", status_code=201)
    async def send_reply(asked: NewReply, subject: Author) -> ReplyAnswer:
        """Speak of an entry of the own unit's ledger; a retry answers with the first."""
        detail = f"entry {asked.entry}"
        async with exchange.begin(actor=subject.name, action="send reply", detail=detail) as tx:
            found = await desk.send(tx, asked, subject)
        return reply_shown.answer(found)

    @router.get("/{number}", name="show_reply")
    async def show_reply(number: ReplyPath, subject: Reader) -> ReplyAnswer:
        """Show a reply with its answer."""
        async with exchange.reading() as tx:
            found = await replying.find(tx, number, subject)
        return reply_shown.answer(found)

    @router.post("/{number}:answer", name="answer_reply")
    async def answer_reply(number: ReplyPath, asked: NewAnswer, subject: Author) -> ReplyAnswer:
        """Answer a reply, once, with the date; by people of the assessor, or of a unit above it."""
        async with exchange.begin(actor=subject.name, action="answer reply", detail=str(number)) as tx:
            found = await desk.answer(tx, number, asked.says, subject)
        return reply_shown.answer(found)

    return router

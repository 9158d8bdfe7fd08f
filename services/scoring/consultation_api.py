"""The HTTP door of consultations: rounds are opened and closed, units comment, each comment is answered."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.scoring import authorship, consultation_answers, consultations, consulting
from services.scoring.consultation_answers import (
    AnswerText,
    CommentText,
    Consultation,
    ShownComment,
    ShownRound,
)
from shared.contracts.fields import Version
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject
from shared.web.tokens import of_units, published

READERS = (Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)
Author = Annotated[Subject, Depends(of_units(Role.AUTHOR))]
Reader = Annotated[Subject, Depends(published(*READERS))]
Speaker = Annotated[Subject, Depends(of_units(*READERS))]


def consultation_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which a draft is consulted on."""
    router = APIRouter(prefix="/v1/schemes", tags=["schemes"])

    @router.get("/{code}/{version}/consultation", name="show_consultation")
    async def show_consultation(code: str, version: Version, _: Reader) -> Consultation:
        """Return the state of a version, what is possible now, its rounds, comments and answers."""
        async with exchange.snapshot() as tx:
            found = await consultations.version(tx, code, version)
            rounds = await consultations.rounds(tx, code, version)
            comments = await consultations.comments(tx, code, version)
        return consultation_answers.consultation(found, rounds, comments)

    @router.post("/{code}/{version}/rounds", name="open_round", status_code=201)
    async def open_round(code: str, version: Version, subject: Author) -> ShownRound:
        """Open the next round of consultation on the draft as it stands; while it is open it stands still."""
        async with exchange.begin(actor=subject.name, action="open round", detail=f"{code}/{version}") as tx:
            await authorship.check(tx, code, version, subject)
            await consulting.open_round(tx, code, version, subject.name)
            rounds = await consultations.rounds(tx, code, version)
        return consultation_answers.shown_round(rounds[-1])

    @router.post("/{code}/{version}/rounds:close", name="close_round")
    async def close_round(code: str, version: Version, subject: Author) -> ShownRound:
        """Close the open round; comments without an answer still wait for theirs."""
        async with exchange.begin(actor=subject.name, action="close round", detail=f"{code}/{version}") as tx:
            await authorship.check(tx, code, version, subject)
            await consulting.close_round(tx, code, version, subject.name)
            rounds = await consultations.rounds(tx, code, version)
        return consultation_answers.shown_round(rounds[-1])

    @router.post("/{code}/{version}/comments", name="comment_scheme", status_code=201)
    async def comment_scheme(
        code: str, version: Version, said: CommentText, subject: Speaker
    ) -> ShownComment:
        """Say something for a unit in the open round; a person speaks for the units below their own."""
        async with exchange.begin(actor=subject.name, action="comment", detail=f"{code}/{version}") as tx:
            kept = await consulting.comment(tx, code, version, said.unit, subject, said.text)
        return consultation_answers.shown_comment(kept)

    @router.post("/{code}/{version}/comments/{comment}:answer", name="answer_comment")
    async def answer_comment(
        code: str, version: Version, comment: Version, told: AnswerText, subject: Author
    ) -> ShownComment:
        """Answer a comment, once, by another person than made it."""
        async with exchange.begin(actor=subject.name, action="answer", detail=f"{code}/{version}") as tx:
            await authorship.check(tx, code, version, subject)
            kept = await consulting.answer(tx, code, version, comment, subject.name, told.text)
        return consultation_answers.shown_comment(kept)

    return router

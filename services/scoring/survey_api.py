"""The HTTP door of surveys: rounds, tokens for raters, and answers from whoever holds a token."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.scoring import cursors, survey_shown, surveys
from services.scoring.domain.rounds import state_of
from services.scoring.requests import Begin
from services.scoring.survey_answers import (
    Batch,
    Filters,
    NewAnswer,
    SurveyAnswer,
    SurveyPage,
    SurveyPath,
    Taken,
    Tokens,
)
from services.scoring.surveying import Desk
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject
from shared.web.tokens import anyone, published, whole

NOBODY = "a rater"
Reader = Annotated[Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]


def surveys_router(exchange: Exchange) -> APIRouter:
    """Return the routes of surveys."""
    router = APIRouter(prefix="/v1/surveys", tags=["surveys"])
    desk = Desk()

    @router.get("", name="list_surveys")
    async def list_surveys(asked: Annotated[Filters, Query()], _: Reader) -> SurveyPage:
        """List the rounds of the surveys of adopted schemes in the order of their ids."""
        bound = f"surveys {asked.scheme}"
        begin = "" if asked.after is None else cursors.read(asked.after, bound, Begin)[0]
        async with exchange.reading() as tx:
            rows = [one for one in await desk.every(tx, asked.scheme) if one.id > begin][: asked.limit + 1]
            told = await surveys.turns(tx, [one.id for one in rows])
        page = rows[: asked.limit]
        return SurveyPage(
            items=[survey_shown.line(one, state_of(told[one.id])) for one in page],
            next=cursors.write((page[-1].id,), bound) if len(rows) > len(page) else None,
        )

    @router.get("/{survey}", name="show_survey")
    async def show_survey(survey: SurveyPath, _: Reader) -> SurveyAnswer:
        """Show a round: its questions, its classes of raters, and how many answered, from five on."""
        async with exchange.reading() as tx:
            found = await desk.find(tx, survey)
            state = await desk.state(tx, survey)
            tokens, answered = await surveys.counts(tx, [survey])
        return survey_shown.answer(found, state, tokens, answered)

    @router.post("/{survey}/tokens", name="issue_survey_tokens", status_code=201)
    async def issue_survey_tokens(
        survey: SurveyPath, asked: Batch, subject: Annotated[Subject, Depends(whole(Role.OPERATOR))]
    ) -> Tokens:
        """Issue one-use tokens to a class of raters; told this once, they say nothing of who has them."""
        detail = f"{survey} {asked.rater} {asked.count}"
        async with exchange.begin(actor=subject.name, action="issue survey tokens", detail=detail) as tx:
            tokens = await desk.issue(tx, survey, asked)
        return Tokens(survey=survey, rater=asked.rater, tokens=tokens)

    @router.post("/{survey}/answers", name="answer_survey", status_code=201, dependencies=[Depends(anyone())])
    async def answer_survey(survey: SurveyPath, said: NewAnswer) -> Taken:
        """Take an answer from whoever holds a token that is not spent; send no bearer token.

        The same token with the same `attempt` is answered the same way and counts once. A spent token is
        refused like an unknown one.
        """
        async with exchange.reading() as tx:
            known = await desk.was_taken(tx, survey, said)
        if not known:
            async with exchange.begin(actor=NOBODY, action="answer survey", detail=survey) as tx:
                await desk.take(tx, survey, said)
        return Taken(survey=survey)

    return router

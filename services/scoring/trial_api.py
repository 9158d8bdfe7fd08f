"""The HTTP door of trials (试考评): a draft is scored beside the scheme in force, without effect."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from services.scoring import trialling, trials
from services.scoring.trial_answers import TRIAL_PATTERN, ShownTrial, TrialAsked, TrialEnd, TrialsPage, shown
from shared.kernel.codes import CODE_PATTERN
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject
from shared.web.tokens import published, whole

PAGE_LIMIT = 200
CURSOR_PATTERN = f"^{CODE_PATTERN.strip('^$')}/{TRIAL_PATTERN.strip('^$')}$"

Author = Annotated[Subject, Depends(whole(Role.AUTHOR))]
Reader = Annotated[Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
SchemePart = Annotated[str, Path(pattern=CODE_PATTERN)]
TrialPart = Annotated[str, Path(pattern=TRIAL_PATTERN)]
After = Annotated[
    str | None, Query(pattern=CURSOR_PATTERN, max_length=97, description="`next` of the page before")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]


def trials_router(exchange: Exchange) -> APIRouter:
    """Return the routes of trials."""
    router = APIRouter(prefix="/v1/trials", tags=["trials"])

    @router.post("", name="start_trial", status_code=201)
    async def start_trial(asked: TrialAsked, subject: Author) -> ShownTrial:
        """Try a draft on all events, past and coming, of the months named; nothing in force moves."""
        detail = f"{asked.scheme}/{asked.trial}: {asked.reason}"
        async with exchange.begin(actor=subject.name, action="start trial", detail=detail) as tx:
            return shown(await trialling.start(tx, asked, subject.name))

    @router.get("", name="list_trials")
    async def list_trials(
        _: Reader, *, running: bool = False, after: After = None, limit: Limit = 50
    ) -> TrialsPage:
        """List the trials, those that are over too unless only running ones are asked for."""
        code, trial = after.split("/") if after else ("", "")
        async with exchange.reading() as tx:
            found = await trials.page(tx, (code, trial), limit, running_only=running)
        last = f"{found[-1].code}/{found[-1].trial}" if len(found) == limit else None
        return TrialsPage(items=tuple(map(shown, found)), next=last)

    @router.get("/{scheme}/{trial}", name="show_trial")
    async def show_trial(scheme: SchemePart, trial: TrialPart, _: Reader) -> ShownTrial:
        """Return a trial; what it would change is told by ranking."""
        async with exchange.reading() as tx:
            return shown(await trials.show(tx, scheme, trial))

    @router.post("/{scheme}/{trial}:end", name="end_trial")
    async def end_trial(scheme: SchemePart, trial: TrialPart, told: TrialEnd, subject: Author) -> ShownTrial:
        """End a trial; of its sums, cells and standings nothing is left."""
        detail = f"{scheme}/{trial}: {told.reason}"
        async with exchange.begin(actor=subject.name, action="end trial", detail=detail) as tx:
            return shown(await trialling.end(tx, scheme, trial, subject.name, told.reason))

    return router

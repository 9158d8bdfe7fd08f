"""The HTTP door of trials (试考评): a draft is scored beside the scheme in force, without effect."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from services.scoring import behind, cursors, figuring, objecting, trial_cells, trialling, trials
from services.scoring.answers import Explanation, RowsQuery
from services.scoring.asking import Schemes
from services.scoring.contract import CONSUMER_A, CONSUMER_TRIALS
from services.scoring.evidence import Cursor, Wanted
from services.scoring.plans import group_shard
from services.scoring.questions import Question
from services.scoring.shown import explanation, head
from services.scoring.trial_answers import (
    TRIAL_PATTERN,
    ShownTrial,
    TrialAsked,
    TrialEnd,
    TrialExplanation,
    TrialsPage,
    shown,
)
from services.scoring.trials import Trial
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import refuse
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject
from shared.web.tokens import of_units, published, whole

PAGE_LIMIT = 200
CURSOR_PATTERN = f"^{CODE_PATTERN.strip('^$')}/{TRIAL_PATTERN.strip('^$')}$"

READERS = (Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)

Author = Annotated[Subject, Depends(whole(Role.AUTHOR))]
Reader = Annotated[Subject, Depends(published(*READERS))]
UnitReader = Annotated[Subject, Depends(of_units(*READERS))]
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


def trial_cells_router(exchange: Exchange) -> APIRouter:
    """Return the routes of cells of trials: why an indicator of a unit would be worth what it would be."""
    router = APIRouter(prefix="/v1/trials", tags=["trials"])
    schemes = Schemes()

    @router.get("/{scheme}/{trial}/cells/{period}/{unit}/{indicator}/explain", name="explain_trial_cell")
    async def explain_trial_cell(
        scheme: SchemePart,
        trial: TrialPart,
        period: str,
        unit: str,
        indicator: str,
        asked: Annotated[RowsQuery, Query()],
        subject: UnitReader,
    ) -> TrialExplanation:
        """Return the formula with its numbers in a running trial and, a page at a time, the cases behind it.

        People see what they see of the cell in force: that of their units, and of what these assess there.
        """
        async with exchange.snapshot() as tx:
            found, cell = await _running(tx, scheme, trial), (period, unit, indicator)
            question = await schemes.tried(tx, found, cell)
            behind.check_sees(subject, await schemes.paths_in_force(tx, scheme, cell))
            return await _explained(tx, found, question, asked)

    return router


async def _running(tx: PostgresTransaction, scheme: str, trial: str) -> Trial:
    """Return a trial that is not over, or refuse."""
    found = await trials.show(tx, scheme, trial)
    if found.ended is not None:
        raise refuse(404, "not_found", "This trial is over; of its cells nothing is left.")
    return found


async def _explained(
    tx: PostgresTransaction, trial: Trial, question: Question, asked: RowsQuery
) -> TrialExplanation:
    """Return why a cell of a trial would stand where it stands, with a page of its rows."""
    bound = f"{question.name} {asked.counted}"
    begin = None if asked.after is None else cursors.read(asked.after, bound, Cursor)
    read = await figuring.figure(tx, question)
    as_of = await positions_digest(tx, (CONSUMER_A, CONSUMER_TRIALS))
    name = question.scheme.id[0]
    fresh_at = await trial_cells.fresh_at(tx, name, [question.group, *question.groups])
    rows, following = await behind.rows(tx, question, begin, asked.limit, Wanted(asked.counted))
    objections = await objecting.objections(tx, question)
    next_page = None if following is None else cursors.write(following, bound)
    told = explanation(
        question,
        head(question, read, as_of, fresh_at) | {"scheme": trial.code},
        read,
        rows,
        next_page,
        objections.model_copy(update={"replies": []}),
    )
    folded = await trials.folded(tx, group_shard(name, question.group), name)
    fields = {field: getattr(told, field) for field in Explanation.model_fields}
    return TrialExplanation(**fields, trial=trial.trial, folded=len(folded))

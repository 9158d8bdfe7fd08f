"""The door to what trials (试考评) would change in the standings."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from services.ranking import store, trial_answers, versions
from services.ranking.contract import CONSUMER, CONSUMER_TRIALS
from services.ranking.domain.rows import Group
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import standing
from services.ranking.domain.trials import Side, Tried
from services.ranking.trial_answers import TrialDiff, TrialStandings
from shared.kernel.codes import CODE_PATTERN, trial_code
from shared.kernel.errors import Unavailable, refuse
from shared.kernel.periods import Period
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject
from shared.web.tokens import published

BEGINS_S = 2

Reader = Annotated[Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
CodePart = Annotated[str, Path(pattern=CODE_PATTERN)]


def trials_router(exchange: Exchange) -> APIRouter:
    """Return the routes of trials."""
    router = APIRouter(prefix="/v1/trials", tags=["trials"])

    @router.get("/{scheme}/{trial}", name="list_trial_standings")
    async def list_trial_standings(scheme: CodePart, trial: CodePart, _: Reader) -> TrialStandings:
        """List the groups and periods of which a running trial has a standing."""
        async with exchange.snapshot() as tx:
            running = await running_trial(tx, scheme, trial)
            keys = await store.figures_of(tx, trial_code(scheme, trial))
            folded = await store.folded(tx, trial_code(scheme, trial))
        return trial_answers.listed((scheme, trial), running, keys, folded)

    @router.get("/{scheme}/{trial}/{group}/{period}", name="diff_trial")
    async def diff_trial(
        scheme: CodePart, trial: CodePart, group: CodePart, period: str, _: Reader
    ) -> TrialDiff:
        """Return for each unit of a group what a running trial would change: its points, rank and tier."""
        async with exchange.snapshot() as tx:
            running = await running_trial(tx, scheme, trial)
            check_compares(Tried(running.document), group, running.calendar.parse(period))
            name = trial_code(scheme, trial), group
            fresh_at = await store.fresh_at(tx, name)
            tried = await _side(tx, name, period)
            if fresh_at is None or tried is None:
                raise begins()
            sides = await _side(tx, (scheme, group), period), tried
            fresh = await positions_digest(tx, (CONSUMER, CONSUMER_TRIALS)), fresh_at
            folded = (await store.folded(tx, name[0]))[group]
        return trial_answers.diff((scheme, trial, group, period), running, sides, fresh, folded)

    return router


async def running_trial(tx: PostgresTransaction, scheme: str, trial: str) -> Scheme:
    """Return the draft of a running trial, or refuse."""
    found = await versions.trial(tx, trial_code(scheme, trial))
    if found is None:
        raise refuse(404, "not_found", "No such trial runs; of one that ended nothing is kept here.")
    return found


def begins() -> Unavailable:
    """Return the refusal of a trial of which nothing was told yet."""
    return Unavailable("a trial has told nothing yet", retry_after_s=BEGINS_S, code="trial_begins")


async def _side(tx: PostgresTransaction, group: Group, period: str) -> Side | None:
    """Return where the units of a group stand in a period, None where no scheme is."""
    schemes = await versions.in_force(tx, group, [period])
    if period not in schemes:
        return None
    figures = (await store.figures(tx, group, schemes))[period]
    return Side(schemes[period], standing(figures, schemes[period].rules))


def check_compares(tried: Tried, group: str, period: Period) -> None:
    """Refuse a group of which nothing is scored, and a period that ends in no month of the trial."""
    if not tried.scores(group):
        raise refuse(404, "not_found", "The trial's scheme scores no such group.")
    if not tried.compares(period):
        first, last = tried.months
        reason = f"The trial runs from {first} to {last}; a period is compared that ends in these months."
        raise refuse(422, "outside_trial", reason, pointer="/period")

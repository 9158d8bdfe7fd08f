"""The door to what trials (试考评) would change in the standings."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from services.ranking import store, trial_answers, versions
from services.ranking.contract import CONSUMER, CONSUMER_TRIALS
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import standing
from services.ranking.domain.trials import Tried, beside, changed
from services.ranking.trial_answers import TrialDiff, TrialStanding, TrialStandings
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
            running = await _running(tx, scheme, trial)
            keys = await store.figures_of(tx, trial_code(scheme, trial))
        tried = Tried(running.document)
        first, last = tried.months
        items = [(group, period) for group, period in keys if tried.compares(group, Period.parse(period))]
        return TrialStandings(
            scheme=scheme,
            trial=trial,
            version=running.version,
            first=str(first),
            last=str(last),
            never_due=tried.never_due,
            items=tuple(TrialStanding(group=group, period=period) for group, period in items),
        )

    @router.get("/{scheme}/{trial}/{group}/{period}", name="diff_trial")
    async def diff_trial(
        scheme: CodePart, trial: CodePart, group: CodePart, period: str, _: Reader
    ) -> TrialDiff:
        """Return for each unit of a group what a running trial would change: its points, rank and tier."""
        wanted, key, name = Period.parse(period), (scheme, group), (trial_code(scheme, trial), group)
        async with exchange.snapshot() as tx:
            running = await _running(tx, scheme, trial)
            tried = Tried(running.document)
            _check_compares(tried, group, wanted)
            fresh_at = await store.fresh_at(tx, name)
            if fresh_at is None:
                raise Unavailable("a trial has told nothing yet", retry_after_s=BEGINS_S, code="trial_begins")
            schemes = await versions.in_force(tx, key, [period])
            real = (await store.figures(tx, key, schemes)).get(period, {})
            figures = (await store.figures(tx, name, {period: running}))[period]
            as_of = await positions_digest(tx, (CONSUMER, CONSUMER_TRIALS))
        lines = standing(real, schemes[period].rules) if period in schemes else []
        found = beside(lines, standing(figures, running.rules))
        names = (schemes[period].members(group) if period in schemes else {}) | running.members(group)
        return TrialDiff(
            scheme=scheme,
            trial=trial,
            version=running.version,
            real_version=schemes[period].version if period in schemes else None,
            group=group,
            period=period,
            as_of=as_of,
            fresh_at=fresh_at,
            first=str(tried.months[0]),
            last=str(tried.months[1]),
            never_due=tried.never_due,
            indicators=changed(schemes[period].document, running.document) if period in schemes else (),
            moved=trial_answers.moved(found),
            units=trial_answers.units(found, names),
        )

    return router


async def _running(tx: PostgresTransaction, scheme: str, trial: str) -> Scheme:
    """Return the document of a running trial, or refuse."""
    found = await versions.trial(tx, trial_code(scheme, trial))
    if found is None:
        raise refuse(404, "not_found", "No such trial runs; of one that ended nothing is kept here.")
    return found


def _check_compares(tried: Tried, group: str, period: Period) -> None:
    """Refuse a group of which nothing is scored, and a period of which the trial has not all months."""
    if not tried.scores(group):
        raise refuse(404, "not_found", "The trial's scheme scores no such group.")
    if not tried.compares(group, period):
        first, last = tried.months
        why = "a period is compared that lies in it"
        if tried.holds(period):
            due = ", ".join(tried.beyond(group, period))
            why = f"what is due in {period} is taken from other months too: {due}"
        raise refuse(
            422, "outside_trial", f"The trial runs from {first} to {last}; {why}.", pointer="/period"
        )

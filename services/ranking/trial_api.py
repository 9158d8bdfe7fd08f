"""The door to what trials (试考评) would change in the standings."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from services.ranking import store, trial_answers, versions
from services.ranking.contract import CONSUMER, CONSUMER_TRIALS
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import standing
from services.ranking.domain.trials import beside, changed
from services.ranking.trial_answers import TrialDiff, TrialStanding, TrialStandings
from shared.kernel.codes import CODE_PATTERN, trial_code
from shared.kernel.errors import refuse
from shared.kernel.periods import Month, Period
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject
from shared.web.tokens import published

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
        first, last = _months(running)
        items = [(group, period) for group, period in keys if _inside(running, Period.parse(period))]
        return TrialStandings(
            scheme=scheme,
            trial=trial,
            version=running.version,
            first=str(first),
            last=str(last),
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
            if group not in running.document["groups"]:
                raise refuse(404, "not_found", "The trial's scheme has no such group.")
            if not _inside(running, wanted):
                first, last = _months(running)
                detail = f"The trial runs from {first} to {last}; a period is compared that lies in it."
                raise refuse(422, "outside_trial", detail, pointer="/period")
            schemes = await versions.in_force(tx, key, [period])
            real = (await store.figures(tx, key, schemes)).get(period, {})
            tried = (await store.figures(tx, name, {period: running}))[period]
            fresh_at = await store.fresh_at(tx, name)
            as_of = await positions_digest(tx, (CONSUMER, CONSUMER_TRIALS))
        lines = standing(real, schemes[period].rules) if period in schemes else []
        found = beside(lines, standing(tried, running.rules))
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


def _months(running: Scheme) -> tuple[Month, Month]:
    head = running.document["scheme"]
    return Month.parse(head["effective"]), Month.parse(head["until"])


def _inside(running: Scheme, period: Period) -> bool:
    first, last = _months(running)
    return first <= period.first and period.last <= last

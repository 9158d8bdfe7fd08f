"""The door to what totals and boards of trials (试考评) are made of: as those in force, without effect."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from services.ranking import store, versions
from services.ranking.contract import CONSUMER_TRIALS
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.trials import Tried
from services.ranking.total_answers import (
    Links,
    Place,
    TotalExplained,
    TotalWanted,
    check_asked,
    explained,
    path_of,
)
from services.ranking.totals import DETAILS, READERS
from services.ranking.trial_api import CodePart, begins, check_compares, running_trial
from shared.kernel.codes import trial_code
from shared.kernel.errors import refuse
from shared.kernel.shards import SHARDS
from shared.kernel.trees import paths_of
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web.access import EVERYTHING, Subject, Thing
from shared.web.tokens import allow, of_units

Reader = Annotated[Subject, Depends(of_units(*READERS))]


class TrialTotalExplained(TotalExplained):
    """Why a total or a board would stand where it stands in a running trial.

    Of an indicator `cell` and `explain` both lead to why its cell in the trial is worth what it is. Until of
    all `shards` all have `folded` what they hold the sums are those so far: `rank` and `tier` are null, and
    `ranked` is 0.
    """

    mark: Literal["试考评"] = "试考评"
    trial: str
    folded: int
    shards: int = SHARDS


def trial_totals_router(exchange: Exchange) -> APIRouter:
    """Return the routes of explained totals of trials."""
    router = APIRouter(prefix="/v1/trials", tags=["trials"])

    @router.get("/{scheme}/{trial}/totals/{period}/{unit}/explain", name="explain_trial_total")
    async def explain_trial_total(
        scheme: CodePart,
        trial: CodePart,
        period: str,
        unit: str,
        asked: Annotated[TotalWanted, Query()],
        subject: Reader,
    ) -> TrialTotalExplained:
        """Return what a unit's total or board would be made of in a running trial, the dearest loss first.

        People see what they see of the total in force: that of the units that they are above there.
        """
        async with exchange.snapshot() as tx:
            running = await running_trial(tx, scheme, trial)
            group = asked.group or _group_of(running, unit)
            check_compares(Tried(running.document), group, running.calendar.parse(period))
            allow(subject, DETAILS, await _thing(tx, (scheme, group), period, unit))
            name = trial_code(scheme, trial), group
            place = Place(await _scheme(tx, name, period), group, period, unit)
            check_asked(asked, place.scheme, group, unit)
            figures = (await store.figures(tx, name, {period: place.scheme}))[period]
            folded = (await store.folded(tx, name[0])).get(group, 0)
            head = {
                "scheme": scheme,
                "as_of": await positions_digest(tx, (CONSUMER_TRIALS,)),
                "fresh_at": await store.fresh_at(tx, name),
            }
        told = explained(asked, place, figures, head, _links(scheme, trial, place))
        return _tried(told, trial, folded)

    return router


def _group_of(running: Scheme, unit: str) -> str:
    """Return the first group by name that a draft scores and that has a unit, or refuse."""
    tried = Tried(running.document)
    for name in sorted(running.document["groups"]):
        if tried.scores(name) and unit in running.members(name):
            return name
    raise refuse(404, "not_found", "The trial's scheme scores no such unit.")


async def _scheme(tx: PostgresTransaction, group: tuple[str, str], period: str) -> Scheme:
    """Return the draft after what it follows, or refuse before anything of the group was told."""
    found = (await versions.in_force(tx, group, [period])).get(period)
    if found is None or await store.fresh_at(tx, group) is None:
        raise begins()
    return found


async def _thing(tx: PostgresTransaction, group: tuple[str, str], period: str, unit: str) -> Thing:
    """Return where a unit stands in the version in force; one that is in none is for the whole alone."""
    live = (await versions.in_force(tx, group, [period])).get(period)
    paths = {} if live is None else paths_of(live.document["units"])
    return Thing(paths.get(unit, EVERYTHING.unit))


def _links(scheme: str, trial: str, place: Place) -> Links:
    """Return where the cell of an indicator in the trial is explained."""

    def links(indicator: str) -> tuple[str, str]:
        cell = path_of(place.period, place.unit, indicator)
        path = f"/v1/trials{path_of(scheme, trial)}/cells{cell}/explain"
        return path, path

    return links


def _tried(told: TotalExplained, trial: str, folded: int) -> TrialTotalExplained:
    """Return a total of a trial; no place in it counts while shards are missing."""
    fields = {name: getattr(told, name) for name in TotalExplained.model_fields}
    if folded < SHARDS:
        fields |= {"rank": None, "tier": None, "ranked": 0}
    return TrialTotalExplained(**fields, trial=trial, folded=folded)

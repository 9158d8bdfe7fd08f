"""The HTTP door of regional risk: what rose in a month, with all figures, and judging it."""

from typing import Annotated

from fastapi import APIRouter, Depends

from services.scoring import incident_shown, rises
from services.scoring.incident_answers import RisesAnswer
from shared.contracts.fields import Version
from shared.kernel.periods import Month
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject, covers
from shared.web.tokens import of_units, whole

Reader = Annotated[Subject, Depends(of_units(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
Operator = Annotated[Subject, Depends(whole(Role.OPERATOR))]


def rises_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which the risk of regions is looked at and judged."""
    router = APIRouter(prefix="/v1/rises/{code}/{version}/{rise}/{month}", tags=["incidents"])

    @router.get("", name="show_rises")
    async def show_rises(code: str, version: Version, rise: str, month: str, subject: Reader) -> RisesAnswer:
        """Show whether the risk of regions rose in a month against their own baseline, with the figures.

        What was judged is shown as it was; until then all that is scored now is counted.

        409 `not_counts` where the measure gives other than whole counts, `too_many_counts` where there are
        too many to test.
        """
        wanted = Month.parse(month, "/path/month")
        async with exchange.snapshot() as tx:
            found = await rises.look(tx, (code, version), rise, wanted)
        return incident_shown.looked(found, lambda path: covers(subject.unit, path))

    @router.post(":judge", name="judge_rises")
    async def judge_rises(
        code: str, version: Version, rise: str, month: str, subject: Operator
    ) -> RisesAnswer:
        """Judge the regions of a month once, by what was received before its T, whatever comes later.

        It costs nobody anything until another person decides that it applies. 409 `month_open` before every
        shard has passed T, `calendar_unknown` where the calendar does not know the days of grace,
        `already_judged`, `not_in_force`, `judging` while another month is, `nothing_tested` where no region
        has a baseline; as for showing
        `not_counts` and `too_many_counts`.
        """
        wanted = Month.parse(month, "/path/month")
        async with exchange.snapshot() as tx:
            looked = await rises.ready(tx, (code, version), rise, wanted)
        async with exchange.begin(
            actor=subject.name, action="judge rises", detail=f"{code}/{rise}/{month}"
        ) as tx:
            found = await rises.judge(tx, looked, subject.name)
        return incident_shown.looked(found, lambda path: covers(subject.unit, path))

    return router

"""The HTTP door of incidents: what there is, what it costs whom and why, and what persons rule."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.scoring import cursors, dossiers, incident_shown
from services.scoring.answers import After
from services.scoring.contract import IncidentName, IncidentRuled, RulingAct
from services.scoring.domain.incidents.facts import key_of
from services.scoring.dossiers import Wanted
from services.scoring.incident_answers import (
    Decide,
    Filters,
    IncidentAnswer,
    IncidentPage,
    IncidentPath,
    Other,
    UnreadPage,
    UnreadReport,
)
from services.scoring.ruling import Desk, Found
from shared.kernel.errors import hidden, refuse
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject, covers
from shared.web.tokens import of_units, whole

Reader = Annotated[Subject, Depends(of_units(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
Operator = Annotated[Subject, Depends(whole(Role.OPERATOR))]
Ruler = Annotated[Subject, Depends(of_units(Role.OPERATOR))]
UNREAD = "unread reports"


def incidents_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which incidents are listed and shown."""
    router = APIRouter(prefix="/v1", tags=["incidents"])
    desk = Desk()

    @router.get("/incidents", name="list_incidents")
    async def list_incidents(asked: Annotated[Filters, Query()], subject: Reader) -> IncidentPage:
        """List incidents in the order of their ids; of other units' incidents nothing is said."""
        only = asked.model_dump(exclude={"after", "limit"})
        bound = f"incidents {sorted(only.items())}"
        begin = "" if asked.after is None else cursors.read(asked.after, bound, dossiers.Begin)[0]
        async with exchange.reading() as tx:
            rows = await dossiers.listed(tx, Wanted(below=subject.unit, **only), begin, asked.limit)
        items = [incident_shown.line(one, lambda path: covers(subject.unit, path)) for one in rows]
        full = len(rows) == asked.limit
        return IncidentPage(items=items, next=cursors.write((rows[-1].id,), bound) if full else None)

    @router.get("/incidents/{incident}", name="show_incident")
    async def show_incident(incident: IncidentPath, subject: Reader) -> IncidentAnswer:
        """Show an incident: who says what, what it costs whom, what counts and why, and its history."""
        async with exchange.snapshot() as tx:
            found = await desk.find(tx, incident)
        return _shown(found, subject)

    @router.get("/unread-reports", name="list_unread_reports")
    async def list_unread_reports(asked: Annotated[After, Query()], _: Operator) -> UnreadPage:
        """List reports of findings and inspections that cannot be judged, and why."""
        begin = None if asked.after is None else cursors.read(asked.after, UNREAD, dossiers.Unread)
        async with exchange.reading() as tx:
            rows = await dossiers.unread(tx, begin, asked.limit)
        items = [
            UnreadReport.model_validate(dict(zip(UnreadReport.model_fields, row, strict=True)))
            for row in rows
        ]
        full = len(rows) == asked.limit
        return UnreadPage(items=items, next=cursors.write(rows[-1], UNREAD) if full else None)

    return router


def rulings_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which a person rules; who does must see every unit that the incident concerns."""
    router = APIRouter(prefix="/v1/incidents", tags=["incidents"])
    desk = Desk()

    @router.post("/{incident}:decide", name="decide_incident")
    async def decide_incident(incident: IncidentPath, asked: Decide, subject: Ruler) -> IncidentAnswer:
        """Say whether a trigger fires that waits for a person; a later ruling takes an earlier one back.

        409 `not_waiting` where nobody asks, `cannot_apply` where the scheme leaves a role open; 403
        `same_person` for who judged the month of a rise.
        """
        told = IncidentRuled(
            act=RulingAct(asked.ruling),
            incident=_name(incident),
            person=subject.name,
            reason=asked.reason,
            finding=asked.finding,
            trigger=asked.trigger,
            inspection=asked.inspection,
        )
        return await ruled(incident, told, subject)

    @router.post("/{incident}:join", name="join_incident")
    async def join_incident(incident: IncidentPath, asked: Other, subject: Ruler) -> IncidentAnswer:
        """Say that two incidents are one problem: of both only the highest deduction counts for each unit."""
        return await ruled(incident, _pair(incident, asked, RulingAct.JOIN, subject), subject)

    @router.post("/{incident}:part", name="part_incident")
    async def part_incident(incident: IncidentPath, asked: Other, subject: Ruler) -> IncidentAnswer:
        """Take a person's join back; 409 `not_joined` where there is none."""
        return await ruled(incident, _pair(incident, asked, RulingAct.PART, subject), subject)

    async def ruled(incident: str, told: IncidentRuled, subject: Subject) -> IncidentAnswer:
        async with exchange.begin(
            actor=subject.name, action=f"{told.act.value} incident", detail=incident
        ) as tx:
            for one in (told.incident, told.other):
                if one is not None:
                    found = await desk.find(tx, f"{one.object}~{one.content}~{one.year}", "/other")
                    _all_covered(found, subject)
            await desk.rule(tx, told)
            found = await desk.find(tx, incident)
        return _shown(found, subject)

    return router


def _shown(found: Found, subject: Subject) -> IncidentAnswer:
    if not any(covers(subject.unit, path) for path in found.paths):
        raise hidden("There is no such incident.")
    return incident_shown.answer(found, lambda path: covers(subject.unit, path))


def _all_covered(found: Found, subject: Subject) -> None:
    """Refuse who does not stand above all units concerned: nobody rules on what is his own to lose."""
    own = subject.unit.rstrip("/")
    if not any(covers(subject.unit, path) for path in found.paths):
        raise hidden("There is no such incident.")
    if not all(covers(subject.unit, path) and own != path.rstrip("/") for path in found.at_stake):
        raise refuse(403, "forbidden", "Who rules stands above all units that the incident concerns.")


def _pair(incident: str, asked: Other, act: RulingAct, subject: Subject) -> IncidentRuled:
    return IncidentRuled(
        act=act,
        incident=_name(incident),
        person=subject.name,
        reason=asked.reason,
        other=_name(asked.other, "/other"),
    )


def _name(incident: str, pointer: str | None = None) -> IncidentName:
    key = key_of(incident)
    if key is None:
        raise refuse(404, "not_found", "There is no such incident.", pointer=pointer)
    return IncidentName(object=key.object, content=key.content, year=key.year)

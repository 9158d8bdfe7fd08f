"""The routes of the work lists, and of what a person decides of an entry."""

from dataclasses import replace
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.ingest import deciding, worklists
from services.ingest.api.door import Door, sender_of
from services.ingest.committing import Admission
from services.ingest.domain.decisions import State
from services.ingest.gateway import Records
from services.ingest.worklists import Only, WorkList
from shared.contracts.fields import After, Number, Version
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import Refused, hidden
from shared.kernel.strict_json import decode
from shared.web import bodies, problems
from shared.web.access import EVERYTHING, Action, Role, Subject, Verdict, decide
from shared.web.tokens import Right, of_own, whole

PAGE_LIMIT = 200
REASON_CHARACTERS = 500

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
Source = Annotated[str, Query(pattern=CODE_PATTERN)]
Code = Annotated[str, Query(pattern="^[a-z_0-9]{1,64}$")]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS)]
Operator = Annotated[Subject, Depends(whole(Role.OPERATOR))]
Integrator = Annotated[Subject, Depends(of_own(Role.INTEGRATOR))]
_OPERATING = Action(frozenset({Role.OPERATOR}))

Asked = TypeVar("Asked", bound=BaseModel)


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Dismissal(_Asked):
    """Why an entry is left as it is."""

    reason: Reason


class Fix(_Asked):
    """The event that stands for what was refused."""

    event: dict[str, Any]
    reason: Reason = "sent again, corrected"


class Again(_Asked):
    """Why a record is taken that was refused."""

    reason: Reason


class Replay(_Asked):
    """Why the conflicting event is taken after all; `revision` where sources number in their own way."""

    reason: Reason
    revision: Version | None = None


def refusals_router(door: Door) -> APIRouter:
    """Return the routes of what was refused."""
    router = APIRouter(prefix="/v1/refusals", tags=["work lists"])
    reader = of_own(Role.OPERATOR, Role.INTEGRATOR)
    about = "List what was refused, oldest first; of its body only the digest is kept."
    _add_listing(router, door, WorkList.REFUSALS, about, reader)

    @router.get("/{number}", name="show_refusal")
    async def show_refusal(number: Number, subject: Annotated[Subject, Depends(reader)]) -> dict[str, Any]:
        """Return a refusal and what became of it."""
        only = await _only_own(door, subject)
        async with door.exchange.reading() as tx:
            found = await worklists.entry(tx, WorkList.REFUSALS, number)
        if not only.shows(found):
            raise hidden("The list has no such entry.")
        return found

    @router.post("/{number}:fix", name="fix_refusal", openapi_extra=_body(Fix))
    async def fix_refusal(subject: Integrator, number: Number, request: Request) -> dict[str, Any]:
        """Take the corrected event and link it to the refusal; nothing changes if it is refused too."""
        asked = await _asked(request, Fix)
        anyones, sender = _own(subject) is None, sender_of(subject)
        return await deciding.fix(door.admission, number, asked.event, sender, asked.reason, anyones=anyones)

    about = "Leave a refusal as it is, with a reason."
    _add_dismissal(router, door, WorkList.REFUSALS, "dismiss_refusal", about)
    return router


def replays_router(admission: Admission, records: Records) -> APIRouter:
    """Return the route by which refused records of inbound topics are taken after all."""
    router = APIRouter(prefix="/v1/refusals", tags=["work lists"])

    @router.post("/{number}:replay", name="replay_refusal", openapi_extra=_body(Again))
    async def replay_refusal(subject: Operator, number: Number, request: Request) -> dict[str, Any]:
        """Read the refused record from its topic and take it; nothing changes if it is refused again.

        410 if the topic holds it no longer. What came by HTTP its client sends again.
        """
        asked = await _asked(request, Again)
        return await deciding.replay_refused(admission, records, number, subject.name, asked.reason)

    return router


def conflicts_router(door: Door) -> APIRouter:
    """Return the routes of events that contradict an accepted one."""
    router = APIRouter(prefix="/v1/conflicts", tags=["work lists"])
    reader = whole(Role.OPERATOR)
    about = "List what contradicts an accepted event, oldest first; of withdrawn ones before all."
    _add_listing(router, door, WorkList.CONFLICTS, about, reader)

    @router.get("/{number}", name="show_conflict", dependencies=[Depends(reader)])
    async def show_conflict(number: Number) -> dict[str, Any]:
        """Return a conflict beside the event that counts until a person decides."""
        async with door.exchange.reading() as tx:
            found = await worklists.entry(tx, WorkList.CONFLICTS, number)
            first = await deciding.accepted(tx, found)
        return found | {"event": decode(found.pop("body").encode()), "accepted": first}

    @router.post("/{number}:replay", name="replay_conflict", openapi_extra=_body(Replay))
    async def replay_conflict(subject: Operator, number: Number, request: Request) -> dict[str, Any]:
        """Take the conflicting event as a correction of the one that counts."""
        asked = await _asked(request, Replay)
        return await deciding.replay(door.admission, number, subject.name, asked.reason, asked.revision)

    _add_dismissal(
        router, door, WorkList.CONFLICTS, "dismiss_conflict", "Let the first event count, with a reason."
    )
    return router


def _add_listing(router: APIRouter, door: Door, of: WorkList, about: str, reader: Right) -> None:
    @router.get("", name=f"list_{of}", description=about)
    async def list_entries(
        subject: Annotated[Subject, Depends(reader)],
        state: State | None = None,
        source: Source | None = None,
        code: Code | None = None,
        after: After = 0,
        limit: Limit = 50,
    ) -> dict[str, Any]:
        own = await _only_own(door, subject)
        async with door.exchange.reading() as tx:
            only = replace(own, state=state, source=source, code=code)
            return await worklists.page(tx, of, after, limit, only)


def _add_dismissal(router: APIRouter, door: Door, of: WorkList, name: str, about: str) -> None:
    @router.post("/{number}:dismiss", name=name, description=about, openapi_extra=_body(Dismissal))
    async def dismiss_entry(subject: Operator, number: Number, request: Request) -> dict[str, Any]:
        asked = await _asked(request, Dismissal)
        return await deciding.dismiss(door.admission, of, number, subject.name, asked.reason)


def _own(subject: Subject) -> str | None:
    """Return the account whose entries alone the subject sees; an operator of the whole sees all."""
    return None if decide(subject, _OPERATING, EVERYTHING) is Verdict.ALLOWED else subject.client


async def _only_own(door: Door, subject: Subject) -> Only:
    """Return what the subject sees: its account's entries, and those in topics that it may fix."""
    client = _own(subject)
    if client is None:
        return worklists.EVERYTHING
    await door.admission.newest()
    return Only(client=client, spoken_for=door.admission.catalogue.spoken_for(sender_of(subject)))


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": schema}}}}


async def _asked(request: Request, model: type[Asked]) -> Asked:
    """Read a body by the one strict decoder, then by its model."""
    try:
        return model.model_validate(await bodies.read_json(request))
    except ValidationError as error:
        raise Refused(problems.of_validation(error.errors())) from None

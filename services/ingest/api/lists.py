"""The routes of the work lists, and of what a person decides of an entry."""

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.ingest import deciding, worklists
from services.ingest.api.door import Door, sender_of
from services.ingest.domain.decisions import State
from services.ingest.worklists import Only, WorkList
from shared.contracts.fields import After, Number, Version
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import Refused
from shared.kernel.strict_json import decode
from shared.web import bodies, problems
from shared.web.access import Subject
from shared.web.tokens import require

PAGE_LIMIT = 200
REASON_CHARACTERS = 500

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT)]
Source = Annotated[str, Query(pattern=CODE_PATTERN)]
Code = Annotated[str, Query(pattern="^[a-z_0-9]{1,64}$")]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS)]
Operator = Annotated[Subject, Depends(require("operator"))]
Integrator = Annotated[Subject, Depends(require("integrator"))]
Either = Annotated[Subject, Depends(require("operator", "integrator"))]


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


class Replay(_Asked):
    """Why the conflicting event is taken after all; `revision` where sources number in their own way."""

    reason: Reason
    revision: Version | None = None


def refusals_router(door: Door) -> APIRouter:
    """Return the routes of what was refused."""
    router = APIRouter(prefix="/v1/refusals", tags=["work lists"])

    @router.get("", name="list_refusals")
    async def list_refusals(
        _: Either,
        state: State | None = None,
        source: Source | None = None,
        code: Code | None = None,
        after: After = 0,
        limit: Limit = 50,
    ) -> dict[str, Any]:
        """List what was refused, oldest first; of its body only the digest is kept."""
        async with door.exchange.reading() as tx:
            return await worklists.page(tx, WorkList.REFUSALS, after, limit, Only(state, source, code))

    @router.get("/{number}", name="show_refusal")
    async def show_refusal(_: Either, number: Number) -> dict[str, Any]:
        """Return a refusal and what became of it."""
        async with door.exchange.reading() as tx:
            return await worklists.entry(tx, WorkList.REFUSALS, number)

    @router.post("/{number}:fix", name="fix_refusal", openapi_extra=_body(Fix))
    async def fix_refusal(subject: Integrator, number: Number, request: Request) -> dict[str, Any]:
        """Take the corrected event and link it to the refusal; nothing changes if it is refused too."""
        asked = await _asked(request, Fix)
        return await deciding.fix(door.admission, number, asked.event, sender_of(subject), asked.reason)

    @router.post("/{number}:dismiss", name="dismiss_refusal", openapi_extra=_body(Dismissal))
    async def dismiss_refusal(subject: Operator, number: Number, request: Request) -> dict[str, Any]:
        """Leave a refusal as it is, with a reason."""
        asked = await _asked(request, Dismissal)
        return await deciding.dismiss(door.admission, WorkList.REFUSALS, number, subject.name, asked.reason)

    return router


def conflicts_router(door: Door) -> APIRouter:
    """Return the routes of events that contradict an accepted one."""
    router = APIRouter(prefix="/v1/conflicts", tags=["work lists"])

    @router.get("", name="list_conflicts")
    async def list_conflicts(
        _: Operator,
        state: State | None = None,
        source: Source | None = None,
        code: Code | None = None,
        after: After = 0,
        limit: Limit = 50,
    ) -> dict[str, Any]:
        """List what contradicts an accepted event, oldest first; of withdrawn ones before all."""
        async with door.exchange.reading() as tx:
            return await worklists.page(tx, WorkList.CONFLICTS, after, limit, Only(state, source, code))

    @router.get("/{number}", name="show_conflict")
    async def show_conflict(_: Operator, number: Number) -> dict[str, Any]:
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

    @router.post("/{number}:dismiss", name="dismiss_conflict", openapi_extra=_body(Dismissal))
    async def dismiss_conflict(subject: Operator, number: Number, request: Request) -> dict[str, Any]:
        """Let the first event count, with a reason."""
        asked = await _asked(request, Dismissal)
        return await deciding.dismiss(door.admission, WorkList.CONFLICTS, number, subject.name, asked.reason)

    return router


def _body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    return {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": schema}}}}


async def _asked(request: Request, model: type[Asked]) -> Asked:
    """Read a body by the one strict decoder, then by its model."""
    try:
        return model.model_validate(await bodies.read_json(request))
    except ValidationError as error:
        raise Refused(problems.of_validation(error.errors())) from None

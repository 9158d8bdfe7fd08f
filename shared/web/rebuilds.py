"""The operators' door to rebuilding: fold the archives anew beside the live state, compare, and swap."""

from collections.abc import Awaitable
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict

from shared.contracts.fields import Closed
from shared.web.access import Role, Subject
from shared.web.operations import Reason
from shared.web.tokens import whole

Operator = Annotated[Subject, Depends(whole(Role.OPERATOR))]
RebuildId = Annotated[int, Path(ge=1, lt=1 << 31)]


class TableBody(BaseModel):
    """What was compared of a table: rows alike, and those that only one side has with the first of them."""

    model_config = ConfigDict(from_attributes=True)

    table: str
    rows: int
    only_live: int
    only_shadow: int
    live: list[str]
    shadow: list[str]


class ChainBody(BaseModel):
    """The first number at which the outboxes of a shard part, and where each of them ends."""

    model_config = ConfigDict(from_attributes=True)

    stream: str
    shard: int
    number: int
    live: int
    shadow: int


class RebuildBody(BaseModel):
    """How far a rebuild is, in records, and what it found.

    The tables of `copied` no event makes anew. Those of `left` differ, and no swap replaces them.
    """

    model_config = ConfigDict(from_attributes=True)

    id: int
    person: str
    state: Literal["waiting", "folding", "comparing", "same", "differs", "failed", "swapped"]
    applied: int
    total: int
    tables: list[TableBody]
    chains: list[ChainBody]
    copied: list[str]
    left: list[str]
    detail: str


class Swap(Closed):
    """Why live rows are replaced."""

    reason: Reason


class Rebuilds(Protocol):
    """Where rebuilds are asked for."""

    def start(self, person: str) -> Awaitable[Any]: ...
    def find(self, number: int) -> Awaitable[Any]: ...
    def swap(self, number: int, reason: str, person: str) -> Awaitable[Any]: ...


def rebuilds_router(rebuilds: Rebuilds) -> APIRouter:
    """Return the routes of rebuilding."""
    router = APIRouter(prefix="/v1/operations/rebuilds", tags=["operations"])

    @router.post("", name="start_rebuild", status_code=202)
    async def start_rebuild(person: Operator) -> RebuildBody:
        """Fold the archives of all inputs into a shadow schema and compare it; live rows are only read."""
        return RebuildBody.model_validate(await rebuilds.start(person.name))

    @router.get("/{rebuild}", name="show_rebuild")
    async def show_rebuild(rebuild: RebuildId, _: Operator) -> RebuildBody:
        """Show how far a rebuild is and what it found, whichever worker of the service makes it."""
        return RebuildBody.model_validate(await rebuilds.find(rebuild))

    @router.post("/{rebuild}:swap", name="swap_rebuild")
    async def swap_rebuild(rebuild: RebuildId, confirmed: Swap, person: Operator) -> RebuildBody:
        """Replace what differs by the shadow's, all consumers paused and the outbox alike; `left` stays."""
        return RebuildBody.model_validate(await rebuilds.swap(rebuild, confirmed.reason, person.name))

    return router

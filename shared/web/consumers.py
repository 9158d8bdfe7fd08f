"""What an operator sees of the consumers of a service: what they hold, and which shards wait for a person."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from shared.web.access import Role
from shared.web.tokens import whole


class HaltBody(BaseModel):
    """A shard that stopped before record `number`."""

    stream: str
    shard: int
    number: int
    reason: str


class ConsumerBody(BaseModel):
    """One consumer of this process: the partitions it holds and its halted shards."""

    name: str
    partitions: list[int]
    halts: list[HaltBody]


class ConsumersBody(BaseModel):
    """All consumers of this process."""

    consumers: list[ConsumerBody]


def consumers_router(show: Callable[[], Sequence[ConsumerBody]]) -> APIRouter:
    """Return the route that shows the consumers of this process."""
    router = APIRouter(tags=["internal"], dependencies=[Depends(whole(Role.OPERATOR, Role.SERVICE))])

    @router.get("/internal/v1/consumers", name="read_consumers")
    async def read_consumers() -> ConsumersBody:
        """Show which partitions are held and which shards are halted, and why."""
        return ConsumersBody(consumers=list(show()))

    return router

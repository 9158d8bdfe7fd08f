"""The operators' door to the reading of inbound topics: how far it is, pause and resume."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.inbound import Inbound, PartitionState
from shared.contracts.fields import Closed
from shared.web.operations import Operator, OrderBody, OrdersBody, Reason, Watcher

Topic = Annotated[str, Path(pattern=r"^in\.[0-9A-Za-z._-]{1,128}$")]
Partition = Annotated[int, Field(ge=0, lt=INBOUND_PARTITIONS)]


class InboundBody(BaseModel):
    """Every partition of every source's topic; `silent` names `kafka` if it does not say where they end."""

    items: list[PartitionState]
    silent: list[str]


class InboundRest(Closed):
    """Which partitions rest or go on; all of them if none is named."""

    reason: Reason
    partitions: list[Partition] | None = Field(None, min_length=1, max_length=INBOUND_PARTITIONS)


def inbound_router(inbound: Inbound) -> APIRouter:
    """Return the routes on which the reading of inbound topics is seen and led."""
    router = APIRouter(prefix="/v1/operations/inbound", tags=["operations"])

    @router.get("", name="list_inbound")
    async def list_inbound(_: Watcher) -> InboundBody:
        """Show every partition of every inbound topic: how far it was taken, where it ends, if it rests."""
        items, silent = await inbound.partitions()
        return InboundBody(items=items, silent=silent)

    @router.post("/{topic}:pause", name="pause_inbound")
    async def pause_inbound(topic: Topic, rest: InboundRest, person: Operator) -> OrdersBody:
        """Let partitions rest: nothing more is taken of them, also after restarts; Kafka keeps what comes."""
        found = await inbound.pause(topic, _partitions(rest), rest.reason, person.name)
        return OrdersBody(items=[OrderBody.model_validate(one) for one in found])

    @router.post("/{topic}:resume", name="resume_inbound")
    async def resume_inbound(topic: Topic, rest: InboundRest, person: Operator) -> OrdersBody:
        """Let partitions go on that rest, or that were stopped for mistakes of ours, from where they were."""
        found = await inbound.resume(topic, _partitions(rest), rest.reason, person.name)
        return OrdersBody(items=[OrderBody.model_validate(one) for one in found])

    return router


def _partitions(rest: InboundRest) -> set[int]:
    return set(range(INBOUND_PARTITIONS) if rest.partitions is None else rest.partitions)

"""The operators' door to the consumers of a service: lag, pause, resume, retry, and skip by two persons."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.fields import After, Approval, Closed, Digest, Number, Shard
from shared.kernel.shards import PARTITIONS
from shared.web.access import Role, Subject
from shared.web.tokens import whole

PAGE_ORDERS = 200
LONGEST_REASON = 500

Operator = Annotated[Subject, Depends(whole(Role.OPERATOR))]
Watcher = Annotated[Subject, Depends(whole(Role.OPERATOR, Role.SERVICE))]
Consumer = Annotated[str, Path(pattern="^[a-z][a-z-]{0,31}$")]
Stream = Annotated[str, Field(pattern=r"^[a-z]+\.[a-z]+$", max_length=64)]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON, pattern=r"^[^\x00-\x1f\x7f]+$")]
Partition = Annotated[int, Field(ge=0, lt=PARTITIONS)]
OrderId = Annotated[int, Path(ge=1, lt=1 << 63)]


class ShardBody(BaseModel):
    """How far one shard of a consumer is; `newest` and `lag` are null while its producer is away.

    `digest` is that of the body of the record that halts it; `unowned` means that no worker holds it now.
    """

    model_config = ConfigDict(from_attributes=True)

    consumer: str
    stream: str
    shard: int
    applied: int
    newest: int | None
    published: int | None
    lag: int | None
    state: Literal["running", "paused", "halted", "unowned"]
    reason: str | None
    halted_at: int | None
    digest: str | None
    owner: str | None
    epoch: int


class ShardsBody(BaseModel):
    """Every shard of every consumer; `silent` are the streams whose producers do not answer."""

    items: list[ShardBody]
    silent: list[str]


class OrderBody(BaseModel):
    """An order as it is kept for good; it stands while it has no outcome."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    kind: Literal["pause", "retry", "skip"]
    consumer: str
    partition: int
    stream: str | None
    shard: int | None
    number: int | None
    digest: str | None
    reason: str
    person: str
    at: datetime
    approver: str | None
    approved: datetime | None
    outcome: str | None
    closer: str | None
    closed: datetime | None


class OrdersBody(BaseModel):
    """A page of orders; `next` continues it."""

    items: list[OrderBody]
    next: int | None = None


class Rest(Closed):
    """Which partitions rest or go on; all of them if none is named."""

    reason: Reason
    partitions: list[Partition] | None = Field(None, min_length=1, max_length=PARTITIONS)


class Retry(Closed):
    """Which halted shards are tried again; all of them if none is named."""

    reason: Reason
    stream: Stream | None = None
    shard: Shard | None = None


class Skip(Closed):
    """The one record that is to be passed over; `digest` is the SHA-256 of its body."""

    consumer: str = Field(pattern="^[a-z][a-z-]{0,31}$")
    stream: Stream
    shard: Shard
    number: Number
    digest: Digest
    reason: Reason


class RelayBody(BaseModel):
    """How much of a stream is archived and how much of that Kafka acknowledged, in records of all shards."""

    model_config = ConfigDict(from_attributes=True)

    stream: str
    archived: int
    published: int
    lag: int


class RelaysBody(BaseModel):
    """Every stream that the service publishes."""

    items: list[RelayBody]


class Outgoing(Protocol):
    """Where is seen how far a relay is."""

    async def streams(self) -> Sequence[Any]: ...


class Desk(Protocol):
    """Where lag is seen and orders are given."""

    async def shards(self) -> tuple[Sequence[Any], list[str]]: ...
    async def pause(
        self, consumer: str, partitions: Collection[int], reason: str, person: str
    ) -> Sequence[Any]: ...
    async def resume(
        self, consumer: str, partitions: Collection[int], reason: str, person: str
    ) -> Sequence[Any]: ...
    async def retry(
        self, consumer: str, place: tuple[str | None, int | None], reason: str, person: str
    ) -> Sequence[Any]: ...
    async def orders(self, after: int, limit: int) -> Sequence[Any]: ...


class Skips(Protocol):
    """Where two persons order that a record is passed over."""

    async def ask(self, record: Mapping[str, Any], reason: str, person: str) -> Any: ...
    async def approve(self, order: int, digest: str, person: str) -> Any: ...
    async def withdraw(self, order: int, person: str) -> Any: ...


def operations_router(desk: Desk) -> APIRouter:
    """Return the routes on which consumers are seen and led."""
    router = APIRouter(prefix="/v1/operations", tags=["operations"])

    @router.get("/consumers", name="list_shards")
    async def list_shards(_: Watcher) -> ShardsBody:
        """Show every shard of every consumer: how far it is, how far its producer is, who works on it."""
        items, silent = await desk.shards()
        return ShardsBody(items=[ShardBody.model_validate(one) for one in items], silent=silent)

    @router.post("/consumers/{consumer}:pause", name="pause_consumer")
    async def pause_consumer(consumer: Consumer, rest: Rest, person: Operator) -> OrdersBody:
        """Let partitions rest from the next beat on: their leases stay, nothing is applied."""
        return _orders(await desk.pause(consumer, _partitions(rest), rest.reason, person.name))

    @router.post("/consumers/{consumer}:resume", name="resume_consumer")
    async def resume_consumer(consumer: Consumer, rest: Rest, person: Operator) -> OrdersBody:
        """Let partitions that rest go on."""
        return _orders(await desk.resume(consumer, _partitions(rest), rest.reason, person.name))

    @router.post("/consumers/{consumer}:retry", name="retry_consumer")
    async def retry_consumer(consumer: Consumer, retry: Retry, person: Operator) -> OrdersBody:
        """Try halted shards again, their records read from the producer's archive; what fails halts again."""
        place = retry.stream, retry.shard
        return _orders(await desk.retry(consumer, place, retry.reason, person.name))

    return router


def orders_router(desk: Desk) -> APIRouter:
    """Return the route on which every order is seen."""
    router = APIRouter(prefix="/v1/operations", tags=["operations"])

    @router.get("/orders", name="list_orders")
    async def list_orders(
        _: Operator,
        after: Annotated[After, Query()] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_ORDERS)] = PAGE_ORDERS,
    ) -> OrdersBody:
        """List every order ever given, by whom, approved by whom, and what came of it."""
        found = _orders(await desk.orders(after, limit))
        return found.model_copy(update={"next": found.items[-1].id if len(found.items) == limit else None})

    return router


def relay_router(outgoing: Outgoing) -> APIRouter:
    """Return the route on which is seen how far the relay is."""
    router = APIRouter(prefix="/v1/operations/relay", tags=["operations"])

    @router.get("", name="list_relay")
    async def list_relay(_: Watcher) -> RelaysBody:
        """Show of every stream of the service how many records are archived and how many are in Kafka."""
        return RelaysBody(items=[RelayBody.model_validate(one) for one in await outgoing.streams()])

    return router


def skips_router(skips: Skips) -> APIRouter:
    """Return the routes by which two persons pass over a record."""
    router = APIRouter(prefix="/v1/operations/skips", tags=["operations"])

    @router.post("", name="ask_skip", status_code=201)
    async def ask_skip(skip: Skip, person: Operator) -> OrderBody:
        """Ask that exactly this record, which halts its shard, is passed over; another person approves."""
        record = skip.model_dump(exclude={"reason"})
        return OrderBody.model_validate(await skips.ask(record, skip.reason, person.name))

    @router.post("/{order}:approve", name="approve_skip")
    async def approve_skip(order: OrderId, approval: Approval, person: Operator) -> OrderBody:
        """Approve it as another person, naming the same content."""
        return OrderBody.model_validate(await skips.approve(order, approval.digest, person.name))

    @router.post("/{order}:withdraw", name="withdraw_skip")
    async def withdraw_skip(order: OrderId, person: Operator) -> OrderBody:
        """Take back an order that is not approved."""
        return OrderBody.model_validate(await skips.withdraw(order, person.name))

    return router


def _partitions(rest: Rest) -> Collection[int]:
    return set(range(PARTITIONS) if rest.partitions is None else rest.partitions)


def _orders(found: Sequence[Any]) -> OrdersBody:
    return OrdersBody(items=[OrderBody.model_validate(one) for one in found])

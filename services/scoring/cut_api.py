"""The operators' door to cuts (截止): which are not told yet, and what they wait for."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from services.scoring import cut_waits
from services.scoring.cut_waits import Waiting, Waits
from services.scoring.cutting import Unread
from shared.kernel.codes import CODE_PATTERN
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject
from shared.web.tokens import published

Reader = Annotated[
    Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER, Role.CLOSER))
]


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class UnreadLine(Answer):
    """A consumer that has yet to apply `records` of a stream, in `shards`."""

    consumer: str
    stream: str
    shards: list[int]
    records: int


class CutLine(Answer):
    """A cut that is not told: T (`cut`), the last day before it, and what it waits for.

    At step 0 for `shards` that have not passed this T; at steps 1 to 4 for `waits`, as far as the streams
    reached when the step began; at step 4 with nothing left the figures at T are being counted.
    """

    period: str
    version: int
    cut: str
    day: str
    step: int = Field(ge=0, le=4)
    shards: list[int]
    waits: list[UnreadLine]


class ShardLine(Answer):
    """A shard that has not passed the last T that is named.

    `ticked` is when its newest tick was received, `items` until when its items are told.
    """

    shard: int
    ticked: str | None
    items: str | None


class CutsAnswer(Answer):
    """The cuts of a scheme that are under way, those that are due or come next, and who is behind."""

    scheme: str
    cuts: list[CutLine]
    shards: list[ShardLine]


def cuts_router(exchange: Exchange) -> APIRouter:
    """Return the route on which one sees what cuts wait for."""
    router = APIRouter(prefix="/v1/cuts", tags=["closing"])

    @router.get("/{scheme}", name="show_cuts")
    async def show_cuts(scheme: Annotated[str, Path(pattern=CODE_PATTERN)], _: Reader) -> CutsAnswer:
        """Show what the cuts of a scheme wait for before they are told; one that is told is not listed."""
        async with exchange.snapshot() as tx:
            return _shown(scheme, await cut_waits.of_scheme(tx, scheme))

    return router


def _shown(scheme: str, found: Waits) -> CutsAnswer:
    shards = [
        ShardLine(shard=shard, ticked=one.ticked, items=one.items) for shard, one in found.shards.items()
    ]
    return CutsAnswer(scheme=scheme, cuts=[_line(one) for one in found.cuts], shards=shards)


def _line(one: Waiting) -> CutLine:
    return CutLine(
        period=one.period,
        version=one.version,
        cut=one.cut,
        day=one.day,
        step=one.step,
        shards=list(one.shards),
        waits=list(_by_stream(one.unread)),
    )


def _by_stream(unread: Iterable[Unread]) -> Iterator[UnreadLine]:
    def stream(one: Unread) -> tuple[str, str]:
        return one.consumer, one.stream

    for (consumer, name), rows in groupby(sorted(unread), key=stream):
        found = list(rows)
        yield UnreadLine(
            consumer=consumer,
            stream=name,
            shards=[one.shard for one in found],
            records=sum(one.records for one in found),
        )

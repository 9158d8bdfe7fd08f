"""The archive of a service's streams, for consumers that miss a number."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel

from shared.contracts.fields import After, Shard
from shared.kernel.errors import refuse
from shared.kernel.records import Reached
from shared.web.access import Role
from shared.web.tokens import whole

PAGE_LIMIT_RECORDS = 1000
PAGE_LIMIT_BYTES = 8 << 20


class ArchivedRecord(Protocol):
    """What the archive must know of a record."""

    @property
    def number(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    @property
    def chain(self) -> bytes: ...


class Archive(Protocol):
    """Where the records of the service's streams are read."""

    async def read(self, stream: str, shard: int, after: int, limit: int) -> Sequence[ArchivedRecord]: ...
    async def reached(self, stream: str) -> Mapping[int, Reached]: ...


class RecordBody(BaseModel):
    """One stored record; `body` is base64 of the exact bytes, `chain` the running digest in hexadecimal."""

    number: int
    body: str
    chain: str


class ReachedBody(BaseModel):
    """How far a shard has come: its newest number, and the last that was sent to the broker."""

    shard: int
    number: int
    published: int


class ShardsBody(BaseModel):
    """The shards of a stream that have records."""

    stream: str
    shards: list[ReachedBody]


class Page(BaseModel):
    """Records in order of their numbers, dense from `after` + 1."""

    stream: str
    shard: int
    records: list[RecordBody]


def archive_router(archive: Archive, streams: Sequence[str]) -> APIRouter:
    """Return the routes that serve the archive of the service's own streams."""
    router = APIRouter(tags=["internal"], dependencies=[Depends(whole(Role.SERVICE, Role.OPERATOR))])
    served = frozenset(streams)

    @router.get("/internal/v1/streams/{stream}", name="read_shards")
    async def read_shards(stream: Annotated[str, Path(max_length=64)]) -> ShardsBody:
        """Read how far each shard of a stream has come."""
        if stream not in served:
            raise refuse(404, "not_found")
        reached = await archive.reached(stream)
        shards = [
            ReachedBody(shard=shard, number=at.number, published=at.published)
            for shard, at in sorted(reached.items())
        ]
        return ShardsBody(stream=stream, shards=shards)

    @router.get("/internal/v1/streams/{stream}/{shard}", name="read_stream")
    async def read_stream(
        stream: Annotated[str, Path(max_length=64)],
        shard: Annotated[Shard, Path()],
        after: Annotated[After, Query()] = 0,
        limit: Annotated[int, Query(ge=1, le=PAGE_LIMIT_RECORDS)] = PAGE_LIMIT_RECORDS,
    ) -> Page:
        """Read the records of a shard after a number."""
        if stream not in served:
            raise refuse(404, "not_found")
        records = await archive.read(stream, shard, after, limit)
        return Page(stream=stream, shard=shard, records=[_shown(record) for record in _fitting(records)])

    return router


def _fitting(records: Sequence[ArchivedRecord]) -> Iterator[ArchivedRecord]:
    """Yield records until the page is full; the first always fits."""
    size = 0
    for record in records:
        if size > PAGE_LIMIT_BYTES:
            return
        size += len(record.body)
        yield record


def _shown(record: ArchivedRecord) -> RecordBody:
    return RecordBody(
        number=record.number,
        body=base64.b64encode(record.body).decode(),
        chain=record.chain.hex(),
    )

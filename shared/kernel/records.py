"""What moves through streams: drafts before their number, records after it, and how far a reader has come."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.kernel.digests import EMPTY_CHAIN


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A JSON object that waits for its number; `own` drafts get their id and time from the stream.

    `received` is set under the replay clock, and of what stands on a tick; it never falls within a shard.
    """

    shard: int
    body: bytes
    own: bool = True
    received: datetime | None = None


class Record(NamedTuple):
    """The numbered bytes of a stream and the running digest up to and including them.

    `offset` is where the broker keeps it, -1 when it came from elsewhere; it advises and never decides.
    """

    stream: str
    shard: int
    number: int
    body: bytes
    chain: bytes
    offset: int = -1


class Head(NamedTuple):
    """The end of a shard: its last number (0 when empty), digest and `received`."""

    number: int = 0
    chain: bytes = EMPTY_CHAIN
    received: datetime | None = None


class Reached(NamedTuple):
    """How far the owner of a shard has come: its newest number, and the last that its relay has sent."""

    number: int
    published: int


class Known(msgspec.Struct, frozen=True, gc=False):
    """What a key already stands for; `content` is the digest of the canonical content."""

    shard: int
    number: int
    content: bytes


class Position(NamedTuple):
    """How far a consumer has applied a shard of a stream."""

    stream: str
    shard: int
    number: int = 0
    chain: bytes = EMPTY_CHAIN
    offset: int = -1

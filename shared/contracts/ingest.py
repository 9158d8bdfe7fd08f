"""What ingest takes from sources, what it publishes beside their events, and what it lets persons know of."""

from typing import Any, Literal

from pydantic import Field

from shared.contracts.fields import Closed, Code, DayText, Digest, InstantText, Version

SOURCE = "dukao/ingest"
ACCEPTED = "ingest.accepted"
NOTICES = "ingest.notices"
INBOUND = "in.{source}"
INBOUND_PARTITIONS = 4

TICK = "dukao.tick.v1"
TYPES_ADOPTED = "dukao.types-adopted.v1"
FEED_STALE = "dukao.feed-stale.v1"
FEED_FRESH = "dukao.feed-fresh.v1"
MISMATCH_OPENED = "dukao.mismatch-opened.v1"
MISMATCH_SETTLED = "dukao.mismatch-settled.v1"
FEED_TURNED = "dukao.feed-turned.v1"
DAY_TURNED = "dukao.day-turned.v1"
DIFFERENCE_MOVED = "dukao.difference-moved.v1"
AGREED = "agreed"
CONFLICT_FOUND = "dukao.conflict-found.v1"
INBOUND_REFUSED = "dukao.inbound-refused.v1"


class InboundEvent(Closed):
    """An event as a source sends it; `sequence`, `partitionkey` and `received` are not its to set.

    A correction names the event that it revises and keeps type, subject and case; a retraction has no data.
    """

    specversion: Literal["1.0"]
    id: str = Field(pattern=r"^[!-~]{1,128}$")
    source: Code
    type: str = Field(min_length=1, max_length=128)
    time: InstantText
    subject: Code
    datacontenttype: Literal["application/json"] = "application/json"
    case: str | None = Field(None, pattern=r"^[!-~]{1,128}$")
    recorded: InstantText | None = None
    correctssource: str | None = Field(None, pattern=r"^[!-~]{1,128}$")
    correctsid: str | None = Field(None, pattern=r"^[!-~]{1,128}$")
    revision: int | None = Field(None, ge=1)
    data: dict[str, Any] | None = None


class Tick(Closed):
    """The clock of a shard moved on; `minute` is a whole minute in UTC. Once per shard and minute."""

    minute: InstantText


class TypesAdopted(Closed):
    """A catalogue of event types and sources is in force from here on. Once per shard."""

    version: Version
    document: dict[str, Any]


class FeedStale(Closed):
    """A feed brought nothing until `due`; `minute` is the tick that saw it. Once per change and shard.

    A feed is fresh until it is said to be stale; one that a newer catalogue leaves out has no state any more.
    """

    source: Code
    feed: Code
    types: tuple[str, ...]
    last: InstantText | None
    due: InstantText
    minute: InstantText


class FeedFresh(Closed):
    """A stale feed brought an event, `received` at `last`, or was given more time; a tick saw it."""

    source: Code
    feed: Code
    types: tuple[str, ...]
    last: InstantText | None
    due: InstantText
    minute: InstantText


class DayTotal(Closed):
    """How many events of a day there are, and the digest of their ids."""

    count: int = Field(ge=0)
    digest: Digest


class MismatchOpened(Closed):
    """A source's manifest of a day and the archive differ. Once per change and shard."""

    source: Code
    day: DayText
    revision: Version
    state: Literal["missing", "surplus", "different"]
    expected: DayTotal
    found: DayTotal
    differing: tuple[str, ...]


class MismatchSettled(Closed):
    """The manifest of a day and the archive agree again, by what came later or by a new manifest."""

    source: Code
    day: DayText
    revision: Version


class FeedTurned(Closed):
    """A feed went stale or is fresh again: once, in the shard of the source, what every shard is told."""

    source: Code
    feed: Code
    state: Literal["stale", "fresh"]
    last: InstantText | None
    due: InstantText
    minute: InstantText


class DayTurned(Closed):
    """The manifest of a source's day and the archive differ, or agree again: once, in the source's shard.

    `difference` is the SHA-256 of what differs, the canonical data of `dukao.mismatch-opened.v1`.
    """

    source: Code
    day: DayText
    revision: Version
    state: Literal["missing", "surplus", "different", "agreed"]
    difference: Digest | None = None


class DifferenceMoved(Closed):
    """A day that differs does so otherwise than was told last: once, in the source's shard and nowhere else.

    `difference` is that of `dukao.day-turned.v1`.
    """

    source: Code
    day: DayText
    revision: Version
    state: Literal["missing", "surplus", "different"]
    difference: Digest


class ConflictFound(Closed):
    """An event contradicts an accepted one and waits for a person; the same again is not told again.

    `why` is what contradicts; `content` is the digest of the event that was not taken.
    """

    source: Code
    id: str = Field(min_length=1, max_length=128)
    type: str = Field(min_length=1, max_length=128)
    unit: Code
    why: str = Field(pattern="^[a-z_]{1,64}$")
    content: Digest


class InboundRefused(Closed):
    """A record of an inbound topic is refused by a code, and nobody has dealt with all such before it.

    Told once per topic and code until none of its refusals is open; `place` is topic/partition/offset of the
    record, `source` the topic's, if it is in force.
    """

    source: Code | None
    topic: str = Field(min_length=1, max_length=249)
    code: str = Field(pattern="^[a-z_0-9]{1,64}$")
    place: str = Field(min_length=1, max_length=300)

"""What ingest takes from sources, and what it publishes beside their events in `ingest.accepted`."""

from typing import Any, Literal

from pydantic import Field

from shared.contracts.fields import Closed, Code, InstantText, Version

SOURCE = "dukao/ingest"
ACCEPTED = "ingest.accepted"
INBOUND = "in.{source}"
INBOUND_PARTITIONS = 4

TICK = "dukao.tick.v1"
TYPES_ADOPTED = "dukao.types-adopted.v1"


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

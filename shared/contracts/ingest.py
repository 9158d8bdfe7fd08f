"""What ingest publishes beside upstream events, in `ingest.accepted`."""

from typing import Any

from shared.contracts.fields import Closed, InstantText, Version

SOURCE = "dukao/ingest"
ACCEPTED = "ingest.accepted"

TICK = "dukao.tick.v1"
TYPES_ADOPTED = "dukao.types-adopted.v1"


class Tick(Closed):
    """The clock of a shard moved on; `minute` is a whole minute in UTC. Once per shard and minute."""

    minute: InstantText


class TypesAdopted(Closed):
    """A catalogue of event types and sources is in force from here on. Once per shard."""

    version: Version
    document: dict[str, Any]

"""What crosses ingest's border."""

from shared.contracts.ingest import (
    ACCEPTED,
    INBOUND,
    INBOUND_PARTITIONS,
    SOURCE,
    TICK,
    TYPES_ADOPTED,
    InboundEvent,
    Tick,
    TypesAdopted,
)

STREAMS = (ACCEPTED,)

__all__ = [
    "ACCEPTED",
    "INBOUND",
    "INBOUND_PARTITIONS",
    "SOURCE",
    "STREAMS",
    "TICK",
    "TYPES_ADOPTED",
    "InboundEvent",
    "Tick",
    "TypesAdopted",
]

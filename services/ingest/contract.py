"""What crosses ingest's border."""

from shared.contracts.ingest import (
    ACCEPTED,
    FEED_FRESH,
    FEED_STALE,
    INBOUND,
    INBOUND_PARTITIONS,
    MISMATCH_OPENED,
    MISMATCH_SETTLED,
    SOURCE,
    TICK,
    TYPES_ADOPTED,
    DayTotal,
    FeedFresh,
    FeedStale,
    InboundEvent,
    MismatchOpened,
    MismatchSettled,
    Tick,
    TypesAdopted,
)

STREAMS = (ACCEPTED,)

__all__ = [
    "ACCEPTED",
    "FEED_FRESH",
    "FEED_STALE",
    "INBOUND",
    "INBOUND_PARTITIONS",
    "MISMATCH_OPENED",
    "MISMATCH_SETTLED",
    "SOURCE",
    "STREAMS",
    "TICK",
    "TYPES_ADOPTED",
    "DayTotal",
    "FeedFresh",
    "FeedStale",
    "InboundEvent",
    "MismatchOpened",
    "MismatchSettled",
    "Tick",
    "TypesAdopted",
]

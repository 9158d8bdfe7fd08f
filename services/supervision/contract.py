"""What crosses the border of supervision."""

from shared.contracts.ingest import ACCEPTED, TICK, TYPES_ADOPTED, Tick, TypesAdopted
from shared.contracts.scoring import SCHEME_ADOPTED, SCHEMES, SchemeAdopted
from shared.contracts.supervision import (
    ACT_TAKEN,
    ACTS,
    CALENDAR_ADOPTED,
    CALENDARS,
    ITEM_CHANGED,
    ITEMS,
    ITEMS_TOLD,
    SOURCE,
    ActTaken,
    CalendarAdopted,
    Deadline,
    Evidence,
    ItemCause,
    ItemChanged,
    ItemKind,
    ItemOpened,
    ItemsTold,
    LateShares,
    SourceEvent,
)

CONSUMER = "supervision"
STREAMS = (ITEMS, ACTS, CALENDARS)

__all__ = [
    "ACCEPTED",
    "ACTS",
    "ACT_TAKEN",
    "CALENDARS",
    "CALENDAR_ADOPTED",
    "CONSUMER",
    "ITEMS",
    "ITEMS_TOLD",
    "ITEM_CHANGED",
    "SCHEMES",
    "SCHEME_ADOPTED",
    "SOURCE",
    "STREAMS",
    "TICK",
    "TYPES_ADOPTED",
    "ActTaken",
    "CalendarAdopted",
    "Deadline",
    "Evidence",
    "ItemCause",
    "ItemChanged",
    "ItemKind",
    "ItemOpened",
    "ItemsTold",
    "LateShares",
    "SchemeAdopted",
    "SourceEvent",
    "Tick",
    "TypesAdopted",
]

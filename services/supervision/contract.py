"""What crosses the border of supervision."""

from shared.contracts.supervision import (
    ITEM_CHANGED,
    ITEMS,
    SOURCE,
    ItemCause,
    ItemChanged,
    ItemKind,
    ItemState,
    Light,
    SourceEvent,
)

STREAMS = (ITEMS,)

__all__ = [
    "ITEMS",
    "ITEM_CHANGED",
    "SOURCE",
    "STREAMS",
    "ItemCause",
    "ItemChanged",
    "ItemKind",
    "ItemState",
    "Light",
    "SourceEvent",
]

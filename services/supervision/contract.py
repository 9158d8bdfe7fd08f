"""What crosses the border of supervision."""

from shared.contracts.supervision import ITEM_CHANGED, ITEMS, SOURCE, ItemChanged, ItemState

STREAMS = (ITEMS,)

__all__ = ["ITEMS", "ITEM_CHANGED", "SOURCE", "STREAMS", "ItemChanged", "ItemState"]

"""What crosses the border of notify."""

from shared.contracts.notify import DELIVERED, DELIVERIES, GAVE_UP, SOURCE, Delivered, GaveUp
from shared.contracts.ranking import STANDINGS, TIER_CHANGED, TierChanged
from shared.contracts.scoring import SCHEMES, SchemeAdopted
from shared.contracts.supervision import ITEMS, ItemChanged

CONSUMER = "notify"
STREAMS = (DELIVERIES,)

__all__ = [
    "CONSUMER",
    "DELIVERED",
    "DELIVERIES",
    "GAVE_UP",
    "ITEMS",
    "SCHEMES",
    "SOURCE",
    "STANDINGS",
    "STREAMS",
    "TIER_CHANGED",
    "Delivered",
    "GaveUp",
    "ItemChanged",
    "SchemeAdopted",
    "TierChanged",
]

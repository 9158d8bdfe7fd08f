"""What crosses ranking's border."""

from shared.contracts.entries import Figures, read_figures
from shared.contracts.ranking import (
    SOURCE,
    STANDING_MOVED,
    STANDINGS,
    TIER_CHANGED,
    Moved,
    Place,
    StandingMoved,
    TierChanged,
)
from shared.contracts.scoring import ENTRIES, SCHEMES, Cause, EntriesPosted, SchemeAdopted

CONSUMER = "ranking"
STREAMS = (STANDINGS,)

__all__ = [
    "CONSUMER",
    "ENTRIES",
    "SCHEMES",
    "SOURCE",
    "STANDINGS",
    "STANDING_MOVED",
    "STREAMS",
    "TIER_CHANGED",
    "Cause",
    "EntriesPosted",
    "Figures",
    "Moved",
    "Place",
    "SchemeAdopted",
    "StandingMoved",
    "TierChanged",
    "read_figures",
]

"""What crosses ranking's border."""

from shared.contracts.ranking import (
    SOURCE,
    STANDING_MOVED,
    STANDINGS,
    TIER_CHANGED,
    Place,
    StandingMoved,
    TierChanged,
)
from shared.contracts.scoring import (
    ENTRIES,
    ENTRIES_POSTED,
    SCHEME_ADOPTED,
    SCHEMES,
    EntriesPosted,
    Figure,
    SchemeAdopted,
)

CONSUMER = "ranking"
INPUTS = (SCHEMES, ENTRIES)
STREAMS = (STANDINGS,)

__all__ = [
    "CONSUMER",
    "ENTRIES",
    "ENTRIES_POSTED",
    "INPUTS",
    "SCHEMES",
    "SCHEME_ADOPTED",
    "SOURCE",
    "STANDINGS",
    "STANDING_MOVED",
    "STREAMS",
    "TIER_CHANGED",
    "EntriesPosted",
    "Figure",
    "Place",
    "SchemeAdopted",
    "StandingMoved",
    "TierChanged",
]

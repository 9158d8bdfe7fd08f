"""What crosses ranking's border."""

from shared.contracts.fields import NumberRange
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
from shared.contracts.scoring import ENTRIES, SCHEMES, EntriesPosted, SchemeAdopted

STREAMS = (STANDINGS,)

__all__ = [
    "ENTRIES",
    "SCHEMES",
    "SOURCE",
    "STANDINGS",
    "STANDING_MOVED",
    "STREAMS",
    "TIER_CHANGED",
    "EntriesPosted",
    "Moved",
    "NumberRange",
    "Place",
    "SchemeAdopted",
    "StandingMoved",
    "TierChanged",
]

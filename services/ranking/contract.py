"""What crosses ranking's border."""

from shared.contracts.ranking import SOURCE, STANDING_MOVED, STANDINGS, Place, StandingMoved
from shared.contracts.scoring import ENTRIES, SCHEMES, EntriesPosted, SchemeAdopted

STREAMS = (STANDINGS,)

__all__ = [
    "ENTRIES",
    "SCHEMES",
    "SOURCE",
    "STANDINGS",
    "STANDING_MOVED",
    "STREAMS",
    "EntriesPosted",
    "Place",
    "SchemeAdopted",
    "StandingMoved",
]

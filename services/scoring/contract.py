"""What crosses scoring's border."""

from shared.contracts.ingest import ACCEPTED, TYPES_ADOPTED, TypesAdopted
from shared.contracts.scoring import (
    ENTRIES,
    ENTRIES_POSTED,
    PARTIALS,
    PARTIALS_CHANGED,
    SCHEME_ADOPTED,
    SCHEMES,
    SOURCE,
    Cause,
    EntriesPosted,
    MonthEntries,
    PartialsChanged,
    SchemeAdopted,
)
from shared.contracts.supervision import ITEM_CHANGED, ITEMS, ItemChanged

CONSUMER_A = "scoring-a"
CONSUMER_B = "scoring-b"
STREAMS = (SCHEMES, PARTIALS, ENTRIES)

__all__ = [
    "ACCEPTED",
    "CONSUMER_A",
    "CONSUMER_B",
    "ENTRIES",
    "ENTRIES_POSTED",
    "ITEMS",
    "ITEM_CHANGED",
    "PARTIALS",
    "PARTIALS_CHANGED",
    "SCHEMES",
    "SCHEME_ADOPTED",
    "SOURCE",
    "STREAMS",
    "TYPES_ADOPTED",
    "Cause",
    "EntriesPosted",
    "ItemChanged",
    "MonthEntries",
    "PartialsChanged",
    "SchemeAdopted",
    "TypesAdopted",
]

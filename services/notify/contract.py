"""What crosses the border of notify."""

from shared.contracts.ingest import (
    CONFLICT_FOUND,
    DAY_TURNED,
    FEED_TURNED,
    INBOUND_REFUSED,
    NOTICES,
    ConflictFound,
    DayTurned,
    FeedTurned,
    InboundRefused,
)
from shared.contracts.notify import DELIVERED, DELIVERIES, GAVE_UP, SOURCE, Delivered, GaveUp
from shared.contracts.ranking import (
    CLOSES,
    PERIOD_CLOSED,
    STANDINGS,
    TIER_CHANGED,
    PeriodClosed,
    TierChanged,
)
from shared.contracts.scoring import (
    SCHEME_ADOPTED,
    SCHEMES,
    SURVEY_TURNED,
    SURVEYS,
    SchemeAdopted,
    SurveyTurned,
)
from shared.contracts.supervision import ITEM_CHANGED, ITEMS, ItemChanged

CONSUMER = "notify"
STREAMS = (DELIVERIES,)

__all__ = [
    "CLOSES",
    "CONFLICT_FOUND",
    "CONSUMER",
    "DAY_TURNED",
    "DELIVERED",
    "DELIVERIES",
    "FEED_TURNED",
    "GAVE_UP",
    "INBOUND_REFUSED",
    "ITEMS",
    "ITEM_CHANGED",
    "NOTICES",
    "PERIOD_CLOSED",
    "SCHEMES",
    "SCHEME_ADOPTED",
    "SOURCE",
    "STANDINGS",
    "STREAMS",
    "SURVEYS",
    "SURVEY_TURNED",
    "TIER_CHANGED",
    "ConflictFound",
    "DayTurned",
    "Delivered",
    "FeedTurned",
    "GaveUp",
    "InboundRefused",
    "ItemChanged",
    "PeriodClosed",
    "SchemeAdopted",
    "SurveyTurned",
    "TierChanged",
]

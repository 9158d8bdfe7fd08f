"""What crosses ranking's border."""

from shared.contracts.entries import Figures, TrialFigures, read_figures, read_trial_figures
from shared.contracts.ranking import (
    CLOSES,
    PERIOD_CLOSED,
    SOURCE,
    STANDING_MOVED,
    STANDINGS,
    TIER_CHANGED,
    Moved,
    PeriodClosed,
    Place,
    StandingMoved,
    TierChanged,
)
from shared.contracts.scoring import (
    ENTRIES,
    SCHEME_ADOPTED,
    SCHEMES,
    TRIAL_ENDED,
    TRIAL_SHARD_POSTED,
    TRIAL_STARTED,
    TRIALS,
    Cause,
    EntriesPosted,
    SchemeAdopted,
    TrialEnded,
    TrialShardPosted,
    TrialStarted,
)

CONSUMER = "ranking"
CONSUMER_TRIALS = "ranking-trials"
STREAMS = (STANDINGS, CLOSES)

__all__ = [
    "CLOSES",
    "CONSUMER",
    "CONSUMER_TRIALS",
    "ENTRIES",
    "PERIOD_CLOSED",
    "SCHEMES",
    "SCHEME_ADOPTED",
    "SOURCE",
    "STANDINGS",
    "STANDING_MOVED",
    "STREAMS",
    "TIER_CHANGED",
    "TRIALS",
    "TRIAL_ENDED",
    "TRIAL_SHARD_POSTED",
    "TRIAL_STARTED",
    "Cause",
    "EntriesPosted",
    "Figures",
    "Moved",
    "PeriodClosed",
    "Place",
    "SchemeAdopted",
    "StandingMoved",
    "TierChanged",
    "TrialEnded",
    "TrialFigures",
    "TrialShardPosted",
    "TrialStarted",
    "read_figures",
    "read_trial_figures",
]

"""Who owns which stream, publishes which event and reads which stream; one owner each."""

from dataclasses import dataclass

from shared.contracts import envelope, ingest, notify, ranking, scoring, supervision
from shared.contracts.envelope import OWN_PREFIX, AcceptedEvent
from shared.contracts.fields import Closed
from shared.kernel.errors import UnknownType


@dataclass(frozen=True, slots=True)
class Published:
    """An event type, the stream it travels in, the service that publishes it and the model of its data."""

    model: type[Closed]
    type: str
    stream: str
    owner: str

    @property
    def source(self) -> str:
        """The CloudEvents source of the event."""
        return f"dukao/{self.owner}"


STREAM_OWNERS: dict[str, str] = {
    ingest.ACCEPTED: "ingest",
    ingest.NOTICES: "ingest",
    scoring.SCHEMES: "scoring",
    scoring.PARTIALS: "scoring",
    scoring.ENTRIES: "scoring",
    scoring.FINDINGS: "scoring",
    scoring.RULINGS: "scoring",
    scoring.DEDUCTIONS: "scoring",
    scoring.POINTS: "scoring",
    scoring.TRIAL_PARTIALS: "scoring",
    scoring.TRIALS: "scoring",
    scoring.SURVEYS: "scoring",
    scoring.CUTS: "scoring",
    supervision.ITEMS: "supervision",
    supervision.ACTS: "supervision",
    supervision.CALENDARS: "supervision",
    ranking.STANDINGS: "ranking",
    ranking.CLOSES: "ranking",
    notify.DELIVERIES: "notify",
}

STREAM_READERS: dict[str, tuple[str, ...]] = {
    "ingest": (ranking.CLOSES,),
    "scoring": (
        ingest.ACCEPTED,
        supervision.ITEMS,
        scoring.SCHEMES,
        scoring.PARTIALS,
        scoring.FINDINGS,
        scoring.RULINGS,
        scoring.DEDUCTIONS,
        scoring.POINTS,
        scoring.SURVEYS,
        scoring.TRIAL_PARTIALS,
        scoring.CUTS,
        supervision.CALENDARS,
    ),
    "supervision": (ingest.ACCEPTED, scoring.SCHEMES, supervision.ACTS, supervision.CALENDARS),
    "ranking": (scoring.SCHEMES, scoring.ENTRIES, scoring.TRIALS, ingest.NOTICES),
    "notify": (
        ingest.NOTICES,
        supervision.ITEMS,
        ranking.STANDINGS,
        ranking.CLOSES,
        scoring.SCHEMES,
        scoring.SURVEYS,
    ),
}

PUBLISHED: tuple[Published, ...] = (
    Published(ingest.Tick, ingest.TICK, ingest.ACCEPTED, "ingest"),
    Published(ingest.TypesAdopted, ingest.TYPES_ADOPTED, ingest.ACCEPTED, "ingest"),
    Published(ingest.FeedStale, ingest.FEED_STALE, ingest.ACCEPTED, "ingest"),
    Published(ingest.FeedFresh, ingest.FEED_FRESH, ingest.ACCEPTED, "ingest"),
    Published(ingest.MismatchOpened, ingest.MISMATCH_OPENED, ingest.ACCEPTED, "ingest"),
    Published(ingest.MismatchSettled, ingest.MISMATCH_SETTLED, ingest.ACCEPTED, "ingest"),
    Published(ingest.FeedTurned, ingest.FEED_TURNED, ingest.NOTICES, "ingest"),
    Published(ingest.DayTurned, ingest.DAY_TURNED, ingest.NOTICES, "ingest"),
    Published(ingest.DifferenceMoved, ingest.DIFFERENCE_MOVED, ingest.NOTICES, "ingest"),
    Published(ingest.ConflictFound, ingest.CONFLICT_FOUND, ingest.NOTICES, "ingest"),
    Published(ingest.InboundRefused, ingest.INBOUND_REFUSED, ingest.NOTICES, "ingest"),
    Published(scoring.SchemeAdopted, scoring.SCHEME_ADOPTED, scoring.SCHEMES, "scoring"),
    Published(scoring.TrialStarted, scoring.TRIAL_STARTED, scoring.SCHEMES, "scoring"),
    Published(scoring.TrialEnded, scoring.TRIAL_ENDED, scoring.SCHEMES, "scoring"),
    Published(scoring.PartialsChanged, scoring.PARTIALS_CHANGED, scoring.PARTIALS, "scoring"),
    Published(scoring.EntriesPosted, scoring.ENTRIES_POSTED, scoring.ENTRIES, "scoring"),
    Published(scoring.CutCounted, scoring.CUT_COUNTED, scoring.CUTS, "scoring"),
    Published(scoring.CutFigured, scoring.CUT_FIGURED, scoring.ENTRIES, "scoring"),
    Published(scoring.CutSettled, scoring.CUT_SETTLED, scoring.CUTS, "scoring"),
    Published(scoring.CutPassed, scoring.CUT_PASSED, scoring.ENTRIES, "scoring"),
    Published(scoring.FindingReported, scoring.FINDING_REPORTED, scoring.FINDINGS, "scoring"),
    Published(scoring.IncidentRuled, scoring.INCIDENT_RULED, scoring.RULINGS, "scoring"),
    Published(scoring.RisesJudged, scoring.RISES_JUDGED, scoring.RULINGS, "scoring"),
    Published(scoring.DeductionDecided, scoring.DEDUCTION_DECIDED, scoring.DEDUCTIONS, "scoring"),
    Published(scoring.PointsGiven, scoring.POINTS_GIVEN, scoring.POINTS, "scoring"),
    Published(scoring.ReviewDecided, scoring.REVIEW_DECIDED, scoring.POINTS, "scoring"),
    Published(scoring.PartialsChanged, scoring.TRIAL_PARTIALS_CHANGED, scoring.TRIAL_PARTIALS, "scoring"),
    Published(scoring.TrialFolded, scoring.TRIAL_FOLDED, scoring.TRIAL_PARTIALS, "scoring"),
    Published(scoring.TrialEntriesPosted, scoring.TRIAL_ENTRIES_POSTED, scoring.TRIALS, "scoring"),
    Published(scoring.TrialShardPosted, scoring.TRIAL_SHARD_POSTED, scoring.TRIALS, "scoring"),
    Published(scoring.SurveyCounted, scoring.SURVEY_COUNTED, scoring.SURVEYS, "scoring"),
    Published(scoring.SurveyTurned, scoring.SURVEY_TURNED, scoring.SURVEYS, "scoring"),
    Published(supervision.ItemChanged, supervision.ITEM_CHANGED, supervision.ITEMS, "supervision"),
    Published(supervision.ItemsTold, supervision.ITEMS_TOLD, supervision.ITEMS, "supervision"),
    Published(supervision.ActTaken, supervision.ACT_TAKEN, supervision.ACTS, "supervision"),
    Published(
        supervision.CalendarAdopted, supervision.CALENDAR_ADOPTED, supervision.CALENDARS, "supervision"
    ),
    Published(ranking.StandingMoved, ranking.STANDING_MOVED, ranking.STANDINGS, "ranking"),
    Published(ranking.TierChanged, ranking.TIER_CHANGED, ranking.STANDINGS, "ranking"),
    Published(ranking.PeriodClosed, ranking.PERIOD_CLOSED, ranking.CLOSES, "ranking"),
    Published(notify.Delivered, notify.DELIVERED, notify.DELIVERIES, "notify"),
    Published(notify.GaveUp, notify.GAVE_UP, notify.DELIVERIES, "notify"),
)

_KNOWN = {stream: frozenset(p.type for p in PUBLISHED if p.stream == stream) for stream in STREAM_OWNERS}


def known_event(stream: str, body: bytes) -> AcceptedEvent:
    """Read a record of a stream; raise UnknownType for an event that this program is too old to know.

    Only events of sources, in `ingest.accepted`, have types that are data; a reader may pass over one of our
    own that it knows and has no use for, never over one that it does not know.
    """
    event = envelope.decode(body)
    if event.type not in _KNOWN[stream] and (stream != ingest.ACCEPTED or event.type.startswith(OWN_PREFIX)):
        raise UnknownType(event.type, event.number)
    return event

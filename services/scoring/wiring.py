"""The parts of scoring, put together: four consumers, one door."""

from services.scoring.api import (
    adoption_router,
    cells_router,
    entries_router,
    measures_router,
    schemes_router,
    suspense_router,
)
from services.scoring.consultation_api import consultation_router
from services.scoring.contract import (
    ACCEPTED,
    CALENDARS,
    CONSUMER_A,
    CONSUMER_B,
    CONSUMER_INCIDENTS,
    CONSUMER_TRIALS,
    CUTS,
    DEDUCTIONS,
    FINDINGS,
    ITEMS,
    PARTIALS,
    POINTS,
    RULINGS,
    SCHEMES,
    STREAMS,
    SURVEYS,
    TRIAL_PARTIALS,
)
from services.scoring.cut_api import cuts_router
from services.scoring.cutting import Cutting
from services.scoring.incident_api import incidents_router, rulings_router
from services.scoring.ledger import NAMED_ENTRIES
from services.scoring.reconciliation_api import reconciliations_router
from services.scoring.reply_api import replies_router
from services.scoring.request_api import requests_router, steps_router
from services.scoring.review_api import reviews_router
from services.scoring.rise_api import rises_router
from services.scoring.scheme_api import comparing_router
from services.scoring.stage_a import StageA
from services.scoring.stage_b import Ledger, StageB
from services.scoring.stage_incidents import StageIncidents
from services.scoring.survey_api import surveys_router
from services.scoring.trial_api import trial_cells_router, trials_router
from services.scoring.trial_stage import TrialStage
from services.scoring.verify_api import verifications_router
from services.scoring.verifying import Verifications
from shared.runtime.rebuilding import Commanded
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "scoring"
TRIALS_REST_S = 0.25  # persons read what comes of it: fewer batches cost less
DOORS = (
    schemes_router,
    adoption_router,
    comparing_router,
    consultation_router,
    measures_router,
    cells_router,
    entries_router,
    suspense_router,
    incidents_router,
    rises_router,
    rulings_router,
    steps_router,
    reconciliations_router,
    surveys_router,
    trials_router,
    trial_cells_router,
    cuts_router,
)


def build(settings: ServiceSettings) -> Service:
    """Put scoring together."""
    frame = Frame(NAME, settings)
    replay = settings.clock == "replay"
    stage_a = frame.consumer(
        CONSUMER_A,
        (ACCEPTED, ITEMS, DEDUCTIONS, POINTS, SURVEYS, CALENDARS, SCHEMES),
        lambda: StageA(replay=replay),
    )
    stage_b = frame.consumer(
        CONSUMER_B, (PARTIALS, SCHEMES, CUTS), lambda: StageB(book=Ledger(replay=replay))
    )
    incidents = frame.consumer(CONSUMER_INCIDENTS, (FINDINGS, RULINGS, SCHEMES), StageIncidents)
    tried = frame.consumer(CONSUMER_TRIALS, (TRIAL_PARTIALS, SCHEMES), TrialStage, rest_s=TRIALS_REST_S)
    cutting = Cutting(frame.exchange)
    verifications = Verifications(settings.database_url.get_secret_value(), NAME)
    return frame.service(
        streams=STREAMS,
        routers=[
            *(door(frame.exchange) for door in DOORS),
            replies_router(frame.exchange),
            requests_router(frame.exchange, replay=replay),
            reviews_router(frame.exchange, replay=replay),
            verifications_router(verifications),
        ],
        parts=[stage_a.run, stage_b.run, incidents.run, tried.run, verifications.run, cutting.run],
        commanded=Commanded(
            tables=(
                "schemes",
                "scheme_rounds",
                "scheme_comments",
                "requests",
                "request_steps",
                "reviews",
                "review_steps",
                "replies",
                "trials",
                "survey_tokens",
                "survey_spent",
                "survey_answers",
                "cuts",
            ),
            streams=(SCHEMES, RULINGS, POINTS, CUTS),
            named={"entries": NAMED_ENTRIES},
        ),
    )

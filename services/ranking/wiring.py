"""The parts of ranking, put together."""

from services.ranking.api import standings_router
from services.ranking.close_api import closes_router, cuts_router
from services.ranking.contract import (
    CLOSES,
    CONSUMER,
    CONSUMER_DAYS,
    CONSUMER_TRIALS,
    ENTRIES,
    NOTICES,
    SCHEMES,
    STREAMS,
    TRIALS,
)
from services.ranking.handlers import Ranking
from services.ranking.hearing import Days, Notices
from services.ranking.totals import totals_router
from services.ranking.trial_api import trials_router
from services.ranking.trial_handlers import Trials
from services.ranking.trial_totals import trial_totals_router
from shared.runtime.rebuilding import Commanded
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "ranking"
LONG_REST_S = 0.25  # persons read what comes of it: fewer batches cost less
COMMANDED = Commanded(tables=("closes", "close_requests", "close_steps"), streams=(CLOSES,))


def build(settings: ServiceSettings) -> Service:
    """Put ranking together."""
    frame = Frame(NAME, settings)
    consumer = frame.consumer(CONSUMER, (ENTRIES, SCHEMES), Ranking)
    tried = frame.consumer(CONSUMER_TRIALS, (TRIALS, SCHEMES), Trials, rest_s=LONG_REST_S)
    differing = frame.consumer(CONSUMER_DAYS, (NOTICES,), Days, rest_s=LONG_REST_S)
    notices = Notices(frame.exchange, frame.archive(NOTICES))
    doors = (standings_router, totals_router, trials_router, trial_totals_router)
    closing = [door(frame.exchange, notices) for door in (closes_router, cuts_router)]
    routers = [*(door(frame.exchange) for door in doors), *closing]
    return frame.service(
        streams=STREAMS,
        routers=routers,
        parts=[consumer.run, tried.run, differing.run],
        commanded=COMMANDED,
    )

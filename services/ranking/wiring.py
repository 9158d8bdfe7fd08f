"""The parts of ranking, put together."""

from services.ranking.api import standings_router
from services.ranking.contract import CONSUMER, ENTRIES, SCHEMES, STREAMS
from services.ranking.handlers import Ranking
from services.ranking.totals import totals_router
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "ranking"


def build(settings: ServiceSettings) -> Service:
    """Put ranking together."""
    frame = Frame(NAME, settings)
    consumer = frame.consumer(CONSUMER, (ENTRIES, SCHEMES), Ranking)
    routers = [standings_router(frame.exchange), totals_router(frame.exchange)]
    return frame.service(streams=STREAMS, routers=routers, parts=[consumer.run])

"""The parts of supervision, put together."""

from services.supervision.api import (
    acts_router,
    calendar_adoption_router,
    calendars_router,
    items_router,
    overview_router,
)
from services.supervision.contract import ACCEPTED, ACTS, CALENDARS, CONSUMER, SCHEMES, STREAMS
from services.supervision.deciding import Desk
from services.supervision.handlers import Supervision
from shared.runtime.rebuilding import Commanded
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "supervision"
REST_S = 0.25  # persons read what comes of it: fewer batches cost less


def build(settings: ServiceSettings) -> Service:
    """Put supervision together."""
    frame = Frame(NAME, settings)
    replay = settings.clock == "replay"
    inputs = (ACCEPTED, SCHEMES, ACTS, CALENDARS)
    consumer = frame.consumer(CONSUMER, inputs, lambda: Supervision(replay=replay), rest_s=REST_S)
    desk = Desk(replay=replay)
    return frame.service(
        streams=STREAMS,
        routers=[
            items_router(frame.exchange, desk),
            acts_router(frame.exchange, desk),
            overview_router(frame.exchange),
            calendars_router(frame.exchange),
            calendar_adoption_router(frame.exchange, replay=replay),
        ],
        parts=[consumer.run],
        commanded=Commanded(tables=("calendars",), streams=(ACTS, CALENDARS)),
    )

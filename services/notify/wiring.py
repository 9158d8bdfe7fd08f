"""The parts of notify, put together."""

from services.notify.contract import CONSUMER, DELIVERIES, ITEMS, NOTICES, SCHEMES, STANDINGS, STREAMS
from services.notify.handlers import Notify
from shared.runtime.rebuilding import Commanded
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "notify"
COMMANDED = Commanded(tables=("rules", "sign_offs", "deliveries"), streams=(DELIVERIES,))


def build(settings: ServiceSettings) -> Service:
    """Put notify together."""
    frame = Frame(NAME, settings)
    consumer = frame.consumer(CONSUMER, (NOTICES, ITEMS, STANDINGS, SCHEMES), Notify)
    return frame.service(streams=STREAMS, parts=[consumer.run], commanded=COMMANDED)

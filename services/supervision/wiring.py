"""The parts of supervision, put together; its work comes later."""

from services.supervision.contract import STREAMS
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "supervision"


def build(settings: ServiceSettings) -> Service:
    """Put supervision together."""
    return Frame(NAME, settings).service(streams=STREAMS)

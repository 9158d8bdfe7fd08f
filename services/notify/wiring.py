"""The parts of notify, put together; its work comes later."""

from services.notify.contract import STREAMS
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings

NAME = "notify"


def build(settings: ServiceSettings) -> Service:
    """Put notify together."""
    return Frame(NAME, settings).service(streams=STREAMS)

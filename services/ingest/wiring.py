"""The parts of ingest, put together."""

import asyncio

from services.ingest import arrivals, clock
from services.ingest.api.door import Door
from services.ingest.api.drafts import drafts_router
from services.ingest.api.events import events_router
from services.ingest.api.inbound import inbound_router
from services.ingest.api.lists import conflicts_router, refusals_router, replays_router
from services.ingest.api.promises import feeds_router, manifests_router
from services.ingest.api.stream import stream_router
from services.ingest.api.types import types_router
from services.ingest.closings import Closings
from services.ingest.committing import Admission
from services.ingest.contract import ACCEPTED, CLOSES, CONSUMER, STREAMS
from services.ingest.domain.envelope import Candidate
from services.ingest.gateway import InboundTopics, Records
from services.ingest.hearing import Hearing
from services.ingest.inbound import Inbound
from services.ingest.intake import Intake
from services.ingest.outcomes import Answer
from services.ingest.rederiving import keep_told, refold
from services.ingest.storage import Room, Storage
from shared.messaging.committer import Committer
from shared.runtime.rebuilding import Commanded, Own
from shared.runtime.service import Frame, Service
from shared.runtime.settings import ServiceSettings
from shared.storage.failures import STORAGE_ERRORS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

NAME = "ingest"
TICK_S = 15
COMMANDED = Commanded(
    tables=("catalogues", "inbound", "inbound_told", "refusals"), streams=STREAMS
)  # drafts, what was refused, and how far topics are read: no accepted event says so
OWN = Own(ACCEPTED, refold, keep_told, tables=("keys",), mixed=("conflicts", "manifests"))
ROUTERS = (
    events_router,
    stream_router,
    refusals_router,
    conflicts_router,
    feeds_router,
    manifests_router,
    types_router,
    drafts_router,
)
_LOG = logger(__name__)


def build(settings: ServiceSettings) -> Service:
    """Put ingest together."""
    frame = Frame(NAME, settings)
    admission = Admission(frame.exchange, replay=settings.clock == "replay")
    committer: Committer[Candidate, Answer] = Committer(admission.commit)
    room = Room(
        folder=settings.storage_folder,
        capacity_bytes=settings.storage_capacity_bytes,
        floor_bytes=settings.storage_floor_bytes,
    )
    storage = Storage(frame.exchange, room)
    closings = Closings(frame.exchange)
    door = Door(admission, committer, storage, closings)
    consumer = frame.consumer(CONSUMER, (CLOSES,), Hearing)
    intake = Intake(admission, InboundTopics(settings.access()), storage.check, worker=frame.worker)
    records = Records(settings.access())

    async def tick() -> None:
        while True:
            await _tick(admission)
            await asyncio.sleep(TICK_S)

    parts = [committer.run, intake.run, storage.run, records.run, consumer.run, closings.run]
    return frame.service(
        streams=STREAMS,
        routers=[
            *(route(door) for route in ROUTERS),
            replays_router(admission, records),
            inbound_router(Inbound(admission, records)),
        ],
        parts=parts if admission.replay else [*parts, tick],
        commanded=COMMANDED,
        own=OWN,
    )


async def _tick(admission: Admission) -> None:
    try:
        async with admission.exchange.reading() as tx:
            due = await clock.is_due(tx)
        if due:
            await admission.tick()
        async with admission.exchange.reading() as tx:
            METRICS.set("dukao_feeds_stale", await arrivals.stale_feeds(tx))
    except STORAGE_ERRORS as error:
        _LOG.warning("no tick", error=type(error).__name__)

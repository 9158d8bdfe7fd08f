"""The parts of ingest, put together."""

import asyncio
from dataclasses import dataclass

from fastapi import FastAPI

from services.ingest import handlers
from services.ingest.api import Door, events_router, types_router
from services.ingest.committing import Admission, Answer
from services.ingest.contract import STREAMS
from services.ingest.domain.envelope import Candidate
from shared.kernel.records import Record
from shared.messaging.committer import Committer
from shared.messaging.kafka_broker import KafkaProducer
from shared.messaging.relay import Relay
from shared.runtime.process import Part
from shared.runtime.settings import ServiceSettings
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.telemetry.logs import logger
from shared.web.app import create_app
from shared.web.archive import archive_router

NAME = "ingest"
TICK_S = 15
_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """A door, what runs beside it, and what is closed at the end."""

    app: FastAPI
    parts: tuple[Part, ...]
    closing: tuple[Part, ...]


def build(settings: ServiceSettings) -> Service:
    """Put ingest together."""
    engine = open_engine(settings.database_url.get_secret_value(), NAME)
    exchange = Exchange(engine, NAME)
    committer: Committer[Candidate, Answer] = Committer(
        Admission(exchange, replay=settings.clock == "replay").commit
    )
    door = Door(exchange, committer)
    relay = Relay(exchange, KafkaProducer(settings.kafka), STREAMS, f"{NAME}-1")

    async def read(stream: str, shard: int, after: int, limit: int) -> list[Record]:
        async with exchange.reading() as tx:
            return await tx.read(stream, shard, after, limit)

    async def ready() -> dict[str, bool]:
        async with exchange.reading() as tx:
            return {"database": bool(await tx.execute("SELECT 1"))}

    async def clock() -> None:
        while True:
            await _tick(exchange)
            await asyncio.sleep(TICK_S)

    app = create_app(
        title="Dukao ingest",
        service=NAME,
        routers=[events_router(door), types_router(door), archive_router(read, STREAMS)],
        readiness=ready,
        tokens=settings.token_check(NAME),
    )
    return Service(app, (committer.run, relay.run, clock), (engine.dispose,))


async def _tick(exchange: Exchange) -> None:
    try:
        async with exchange.begin(actor="clock", action="tick") as tx:
            await handlers.tick(tx)
    except STORAGE_ERRORS as error:
        _LOG.warning("no tick", error=type(error).__name__)

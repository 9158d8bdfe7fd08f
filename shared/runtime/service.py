"""What every service is made of: its exchange, its relay, its archive route, its readiness."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI

from shared.kernel.records import Record
from shared.messaging.archive import HttpArchive, OwnArchive
from shared.messaging.consumer import Consumer
from shared.messaging.kafka_broker import KafkaProducer, KafkaSubscription
from shared.messaging.port import Archive, Handler
from shared.messaging.relay import Relay
from shared.runtime.process import Part, serve
from shared.runtime.settings import ServiceSettings
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.telemetry.logs import configure
from shared.web.app import create_app
from shared.web.archive import archive_router


@dataclass(frozen=True, slots=True)
class Service:
    """A door, what runs beside it, and what is closed at the end."""

    app: FastAPI
    parts: tuple[Part, ...]
    closing: tuple[Part, ...]


class Frame:
    """The parts that are alike in all services; a wiring adds its routes, handlers and clocks."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.engine = open_engine(settings.database_url.get_secret_value(), name)
        self.exchange = Exchange(self.engine, name)

    def consumer(self, name: str, inputs: Sequence[str], handler: Handler) -> Consumer:
        """Return a consumer of streams; the owner of a stream is the word before its dot."""
        return Consumer(
            name,
            inputs=inputs,
            handler=handler,
            exchange=self.exchange,
            subscription=KafkaSubscription(self.settings.kafka),
            archives={stream: self._archive(stream) for stream in inputs},
            worker=f"{self.name}-1",
        )

    def service(
        self, *, streams: Sequence[str], routers: Sequence[APIRouter] = (), parts: Sequence[Part] = ()
    ) -> Service:
        """Put the service together."""
        relay = Relay(self.exchange, KafkaProducer(self.settings.kafka), streams, f"{self.name}-1")
        app = create_app(
            title=f"Dukao {self.name}",
            service=self.name,
            routers=[*routers, archive_router(self._read, streams)],
            readiness=self._ready,
            tokens=self.settings.token_check(self.name),
        )
        return Service(app, (*parts, relay.run), (self.engine.dispose,))

    def _archive(self, stream: str) -> Archive:
        owner = stream.partition(".")[0]
        if owner == self.name:
            return OwnArchive(self.exchange)
        return HttpArchive(self.settings.peers().get(owner, "http://127.0.0.1:9"), self.settings.own_token)

    async def _read(self, stream: str, shard: int, after: int, limit: int) -> list[Record]:
        async with self.exchange.reading() as tx:
            return await tx.read(stream, shard, after, limit)

    async def _ready(self) -> dict[str, bool]:
        async with self.exchange.reading() as tx:
            return {"database": bool(await tx.execute("SELECT 1"))}


def run(service: Service, name: str, settings: ServiceSettings) -> None:
    """Run a service as a process."""
    configure(name, settings.log_level)
    serve(service.app, settings.host, settings.port, service.parts, service.closing)

"""What every service is made of: its exchange, its relay, its archive route, its readiness."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI

from shared.messaging.archive import HttpArchive, OwnArchive
from shared.messaging.consumer import Consumer, Limits
from shared.messaging.desk import Desk, Outgoing
from shared.messaging.kafka_broker import KafkaProducer, KafkaSubscription
from shared.messaging.kafka_login import Login
from shared.messaging.pace import REST_S
from shared.messaging.port import Archive, Handler
from shared.messaging.relay import Relay
from shared.messaging.skips import Skips
from shared.runtime.process import Part, serve
from shared.runtime.rebuilding import Commanded, Fold, Own, Rebuilds
from shared.runtime.settings import ServiceSettings
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.telemetry.fail_points import FAIL_POINTS
from shared.telemetry.logs import configure
from shared.web.app import create_app
from shared.web.archive import archive_router
from shared.web.consumers import ConsumerBody, HaltBody, consumers_router
from shared.web.gate import Gate
from shared.web.operations import operations_router, orders_router, relay_router, skips_router
from shared.web.rates import Rate
from shared.web.rebuilds import rebuilds_router

NOTHING_COMMANDED = Commanded()
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Service:
    """A door and its gate, what runs beside it, what is closed at the end, and the streams it needs."""

    app: FastAPI
    gate: Gate
    parts: tuple[Part, ...]
    closing: tuple[Part, ...]
    reads: frozenset[str]
    writes: frozenset[str]


class Frame:
    """The parts that are alike in all services; a wiring adds its routes, handlers and clocks."""

    def __init__(self, name: str, settings: ServiceSettings) -> None:
        self.name = name
        self.settings = settings
        self.engine = open_engine(settings.database_url.get_secret_value(), name)
        self.exchange = Exchange(self.engine, name)
        self._access = settings.access()
        self._login: Login | None = None
        self.worker = f"{name}-{settings.worker}"
        self._consumers: list[Consumer] = []
        self._inputs: dict[str, dict[str, Archive]] = {}
        self._folds: list[Fold] = []
        self._archives: list[HttpArchive] = []

    def consumer(
        self,
        name: str,
        inputs: Sequence[str],
        handler: Callable[[], Handler],
        *,
        rest_s: float = REST_S,
    ) -> Consumer:
        """Return a consumer of streams."""
        self._inputs[name] = {stream: self.archive(stream) for stream in inputs}
        self._folds.append(Fold(name, handler, self._inputs[name]))
        consumer = Consumer(
            name,
            inputs=inputs,
            handler=handler(),
            exchange=self.exchange,
            subscription=KafkaSubscription(self._access),
            archives=self._inputs[name],
            worker=self.worker,
            limits=Limits(rest_s=rest_s),
        )
        self._consumers.append(consumer)
        return consumer

    def archive(self, stream: str) -> Archive:
        """Return where a stream is kept; the owner of a stream is the word before its dot."""
        owner = stream.partition(".")[0]
        if owner == self.name:
            return OwnArchive(self.exchange)
        address = self.settings.peers().get(owner, NOWHERE)
        archive = HttpArchive(address, self.settings.own_token)
        self._archives.append(archive)
        return archive

    def service(
        self,
        *,
        streams: Sequence[str],
        routers: Sequence[APIRouter] = (),
        parts: Sequence[Part] = (),
        commanded: Commanded = NOTHING_COMMANDED,
        own: Own | None = None,
    ) -> Service:
        """Put the service together; people write what is `commanded`, its archive comes to what is `own`."""
        url = self.settings.database_url.get_secret_value()
        rebuilds = Rebuilds(self.name, url, self._folds, commanded, schema=self.name, own=own)
        tokens = self.settings.token_check(self.name)
        gate = Gate(
            tokens=tokens,
            client_rate=Rate(self.settings.client_requests_per_s),
            address_rate=Rate(self.settings.address_requests_per_s),
        )
        relay = Relay(self.exchange, KafkaProducer(self._access), streams, self.worker)
        app = create_app(
            title=f"Dukao {self.name}",
            service=self.name,
            routers=[
                *routers,
                archive_router(OwnArchive(self.exchange), streams),
                consumers_router(self._show),
                relay_router(Outgoing(self.exchange, streams)),
                *self._operations(rebuilds),
            ],
            readiness=self._ready,
            tokens=tokens,
            denied=self.exchange.denied,
            gate=gate,
        )
        closing = [archive.close for archive in self._archives]
        reads = frozenset(stream for inputs in self._inputs.values() for stream in inputs)
        return Service(
            app,
            gate,
            (*parts, relay.run, rebuilds.run, *self._logging_in(reads, streams)),
            (*closing, self.engine.dispose),
            reads,
            frozenset(streams),
        )

    def _logging_in(self, reads: frozenset[str], writes: Sequence[str]) -> list[Part]:
        """Watch what the brokers grant, where they may refuse."""
        if not self._access.guarded:
            return []
        self._login = Login(self._access, reads=reads, writes=writes)
        return [self._login.run]

    def _operations(self, rebuilds: Rebuilds) -> list[APIRouter]:
        """Return the operators' doors; to consumers, skips and rebuilds only where there are consumers."""
        desk, skips = Desk(self.exchange, self._inputs), Skips(self.exchange, self._inputs)
        if not self._inputs:
            return [orders_router(desk)]
        return [operations_router(desk), orders_router(desk), skips_router(skips), rebuilds_router(rebuilds)]

    def _show(self) -> list[ConsumerBody]:
        return [
            ConsumerBody(
                name=consumer.name,
                partitions=sorted(consumer.leases.held),
                halts=[
                    HaltBody(stream=halt.stream, shard=halt.shard, number=halt.number, reason=halt.reason)
                    for halt in consumer.halts
                ],
            )
            for consumer in self._consumers
        ]

    async def _ready(self) -> dict[str, bool]:
        kafka = {} if self._login is None else {"kafka": self._login.ready}
        try:
            async with self.exchange.reading() as tx:
                return {"database": bool(await tx.execute("SELECT 1")), **kafka}
        except STORAGE_ERRORS:
            return {"database": False, **kafka}


def run(service: Service, name: str, settings: ServiceSettings) -> None:
    """Run a service as a process."""
    configure(name, settings.log_level)
    FAIL_POINTS.look_in(settings.fail_points, issuer=settings.issuer)
    address = settings.host, settings.port
    grace_s = settings.shutdown_grace_s
    serve(service.app, service.gate, *address, service.parts, service.closing, grace_s)

"""Which partitions of inbound topics this worker reads: those that it holds leases on."""

import asyncio
from collections.abc import Mapping

from services.ingest.contract import INBOUND_PARTITIONS
from services.ingest.places import Place
from shared.kernel.shards import PARTITIONS, shard_of
from shared.messaging.leases import HEARTBEAT_S, Leases
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.telemetry.logs import logger
from shared.telemetry.metrics import METRICS

READER = "inbound"  # whose leases these are

_LOG = logger(__name__)


class Share:
    """What one worker holds from joining until it leaves: renewed beside its steps, which have no bound."""

    def __init__(self, exchange: Exchange, worker: str) -> None:
        self.joined = False
        self._leases = Leases(exchange, READER, (), worker)
        self._changing = asyncio.Lock()

    @property
    def held(self) -> Mapping[int, int]:
        """The leases that it holds, with their epochs; never changed in place."""
        return self._leases.held

    def covers(self, place: Place) -> bool:
        """Tell whether it holds the lease on a partition."""
        return _lease_on(place) in self.held

    async def run(self) -> None:
        """Renew until cancelled; while the storage is away it is tried again."""
        while True:
            try:
                async with self._changing:
                    if self.joined:
                        await self._beat()
            except STORAGE_ERRORS as error:
                _LOG.warning("leases wait", consumer=READER, error=type(error).__name__)
            await asyncio.sleep(HEARTBEAT_S)

    async def join(self) -> None:
        """Take what is for this worker."""
        async with self._changing:
            await self._beat()
            self.joined = True

    async def leave(self) -> None:
        """Leave all to others and take nothing until it joins again."""
        async with self._changing:
            self.joined = False
            await self._leases.leave()
        METRICS.set("dukao_leases_held", 0, consumer=READER)

    async def _beat(self) -> None:
        await self._leases.beat()
        METRICS.set("dukao_leases_held", len(self.held), consumer=READER)


def _lease_on(place: Place) -> int:
    """Return the lease that covers a partition: those of one topic lie apart, so that workers share them."""
    topic, partition = place
    apart = PARTITIONS // INBOUND_PARTITIONS
    return (partition * apart + shard_of(topic) % apart) % PARTITIONS

"""Notify over a fresh schema, its streams fed by hand."""

from services.notify import store
from services.notify.contract import CONSUMER
from services.notify.handlers import Notify
from shared.storage.exchange import Exchange

WRITTEN = "(SELECT id, endpoint, body, created FROM deliveries) deliveries"


class Service:
    """The handler over one store."""

    def __init__(self, exchange: Exchange, folder) -> None:
        self.exchange = exchange
        self.handler = Notify()

    async def adopt(self, document, cut=None):
        """Put rules in force as the door does."""
        async with self.exchange.begin(actor="olga", action="adopt rules") as tx:
            return await store.add_rules(tx, document, cut or {}, "olga")

    async def apply(self, *records):
        """Apply records as one batch."""
        async with self.exchange.begin(actor=CONSUMER, action="applied") as tx:
            assert await self.handler(tx, records) == []

    async def notices(self):
        """Return what was told: by rule, channel, recipient and event, with what it is worth now."""
        async with self.exchange.reading() as tx:
            rows = await tx.many(
                "SELECT rule, channel, recipient, event, cancelled IS NOT NULL AS cancelled FROM notices ORDER BY event, rule, recipient"
            )
        return [tuple(row) for row in rows]

    async def state(self):
        """Return every row that the fold writes."""
        async with self.exchange.reading() as tx:
            return {
                table.split()[-1]: sorted(map(str, await tx.many(f"SELECT * FROM {table}")))
                for table in ("notices", "items", "units", WRITTEN)
            }

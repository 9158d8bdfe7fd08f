"""Notify over a fresh schema, its streams fed by hand, its door open."""

from contextlib import asynccontextmanager

import httpx

from services.notify.api import checking_router, inbox_router, rules_router
from services.notify.contract import CLOSES, CONSUMER, ITEMS, NOTICES, SCHEMES, STANDINGS, SURVEYS
from services.notify.handlers import Notify
from shared.kernel.records import Position
from shared.storage.exchange import Exchange
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck
from tests.rebuilds import begin

INPUTS = (NOTICES, ITEMS, STANDINGS, CLOSES, SCHEMES, SURVEYS)
ROLES = {"olga": "operator", "zhao": "operator", "li": "approver", "reader": "reader", "ada": "author"}

WRITTEN = "(SELECT id, endpoint, body, created FROM deliveries) deliveries"


class Service:
    """The handler and the door over one store."""

    def __init__(self, exchange: Exchange, folder) -> None:
        self.exchange = exchange
        self.handler = Notify()
        self.issuer = DevelopmentIssuer(folder, environment="test")
        self.tokens = TokenCheck(issuer=ISSUER, audience="dukao/notify", keys=KeyFile(self.issuer.jwks_file))

    async def begin(self):
        """Let the consumer be at the beginning of its inputs."""
        await begin(self.exchange, CONSUMER, INPUTS)

    async def adopt(self, document):
        """Adopt rules at the door."""
        async with self.door() as door:
            answer = await door.ask("PUT", "/v1/rules", "olga", json=document)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def apply(self, *records):
        """Apply records as one batch, as a consumer does: its positions beside its effects."""
        async with self.exchange.begin(actor=CONSUMER, action="applied") as tx:
            assert await self.handler(tx, records) == []
            last = {(record.stream, record.shard): record for record in records}
            positions = [Position(r.stream, r.shard, r.number, r.chain) for r in last.values()]
            await tx.advance(CONSUMER, positions)

    async def notices(self):
        """Return what was told: by rule, channel, recipient and event, and whether it was cancelled."""
        async with self.exchange.reading() as tx:
            rows = await tx.many(
                "SELECT rule, channel, recipient, event, cancelled IS NOT NULL AS cancelled FROM notices "
                "ORDER BY event, rule, recipient"
            )
        return [tuple(row) for row in rows]

    async def state(self):
        """Return every row that the fold writes."""
        async with self.exchange.reading() as tx:
            return {
                table.split()[-1]: sorted(map(str, await tx.many(f"SELECT * FROM {table}")))
                for table in ("notices", "items", "units", "schemes", WRITTEN)
            }

    async def audit(self, action):
        async with self.exchange.reading() as tx:
            rows = await tx.many("SELECT actor, detail FROM audit WHERE action = $1 ORDER BY id", action)
        return [(row["actor"], row["detail"]) for row in rows]

    @asynccontextmanager
    async def door(self):
        app = create_app(
            title="notify",
            service="notify",
            routers=[rules_router(self.exchange), checking_router(), inbox_router(self.exchange)],
            readiness=_ready,
            tokens=self.tokens,
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            yield Door(self, client)


class Door:
    """A client that speaks for persons."""

    def __init__(self, service, client):
        self._service = service
        self._client = client

    async def ask(self, method, path, person="reader", *, unit="/", headers=None, **more):
        token = self._service.issuer.mint(person, [ROLES[person]], ["dukao/notify"], unit=unit)
        return await self._client.request(
            method, path, headers={"authorization": f"Bearer {token}"} | (headers or {}), **more
        )

    async def entries(self, **query):
        unit = query.pop("below", "/")
        answer = await self.ask("GET", "/v1/inbox", unit=unit, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]


async def _ready():
    return {}

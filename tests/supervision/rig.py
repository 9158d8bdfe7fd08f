"""Supervision over a fresh schema, its streams fed by hand, its door open."""

import json
from contextlib import asynccontextmanager

import httpx

from services.supervision.api import acts_router, items_router, overview_router
from services.supervision.calendars import Calendars
from services.supervision.contract import ACTS, CONSUMER, ITEMS
from services.supervision.deciding import Desk
from services.supervision.handlers import Supervision
from shared.storage.exchange import Exchange
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck
from tests.supervision.facts import CALENDAR, ZONE

CALENDARS = Calendars({ZONE.key: CALENDAR})
ROLES = {"unit": "operator", "issuer": "author", "li": "approver", "wang": "approver", "reader": "reader"}


class Dated(Supervision):
    """It knows the days of 2021."""

    def __init__(self) -> None:
        super().__init__(CALENDARS)


class Service:
    """The handler and the door over one store."""

    def __init__(self, exchange: Exchange, folder) -> None:
        self.exchange = exchange
        self.handler = Dated()
        self.issuer = DevelopmentIssuer(folder, environment="test")
        self.tokens = TokenCheck(
            issuer=ISSUER, audience="dukao/supervision", keys=KeyFile(self.issuer.jwks_file)
        )
        self.applied: dict[int, int] = {}
        self.told: list[dict] = []

    async def apply(self, *records):
        """Apply records as one batch; return the data of the items that are told, by id."""
        async with self.exchange.begin(actor="test", action="apply") as tx:
            answers = await self.handler(tx, records)
            assert {stream for stream, _ in answers} <= {ITEMS}
            await tx.append(ITEMS, [draft for _, draft in answers])
        told = [json.loads(draft.body)["data"] for _, draft in answers]
        self.told += told
        return {one["item"]: one for one in told}

    async def apply_acts(self, shard):
        """Apply the acts that persons took since; as the consumer would."""
        async with self.exchange.begin(actor="test", action="apply acts") as tx:
            records = await tx.read(ACTS, shard, self.applied.get(shard, 0), 1000)
            answers = await self.handler(tx, records) if records else []
            await tx.append(ITEMS, [draft for _, draft in answers])
            if records:
                self.applied[shard] = records[-1].number
                await tx.many(
                    "INSERT INTO positions (consumer, stream, shard, number, chain) VALUES ($1, $2, $3, $4, $5) "
                    "ON CONFLICT (consumer, stream, shard) DO UPDATE SET number = excluded.number",
                    CONSUMER,
                    ACTS,
                    shard,
                    records[-1].number,
                    records[-1].chain,
                )
        told = [json.loads(draft.body)["data"] for _, draft in answers]
        self.told += told
        return {one["item"]: one for one in told}

    async def state(self):
        """Return what is kept of items, without how often each was told."""
        async with self.exchange.reading() as tx:
            rows = await tx.many(
                "SELECT id, shard, grp, facts, kind, state, light, unit, paths, scheme, indicator, given, due, "
                "done, changes, told FROM items ORDER BY id"
            )
        return [tuple(row) for row in rows]

    @asynccontextmanager
    async def door(self, *, replay=True):
        desk = Desk(CALENDARS, replay=replay)
        app = create_app(
            title="supervision",
            service="supervision",
            routers=[
                items_router(self.exchange, desk),
                acts_router(self.exchange, desk),
                overview_router(self.exchange),
            ],
            readiness=_ready,
            tokens=self.tokens,
        )
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://supervision") as client:
            yield Door(self, client)


class Door:
    """A client that speaks for persons."""

    def __init__(self, service, client):
        self._service = service
        self._client = client

    async def ask(self, method, path, person="reader", *, unit="/", headers=None, **more):
        token = self._service.issuer.mint(person, [ROLES[person]], ["dukao/supervision"], unit=unit)
        return await self._client.request(
            method, path, headers={"authorization": f"Bearer {token}"} | (headers or {}), **more
        )

    async def act(self, item, act, person, headers=None, unit="/", **body):
        return await self.ask(
            "POST", f"/v1/items/{item}:{act}", person, json=body, headers=headers, unit=unit
        )


async def _ready():
    return {}

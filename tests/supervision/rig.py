"""Supervision over a fresh schema, its streams fed by hand, its door open."""

import json
from contextlib import asynccontextmanager

import httpx

from services.supervision import adopting
from services.supervision.api import (
    acts_router,
    calendar_adoption_router,
    calendars_router,
    items_router,
    overview_router,
)
from services.supervision.contract import ACTS, CALENDARS, CONSUMER, ITEMS
from services.supervision.deciding import Desk
from services.supervision.handlers import Supervision
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.records import Position
from shared.kernel.shards import SHARDS
from shared.storage.exchange import Exchange
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck

ROLES = {"unit": "operator", "issuer": "author", "li": "approver", "wang": "approver", "reader": "reader"}

_BEGIN = """
    INSERT INTO positions (consumer, stream, shard, number, chain) VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT DO NOTHING"""
_REACHED = "SELECT number FROM positions WHERE consumer = $1 AND stream = $2 AND shard = $3"


class Service:
    """The handler and the door over one store."""

    def __init__(self, exchange: Exchange, folder) -> None:
        self.exchange = exchange
        self.handler = Supervision()
        self.issuer = DevelopmentIssuer(folder, environment="test")
        self.tokens = TokenCheck(
            issuer=ISSUER, audience="dukao/supervision", keys=KeyFile(self.issuer.jwks_file)
        )
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

    async def adopt(self, document, *, shards=range(SHARDS)):
        """Put a calendar in force, and let shards hear of it."""
        head = document["calendar"]
        async with self.exchange.begin(actor="test", action="adopt calendar") as tx:
            await adopting.draft(tx, document, "ada")
            await adopting.adopt(tx, head["zone"], head["version"], "bob", replay=True)
        told = {}
        for shard in shards:
            told |= await self.apply_calendars(shard)
        return told

    async def apply_acts(self, shard):
        """Apply the acts that persons took since; as the consumer would."""
        return await self._consume(ACTS, shard)

    async def apply_calendars(self, shard):
        """Apply the calendars that were adopted since."""
        return await self._consume(CALENDARS, shard)

    async def _consume(self, stream, shard):
        """Apply what follows of a stream as the consumer does, its position beside its effects."""
        async with self.exchange.begin(actor=CONSUMER, action="applied") as tx:
            await tx.many(_BEGIN, CONSUMER, stream, shard, EMPTY_CHAIN)
            ((before,),) = await tx.many(_REACHED, CONSUMER, stream, shard)
            records = await tx.read(stream, shard, before, 1000)
            await tx.lock(ITEMS, [shard])
            answers = await self.handler(tx, records) if records else []
            await tx.append(ITEMS, [draft for _, draft in answers])
            if records:
                last = records[-1]
                await tx.advance(CONSUMER, [Position(stream, shard, last.number, last.chain)])
        told = [json.loads(draft.body)["data"] for _, draft in answers]
        self.told += told
        return {one["item"]: one for one in told}

    async def state(self):
        """Return what is kept of items, without how often each was told."""
        async with self.exchange.reading() as tx:
            rows = await tx.many(
                "SELECT id, shard, grp, facts, kind, state, light, unit, paths, scheme, indicator, given, due, "
                "done, changes, provisional, told FROM items ORDER BY id"
            )
        return [tuple(row) for row in rows]

    @asynccontextmanager
    async def door(self, *, replay=True):
        desk = Desk(replay=replay)
        app = create_app(
            title="supervision",
            service="supervision",
            routers=[
                items_router(self.exchange, desk),
                acts_router(self.exchange, desk),
                overview_router(self.exchange),
                calendars_router(self.exchange),
                calendar_adoption_router(self.exchange, replay=replay),
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

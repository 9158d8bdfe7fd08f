"""Ingest's door over a real PostgreSQL, with accounts of our own."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from services.ingest.api.door import Door
from services.ingest.api.lists import replays_router
from services.ingest.closings import Closings
from services.ingest.committing import Admission
from services.ingest.domain.binding import BATCH, STRUCTURED
from services.ingest.gateway import Records
from services.ingest.migrations.ingest_0001 import TABLES
from services.ingest.storage import Room, Storage
from services.ingest.wiring import ROUTERS
from shared.messaging.committer import Committer
from shared.messaging.kafka_access import KafkaAccess
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck

FIELDS = {
    "number": {"type": "code", "required": True},
    "amount": {"type": "decimal", "scale": 2},
    "pages": {"type": "integer"},
}
TYPES = {
    "task.done.v1": {"title": "Done", "case": "optional", "business_key": ["number"], "fields": FIELDS},
    "task.begun.v1": {"title": "Begun", "case": "optional", "fields": FIELDS},
}


class Rig:
    """A door, its admission, and clients by name."""

    def __init__(self, exchange, app, issuer, door):
        self.exchange, self.admission, self.closings = exchange, door.admission, door.closings
        self._app, self._issuer, self._stack = app, issuer, AsyncExitStack()
        self._clients = {}

    async def as_(self, name, *roles, account="dukao-development", unit="/"):
        """Return a client of a person or account; the same each time."""
        key = name, roles, account, unit
        if key not in self._clients:
            token = self._issuer.mint(name, roles, ["dukao/ingest"], client=account, unit=unit)
            self._clients[key] = await self._stack.enter_async_context(
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(self._app),
                    base_url="http://t",
                    headers={"authorization": f"Bearer {token}"},
                )
            )
        return self._clients[key]

    async def close(self):
        await self._stack.aclose()

    async def adopt(self, document):
        author, approver = await self.as_("ann", "author"), await self.as_("bob", "approver")
        drafted = await author.post("/v1/types", json=document)
        assert drafted.status_code == 201, drafted.text
        adopted = await approver.post(f"/v1/types/{drafted.json()['version']}:adopt")
        assert adopted.status_code == 200, adopted.text

    async def audit(self, action):
        async with self.exchange.reading() as tx:
            rows = await tx.many("SELECT actor, detail FROM audit WHERE action = $1 ORDER BY id", action)
        return [(row["actor"], row["detail"]) for row in rows]


@asynccontextmanager
async def serving(exchange, folder, document, *, replay=False, admission_of=Admission):
    """Serve a fresh ingest whose catalogue is in force."""
    async with exchange.begin(actor="test", action="tables") as tx:
        for statement in TABLES:
            await tx.execute(statement)
    issuer = DevelopmentIssuer(folder, environment="test")
    admission = admission_of(exchange, replay=replay)
    committer = Committer(admission.commit)
    door = Door(admission, committer, Storage(exchange, Room()), Closings(exchange))

    async def ready():
        return {}

    app = create_app(
        title="t",
        service="ingest",
        routers=[
            *(route(door) for route in ROUTERS),
            replays_router(admission, Records(KafkaAccess("127.0.0.1:9"))),
        ],
        readiness=ready,
        tokens=TokenCheck(issuer=ISSUER, audience="dukao/ingest", keys=KeyFile(issuer.jwks_file)),
    )
    rig = Rig(exchange, app, issuer, door)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(committer.run())
        await rig.adopt(document)
        yield rig
        await rig.close()
        running.cancel()


def event(**changes):
    data = {"number": changes.pop("number", "n1"), "amount": changes.pop("amount", "1.50")}
    made = {"specversion": "1.0", "id": "e1", "source": "desk", "type": "task.done.v1", "subject": "1101"}
    made |= {"time": "2021-03-01T00:00:00Z", "data": data} | changes
    return {name: value for name, value in made.items() if value is not ...}


async def send(client, body, kind=None):
    """Send one event, a batch, or bytes as they are."""
    kind = kind or (BATCH if isinstance(body, list) else STRUCTURED)
    raw = body if isinstance(body, bytes) else json.dumps(body)
    return await client.post("/v1/events", content=raw, headers={"content-type": kind})


async def outcome(client, body):
    answer = await send(client, body)
    return answer.status_code, answer.json().get("code") or answer.json()["status"]

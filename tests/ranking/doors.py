"""Ranking's door, asked as a reader of a unit."""

from contextlib import asynccontextmanager

import httpx

from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck


@asynccontextmanager
async def door(folder, *routers):
    """Yield what asks for a path of these routers; `unit` is that of the reader's token."""
    issuer = DevelopmentIssuer(folder, environment="test")

    async def ready():
        return {}

    tokens = TokenCheck(issuer=ISSUER, audience="dukao/ranking", keys=KeyFile(issuer.jwks_file))
    app = create_app(title="t", service="ranking", routers=routers, readiness=ready, tokens=tokens)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:

        async def asked(path, *, unit="/", **more):
            token = issuer.mint("eve", ["reader"], ["dukao/ranking"], unit=unit)
            return await client.get(path, **more, headers={"authorization": f"Bearer {token}"})

        yield asked

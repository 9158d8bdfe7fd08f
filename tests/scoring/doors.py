"""Scoring's door over an exchange of a test, asked by a client with or without a token."""

from contextlib import asynccontextmanager

import httpx

from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck, audience_of


class Served:
    """Routes of scoring, each made over an exchange, and the issuer of those who ask."""

    def __init__(self, folder, *routes):
        self._issuer = DevelopmentIssuer(folder / "issuer", environment="development")
        self._routes = routes

    def mint(self, who, roles, unit="/"):
        return self._issuer.mint(who, roles, [audience_of("scoring")], unit=unit)

    @asynccontextmanager
    async def client(self, exchange, token=None):
        async def ready():
            return {}

        keys = KeyFile(self._issuer.jwks_file)
        app = create_app(
            title="scoring",
            service="scoring",
            routers=[route(exchange) for route in self._routes],
            readiness=ready,
            tokens=TokenCheck(issuer=ISSUER, audience=audience_of("scoring"), keys=keys),
            denied=exchange.denied,
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://scoring",
            headers={"authorization": f"Bearer {token}"} if token else {},
        ) as client:
            yield client

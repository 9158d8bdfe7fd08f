"""Ranking's doors to persons who close periods, over the service that the rig feeds by hand."""

from contextlib import asynccontextmanager

import httpx
import pytest

from services.ranking.api import standings_router
from services.ranking.close_api import closes_router, cuts_router
from services.ranking.contract import CONSUMER_DAYS, NOTICES
from services.ranking.hearing import Days, Notices
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.records import Position
from shared.messaging.archive import OwnArchive
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck
from tests.ranking.rig import MARCH, adopted, cut_passed, figure, posted, scheme

_BEGUN = """
    INSERT INTO positions (consumer, stream, shard, number, chain) VALUES ($1, $2, $3, 0, $4)
    ON CONFLICT DO NOTHING"""
T, DAY = "2021-04-08T16:00:00.000000Z", "2021-04-08"


def with_grace(version=1, **changes):
    """Return a scheme whose periods have a cut."""
    document = scheme(version, **changes)
    document["scheme"] |= {"grace_days": 5, "zone": "Asia/Shanghai"}
    return document


class Persons:
    """The doors of ranking, as persons and accounts of several roles see them."""

    def __init__(self, service, client, issuer):
        self.service, self._client, self._issuer = service, client, issuer

    async def tell(self, *drafts):
        """Let ingest, whose archive is the rig's own here, tell notices."""
        async with self.service.exchange.begin(actor="test", action="tell") as tx:
            await tx.append(NOTICES, drafts)

    async def hear(self, shard):
        """Let ranking hear of all that was told in a shard of notices."""
        async with self.service.exchange.begin(actor="test", action="hear") as tx:
            records = await tx.read(NOTICES, shard, 0, 100)
            assert await Days()(tx, records) == []
            await tx.many(_BEGUN, CONSUMER_DAYS, NOTICES, shard, EMPTY_CHAIN)
            last = records[-1]
            await tx.advance(CONSUMER_DAYS, [Position(NOTICES, shard, last.number, last.chain)])

    async def ask(self, method, path, person="ann", roles=("closer",), unit="/", **more):
        token = self._issuer.mint(person, list(roles), ["dukao/ranking"], unit=unit)
        headers = {"authorization": f"Bearer {token}"}
        return await self._client.request(method, path, headers=headers, **more)

    async def body(self, path, **params):
        answer = await self.ask("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def standing(self, period=MARCH, **params):
        return await self.body(f"/v1/standings/mini/bureaus/{period}", **params)

    async def begin(self, *figures, documents=None):
        """Adopt, and tell what is known on a day of grace."""
        told = figures or (figure("b1", "9.9"), figure("b2", "8"), figure("b3", "7"))
        documents = documents or [with_grace()]
        await self.service.apply(*map(adopted, documents), posted(*told, fresh_at="2021-04-06T01:00:00Z"))

    async def cut(self, period=MARCH, group="bureaus", day=DAY, at=T, *, exact=False):
        """Let T pass for a group, with or without figures at T."""
        await self.service.apply(cut_passed(period, group=group, cut=at, day=day, exact=exact))

    async def effect(self, period=MARCH):
        return await self.body(f"/v1/closes/mini/{period}")

    async def propose(self, person="ann", period=MARCH, digest=None, reason="季度关账", **more):
        digest = digest or (await self.effect(period))["digest"] or "0" * 64
        asked = {"scheme": "mini", "period": period, "digest": digest, "reason": reason}
        return await self.ask("POST", "/v1/closes", person, json=asked, **more)

    async def step(self, request, step, person="bea", digest=None, reason="核对无误", **more):
        told = {"reason": reason} | ({"digest": digest} if digest else {})
        return await self.ask("POST", f"/v1/closes/{request}:{step}", person, json=told, **more)

    async def close(self, period=MARCH):
        """Let two persons close a period; return the answer of the approval."""
        asked = (await self.propose(period=period)).json()
        answer = await self.step(asked["id"], "approve", digest=asked["digest"])
        assert answer.status_code == 200, answer.text
        return answer.json()


def app_of(exchange, notices, tokens):
    """Return the doors over an exchange."""

    async def ready():
        return {}

    return create_app(
        title="t",
        service="ranking",
        routers=[
            standings_router(exchange),
            closes_router(exchange, notices),
            cuts_router(exchange, notices),
        ],
        readiness=ready,
        tokens=tokens,
    )


@pytest.fixture
async def persons(service, tmp_path):
    async with persons_of(service, tmp_path) as found:
        yield found


@asynccontextmanager
async def persons_of(service, tmp_path, *, archive=None, looks=1):
    """Open the doors; who closes looks so many times whether ranking has heard what ingest told."""
    issuer = DevelopmentIssuer(tmp_path, environment="test")
    notices = Notices(service.exchange, archive or OwnArchive(service.exchange), looks)
    tokens = TokenCheck(issuer=ISSUER, audience="dukao/ranking", keys=KeyFile(issuer.jwks_file))
    app = app_of(service.exchange, notices, tokens)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t") as client:
        yield Persons(service, client, issuer)

"""The archive's page after any number is records or a refusal, never a failure of ours."""

import httpx
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.kernel.records import Draft
from shared.messaging.archive import OwnArchive
from shared.web.app import create_app
from shared.web.archive import PAGE_LIMIT_RECORDS, archive_router
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck

STREAM = "test.things"
LARGEST = (1 << 62) - 1


def client_of(exchange, folder):
    issuer = DevelopmentIssuer(folder, environment="test")
    tokens = TokenCheck(issuer=ISSUER, audience="dukao/ingest", keys=KeyFile(issuer.jwks_file))

    async def ready():
        return {}

    routers = [archive_router(OwnArchive(exchange), [STREAM])]
    app = create_app(title="t", service="ingest", routers=routers, readiness=ready, tokens=tokens)
    headers = {"authorization": f"Bearer {issuer.mint('ada', ['operator'], ['dukao/ingest'])}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers=headers)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    after=st.integers() | st.integers(0, 7) | st.integers(1 << 60, 1 << 64),
    limit=st.integers(0, PAGE_LIMIT_RECORDS + 1),
)
@example(after=LARGEST, limit=PAGE_LIMIT_RECORDS)
@example(after=LARGEST + 1, limit=1)
@example(after=(1 << 63) - 1, limit=1)
@example(after=1 << 63, limit=1)
async def test_a_page_after_any_number_is_records_or_a_refusal(exchange, tmp_path, after, limit):
    async with exchange.begin(actor="test", action="fill") as tx:
        if not await tx.read(STREAM, 0, 0, 1):
            await tx.append(STREAM, [Draft(0, b"{}") for _ in range(5)])
    async with client_of(exchange, tmp_path) as client:
        page = await client.get(f"/internal/v1/streams/{STREAM}/0", params={"after": after, "limit": limit})
    if 0 <= after <= LARGEST and 1 <= limit <= PAGE_LIMIT_RECORDS:
        assert page.status_code == 200
        assert [one["number"] for one in page.json()["records"]] == [*range(after + 1, 6)][:limit]
    else:
        assert page.status_code == 422

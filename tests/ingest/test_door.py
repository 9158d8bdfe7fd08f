"""The door of ingest over a real PostgreSQL: each input gets its exact answer."""

import asyncio
import json

import httpx
import pytest

from services.ingest.api import BATCH, STRUCTURED, Door, events_router, types_router
from services.ingest.committing import Admission
from services.ingest.migrations.ingest_0001 import TABLES
from shared.messaging.committer import Committer
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck

CATALOGUE = {
    "types": {
        "task.done.v1": {
            "title": "Done",
            "case": "optional",
            "business_key": ["number"],
            "fields": {
                "number": {"type": "code", "required": True},
                "amount": {"type": "decimal", "scale": 2},
            },
        }
    },
    "sources": {"desk": {"title": "Desk", "unit_prefix": "11"}},
}


def event(**changes):
    data = {"number": changes.pop("number", "n1"), "amount": changes.pop("amount", "1.50")}
    made = {"specversion": "1.0", "id": "e1", "source": "desk", "type": "task.done.v1", "subject": "1101"}
    made |= {"time": "2021-03-01T00:00:00Z", "data": data} | changes
    return {name: value for name, value in made.items() if value is not ...}


@pytest.fixture
async def door(exchange, tmp_path):
    async with exchange.begin(actor="test", action="tables") as tx:
        for statement in TABLES:
            await tx.execute(statement)
    issuer = DevelopmentIssuer(tmp_path, environment="test")
    committer = Committer(Admission(exchange, replay=False).commit)
    made = Door(exchange, committer)

    async def ready():
        return {}

    tokens = TokenCheck(issuer=ISSUER, audience="dukao/ingest", keys=KeyFile(issuer.jwks_file))
    app = create_app(
        title="t",
        service="ingest",
        routers=[events_router(made), types_router(made)],
        readiness=ready,
        tokens=tokens,
    )

    def client(name, *roles):
        headers = {"authorization": "Bearer " + issuer.mint(name, roles, ["dukao/ingest"])}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://t", headers=headers)

    async with asyncio.TaskGroup() as group:
        running = group.create_task(committer.run())
        async with (
            client("ann", "author", "approver", "integrator", "operator") as ann,
            client("bob", "approver") as bob,
        ):
            assert (await ann.post("/v1/types", json=CATALOGUE)).status_code == 201
            assert (await ann.post("/v1/types/1:adopt")).json()["code"] == "same_person"
            assert (await bob.post("/v1/types/1:adopt")).status_code == 200
            yield ann
        running.cancel()


async def send(door, body, kind=STRUCTURED):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await door.post("/v1/events", content=raw, headers={"content-type": kind})


async def test_the_same_event_twice_has_one_receipt_and_another_digit_is_a_conflict(door):
    first, again = await send(door, event()), await send(door, dict(reversed(event().items())))
    assert (first.status_code, again.status_code, again.json()["duplicate"]) == (201, 200, True)
    assert first.json()["receipt"] == again.json()["receipt"]
    other = await send(door, event(amount="1.51"))
    assert (other.status_code, other.json()["code"]) == (409, "id_conflict")
    assert len((await door.get("/v1/conflicts")).json()["items"]) == 1
    assert (await door.get("/v1/events/desk/e1")).json()["event"]["data"]["amount"] == "1.50"


async def test_the_same_fact_under_another_id_is_answered_with_the_first_receipt(door):
    first, report = await send(door, event()), await send(door, event(id="e2"))
    assert report.status_code == 200
    assert report.json()["receipt"] == first.json()["receipt"]


REFUSED = {
    "I1": (event(id=...), 422, "missing_field"),
    "I2": (event(specversion="0.3"), 422, "specversion"),
    "I4": (b"", 400, "empty"),
    "I8": (b"[" * 100_000, 400, "depth"),
    "I11": (b'{"a":NaN}', 400, "non_finite"),
    "I12": (b'{"a":1.5}', 400, "number"),
    "I13": (b'{"a":1,"a":2}', 400, "duplicate_key"),
    "I14": (b"\xef\xbb\xbf{}", 400, "encoding"),
    "I15": (b"{} x", 400, "json"),
    "I16": (event(data={"number": "n", "score": 1}), 422, "unknown_field"),
    "I17": (event(extra="1"), 422, "unknown_field"),
    "I17 reserved": (event(sequence="1"), 422, "unknown_field"),
    "I18": (event(subject="2201"), 403, "source_scope"),
    "I20": (event(subject="１１01"), 422, "code_charset"),
    "I21": (event(time="2199-01-01T00:00:00Z"), 422, "time_in_future"),
    "I22": (event(time="2021-02-30T00:00:00Z"), 422, "time_format"),
    "I26": (event(id="../x"), 422, "id"),
    "I3": ((event(), "text/plain"), 415, "content_type"),
    "scale": (event(amount="1.555"), 422, "field"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_input_is_refused_by_its_code_and_only_the_refusal_is_kept(door, case):
    body, status, code = REFUSED[case]
    answer = await send(door, *(body if isinstance(body, tuple) else (body,)))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await door.get("/v1/events/desk/e1")).status_code == 404
    if status != 415:
        assert [row["code"] for row in (await door.get("/v1/refusals")).json()["items"]] == [code]


async def test_a_batch_answers_for_each_event_in_order(door):
    answer = await send(
        door, [event(), event(id="e2", number="n2", specversion="2"), event(), event(amount="9.00")], BATCH
    )
    assert [r["status"] for r in answer.json()["results"]] == ["created", "rejected", "duplicate", "conflict"]
    assert (await send(door, [], BATCH)).status_code == 422
    assert (await send(door, [event()] * 501, BATCH)).status_code == 413


@pytest.mark.xfail(strict=True, reason="shape is judged before size")
async def test_an_event_over_256_kib_is_too_large_whatever_else_is_wrong_with_it(door):
    answer = await send(door, event(data={"number": "n", "remark": "y" * 300_000}))
    assert (answer.status_code, answer.json()["code"]) == (413, "event_too_large")


@pytest.mark.xfail(strict=True, reason="a correction is not yet compared with its original")
async def test_a_correction_that_moves_to_another_unit_is_refused(door):
    await send(door, event())
    moved = event(id="c1", subject="1102", correctssource="desk", correctsid="e1", revision=1)
    assert (await send(door, moved)).json().get("code") == "correction_moves"

"""The door of ingest over a real PostgreSQL: each input gets its exact answer."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.ingest import handlers
from services.ingest.api import door as doors
from services.ingest.api.door import Door
from services.ingest.api.drafts import drafts_router
from services.ingest.api.events import events_router
from services.ingest.api.lists import conflicts_router, refusals_router
from services.ingest.api.types import types_router
from services.ingest.closings import Closings
from services.ingest.committing import Admission
from services.ingest.domain.binding import BATCH, STRUCTURED
from services.ingest.migrations.ingest_0001 import TABLES
from services.ingest.storage import Room, Storage
from shared.messaging import committer as committing
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
                "remark": {"type": "text", "max": 100},
            },
        },
        "task.begun.v1": {
            "title": "Begun",
            "case": "optional",
            "fields": {"number": {"type": "code"}, "amount": {"type": "decimal", "scale": 2}},
        },
    },
    "sources": {"desk": {"title": "Desk", "units": ["11*", "2199"]}},
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
    admission = Admission(exchange, replay=False)
    committer = Committer(admission.commit)
    made = Door(admission, committer, Storage(exchange, Room()), Closings(exchange))

    async def ready():
        return {}

    tokens = TokenCheck(issuer=ISSUER, audience="dukao/ingest", keys=KeyFile(issuer.jwks_file))
    app = create_app(
        title="t",
        service="ingest",
        routers=[
            route(made)
            for route in (events_router, refusals_router, conflicts_router, types_router, drafts_router)
        ],
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


LISTS = ("refusals", "conflicts")
REFUSED = {
    "I1": (event(id=...), 422, "missing_field"),
    "I2": (event(specversion="0.3"), 422, "specversion"),
    "I4": (b"", 400, "empty"),
    "I2 number": (event(specversion=1), 422, "specversion"),
    "I4 list": (b"[]", 422, "event"),
    "I8": (b"[" * 100_000, 400, "depth"),
    "I8 65 levels": (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", 400, "depth"),
    "I9 keys": (json.dumps({str(n): 0 for n in range(513)}).encode(), 400, "complexity"),
    "I9 items": (json.dumps({"a": [0] * 1001}).encode(), 400, "complexity"),
    "I9 key": (json.dumps({"a" * 129: 0}).encode(), 400, "complexity"),
    "I11 -Infinity": (b'{"a":-Infinity}', 400, "non_finite"),
    "I12 exponent": (b'{"a":1e999}', 400, "number"),
    "I12 digits": (b'{"a":' + b"9" * 5000 + b"}", 400, "number"),
    "I12 -0": (b'{"a":-0}', 400, "number"),
    "I13 nested": (b'{"a":{"b":1,"b":2}}', 400, "duplicate_key"),
    "I14 UTF-16": ('{"a":1}'.encode("utf-16"), 400, "encoding"),
    "I14 surrogate": (b'{"a":"\\ud800"}', 400, "encoding"),
    "I14 NUL": (b'{"a":"\\u0000"}', 400, "encoding"),
    "I15 quotes": (b"{'a':1}", 400, "json"),
    "I20 hidden": (event(data={"number": "n", "remark": "a\u202eb"}), 422, "text"),
    "I20 not NFC": (event(data={"number": "n", "remark": "e\u0301"}), 422, "text"),
    "I22 zone": (event(time="2021-03-01T00:00:00"), 422, "time_format"),
    "I22 second 60": (event(time="2021-03-01T00:00:60Z"), 422, "time_format"),
    "I22 year": (event(time="9999-03-01T00:00:00Z"), 422, "time_format"),
    "I22 offset": (event(time="2021-03-01T00:00:00+24:00"), 422, "time_format"),
    "I26 long": (event(id="x" * 10_000), 422, "id"),
    "I26 control": (event(id="a\tb"), 422, "id"),
    "unknown type": (event(type="task.lost.v1"), 422, "unknown_type"),
    "own type": (event(type="dukao.tick.v1"), 422, "reserved_type"),
    "other source": (event(source="other"), 403, "source_scope"),
    "float": (event(amount=1), 422, "field"),
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


async def test_an_event_over_256_kib_is_too_large_whatever_else_is_wrong_with_it(door):
    answer = await send(door, event(data={"number": "n", "remark": "y" * 300_000}))
    assert (answer.status_code, answer.json()["code"]) == (413, "event_too_large")
    large = event(id="e2", number="n2", remark="y" * (256 << 10))
    first, second = (await send(door, [event(), large], BATCH)).json()["results"]
    assert (first["status"], second["status"], second["problem"]["code"]) == (
        "created",
        "rejected",
        "event_too_large",
    )


def correction(**changes):
    return event(**{"id": "c1", "correctssource": "desk", "correctsid": "e1", "revision": 1} | changes)


async def outcome(door, body):
    answer = await send(door, body)
    return answer.status_code, answer.json().get("code") or answer.json()["status"]


MOVED = {"unit": {"subject": "1102"}, "case": {"case": "k2"}, "type": {"type": "task.begun.v1"}}


@pytest.mark.parametrize("what", MOVED)
async def test_a_correction_that_moves_its_original_is_refused(door, what):
    await send(door, event(case="k1"))
    moved = correction(**{"case": "k1", "number": "n9"} | MOVED[what])
    assert await outcome(door, moved) == (422, "correction_moves")
    assert [row["code"] for row in (await door.get("/v1/refusals")).json()["items"]] == ["correction_moves"]
    assert await outcome(door, correction(case="k1")) == (201, "created")


async def test_a_correction_may_come_before_its_original(door):
    assert await outcome(door, correction(amount="2.00")) == (201, "created")
    assert (await door.get("/v1/events/desk/e1")).status_code == 404
    assert await outcome(door, event()) == (201, "created")
    assert await outcome(door, event()) == (200, "duplicate")
    assert await outcome(door, event(amount="3.00")) == (409, "id_conflict")
    assert (await door.get("/v1/events/desk/e1")).json()["event"]["data"]["amount"] == "1.50"
    assert await outcome(door, correction(id="c2", revision=2, subject="1102")) == (422, "correction_moves")


async def test_an_original_that_disagrees_with_the_correction_before_it_counts_and_a_person_is_told(door):
    early = (await send(door, correction(subject="1102"))).json()["receipt"]
    assert await outcome(door, event()) == (201, "created")
    (told,) = (await door.get("/v1/conflicts")).json()["items"]
    assert (told["why"], told["event_id"]) == ("correction_moves", "e1")
    assert (told["shard"], told["number"]) == (early["shard"], early["number"])
    assert await outcome(door, correction(id="c2", revision=2)) == (201, "created")


async def test_a_correction_of_a_correction_is_refused_and_names_what_to_do(door):
    await send(door, event())
    await send(door, correction(amount="2.00"))
    chained = await send(door, correction(id="c2", correctsid="c1", amount="3.00"))
    assert (chained.status_code, chained.json()["code"]) == (422, "correction_of_correction")
    assert "name the original and a higher revision" in chained.json()["detail"]
    assert await outcome(door, correction(id="c2", revision=2, amount="3.00")) == (201, "created")


async def test_a_correction_that_comes_after_its_own_correction_counts_and_a_person_is_told(door):
    await send(door, event())
    early = (await send(door, correction(id="c2", correctsid="c1", amount="3.00"))).json()["receipt"]
    assert await outcome(door, correction(amount="2.00")) == (201, "created")
    (told,) = (await door.get("/v1/conflicts")).json()["items"]
    assert (told["why"], told["event_id"]) == ("correction_of_correction", "c1")
    assert (told["shard"], told["number"]) == (early["shard"], early["number"])
    assert await outcome(door, correction(amount="2.00")) == (200, "duplicate")


async def test_a_batch_that_holds_a_correction_and_then_its_original_is_taken(door):
    answer = await send(door, [correction(), event(), correction(id="c2", revision=2, case="k")], BATCH)
    assert [r["status"] for r in answer.json()["results"]] == ["created", "created", "rejected"]
    assert (await door.get("/v1/events/desk/e1")).status_code == 200


async def test_a_retraction_is_a_revision_without_data_and_an_equal_revision_with_other_content_a_conflict(
    door,
):
    await send(door, event())
    assert await outcome(door, correction(data=...)) == (201, "created")
    assert await outcome(door, correction(data=...)) == (200, "duplicate")
    assert await outcome(door, correction(id="c2", amount="9.00")) == (409, "revision_conflict")
    assert await outcome(door, event(id="e3", data=...)) == (422, "missing_field")
    assert await outcome(door, correction(id="e1")) == (422, "correction")


async def test_a_retry_is_answered_with_the_receipt_of_the_first_answer(door):
    first = (await send(door, event())).json()["receipt"]
    report = (await send(door, event(id="e2"))).json()
    again = (await send(door, event(id="e2"))).json()
    assert report["receipt"] == again["receipt"] == first
    assert (await door.get("/v1/events/desk/e2")).json()["receipt"] != first


@pytest.mark.parametrize("written", ["a/b", "a%2Fb", "a//b", "x%3Fy"])
async def test_the_receipt_of_an_id_with_slashes_is_found(door, written):
    name = httpx.URL(f"http://t/{written}").path[1:]
    await send(door, event(id=name))
    assert (await door.get(f"/v1/events/desk/{written}")).json()["event"]["id"] == name


def binary(**changes):
    made = {name: value for name, value in event(**changes).items() if name != "data"}
    return {f"ce-{name}": str(value) for name, value in made.items()} | {"content-type": "application/json"}


async def test_a_binary_event_is_the_same_event(door):
    data = json.dumps(event()["data"]).encode()
    first = await door.post("/v1/events", content=data, headers=binary(id="a%20b".replace("%20", "%2F")))
    assert first.status_code == 201
    again = await send(door, event(id="a/b"))
    assert again.json() == {"status": "duplicate", "duplicate": True, "receipt": first.json()["receipt"]}
    retracted = binary(id="c1", correctssource="desk", correctsid="a/b", revision=1)
    assert (await door.post("/v1/events", content=b"", headers=retracted)).status_code == 201


BAD_BINARY = {
    "no attributes": ({"content-type": "application/json"}, 415, "content_type"),
    "twice": ([*binary().items(), ("ce-id", "other")], 400, "duplicate_key"),
    "data in a header": (binary() | {"ce-data": "x"}, 400, "duplicate_key"),
    "no data": (binary(), 422, "missing_field"),
    "reserved": (binary() | {"ce-sequence": "1"}, 422, "unknown_field"),
    "missing": ({k: v for k, v in binary().items() if k != "ce-type"}, 422, "missing_field"),
}


@pytest.mark.parametrize("case", BAD_BINARY)
async def test_a_bad_binary_event_is_refused(door, case):
    headers, status, code = BAD_BINARY[case]
    answer = await door.post("/v1/events", content=b"", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


UNREADABLE = {
    "I3 charset": ({"content-type": f"{STRUCTURED}; charset=gbk"}, b"{}", 415, "content_type"),
    "I10": ({"content-type": "application/xml"}, b"<a/>", 415, "content_type"),
    "I27": ({"content-type": STRUCTURED, "content-encoding": "gzip"}, b"x", 415, "content_encoding"),
    "I28": ({"content-type": STRUCTURED, "content-encoding": "gzip, gzip"}, b"x", 415, "content_encoding"),
    "I6 declared": ({"content-type": STRUCTURED, "content-length": "1048577"}, b"x", 413, "too_large"),
    "a list is no event": ({"content-type": STRUCTURED}, b"[{}]", 422, "event"),
}


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_body_of_the_wrong_form_is_refused(door, case):
    headers, body, status, code = UNREADABLE[case]
    answer = await door.post("/v1/events", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_chunked_body_over_the_limit_is_refused_and_the_connection_closed(door):
    async def parts():
        for _ in range(17):
            yield b"[" * (1 << 16)

    answer = await door.post("/v1/events", content=parts(), headers={"content-type": STRUCTURED})
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


@pytest.mark.parametrize(("where", "bound"), [(committing, "QUEUE_ITEMS"), (doors, "BODIES_BYTES")])
async def test_while_too_much_waits_no_body_is_read_and_the_answer_says_when_to_come(
    door, monkeypatch, where, bound
):
    asked = []

    async def body():
        asked.append(bound)
        yield json.dumps(event()).encode()

    with monkeypatch.context() as full:
        full.setattr(where, bound, 0)
        answer = await door.post("/v1/events", content=body(), headers={"content-type": STRUCTURED})
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "unavailable",
        "1",
    )
    assert asked == []
    assert (await door.post("/v1/events", content=body(), headers={"content-type": STRUCTURED})).is_success


async def test_the_time_may_lie_four_minutes_ahead_and_not_six(door):
    now = datetime.now(UTC)
    assert await outcome(door, event(time=(now + timedelta(minutes=4)).isoformat())) == (201, "created")
    late = event(id="e2", number="n2", time=(now + timedelta(minutes=6)).isoformat())
    assert await outcome(door, late) == (422, "time_in_future")


async def test_a_unit_that_nobody_knows_is_taken(door):
    assert await outcome(door, event(subject="11-unknown")) == (201, "created")


async def test_refusals_are_listed_page_by_page(door):
    for body in (b"{", b"[", b"{{"):
        await send(door, body)
    first = (await door.get("/v1/refusals?limit=2")).json()
    second = (await door.get(f"/v1/refusals?limit=2&after={first['next']}")).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    assert {row["client"] for row in first["items"]} == {"dukao-development"}
    for bad in ("limit=201", "limit=0", "limit=1e9", "after=-1", "after=x"):
        assert (await door.get(f"/v1/refusals?{bad}")).status_code == 422


LARGE = {"2^31": 1 << 31, "2^63": 1 << 63, "2^64": 1 << 64, "long": 10**3000, "-2^63-1": -(1 << 63) - 1}


@pytest.mark.parametrize("number", LARGE.values(), ids=LARGE)
async def test_a_number_that_the_database_cannot_keep_is_never_our_failure(door, number):
    paths = [("GET", f"/v1/{name}?{query}={number}") for name in LISTS for query in ("after", "limit")]
    for method, path in [*paths, ("POST", f"/v1/types/{number}:adopt")]:
        assert (await door.request(method, path)).status_code in {200, 422}, path


async def test_a_type_adopted_elsewhere_is_known_here_and_one_withdrawn_is_refused_at_the_commit(
    door, exchange
):
    await send(door, event())
    changed = json.loads(json.dumps(CATALOGUE))
    changed["types"]["task.new.v1"] = changed["types"].pop("task.done.v1")
    async with exchange.begin(actor="test", action="adopt elsewhere") as tx:
        drafted = await handlers.draft_types(tx, changed, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")
    assert await outcome(door, event(id="e2", number="n2")) == (422, "unknown_type")
    assert await outcome(door, event(id="e3", number="n3", type="task.new.v1")) == (201, "created")

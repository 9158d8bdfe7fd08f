"""The door of ingest over a real PostgreSQL: each input gets its exact answer."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.ingest import handlers
from tests.ingest.desk import CATALOGUE, door
from tests.ingest.rig import event, outcome, send

__all__ = ["door"]


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
        door, [event(), event(id="e2", number="n2", specversion="2"), event(), event(amount="9.00")]
    )
    assert [r["status"] for r in answer.json()["results"]] == ["created", "rejected", "duplicate", "conflict"]
    assert (await send(door, [])).status_code == 422
    assert (await send(door, [event()] * 501)).status_code == 413


async def test_an_event_over_256_kib_is_too_large_whatever_else_is_wrong_with_it(door):
    answer = await send(door, event(data={"number": "n", "remark": "y" * 300_000}))
    assert (answer.status_code, answer.json()["code"]) == (413, "event_too_large")
    large = event(id="e2", number="n2", remark="y" * (256 << 10))
    first, second = (await send(door, [event(), large])).json()["results"]
    assert (first["status"], second["status"], second["problem"]["code"]) == (
        "created",
        "rejected",
        "event_too_large",
    )


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


async def test_who_wrote_a_catalogue_does_not_adopt_it(door):
    drafted = (await door.post("/v1/types", json=CATALOGUE)).json()
    refused = await door.post(f"/v1/types/{drafted['version']}:adopt")
    assert (refused.status_code, refused.json()["code"]) == (403, "same_person")

"""Every row of the table of bad inputs at the real service: its exact status and code, and where it is held.

Nothing of a refused input is stored but its digest, nothing of it comes back, and no answer is a 5xx.
"""

import ast
import asyncio
import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest

from services.ingest.domain.binding import BATCH, STRUCTURED
from shared.storage.database import open_engine
from shared.storage.exchange import Exchange
from tests.ingest.closes import MARCH, closes, hear
from tests.ingest.refused import ECHO, nothing_kept_of, refusals
from tests.ingest.serving import Served, event
from tests.ingest.test_bad_requests import REQUESTS
from tests.waiting import until

ROOT = Path(__file__).parents[2]
HERE = "tests/ingest/test_bad_inputs.py"
WIRE = "tests/ingest/test_bad_requests.py"
SENT = f"{HERE}::test_a_bad_event_gets_its_exact_answer"
FORMED = f"{HERE}::test_a_body_of_another_form_is_415"
PARSED = f"{WIRE}::test_what_is_no_plain_request_is_refused_by_the_server"
HELD = {
    "I1": [SENT],
    "I2": [SENT],
    "I3": [FORMED],
    "I4": [SENT],
    "I5": [
        f"{HERE}::test_a_batch_with_bad_events_answers_for_each_and_keeps_the_good",
        f"{HERE}::test_an_event_that_cannot_be_read_is_refused_alone_in_its_batch",
    ],
    "I6": [
        f"{WIRE}::test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent",
        f"{WIRE}::test_a_chunked_body_is_refused_at_the_limit_and_the_connection_closed",
    ],
    "I7": [SENT],
    "I8": [SENT],
    "I9": [SENT],
    "I10": [FORMED],
    "I11": [SENT],
    "I12": [SENT],
    "I13": [SENT],
    "I14": [SENT],
    "I15": [SENT],
    "I16": [SENT],
    "I17": [SENT],
    "I18": [SENT],
    "I19": [
        f"{HERE}::test_what_is_only_unusual_is_taken",
        "tests/scoring/test_suspense.py::test_an_event_of_an_unknown_unit_is_worth_nothing_and_is_seen",
    ],
    "I20": [SENT],
    "I21": [SENT, f"{HERE}::test_what_is_only_unusual_is_taken"],
    "I22": [SENT],
    "I23": [
        f"{HERE}::test_an_event_of_a_closed_period_is_taken_and_said_to_be_after_the_close",
        "tests/ingest/test_closings.py::test_what_comes_at_the_cut_or_later_is_taken_and_named_late_and_so_is_its_retry",
        "tests/ingest/test_closings.py::test_a_batch_and_a_stream_of_lines_say_so_for_each",
    ],
    "I24": [f"{HERE}::test_the_same_again_is_a_duplicate_and_one_digit_more_a_conflict"],
    "I25": [
        f"{HERE}::test_the_same_again_is_a_duplicate_and_one_digit_more_a_conflict",
        "tests/ingest/test_notices.py::test_a_conflict_is_told_once_however_often_it_is_sent",
    ],
    "I26": [SENT],
    "I27": [FORMED],
    "I28": [FORMED],
    "I29": [PARSED],
    "I30": [PARSED, f"{WIRE}::test_what_a_header_says_of_the_caller_is_ignored"],
    "I31": [PARSED],
    "I32": [f"{WIRE}::test_a_body_that_drips_is_given_up_after_ten_seconds"],
    "I51": [
        "tests/ingest/test_inbound.py::test_persons_are_told_once_of_a_topic_and_a_code_until_nothing_of_it_is_open",
        "tests/ingest/test_inbound.py::test_a_bad_record_becomes_a_refusal_with_its_place_and_the_offset_goes_on",
        "tests/ingest/test_intake.py::test_each_bad_record_is_refused_with_its_place_its_offset_goes_on_and_people_are_alerted",
        "tests/ingest/test_binding.py::test_whatever_a_record_holds_it_is_read_or_refused_by_name",
        "tests/ingest/test_intake.py::test_what_a_source_sent_and_took_back_in_a_transaction_is_refused_with_its_place",
    ],
    "I52": [
        "tests/ingest/test_backpressure.py::test_a_client_above_its_rate_is_told_to_wait_and_others_are_served",
        "tests/ingest/test_backpressure.py::test_an_address_without_a_token_is_told_to_wait",
        "tests/web/test_turnstile.py::test_a_line_has_an_end_and_who_comes_after_it_is_told_to_wait",
        "tests/web/test_turnstile.py::test_of_a_thousand_and_one_strangers_each_is_told_when_to_come_and_who_finds_no_place_at_once",
    ],
}
EVERY = {f"I{number}" for number in (*range(1, 33), 51, 52)}


def test_every_row_is_held_by_a_test_that_there_is():
    assert HELD.keys() == EVERY
    for places in HELD.values():
        for place in places:
            path, _, name = place.partition("::")
            tree = ast.parse((ROOT / path).read_text("utf-8"))
            functions = ast.FunctionDef | ast.AsyncFunctionDef
            assert name in {node.name for node in tree.body if isinstance(node, functions)}, place
    of_cases = {case.split()[0] for case in (*BAD, *FORM, *REQUESTS)}
    assert {row for row, places in HELD.items() if {SENT, FORMED, PARSED} & {*places}} == of_cases


def raw(body) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def bad(**changes):
    return event(**{"id": ECHO} | changes)


def object_of(keys) -> bytes:
    return b"{" + b",".join(b'"%b":0' % key for key in keys) + b"}"


def ahead(**by) -> str:
    return (datetime.now(UTC) + timedelta(**by)).isoformat()


BAD = {
    "I1 id": (bad(id=...), 422, "missing_field", "/id"),
    "I1 source": (bad(source=...), 422, "missing_field", "/source"),
    "I1 type": (bad(type=...), 422, "missing_field", "/type"),
    "I1 specversion": (bad(specversion=...), 422, "missing_field", "/specversion"),
    "I2 0.3": (bad(specversion="0.3"), 422, "specversion", "/specversion"),
    "I2 a number": (bad(specversion=1), 422, "specversion", "/specversion"),
    "I2 1.0 as a number": (raw(bad(specversion=1.0)), 422, "specversion", "/specversion"),
    "I2 1.0 within data": (raw(bad(data={"specversion": 1.0})), 400, "number", None),
    "I4 nothing": (b"", 400, "empty", None),
    "I4 empty batch": ([], 422, "batch", None),
    "I4 501 events": ([bad()] * 501, 413, "batch_too_large", None),
    "I4 1,500 small events": ([bad(data={})] * 1500, 413, "batch_too_large", None),
    "I7": (bad(data={"number": "n", "remark": "y" * (256 << 10)}), 413, "event_too_large", None),
    "I8 65 levels": (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", 400, "depth", None),
    "I8 100,000 brackets": (b"[" * 100_000, 400, "depth", None),
    "I9 513 keys": (object_of(b"%d" % n for n in range(513)), 400, "complexity", None),
    "I9 as many keys as fit": (object_of(b"%x" % n for n in range(100_000)), 400, "complexity", None),
    "I9 200,000 items": (b"[" + b",".join([b"0"] * 200_000) + b"]", 400, "complexity", None),
    "I9 a key of 1 MB": (b'{"' + b"k" * 1_000_000 + b'":0}', 400, "complexity", None),
    "I11 NaN": (b'{"a":NaN}', 400, "non_finite", None),
    "I11 Infinity": (b'{"a":Infinity}', 400, "non_finite", None),
    "I11 -Infinity": (b'{"a":-Infinity}', 400, "non_finite", None),
    "I12 1e999": (b'{"a":1e999}', 400, "number", None),
    "I12 5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", 400, "number", None),
    "I12 -0": (b'{"a":-0}', 400, "number", None),
    "I12 30 digits": (b'{"a":' + b"9" * 30 + b"}", 400, "number", None),
    "I12 a fraction": (b'{"a":1.5}', 400, "number", None),
    "I12 a number of 19 digits": (b'{"a":' + b"9" * 19 + b"}", 400, "number", None),
    "I12 a decimal of 19 digits": (bad(amount="12345678901234567.89"), 422, "field", "/data/amount"),
    "I12 an integer for a decimal": (bad(amount=5), 422, "field", "/data/amount"),
    "I12 a decimal and a line end": (bad(amount="1.5\n"), 422, "field", "/data/amount"),
    "I13 top": (b'{"a":1,"a":2}', 400, "duplicate_key", None),
    "I13 nested": (rb'{"a":{"b":1,"\u0062":2}}', 400, "duplicate_key", None),
    "I14 byte order mark": (b"\xef\xbb\xbf{}", 400, "encoding", None),
    "I14 UTF-16": ('{"a":1}'.encode("utf-16"), 400, "encoding", None),
    "I14 no UTF-8": (b'{"a":"\xff"}', 400, "encoding", None),
    "I14 half a pair": (rb'{"a":"\ud800"}', 400, "encoding", None),
    "I14 NUL": (rb'{"a":"\u0000"}', 400, "encoding", None),
    "I15 trailing": (b"{} {}", 400, "json", None),
    "I15 a comment": (b"{} // so", 400, "json", None),
    "I15 quotes": (b"{'a':1}", 400, "json", None),
    "I16 score": (bad(data={"number": "n", "score": ECHO}), 422, "unknown_field", "/data"),
    "I16 is_admin": (bad(data={"number": "n", "is_admin": True}), 422, "unknown_field", "/data"),
    "I16 seq": (bad(data={"number": "n", "seq": 1}), 422, "unknown_field", "/data"),
    "I17": (bad(traceparent=ECHO), 422, "unknown_field", None),
    "I18": (bad(subject="2201"), 403, "source_scope", "/subject"),
    "I20 full width": (bad(subject="１１01"), 422, "code_charset", "/subject"),
    "I20 Cyrillic": (bad(subject="11\u0410"), 422, "code_charset", "/subject"),
    "I20 zero width": (bad(subject="11\u200b01"), 422, "code_charset", "/subject"),
    "I20 right to left": (bad(subject="11\u202e01"), 422, "code_charset", "/subject"),
    "I20 combining": (bad(subject="11e\u0301"), 422, "code_charset", "/subject"),
    "I20 a line end": (bad(subject="1101\n"), 422, "code_charset", "/subject"),
    "I20 a code of data and a line end": (bad(number="n\n"), 422, "field", "/data/number"),
    "I20 name not NFC": (bad(data={"number": "n", "remark": "e\u0301"}), 422, "text", "/data/remark"),
    "I20 name hidden": (bad(data={"number": "n", "remark": "a\u200bb"}), 422, "text", "/data/remark"),
    "I21 six minutes": (lambda: bad(time=ahead(minutes=6)), 422, "time_in_future", "/time"),
    "I22 no zone": (bad(time="2021-03-01T00:00:00"), 422, "time_format", "/time"),
    "I22 30 February": (bad(time="2021-02-30T00:00:00Z"), 422, "time_format", "/time"),
    "I22 leap second": (bad(time="2016-12-31T23:59:60Z"), 422, "time_format", "/time"),
    "I22 year 9999": (bad(time="9999-03-01T00:00:00Z"), 422, "time_format", "/time"),
    "I22 a line end": (bad(time="2021-03-01T00:00:00Z\n"), 422, "time_format", "/time"),
    "I22 +24:00": (bad(time="2021-03-01T00:00:00+24:00"), 422, "time_format", "/time"),
    "I26 10 kB": (bad(id=ECHO * 1700), 422, "id", "/id"),
    "I26 control": (bad(id=f"{ECHO}\t"), 422, "id", "/id"),
    "I26 a line end": (bad(id=f"{ECHO}\n"), 422, "id", "/id"),
    "I26 a path": (bad(id=f"../{ECHO}"), 422, "id", "/id"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_event_gets_its_exact_answer(served: Served, case: str):
    body, status, code, pointer = BAD[case]
    body = body() if callable(body) else body
    kind = BATCH if isinstance(body, list) else STRUCTURED
    with served.client() as client:
        answer = client.post("/v1/events", content=raw(body), headers={"content-type": kind})
        told = answer.json()
        assert (answer.status_code, told["code"], told["status"]) == (status, code, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert pointer is None or told["pointer"].startswith(pointer)
        assert ECHO not in answer.text
        assert client.get(f"/v1/events/desk/{ECHO}").status_code == 404
        digest = hashlib.sha256(digested(body)).hexdigest()
        (kept,) = (one for one in refusals(client) if (one["code"], one["digest"]) == (code, digest))
        assert ECHO not in json.dumps(kept)


def digested(body) -> bytes:
    """What of a refused input the digest is of: the canonical event, or the bytes that are no event."""
    if isinstance(body, dict):
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return raw(body)


GOOD = raw(bad())
FORM = {
    "I3 text": ({"content-type": "text/plain"}, GOOD, "content_type"),
    "I3 none": ({}, GOOD, "content_type"),
    "I3 a type of its own": ({"content-type": f"text/{ECHO}"}, GOOD, "content_type"),
    "I3 gbk": ({"content-type": f"{STRUCTURED}; charset=gbk"}, GOOD, "content_type"),
    "I3 digits": ({"content-type": f"{STRUCTURED}; charset*{'9' * 5_000}=x"}, GOOD, "content_type"),
    "I3 mixed": ({"content-type": f"{STRUCTURED}; charset*=utf-8''a; charset*0=b"}, GOOD, "content_type"),
    "I10 XML": ({"content-type": "application/xml"}, b'<!ENTITY a "&b;">' + GOOD, "content_type"),
    "I10 YAML": ({"content-type": "application/yaml"}, b"a: &a [*a, " + GOOD + b"]", "content_type"),
    "I27": ({"content-type": STRUCTURED, "content-encoding": "gzip"}, gzip.compress(GOOD + b" " * 10_000_000), "content_encoding"),
    "I28": ({"content-type": STRUCTURED, "content-encoding": "gzip, gzip"}, gzip.compress(gzip.compress(GOOD)), "content_encoding"),
    "I28 a coding of its own": ({"content-type": STRUCTURED, "content-encoding": ECHO}, GOOD, "content_encoding"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORM)
def test_a_body_of_another_form_is_415(served: Served, case: str):
    headers, body, code = FORM[case]
    with served.client() as client, nothing_kept_of(served) as answers:
        answer = client.post("/v1/events", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (415, code)
        answers.append(answer.content + json.dumps(dict(answer.headers)).encode())


def test_a_batch_with_bad_events_answers_for_each_and_keeps_the_good(served: Served):
    good = event(id="i5", number="i5")
    other = good | {"time": "2021-03-02T00:00:00Z"}
    with served.client() as client:
        batch = [good, event(id="i5b", type="no.such.v1"), good, other]
        answer = client.post("/v1/events", content=raw(batch), headers={"content-type": BATCH})
        assert answer.status_code == 200
        results = answer.json()["results"]
        assert [one["status"] for one in results] == ["created", "rejected", "duplicate", "conflict"]
        assert client.get("/v1/events/desk/i5").json()["receipt"] == results[0]["receipt"]
        assert client.get("/v1/events/desk/i5b").status_code == 404


def test_an_event_that_cannot_be_read_is_refused_alone_in_its_batch(served: Served):
    good, also = event(id="i5-first", number="i5-first"), event(id="i5-last", number="i5-last")
    bad = raw(event(id="i5-fraction")).replace(b'"1.50"', b"1.50")
    assert b":1.50" in bad.replace(b" ", b"")
    with served.client() as client:
        body = b"[" + b",".join([raw(good), bad, raw(also)]) + b"]"
        answer = client.post("/v1/events", content=body, headers={"content-type": BATCH})
        results = answer.json()["results"]
        assert [one["status"] for one in results] == ["created", "rejected", "created"]
        assert results[1]["problem"]["code"] == "number"
        kept = client.get("/v1/refusals", params={"limit": 200}).json()["items"]
        assert hashlib.sha256(bad).hexdigest() in {row["digest"] for row in kept}


def test_the_same_again_is_a_duplicate_and_one_digit_more_a_conflict(served: Served):
    sent = event(id="i24", number="i24")
    with served.client() as client:

        def answer(body):
            found = client.post("/v1/events", content=raw(body), headers={"content-type": STRUCTURED})
            return found.status_code, found.json()

        assert answer(sent)[0] == 201
        assert answer(dict(reversed(sent.items())))[0] == 200
        assert answer(dict(reversed(sent.items())))[1]["duplicate"] is True
        status, told = answer(sent | {"data": sent["data"] | {"amount": "1.51"}})
        assert (status, told["code"]) == (409, "id_conflict")
        rows = client.get("/v1/conflicts", params={"limit": 200}).json()["items"]
        assert [row["event_id"] for row in rows].count("i24") == 1


def test_what_is_only_unusual_is_taken(served: Served):
    soon = event(id="i21", number="i21", time=ahead(minutes=4))
    unknown = event(id="i19", number="i19", subject="11-nobody-knows")
    with served.client() as client:
        for body in (soon, unknown):
            answer = client.post("/v1/events", content=raw(body), headers={"content-type": STRUCTURED})
            assert answer.status_code == 201, answer.text


def test_an_event_of_a_closed_period_is_taken_and_said_to_be_after_the_close(served: Served):
    asyncio.run(heard(served.database))
    with served.client() as client:

        def answer(number: int, at: str):
            sent = event(id=f"i23-{number}", number=f"i23-{number}", time=at)
            return client.post("/v1/events", content=raw(sent), headers={"content-type": STRUCTURED})

        asked = count(1)
        late: list[httpx.Response] = []

        def told() -> bool:
            late[:] = [answer(next(asked), "2020-03-31T15:59:59.999999Z")]
            return "after_close" in late[0].json()

        until(told)
        assert late[0].status_code == 201
        assert late[0].json()["after_close"] == [{"scheme": "i23", "period": "2020-03"}]
        after = answer(next(asked), "2020-03-31T16:00:00Z")
        assert (after.status_code, after.json().get("after_close")) == (201, None)


async def heard(database: str) -> None:
    """Let an ingest hear that March 2020 was closed, in a year that no other test here speaks of."""
    engine = open_engine(database, "ingest")
    closed = MARCH | {"scheme": "i23", "period": "2020-03"}
    closed |= {
        "begins": "2020-02-29T16:00:00Z",
        "ends": "2020-03-31T16:00:00Z",
        "cut": "2020-04-09T16:00:00Z",
    }
    await hear(Exchange(engine, "ingest"), closes(closed))
    await engine.dispose()


@pytest.mark.parametrize("before", ["", "办结 "])
@pytest.mark.parametrize("text", ["a\x1b[31mb", "a\r\nb\tc", "<script>", "\x85", "\x7f"])
def test_whatever_script_a_text_is_in_its_control_characters_and_markup_stay(served: Served, before, text):
    named = f"i47-{(before + text).encode().hex()}"
    with served.client() as client:
        sent = event(id=named, data={"number": "n", "remark": before + text})
        answer = client.post("/v1/events", content=raw(sent), headers={"content-type": STRUCTURED})
        assert answer.status_code == 201, answer.text
        assert client.get(f"/v1/events/desk/{named}").json()["event"]["data"]["remark"] == before + text

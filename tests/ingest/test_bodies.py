"""Bodies at the door of ingest over a real PostgreSQL: binary events, wrong forms, and too much at once."""

import json

import pytest

from services.ingest.api import door as doors
from services.ingest.domain.binding import STRUCTURED
from shared.messaging import committer as committing
from tests.ingest.desk import door
from tests.ingest.rig import event, send

__all__ = ["door"]


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

"""The sample receiver: its vectors, and what it answers; faults.md I44."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples.receiver.receiver import (
    LARGEST_BODY,
    TOLERANCE_S,
    Inbox,
    Receiver,
    RefusedError,
    verified,
)
from services.notify.domain.signing import headers_of

FOLDER = Path(__file__).parents[2] / "samples" / "receiver"
VECTORS = json.loads((FOLDER / "vectors.json").read_text("utf-8"))
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEWER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
AT = datetime(2026, 11, 29, 8, tzinfo=UTC)
BODY = '{"title":"常务会议"}'.encode()


def headers_in(vector):
    return {name: vector[name] for name in HEADERS}


def signed(message="m1", body=BODY, at=AT, secrets=(SECRET,)):
    return dict(headers_of(message, at, body, secrets))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_every_vector_has_its_verdict(vector):
    body = vector["body"].encode()
    if vector["verdict"] == "taken":
        assert verified(vector["secrets"], headers_in(vector), body, vector["now"]) == vector["webhook-id"]
    else:
        with pytest.raises(RefusedError) as refused:
            verified(vector["secrets"], headers_in(vector), body, vector["now"])
        assert str(refused.value) == vector["verdict"]


def test_the_vectors_cover_what_a_receiver_must_refuse():
    assert {vector["verdict"] for vector in VECTORS} == {
        "taken", "too old or too new", "signature", "id", "timestamp",
    }  # fmt: skip


@given(st.binary(max_size=200), st.integers(0, 2_000_000_000))
def test_what_the_platform_signs_is_what_is_written_in_the_standard(content, seconds):
    body = json.dumps(content.hex()).encode()
    by_hand = hmac.new(
        base64.b64decode(SECRET[6:]), f"m1.{seconds}.".encode() + body, hashlib.sha256
    ).digest()
    made = headers_of("m1", datetime.fromtimestamp(seconds, UTC), body, [SECRET])
    assert made["webhook-signature"] == f"v1,{base64.b64encode(by_hand).decode()}"
    assert verified([SECRET], made, body, seconds) == "m1"


@given(st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=60)), st.binary(max_size=60))
def test_whatever_comes_is_refused_and_breaks_nothing(headers, body):
    with pytest.raises(RefusedError):
        verified([SECRET], headers, body, AT.timestamp())


@given(st.data())
def test_a_message_with_one_byte_changed_is_refused(data):
    headers = signed()
    at = data.draw(st.integers(0, len(BODY) - 1))
    changed = bytes([*BODY[:at], BODY[at] ^ data.draw(st.integers(1, 255)), *BODY[at + 1 :]])
    with pytest.raises(RefusedError):
        verified([SECRET], headers, changed, AT.timestamp())


class Sent:
    """A receiver with a clock of the test."""

    def __init__(self, folder, secrets=(SECRET,)):
        self.inbox = Inbox(folder / "inbox.db")
        self.now = AT.timestamp()
        self.receiver = Receiver(secrets, self.inbox, lambda: self.now)

    async def post(self, headers, body=BODY, method="POST"):
        transport = httpx.ASGITransport(self.receiver)
        async with httpx.AsyncClient(transport=transport, base_url="https://hooks.example.com") as client:
            return (await client.request(method, "/in", headers=headers, content=body)).status_code


@pytest.fixture
def sent(tmp_path):
    return Sent(tmp_path)


async def test_a_message_is_kept_once_however_often_it_comes(sent):
    assert [await sent.post(signed()) for _ in range(3)] == [204, 204, 204]
    assert sent.inbox.entries() == [("m1", BODY.decode())]


async def test_an_attempt_hours_later_is_the_same_message(sent):
    await sent.post(signed())
    sent.now += 7 * 3600
    later = datetime.fromtimestamp(sent.now, UTC)
    assert await sent.post(signed(at=later)) == 204
    assert len(sent.inbox.entries()) == 1


async def test_what_is_seen_outlives_a_restart_and_every_replay(sent, tmp_path):
    await sent.post(signed())
    again = Sent(tmp_path)
    again.now += TOLERANCE_S
    assert await again.post(signed()) == 204
    again.now += 1
    assert await again.post(signed()) == 400
    assert len(again.inbox.entries()) == 1


async def test_ten_minutes_later_it_is_refused_although_the_signature_is_right(sent):
    sent.now += 600
    assert await sent.post(signed()) == 400
    assert sent.inbox.entries() == []


async def test_after_a_rotation_the_old_secret_is_refused_when_it_was_dropped(sent):
    sent.receiver.secrets = (NEWER, SECRET)
    assert await sent.post(signed("m1")) == 204
    sent.receiver.secrets = (NEWER,)
    assert await sent.post(signed("m2")) == 401
    assert await sent.post(signed("m3", secrets=(NEWER, SECRET))) == 204
    assert [message for message, _ in sent.inbox.entries()] == ["m1", "m3"]


@pytest.mark.parametrize("name", HEADERS)
async def test_a_header_that_is_missing_or_stands_twice_is_refused(sent, name):
    headers = signed()
    missing = {other: value for other, value in headers.items() if other != name}
    assert await sent.post(missing) in {400, 401}
    assert await sent.post([*headers.items(), (name, headers[name])]) in {400, 401}
    assert sent.inbox.entries() == []


async def test_too_large_a_body_and_another_method_are_refused(sent):
    large = b'"' + b"a" * LARGEST_BODY + b'"'
    assert await sent.post(signed(body=large), large) == 413
    assert await sent.post(signed(), method="PUT") == 405
    assert sent.inbox.entries() == []


def test_a_receiver_without_a_secret_does_not_start(tmp_path):
    with pytest.raises(AssertionError):
        Receiver((), Inbox(tmp_path / "inbox.db"))

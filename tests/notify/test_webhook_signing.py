"""Signatures after Standard Webhooks: its published vector, rotation, and what is signed."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from services.notify.domain.signing import headers_of

# The vector that the libraries of Standard Webhooks are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SECONDS = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
AT = datetime.fromtimestamp(SECONDS, UTC)


def test_the_published_vector():
    assert headers_of(MESSAGE, AT, BODY, [SECRET]) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": str(SECONDS),
        "webhook-signature": SIGNATURE,
    }


def test_the_time_is_an_instant_whatever_its_zone_and_fraction():
    local = AT.astimezone(timezone(timedelta(hours=8))) + timedelta(milliseconds=999)
    assert headers_of(MESSAGE, local, BODY, [SECRET]) == headers_of(MESSAGE, AT, BODY, [SECRET])


def test_while_secrets_are_rotated_both_sign():
    signature = headers_of(MESSAGE, AT, BODY, [OTHER, SECRET])["webhook-signature"]
    assert signature.split(" ") == [
        headers_of(MESSAGE, AT, BODY, [OTHER])["webhook-signature"],
        SIGNATURE,
    ]


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_the_library_of_a_receiver_that_knows_either_secret_takes_it(secret):
    now = datetime.now(UTC)
    headers = dict(headers_of(MESSAGE, now, BODY, [OTHER, SECRET]))
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 32).verify(BODY, headers)


def test_chinese_text_is_signed_as_its_bytes():
    body = '{"title":"常务会议决定事项"}'.encode()
    headers = dict(headers_of("m1", datetime.now(UTC), body, [SECRET]))
    assert Webhook(SECRET).verify(body, headers) == {"title": "常务会议决定事项"}


@pytest.mark.parametrize(("message", "secrets"), [("a.b", [SECRET]), ("m1", [])])
def test_an_id_with_a_dot_and_a_message_without_secret_are_our_own_mistakes(message, secrets):
    with pytest.raises(AssertionError):
        headers_of(message, AT, BODY, secrets)

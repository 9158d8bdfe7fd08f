"""The headers of a message after Standard Webhooks 1.0: who sent it, when, and that nobody changed it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook

PREFIX = "whsec_"
SECRET_BYTES = 24


def headers_of(message: str, at: datetime, body: bytes, secrets: Sequence[str]) -> Mapping[str, str]:
    """Return the three headers; every secret signs, so that a receiver may know the old or the new one.

    `message` holds no dot, because what is signed is `message.seconds.body`.
    """
    assert "." not in message, "an id with a dot could be read as another id and time"
    assert secrets, "what nobody signed is not sent"
    moment = at.astimezone(UTC)
    written = body.decode()
    signatures = [Webhook(secret).sign(message, moment, written) for secret in secrets]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }

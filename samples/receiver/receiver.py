"""A receiver of webhooks to copy: what the platform sent, unchanged and just now, is kept once.

    RECEIVER_SECRETS=whsec_… RECEIVER_FILE=inbox.db \
        uvicorn receiver:app_of_environment --factory --ssl-keyfile key.pem --ssl-certfile cert.pem

It is plain ASGI and needs `standardwebhooks` and a server. While secrets are rotated, name the new and the
old one, separated by a blank.
"""

import hmac
import os
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

TOLERANCE_S = 300
LARGEST_BODY = 1 << 20
MOST_SIGNATURES = 16
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")  # no dot: `a.b` and `a` with another time would be signed alike
_SECONDS = re.compile(r"[0-9]{1,12}\Z")


class RefusedError(Exception):
    """A message is not taken; the status tells the sender, the reason is for our log alone."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def verified(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Return the id of a message that was signed by one of our secrets within the last five minutes."""
    message = headers.get("webhook-id", "")
    seconds = headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    if not _ID.match(message):
        raise RefusedError(400, "id")
    if not _SECONDS.match(seconds):
        raise RefusedError(400, "timestamp")
    if abs(now - int(seconds)) > TOLERANCE_S:
        raise RefusedError(400, "too old or too new")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise RefusedError(400, "encoding") from None
    at = datetime.fromtimestamp(int(seconds), UTC)
    expected = [Webhook(secret).sign(message, at, text).encode() for secret in secrets]
    # Every pair is compared, each in constant time: how long it takes tells nothing about a signature.
    matches = [hmac.compare_digest(one, given.encode()) for one in expected for given in signatures]
    if not any(matches):
        raise RefusedError(401, "signature")
    return message


class Inbox:
    """What came, by its id. An id stays as long as what it brought: longer than any retry or replay."""

    def __init__(self, file: Path) -> None:
        self._file = file
        with closing(self._open()) as database, database:
            database.execute(
                "CREATE TABLE IF NOT EXISTS inbox (id TEXT PRIMARY KEY, at REAL NOT NULL, body TEXT NOT NULL)"
            )

    def keep(self, message: str, at: float, body: bytes) -> bool:
        """Keep a message with its id in one transaction; tell whether it is new. Do your work in it, too."""
        with closing(self._open()) as database, database:
            statement = "INSERT OR IGNORE INTO inbox VALUES (?, ?, ?)"
            return database.execute(statement, (message, at, body.decode())).rowcount == 1

    def entries(self) -> list[tuple[str, str]]:
        """Return the ids and bodies of what came, in order."""
        with closing(self._open()) as database:
            return database.execute("SELECT id, body FROM inbox ORDER BY rowid").fetchall()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=10)


class Receiver:
    """The application: 204 for what was kept, now or before; anything else has no effect."""

    def __init__(self, secrets: Sequence[str], inbox: Inbox, clock: Callable[[], float] = time.time) -> None:
        assert secrets, "without a secret anybody could write to us"
        self.secrets = secrets
        self._inbox = inbox
        self._clock = clock

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            status = await self._status(scope, receive)
            await send(
                {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]}
            )
            await send({"type": "http.response.body", "body": b""})

    async def _status(
        self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Mapping[str, Any]]]
    ) -> int:
        if scope["method"] != "POST":
            return 405
        try:
            body = await _body(receive)
            now = self._clock()
            message = verified(self.secrets, _headers(scope), body, now)
        except RefusedError as refused:
            return refused.status
        self._inbox.keep(message, now, body)
        return 204


def app_of_environment() -> Receiver:
    """Return the application as the environment describes it."""
    return Receiver(os.environ["RECEIVER_SECRETS"].split(), Inbox(Path(os.environ["RECEIVER_FILE"])))


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers; one that stands twice is as good as none."""
    names = [name for name, _ in scope["headers"]]
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in scope["headers"]
        if names.count(name) == 1
    }


async def _body(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> bytes:
    body, more = b"", True
    while more:
        part = await receive()
        if part["type"] == "http.disconnect":
            raise RefusedError(400, "disconnected")
        body += part.get("body", b"")
        more = part.get("more_body", False)
        if len(body) > LARGEST_BODY:
            raise RefusedError(413, "too large")
    return body

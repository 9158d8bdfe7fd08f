"""Cursors of pages: opaque to whoever asks, bound to the question that they were made for."""

import base64
import binascii
from typing import TypeVar

import msgspec

from shared.kernel.digests import key_digest
from shared.kernel.errors import Refused, refuse

BOUND_BYTES = 6

Place = TypeVar("Place", bound=tuple[str | int | bytes, ...])


def write(place: tuple[str | int | bytes, ...], question: str) -> str:
    """Write where a page goes on."""
    written = msgspec.json.encode((_bound(question), *place))
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def read(text: str, question: str, kind: type[Place]) -> Place:
    """Read where a page goes on, or refuse what is not a cursor of this question."""
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        bound, *place = msgspec.json.decode(raw, type=list[str | int])
        found = msgspec.convert(tuple(place), kind)
    except (binascii.Error, ValueError):
        raise refused() from None
    if bound != base64.b64encode(_bound(question)).decode():
        raise refused()
    return found


def refused() -> Refused:
    """Return the refusal of a cursor."""
    reason = "Pass `next` of the page before, with the same question, or nothing."
    return refuse(422, "cursor", reason, pointer="/query/after")


def _bound(question: str) -> bytes:
    return key_digest("cursor", question)[:BOUND_BYTES]

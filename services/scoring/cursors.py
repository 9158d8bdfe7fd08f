"""Cursors of pages: opaque to whoever asks, bound to the question that they were made for."""

import base64
import binascii
from dataclasses import dataclass

import msgspec

from services.scoring.cases import Found
from shared.kernel.digests import key_digest
from shared.kernel.errors import Refused, refuse
from shared.kernel.shards import SHARDS

BOUND_BYTES = 6


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page goes on: the case under its place, and how many of its rows were told."""

    found: Found
    rows: int


class _Written(msgspec.Struct, array_like=True):
    bound: bytes
    unit: str
    month: int
    grp: bytes
    shard: int
    rows: int


_READ = msgspec.json.Decoder(_Written)


def write(cursor: Cursor, question: str) -> str:
    """Write a cursor as text."""
    written = _Written(_bound(question), *cursor.found, cursor.rows)
    return base64.urlsafe_b64encode(msgspec.json.encode(written)).decode().rstrip("=")


def read(text: str, question: str) -> Cursor:
    """Read a cursor, or refuse one that is not of this question with `cursor`."""
    try:
        written = _READ.decode(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        raise refused() from None
    if written.bound != _bound(question) or written.shard not in range(SHARDS) or written.rows < 0:
        raise refused()
    return Cursor((written.unit, written.month, written.grp, written.shard), written.rows)


def refused() -> Refused:
    """Return the refusal of a cursor."""
    return refuse(
        422,
        "cursor",
        "Pass `next` of the page before, with the same question, or nothing.",
        pointer="/query/after",
    )


def _bound(question: str) -> bytes:
    return key_digest("cursor", question)[:BOUND_BYTES]

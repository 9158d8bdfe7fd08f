"""Reads lines from a body that comes as it comes: bounded in bytes a line, in bytes ahead, in silence."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from services.ingest.domain.catalogue import Catalogue
from services.ingest.domain.quick import read_event
from services.ingest.domain.sources import Sender
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Problem

LINE_BYTES = 256 << 10
SILENCE_S = 30.0
TOO_LONG = Problem(413, "event_too_large", f"A line has at most {LINE_BYTES} bytes.")
SILENT = Problem(408, "slow_body", f"Nothing came for {SILENCE_S:g} s.", headers={"connection": "close"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, by its number from 1; of one that is too long only the digest is left."""

    number: int
    text: bytes
    digest: str = ""

    def event(self, catalogue: Catalogue, sender: Sender) -> object:
        """Read the line, plain ones the short way, or return the Problem why it is not taken."""
        return TOO_LONG if self.digest else read_event(self.text, catalogue, sender)

    def digest_hex(self) -> str:
        """Return the SHA-256 of the line as it came."""
        return self.digest or sha256_hex(self.text)


class Splitter:
    """Makes lines of pieces; never holds more than one line."""

    def __init__(self) -> None:
        self._number = 0
        self._begun = bytearray()
        self._passed = None

    def lines(self, piece: bytes) -> Iterator[Line]:
        """Yield the lines that end in this piece."""
        *ends, rest = piece.split(b"\n")
        for end in ends:
            self._add(end)
            yield from self.end()
        self._add(rest)

    def end(self) -> Iterator[Line]:
        """Yield the line that was begun, if it is not blank."""
        self._number += 1
        if self._passed is not None:
            yield Line(self._number, b"", self._passed.hexdigest())
        elif text := bytes(self._begun).strip(b" \t\r"):
            yield Line(self._number, text)
        self._begun, self._passed = bytearray(), None

    def _add(self, piece: bytes) -> None:
        if self._passed is not None:
            self._passed.update(piece)
            return
        self._begun += piece
        if len(self._begun) > LINE_BYTES:
            self._passed = hashlib.sha256(self._begun)
            self._begun = bytearray()

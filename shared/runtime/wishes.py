"""Whoever wishes for another protocol is served by this one: the request is read again without its wish."""

import sys
from collections.abc import Iterable, Iterator

import httptools

from shared.runtime.answering import UNKNOWN_METHOD, Answering

WISHES = frozenset({b"upgrade", b"http2-settings"})


class WithoutWishes(Answering):
    """Passes over the wish of a request for another protocol (RFC 9110, 7.8); we are no tunnel."""

    @property
    def _wishes(self) -> bool:
        """Whether a request wishes for another protocol, so that the parser takes its body for that."""
        return self.parser.should_upgrade()

    def on_headers_complete(self) -> None:
        """Begin a request, unless it is about to be read again."""
        if not self._wishes:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End a request, unless it is about to be read again."""
        if not self._wishes:
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Read a request again without its wish.

        The server calls this while the parser's exception, which holds the place of the body, is handled.
        """
        if self.parser.get_method() == b"CONNECT":
            self._end_with(UNKNOWN_METHOD)
            return
        place = sys.exception()
        assert isinstance(place, httptools.HttpParserUpgrade)
        rest = self._part[place.args[0] :].tobytes()
        line = b"%b %b HTTP/%b\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode("ascii"),
        )
        fields = b"".join(b"%b: %b\r\n" % field for field in _without_wish(self.headers))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as the server's own
        self._feed(memoryview(line + fields + b"\r\n" + rest))


def _without_wish(headers: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for name, value in headers:
        if name == b"connection":
            kept = [one for one in value.split(b",") if one.strip().lower() not in WISHES]
            yield name, b",".join(kept)
        elif name not in WISHES:
            yield name, value

"""Closing while a client still sends: a plain close would reset the connection, and the answer with it."""

import asyncio
from collections.abc import Callable
from typing import Any

from shared.kernel.strict_json import MIB

LINGER_S = 2.0
LINGER_BYTES = 4 * MIB


class Lingering(asyncio.Transport):
    """A transport that, while a request is not read to its end, ends first what it sends (RFC 9112, 9.6).

    What comes then is thrown away until the client closes, up to a bound of seconds and bytes.
    """

    def __init__(self, transport: asyncio.Transport, unread: Callable[[], bool]) -> None:
        super().__init__()
        self._transport = transport
        self._unread = unread
        self._room = LINGER_BYTES
        self.lingers = False

    def close(self) -> None:
        """Close at once if nothing more is to come, or if asked again."""
        if self.is_closing() or not self._unread():
            self._transport.close()
            return
        self.lingers = True
        self._transport.write_eof()
        self._transport.resume_reading()
        asyncio.get_running_loop().call_later(LINGER_S, self._transport.close)

    def forget(self) -> None:
        """Ask no more whether something is to come: the connection is lost."""
        self._unread = _nothing

    def throw_away(self, data: bytes) -> None:
        """Take what comes after the answer."""
        self._room -= len(data)
        if self._room <= 0:
            self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing more is answered."""
        return self.lingers or self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        self._transport.write(data)

    def pause_reading(self) -> None:
        """Let the client wait."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Let the client go on."""
        self._transport.resume_reading()


def _nothing() -> bool:
    return False

"""How the real server speaks with a connection: one that begins above its caller's rate is turned away."""

import asyncio
from functools import partial
from typing import Any, cast
from urllib.parse import unquote

import httptools

from shared.runtime.answering import last_answer
from shared.runtime.wishes import WithoutWishes
from shared.web.gate import Gate, turned_away
from shared.web.guard import count_answer


def protocol_of(gate: Gate) -> type[asyncio.Protocol]:
    """Return what makes the protocol of each connection that comes to a gate."""
    return cast("type[asyncio.Protocol]", partial(Protocol, gate=gate))


class Protocol(WithoutWishes):
    """Turns a connection away whose first request comes above its caller's rate, if there is a gate.

    Nothing but the parser has seen it then: a crowd of strangers, each of whom opens a connection, takes
    half as much of the loop as if each were told by the application.
    """

    _refusal: bytes | None = None
    _whole = False

    def __init__(self, *args: Any, gate: Gate | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self._gate = gate

    def data_received(self, data: bytes) -> None:
        """Parse what comes, unless the connection is turned away."""
        if self._refusal is not None and not self._line.lingers:
            self._whole = False
            return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Begin a request, unless its connection begins above a rate."""
        if self._wishes or not self._turns_away():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take of a body what is worked on."""
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        if self._refusal is None:
            super().on_message_complete()
        else:
            self._whole = True

    def shutdown(self) -> None:
        """Begin to end: one that is held is told at once."""
        if self._refusal is None:
            super().shutdown()
        else:
            self._turn_away()

    def _turns_away(self) -> bool:
        """Turn a connection away at its first request if that comes above a rate; tell whether it is."""
        if self._refusal is None and self._gate is not None and not self.cycle:
            address, path = (self.client or ("?",))[0], httptools.parse_url(self.url).path.decode("ascii")
            over_s = self._gate.over_s(self._gate.caller(self.headers, address, unquote(path)))
            if over_s:
                method = self.parser.get_method().decode("ascii")
                count_answer(method, 429)
                self._refusal = last_answer(turned_away(over_s), has_body=method != "HEAD")
                self._hold(self._gate)
        return self._refusal is not None

    def _hold(self, gate: Gate) -> None:
        if gate.hold():
            self.loop.call_later(gate.hold_s, gate.let_go)
            self.loop.call_later(gate.hold_s, self._turn_away)
        else:
            self.loop.call_soon(self._turn_away)

    def _turn_away(self) -> None:
        if self._refusal is not None and not self.transport.is_closing():
            self.transport.write(self._refusal)
            self.transport.close()

    def _unread(self) -> bool:
        return super()._unread() if self._refusal is None else not self._whole

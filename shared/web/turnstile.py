"""Lets each caller through at its rate, so that one who comes too often takes nothing from the others.

A caller is a client whose token is known here, else an address: a first token is checked on its address's
account of tokens, so that guessing them is slow. Probes, and what comes without a token, have accounts of
their own: a crowd without tokens keeps nobody behind the same address from showing a new one. Of one client a
few requests are worked on at a time and the others wait in line: who comes with many at once delays itself.
Of these too a few begin at once, the rest one by one at the client's rate, so that a burst takes no more of
the loop than a client that comes evenly. Those behind one address are strangers to each other and wait for
nobody. What is turned away is held for a moment first: who waits for an answer does not ask again meanwhile.
"""

import asyncio
import math
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.kernel.errors import Problem
from shared.telemetry.metrics import METRICS
from shared.web.problems import answer
from shared.web.rates import Rate, Rates
from shared.web.tokens import TokenCheck

AT_WORK_REQUESTS = 8  # of one client, and so many begin at once
AT_ONCE_REQUESTS = 128  # of one caller, in line and at work
HELD_REQUESTS = 1_000  # of all callers
HOLD_S = 1.0
PROBES = frozenset({"/livez", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class _Caller:
    name: str
    rate: Rate
    at_work: int


@dataclass(slots=True)
class _Line:
    """The requests of one caller that are not answered yet."""

    room: asyncio.Semaphore
    inside: int = 0
    due_s: float = 0.0

    def wait_s(self, caller: _Caller, now_s: float) -> float:
        """Return how long one that comes now waits until it begins: as many as are at work begin at once."""
        self.due_s = max(self.due_s, now_s) + 1 / caller.rate.per_s
        return max(0.0, self.due_s - now_s - caller.at_work / caller.rate.per_s)


class Turnstile:
    """Answer 429 to what comes above a caller's rate, before anything of it is read."""

    def __init__(
        self, app: ASGIApp, *, tokens: TokenCheck | None, client_rate: Rate, address_rate: Rate
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._client_rate = client_rate
        self._address_rate = address_rate
        self._rates = Rates()
        self._lines: dict[str, _Line] = {}
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or turn it away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = self._caller(scope)
        wait_s = self._rates.wait_s(caller.name, caller.rate)
        if wait_s == 0.0 and self._is_long(caller.name):
            wait_s = HOLD_S
        if wait_s:
            await self._turn_away(wait_s, scope, receive, send)
            return
        line = self._lines.get(caller.name) or _Line(asyncio.Semaphore(caller.at_work))
        self._lines[caller.name] = line
        line.inside += 1
        try:
            begins_s = line.wait_s(caller, asyncio.get_running_loop().time())
            if begins_s:
                await asyncio.sleep(begins_s)
            async with line.room:
                await self._app(scope, receive, send)
        finally:
            line.inside -= 1
            if not line.inside:
                del self._lines[caller.name]

    def _is_long(self, caller: str) -> bool:
        return caller in self._lines and self._lines[caller].inside >= AT_ONCE_REQUESTS

    async def _turn_away(self, wait_s: float, scope: Scope, receive: Receive, send: Send) -> None:
        METRICS.count("dukao_turned_away_total", reason="rate")
        headers = {"retry-after": str(max(1, math.ceil(wait_s)))}
        if self._held < HELD_REQUESTS:
            self._held += 1
            try:
                await asyncio.sleep(HOLD_S)
            finally:
                self._held -= 1
        else:
            headers["connection"] = "close"
        problem = Problem(429, "too_many_requests", "Come again later.", headers=headers)
        await answer(problem)(scope, receive, send)

    def _caller(self, scope: Scope) -> _Caller:
        account = "probe" if scope["path"] in PROBES else "nobody"
        if self._tokens is not None:
            for name, value in scope["headers"]:
                if name == b"authorization":
                    subject = self._tokens.known(value.partition(b" ")[2].decode("latin-1"))
                    if subject is not None:
                        return _Caller(subject.caller, self._client_rate, AT_WORK_REQUESTS)
                    account = "token"
        address = (scope.get("client") or ("?",))[0]
        return _Caller(f"@{address} {account}", self._address_rate, AT_ONCE_REQUESTS)

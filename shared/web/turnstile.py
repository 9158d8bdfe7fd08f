"""Lets each caller through at its rate, so that one who comes too often takes nothing from the others.

Of one client a few requests are worked on at a time and the others wait in line: who comes with many at once
delays itself. Of these too a few begin at once, the rest one by one at the client's rate, so that a burst
takes no more of the loop than a client that comes evenly. Those behind one address are strangers to each
other and wait for nobody.
"""

import asyncio
from dataclasses import dataclass, replace

from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.gate import AT_ONCE_REQUESTS, Caller, Gate, turned_away
from shared.web.problems import answer


@dataclass(slots=True)
class _Line:
    """The requests of one caller that are not answered yet."""

    room: asyncio.Semaphore
    inside: int = 0
    due_s: float = 0.0

    def wait_s(self, caller: Caller, now_s: float) -> float:
        """Return how long one that comes now waits until it begins: as many as are at work begin at once."""
        self.due_s = max(self.due_s, now_s) + 1 / caller.rate.per_s
        return max(0.0, self.due_s - now_s - caller.at_work / caller.rate.per_s)


class Turnstile:
    """Answer 429 to what comes above a caller's rate, before anything of it is read."""

    def __init__(self, app: ASGIApp, *, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._lines: dict[str, _Line] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through, or turn it away."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = (scope.get("client") or ("?",))[0]
        caller = self._gate.caller(scope["headers"], address, scope["path"])
        wait_s = self._gate.wait_s(caller)
        if wait_s == 0.0 and self._is_long(caller.name):
            wait_s = self._gate.hold_s
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
        problem = turned_away(wait_s)
        if self._gate.hold():
            try:
                await asyncio.sleep(self._gate.hold_s)
            finally:
                self._gate.let_go()
        else:
            problem = replace(problem, headers={**problem.headers, "connection": "close"})
        await answer(problem)(scope, receive, send)

"""Tells who asks at a door, and whether they ask too often.

A caller is a client whose token is known here, else an address: a first token is checked on its address's
account of tokens, so that guessing them is slow. Probes, and what comes without a token, have accounts of
their own: a crowd without tokens keeps nobody behind the same address from showing a new one. What is turned
away is held for a moment first: who waits for an answer does not ask again meanwhile.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from shared.kernel.errors import Problem
from shared.telemetry.metrics import METRICS
from shared.web.rates import Rate, Rates
from shared.web.tokens import TokenCheck

AT_WORK_REQUESTS = 8  # of one client, and so many begin at once
AT_ONCE_REQUESTS = 128  # of one caller, in line and at work
HELD_REQUESTS = 1_000  # of all callers
HOLD_S = 1.0
PROBES = frozenset({"/livez", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose account a request is on, how often it may come and how many of its requests are worked on."""

    name: str
    rate: Rate
    at_work: int


class Gate:
    """Counts what each caller asks, and how many that were turned away are held."""

    def __init__(
        self,
        *,
        tokens: TokenCheck | None,
        client_rate: Rate,
        address_rate: Rate,
        hold_s: float = HOLD_S,
    ) -> None:
        self._tokens = tokens
        self._client_rate = client_rate
        self._address_rate = address_rate
        self._rates = Rates()
        self._held = 0
        self.hold_s = hold_s

    def caller(self, headers: Iterable[tuple[bytes, bytes]], address: str, path: str) -> Caller:
        """Return who asks for a path from an address."""
        account = "probe" if path in PROBES else "nobody"
        if self._tokens is not None:
            for name, value in headers:
                if name == b"authorization":
                    subject = self._tokens.known(value.partition(b" ")[2].decode("latin-1"))
                    if subject is not None:
                        return Caller(subject.caller, self._client_rate, AT_WORK_REQUESTS)
                    account = "token"
        return Caller(f"@{address} {account}", self._address_rate, AT_ONCE_REQUESTS)

    def wait_s(self, caller: Caller) -> float:
        """Count a request and return 0, or return how long the caller has to wait until one is counted."""
        return self._rates.wait_s(caller.name, caller.rate)

    def over_s(self, caller: Caller) -> float:
        """Return what `wait_s` would, and count nothing."""
        return self._rates.over_s(caller.name, caller.rate)

    def hold(self) -> bool:
        """Take a place to be held at, to be let go of afterwards; without one a caller is told at once."""
        if self._held >= HELD_REQUESTS:
            return False
        self._held += 1
        return True

    def let_go(self) -> None:
        """Give a place back."""
        self._held -= 1


def turned_away(wait_s: float) -> Problem:
    """Count one that is turned away, and return what it is told."""
    METRICS.count("dukao_turned_away_total", reason="rate")
    headers = {"retry-after": str(max(1, math.ceil(wait_s)))}
    return Problem(429, "too_many_requests", "Come again later.", headers=headers)

"""How often each caller may come: a bounded rate with a bounded burst, in one number a caller."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

BURST_S = 2.0
CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests a second for long; what was not used in the last two seconds may come at once."""

    per_s: float


CLIENT_RATE = Rate(200)
ADDRESS_RATE = Rate(50)


class Rates:
    """Keeps for each caller when all it has asked for would be due at its rate; the idlest are forgotten."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._due: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, caller: str, rate: Rate) -> float:
        """Count a request and return 0, or return how long the caller has to wait until one is counted."""
        now = self._monotonic()
        due, over_s = self._next(caller, rate, now)
        if over_s > 0:
            return over_s
        self._due[caller] = due
        self._due.move_to_end(caller)
        if len(self._due) > CALLERS:
            self._due.popitem(last=False)
        return 0.0

    def over_s(self, caller: str, rate: Rate) -> float:
        """Return what `wait_s` would, and count nothing."""
        return max(0.0, self._next(caller, rate, self._monotonic())[1])

    def _next(self, caller: str, rate: Rate, now: float) -> tuple[float, float]:
        due = max(self._due.get(caller, now), now) + 1 / rate.per_s
        return due, due - now - BURST_S

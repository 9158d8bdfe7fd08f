"""What is refused rests a while before it is asked again, and longer each time; only changes are logged."""

from collections.abc import Hashable
from dataclasses import dataclass

from shared.telemetry.logs import logger

FIRST_S = 0.1
LONGEST_S = 2.0

_LOG = logger(__name__)


@dataclass(frozen=True, slots=True)
class _Rest:
    reason: str
    pause_s: float
    until: float


class Rests:
    """Who rests until when, by a clock in seconds that the caller reads."""

    def __init__(self) -> None:
        self._rests: dict[Hashable, _Rest] = {}

    def refused(self, who: Hashable, reason: str, now: float) -> float:
        """Let `who` rest, twice as long as the last time; return for how many seconds."""
        before = self._rests.get(who)
        if before is None or before.reason != reason:
            _LOG.warning("Kafka refuses, asked again less and less often", who=str(who), reason=reason)
        pause_s = FIRST_S if before is None else min(2 * before.pause_s, LONGEST_S)
        self._rests[who] = _Rest(reason, pause_s, now + pause_s)
        return pause_s

    def answered(self, who: Hashable) -> None:
        """Forget that `who` was refused."""
        if self._rests and (before := self._rests.pop(who, None)) is not None:
            _LOG.info("Kafka answers again", who=str(who), refused=before.reason)

    def resting(self, now: float) -> dict[Hashable, float]:
        """Return who rests now and for how many seconds yet."""
        return {who: rest.until - now for who, rest in self._rests.items() if rest.until > now}
